# SPDX-License-Identifier: Apache-2.0
"""A connection to the daemon that a program with a user interface can hold.

Two threads of its own: the *reader* connects, reads, decodes and reconnects; the *writer* encodes and sends.
Nothing that a caller's thread does here waits for the network, unless it asks for a result and waits.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import random
import secrets
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from typing import Any, Callable, Optional, TypeVar, Union

from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection

from ..protocol.codec import Event, event_from_frame
from ..protocol.discovery import RuntimeFile
from ..protocol.errors import (
    AuthenticationFailed,
    BadRequest,
    BridgeError,
    ConnectionLost,
    NotFound,
    VersionMismatch,
)
from ..protocol.messages import (
    PROTOCOL_VERSION,
    DraftsProgress,
    Hello,
    JobProgress,
    Preview,
    Watch,
    Welcome,
)
from ..protocol.projects import Follow, ProjectDeleted
from ..protocol.request import Change, Request, Submit
from .happenings import ConnectionChanged, Happening
from .link import greet, open_link, transmit
from .packing import pack_request, unpack
from .pending import Pending, settle, settle_from
from .seen import SeenLog

__all__ = ["BridgeClient", "ConnectionChanged"]

R = TypeVar("R")

log = logging.getLogger(__name__)

#: Seconds between attempts to connect: the first, and the most.
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0

#: Spreads the attempts of several clients; one of its own leaves the program's chance alone.
_CHANCE = random.Random()  # noqa: S311

#: Events that wait for :meth:`BridgeClient.poll`; with more of them, passing ones are dropped.
_MOST_WAITING = 64


class BridgeClient:
    """One session with the daemon, kept up over lost connections.

    Requests that were not answered when a connection broke are asked again on the next one, and jobs that
    were being watched go on being watched from the last event seen, so nothing is missed or done twice.

    Args:
        locate: returns how to reach the daemon, or None if none runs now; asked before each attempt, on the
            reader thread. :func:`find_daemon` with a folder does.
        name: the program and its version, for the daemon's log.
        host: ``krita``, ``gimp``, ``blender`` or empty.
        project: the project to work in.
        session: an earlier ``client.session`` to return to, also after the program was restarted; empty for
            a new one.
        deliver: called on the reader thread with a function to be run where the program wants its events
            handled, for example ``GLib.idle_add``; the function calls ``on_event``. Without one, events wait
            for :meth:`poll`.
        on_event: gets each :class:`Event` and :class:`ConnectionChanged`.
    """

    def __init__(
        self,
        locate: Callable[[], Optional[RuntimeFile]],
        *,
        name: str,
        host: str = "",
        project: str = "default",
        session: str = "",
        deliver: Optional[Callable[[Callable[[], None]], object]] = None,
        on_event: Optional[Callable[[Happening], None]] = None,
    ) -> None:
        if (deliver is None) != (on_event is None):
            raise ValueError("deliver and on_event belong together")
        self._locate = locate
        self._name, self._host, self._project = name, host, project
        self._deliver, self._on_event = deliver, on_event
        self._happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._ids = itertools.count(1)
        self._seen = SeenLog()
        self._lock = threading.Lock()
        self._pending: dict[int, Pending] = {}
        self._outgoing: queue.SimpleQueue[Optional[int]] = queue.SimpleQueue()
        self._socket: Optional[ClientConnection] = None
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._connected = threading.Event()
        self._refusal: Optional[BridgeError] = None
        self.session = session
        self.welcome: Optional[Welcome] = None
        self._reader = threading.Thread(target=self._read_forever, name="bridge reader", daemon=True)
        self._writer = threading.Thread(target=self._write_forever, name="bridge writer", daemon=True)
        self._reader.start()
        self._writer.start()

    # ---- for any thread -----------------------------------------------------------------------------

    def send(self, request: Request[R]) -> Future[R]:
        """Ask, without waiting. The future fails with a BridgeError.

        A verb without a job id gets one here; see ``future.result().job``.
        """
        request_id, future = self._begin(request)
        self._outgoing.put(request_id)
        return future

    def _begin(self, request: Request[R]) -> tuple[int, Future[R]]:
        """Note a request as open; a later welcome sends it if nothing else does before."""
        asked: Any = request
        if isinstance(request, Submit):
            asked = replace(asked, job=asked.job or secrets.token_hex(8))
        elif isinstance(request, Change):
            asked = replace(asked, key=asked.key or secrets.token_hex(8))
        future: Future[R] = Future()
        request_id = next(self._ids)
        with self._lock:
            if self._closing.is_set():
                future.set_exception(ConnectionLost("The client is closed."))
            else:
                # both under the lock: _take_up would watch a job that is followed but not asked for yet
                self._pending[request_id] = Pending(asked, future)
                if isinstance(asked, (Submit, Watch)):
                    self._seen.begin(asked.job, asked.after if isinstance(asked, Watch) else 0)
                elif isinstance(asked, Follow):
                    self._seen.begin_following(asked.after)
        return request_id, future

    def call(self, request: Request[R], timeout: Optional[float] = 30.0) -> R:
        """Ask and wait for the result. Not for a UI thread.

        Raises:
            BridgeError: the daemon said no.
            ConnectionLost: no answer within ``timeout`` seconds.
        """
        request_id, future = self._begin(request)
        self._transmit(request_id)  # on this thread, which waits anyway
        try:
            return future.result(timeout)
        except FutureTimeout:
            self._forget(future)
            raise ConnectionLost(f"The daemon did not answer within {timeout:g} s.") from None

    def poll(self) -> Optional[Happening]:
        """The next event if there is one. For programs that look from a timer."""
        try:
            return self._happenings.get_nowait()
        except queue.Empty:
            return None

    def wait(self, timeout: Optional[float] = None) -> Optional[Happening]:
        """The next event, waited for; None after ``timeout`` seconds. Not for a UI thread."""
        try:
            return self._happenings.get(timeout=timeout)
        except queue.Empty:
            return None

    def watch(self, job: str, after: int = 0) -> Future[Any]:
        """Follow a job that this client did not submit, or one of an earlier sitting."""
        return self.send(Watch(job, after))

    def wait_until_connected(self, timeout: float) -> Welcome:
        """Wait for the daemon's welcome. Not for a UI thread.

        Raises:
            BridgeError: the daemon refused.
            ConnectionLost: it was not there within ``timeout`` seconds.
        """
        self._connected.wait(timeout)
        if self._refusal is not None:
            raise self._refusal
        if self.welcome is None:
            raise ConnectionLost("The daemon can't be reached.", "Start it with 'bridge-server serve'.")
        return self.welcome

    def hurry(self) -> None:
        """Try to connect at once: a daemon has just been started. By itself that takes up to five seconds."""
        self._wake.set()

    def close(self, timeout: float = 5.0) -> None:
        """Say goodbye. Requests that are still open fail with ConnectionLost.

        Args:
            timeout: seconds to wait until it is said; 0 for a UI thread, which never waits.
        """
        self._closing.set()
        self._wake.set()
        self._outgoing.put(None)
        goodbye = threading.Thread(target=self._say_goodbye, name="bridge goodbye", daemon=True)
        goodbye.start()
        if timeout:
            for thread in (goodbye, self._writer, self._reader):
                if thread is not threading.current_thread():  # an event's handler may close
                    thread.join(timeout)

    def _say_goodbye(self) -> None:
        socket = self._socket
        if socket is not None:
            socket.close()

    def __enter__(self) -> BridgeClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- reader thread ------------------------------------------------------------------------------

    def _read_forever(self) -> None:
        wait = _FIRST_WAIT
        while not self._closing.is_set():
            try:
                if self._stay_connected():
                    wait = _FIRST_WAIT
            except (AuthenticationFailed, BadRequest, VersionMismatch) as error:
                self._refuse(error)
            except Exception:  # whatever listens there may say anything, and locate may fail
                log.exception("the connection to the daemon failed")
                self._tell(ConnectionChanged("waiting", "What came was not understood."))
            self._wake.wait(wait * _CHANCE.uniform(0.8, 1.2))
            wait = _FIRST_WAIT if self._wake.is_set() else min(wait * 2, _LONGEST_WAIT)
            self._wake.clear()
        self._fail_all(ConnectionLost("The client was closed."))
        self._tell(ConnectionChanged("closed"))

    def _stay_connected(self) -> bool:
        """Connect and read until the connection ends. True if it had been established."""
        daemon = self._locate()
        if daemon is None:
            self._tell(ConnectionChanged("waiting", "No daemon is running."))
            return False
        self._tell(ConnectionChanged("connecting"))
        established = False
        try:
            with open_link(daemon.address) as socket:
                self._greet(socket, daemon.token)
                established = True
                self._take_up(socket)
                for message in socket:
                    self._receive(message)
        except (AuthenticationFailed, BadRequest, VersionMismatch):
            raise
        except (OSError, WebSocketException, BridgeError) as error:
            said = isinstance(error, (InvalidHandshake, BridgeError))
            self._tell(ConnectionChanged("waiting", str(error) if said else "The connection was lost."))
        else:
            self._tell(ConnectionChanged("waiting", "The daemon closed the connection."))
        finally:
            self._socket = None
            self._connected.clear()
            self.welcome = None
        return established

    def _greet(self, socket: ClientConnection, token: str) -> None:
        hello = Hello(PROTOCOL_VERSION, token, self._name, self._host, self._project, self.session)
        welcome = greet(socket, hello)
        self.session = welcome.session
        self.welcome = welcome
        self._refusal = None

    def _take_up(self, socket: ClientConnection) -> None:
        """After a welcome: ask again what was not answered, and watch again what is not finished."""
        self._socket = socket  # before the list is made: what is asked from now on is sent by itself
        if self._closing.is_set():
            socket.close()
        with self._lock:
            again = sorted(self._pending)
            asking = {p.request.job for p in self._pending.values() if isinstance(p.request, (Submit, Watch))}
            unfinished, followed = self._seen.unfinished(), self._seen.followed
            following = any(isinstance(p.request, Follow) for p in self._pending.values())
        for request_id in again:
            self._outgoing.put(request_id)
        for job, seq in unfinished.items():
            if job not in asking:  # asking again brings the job's events as well
                self.send(Watch(job, seq))
        if followed is not None and not following:
            self.send(Follow(followed, self._seen.created)).add_done_callback(self._follow_anew)
        self._connected.set()
        self._tell(ConnectionChanged("connected"))

    def _follow_anew(self, followed: Future[Any]) -> None:
        """The project was deleted and begun anew meanwhile: tell that as if it had been told."""
        if not followed.cancelled() and isinstance(followed.exception(), NotFound):
            gone = Event("project.deleted", 0, ProjectDeleted(self._project))
            if self._seen.is_news(gone):
                self._tell(gone)
            self.send(Follow(0))

    def _receive(self, message: Union[str, bytes]) -> None:
        frame = unpack(message)
        kind = frame["kind"]
        if kind == "event":
            event = event_from_frame(frame)
            if event is not None and self._seen.is_news(event):
                self._tell(event)
            return
        with self._lock:
            pending = self._pending.pop(frame["id"], None)
        if pending is None:
            return  # answered before, or given up
        if kind == "failure" and isinstance(pending.request, (Submit, Watch)):
            self._seen.end(pending.request.job)
        if isinstance(pending.request, Follow):
            if kind == "reply":
                self._seen.follow_from(frame["result"]["seq"], frame["result"]["created"])
            else:
                self._seen.refuse_following()
        settle_from(pending, frame)

    def _tell(self, happening: Happening) -> None:
        on_event = self._on_event
        if self._deliver is None or on_event is None:
            passing = isinstance(getattr(happening, "body", None), (DraftsProgress, JobProgress, Preview))
            if not passing or self._happenings.qsize() < _MOST_WAITING:
                self._happenings.put(happening)
            return
        try:
            self._deliver(lambda: on_event(happening))
        except Exception:  # the host's own business; the connection goes on
            log.exception("an event could not be delivered")

    def _refuse(self, error: BridgeError) -> None:
        self._refusal = error
        self._fail_all(error)
        self._tell(ConnectionChanged("refused", str(error)))
        self._connected.set()

    # ---- writer thread ------------------------------------------------------------------------------

    def _write_forever(self) -> None:
        while (request_id := self._outgoing.get()) is not None:
            self._transmit(request_id)

    def _transmit(self, request_id: int) -> None:
        """Encode and send an open request; without a connection it is sent at the next welcome."""
        socket = self._socket
        with self._lock:
            pending = self._pending.get(request_id)
            if socket is None or pending is None or pending.sent is socket:
                return
            pending.sent = socket
        try:
            message = pack_request(request_id, pending.request, self.welcome)
        except BridgeError as error:
            self._give_up(request_id, error)
            return
        with contextlib.suppress(OSError, WebSocketException):  # the reader notices too, and reconnects
            transmit(socket, message)

    def _give_up(self, request_id: int, error: BridgeError) -> None:
        with self._lock:
            pending = self._pending.pop(request_id, None)
        if pending is not None:
            if isinstance(pending.request, Submit):
                self._seen.end(pending.request.job)
            settle(pending.future, error=error)

    # ---- details ------------------------------------------------------------------------------------

    def _forget(self, future: Future[Any]) -> None:
        with self._lock:
            for request_id in [i for i, p in self._pending.items() if p.future is future]:
                del self._pending[request_id]

    def _fail_all(self, error: BridgeError) -> None:
        with self._lock:
            pending = list(self._pending.values())
            self._pending.clear()
        for each in pending:
            settle(each.future, error=error)
