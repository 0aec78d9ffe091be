# SPDX-License-Identifier: Apache-2.0
"""A host program in a room, driven from inside; what differs per host is in one class each."""

import contextlib
import itertools
import pickle
import select
import shutil
import socket
import struct
import textwrap
import time
from pathlib import Path

from hosts.room import RoomError

INSIDE = Path(__file__).parent / "inside"


class Refused(Exception):
    """What ran inside the host raised; the message is its traceback."""


class Line:
    """The near end of the socket to ``inside/driver.py``."""

    def __init__(self, path):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._socket = None
        self._numbers = itertools.count(1)
        self._answers = {}
        self._buffer = b""

    def accept(self, timeout):
        """Whether the driver has connected within ``timeout`` seconds."""
        if select.select([self._listener], [], [], timeout)[0]:
            self._socket = self._listener.accept()[0]
        return self._socket is not None

    def close(self):
        """Hang up."""
        for end in (self._listener, self._socket):
            if end:
                end.close()

    def say(self, code, values):
        """Send a request; its number."""
        number = next(self._numbers)
        packed = pickle.dumps((number, textwrap.dedent(code), values), protocol=4)
        self._socket.sendall(struct.pack("!I", len(packed)) + packed)
        return number

    def hear(self, number, timeout):
        """The answer to a request: whether it went well, and its value or its traceback.

        Raises:
            TimeoutError: there was none in time.
            ConnectionError: the host hung up.
        """
        deadline = time.monotonic() + timeout
        while number not in self._answers:
            if not select.select([self._socket], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = self._socket.recv(2**20)
            if not part:
                raise ConnectionError
            self._buffer += part
            self._take_answers()
        return self._answers.pop(number)

    def _take_answers(self):
        while len(self._buffer) >= 4:
            end = 4 + struct.unpack("!I", self._buffer[:4])[0]
            if len(self._buffer) < end:
                return
            number, well, value = pickle.loads(self._buffer[4:end])
            self._answers[number] = (well, value)
            self._buffer = self._buffer[end:]


class Host:
    """A context: started and connected within, ended at the end; ``start_seconds`` says how long it took."""

    name = ""
    start_timeout = 120

    def __init__(self, room, screen=None):
        self.room, self.screen = room, screen
        self.program = None
        self.start_seconds = 0.0
        self.line = None

    def prepare(self):
        """Write configuration and the starter into the room's HOME."""

    def command(self):
        """Program and arguments."""
        raise NotImplementedError

    def ready(self):
        """Called once the driver is connected: wait until the host can be used, import what tests need."""

    def leave(self):
        """Ask the host to end, without questions."""
        raise NotImplementedError

    def environment(self):
        """What this host needs to see besides the room's own."""
        return {}

    def __enter__(self):
        path = self.room.run / f"{self.name}-{time.monotonic_ns()}.socket"
        self.line = Line(path)
        self.prepare()
        begun = time.monotonic()
        env = {"BRIDGE_DRIVER": str(path), "BRIDGE_INSIDE": str(self._inside()), **self.environment()}
        if self.screen:
            env["DISPLAY"] = self.screen.name
        self.program = self.room.start(self.command(), self.name, **env)
        try:
            self._await_driver()
            self.ready()
        except BaseException:
            self.__exit__()
            raise
        self.start_seconds = time.monotonic() - begun
        with (self.room.run / "started.log").open("a") as log:
            log.write(f"{self.name} was up after {self.start_seconds:.1f} s\n")
        return self

    def __exit__(self, *_):
        self.line.close()
        with contextlib.suppress(RoomError):
            self.program.signal(9)
            self.program.wait()

    def do(self, code, timeout=60, **values):
        """Run Python inside, on the thread that owns the host's API; the value of its last expression.

        Args:
            code: statements; names last from call to call.
            timeout: seconds to wait.
            values: names that the code can use.

        Raises:
            Refused: it raised.
            RoomError: no answer; the message ends with the host's log, and the screen is kept.
        """
        return self.answer(self.begin(code, **values), timeout)

    def begin(self, code, **values):
        """As ``do``, without waiting: for what opens a dialog and returns when it closes; see ``answer``."""
        try:
            return self.line.say(code, values)
        except ConnectionError:
            raise RoomError(self._plight(f"has ended with {self.program.wait()}")) from None

    def answer(self, number, timeout=60):
        """What the code of a ``begin`` came to."""
        try:
            well, value = self.line.hear(number, timeout)
        except TimeoutError:
            raise RoomError(self._plight(f"no answer within {timeout} s")) from None
        except ConnectionError:
            code = self.program.wait()
            raise RoomError(self._plight(f"ended with {code} instead of answering")) from None
        if not well:
            raise Refused(value)
        return value

    def quit(self, timeout=60):
        """Let the host end as its user would; its exit code."""
        with contextlib.suppress(RoomError):  # it may be gone before it answers
            self.leave()
        return self.program.wait(timeout)

    def shot(self, name):
        """Keep a picture of the screen."""
        return self.screen.shot(name)

    def _inside(self):
        folder = self.room.run / "inside"
        if not folder.exists():
            shutil.copytree(INSIDE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return folder

    def _await_driver(self):
        deadline = time.monotonic() + self.start_timeout
        while not self.line.accept(0.2):
            if self.program.exit_code is not None:
                raise RoomError(self._plight(f"ended with {self.program.exit_code} while starting"))
            if time.monotonic() > deadline:
                raise RoomError(self._plight(f"not up within {self.start_timeout} s"))

    def _plight(self, what):
        if self.screen:
            with contextlib.suppress(RoomError):
                self.screen.shot(f"trouble-{self.name}")
        return f"{self.name}: {what}; the end of its log:\n{self.program.output()[-2000:]}"
