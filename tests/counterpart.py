# SPDX-License-Identifier: Apache-2.0
"""A daemon's side of the wire that a test plays by hand, and patience for what other threads do."""

import contextlib
import os
import queue
import threading
import time

import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from bridge_server.protocol.discovery import RuntimeFile
from bridge_server.protocol.messages import PROTOCOL_VERSION, Welcome
from bridge_server.server.frames import decode_request, event_frame, failure_frame, reply_frame

#: Seconds after which a test gives up on what should happen much sooner.
SOON = 10


def eventually(condition):
    """Wait until something holds that another thread or process brings about."""
    deadline = time.monotonic() + SOON
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
    return result


class Talk:
    """One connection of the client."""

    def __init__(self, socket):
        self.socket = socket
        self.over = threading.Event()

    def request(self):
        """The client's next request: (id, request)."""
        return decode_request(self.socket.recv(SOON))

    def silence(self, seconds=0.05):
        """Nothing comes for so long."""
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"unexpected: {decode_request(self.socket.recv(seconds))}")

    def reply(self, request_id, result):
        """Answer."""
        self.socket.send(reply_frame(request_id, result))

    def fail(self, request_id, error):
        """Answer that it can't be done."""
        self.socket.send(failure_frame(request_id, error))

    def event(self, event):
        """Tell something."""
        self.socket.send(event_frame(event))

    def raw(self, frame):
        """Say anything."""
        self.socket.send(msgpack.packb(frame) if isinstance(frame, dict) else frame)

    def welcome(self, session="s1", max_message=2**20):
        """Answer the hello; returns it."""
        request_id, hello = self.request()
        self.reply(request_id, Welcome(PROTOCOL_VERSION, "9.9", session, max_message, 2**20))
        return hello

    def drop(self):
        """Break the connection as a crash does, without a word."""
        with contextlib.suppress(OSError):
            self.socket.socket.shutdown(2)
        self.over.set()


class Counterpart:
    """Listens on a free port; each connection waits for the test to take it."""

    def __init__(self):
        self._talks = queue.Queue()
        self._open = []
        self._server = serve(self._handle, "127.0.0.1", 0, compression=None, max_size=None)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        port = self._server.socket.getsockname()[1]
        self.runtime = RuntimeFile(f"ws://127.0.0.1:{port}", "t0ken", os.getpid(), "9.9")

    def _handle(self, socket):
        talk = Talk(socket)
        self._open.append(talk)
        self._talks.put(talk)
        talk.over.wait(60)
        with contextlib.suppress(ConnectionClosed, OSError):
            socket.close()

    def accept(self):
        """The next connection."""
        return self._talks.get(timeout=SOON)

    def close(self):
        """Let go of everyone."""
        for talk in self._open:
            talk.over.set()
        self._server.shutdown()
        self._thread.join(SOON)
