# SPDX-License-Identifier: Apache-2.0
"""One client's connection: hello first, then requests side by side, one reply each."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .. import __version__
from ..protocol.checks import check_project_name
from ..protocol.errors import AuthenticationFailed, BadRequest, BridgeError, VersionMismatch
from ..protocol.messages import PROTOCOL_VERSION, Hello, Welcome
from ..protocol.request import Request
from .desk import Desk
from .frames import UnreadableRequest, decode_request, failure_frame, reply_frame
from .handlers import handle
from .outbox import Outbox

__all__ = ["Connection", "Limits"]

log = logging.getLogger(__name__)

#: Bytes of a message before hello was accepted.
HELLO_LIMIT = 16 * 1024

#: Seconds for a hello to come.
_HELLO_TIMEOUT = 10.0

#: Requests of one connection that are worked on at once; more wait in the socket.
_IN_FLIGHT = 8

#: WebSocket close codes: policy violation, try again later.
_REFUSED, _TOO_SLOW = 1008, 1013

#: Close codes of a client that ends on purpose: normal closure, going away.
_GOODBYES = (1000, 1001)

_SOFT_OUTBOX = 8 * 2**20


@dataclass(frozen=True)
class Limits:
    """What a client may send."""

    max_message: int
    max_pixels: int


class Connection:
    """Owns one socket: a reader (:meth:`run`) and a writer task with a bounded outbox."""

    def __init__(
        self,
        number: int,
        socket: ServerConnection,
        *,
        token: str,
        limits: Limits,
        desk: Desk,
        begin_session: Callable[[str, Hello], Awaitable[None]],
    ) -> None:
        self.session = ""
        self.project = ""
        self.host = ""
        self._name = f"conn {number}"
        self._socket, self._token, self._limits, self._desk = socket, token, limits, desk
        self._begin_session = begin_session
        self._outbox = Outbox(soft=_SOFT_OUTBOX, hard=max(4 * _SOFT_OUTBOX, limits.max_message))
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._closing: asyncio.Task[None] | None = None

    @property
    def said_goodbye(self) -> bool:
        """Whether the client closed the connection itself; one that was killed or cut off does not."""
        closed = self._socket.protocol.close_rcvd
        return closed is not None and closed.code in _GOODBYES

    async def run(self) -> None:
        """Serve the client until it leaves."""
        writer = asyncio.create_task(self._write(), name=f"{self._name} writer")
        try:
            if await self._greet():
                await self._serve()
        except ConnectionClosed:
            pass
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        log.info("%s: gone (%s)", self._name, self._socket.close_code or "dropped")

    def send(self, frame: bytes) -> None:
        """Send a lasting frame; a client that is too slow for it is disconnected and may come back."""
        if self._closing is None and not self._outbox.put(frame):
            log.warning("%s: too slow, disconnected", self._name)
            closing = self._socket.close(_TOO_SLOW, "too slow; connect again and watch your jobs")
            self._closing = asyncio.ensure_future(closing)

    def send_passing(self, key: object, frame: bytes) -> None:
        """Send a frame that may be dropped or replaced by a newer one of the same key."""
        self._outbox.put_passing(key, frame)

    async def room(self) -> None:
        """Wait until the client has taken most of what was sent to it."""
        await self._outbox.room()

    async def flush(self) -> None:
        """Wait until all that was sent before has been handed to the socket."""
        await self._outbox.drained()

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send(await self._outbox.get())
        except ConnectionClosed:
            pass  # the reader ends the connection
        finally:
            self._outbox.close()

    async def _greet(self) -> bool:
        """Wait for an acceptable hello; anything else is answered and ends the connection."""
        try:
            message = await asyncio.wait_for(self._socket.recv(), _HELLO_TIMEOUT)
            request_id, hello = decode_request(message)
        except TimeoutError:
            await self._socket.close(_REFUSED, "no hello")
            return False
        except UnreadableRequest as error:
            return await self._refuse(error.request_id, error)
        try:
            welcome = await self._welcome(hello)
        except BridgeError as error:
            return await self._refuse(request_id, error)
        self._socket.protocol.max_message_size = self._limits.max_message
        self.send(reply_frame(request_id, welcome))
        self._desk.hub.join(self)
        return True

    async def _welcome(self, hello: Request[Any] | BridgeError) -> Welcome:
        if isinstance(hello, BridgeError):
            raise hello
        if not isinstance(hello, Hello):
            raise AuthenticationFailed(
                f"The first request was {hello.op!r}.", "Say hello, with the daemon's token, first."
            )
        if hello.protocol != PROTOCOL_VERSION:
            old_client = hello.protocol < PROTOCOL_VERSION
            raise VersionMismatch(
                f"The client speaks protocol {hello.protocol}, the daemon {PROTOCOL_VERSION}.",
                "Update the plugin." if old_client else "Update the daemon: pip install -U bridge-server.",
            )
        if not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            raise AuthenticationFailed(
                "The token is missing." if not hello.token else "The token is wrong.",
                "Read it anew from daemon.json in the daemon's data folder; each start makes a new one.",
            )
        check_project_name(hello.project)
        session = hello.session or secrets.token_hex(8)
        await self._begin_session(session, hello)
        self.session, self.project, self.host = session, hello.project, hello.host
        log.info("%s: %s (%s), session %s", self._name, hello.client, hello.host or "no host", session)
        return Welcome(
            PROTOCOL_VERSION, __version__, session, self._limits.max_message, self._limits.max_pixels
        )

    async def _refuse(self, request_id: int, error: BridgeError) -> bool:
        log.warning("%s: refused: %s", self._name, error)
        self.send(failure_frame(request_id, error))
        await self._outbox.drained()
        await self._socket.close(_REFUSED, error.wire_code)
        return False

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as requests:
            with contextlib.suppress(ConnectionClosed):
                async for message in self._socket:
                    await self._slots.acquire()
                    requests.create_task(self._answer(message))

    async def _answer(self, message: bytes | str) -> None:
        request_id = 0
        try:
            request_id, request = decode_request(message)
            frame = reply_frame(request_id, await self._do(request))
        except UnreadableRequest as error:
            frame = failure_frame(error.request_id, error)
        except BridgeError as error:
            frame = failure_frame(request_id, error)
        except Exception:
            log.exception("%s: a request failed unexpectedly", self._name)
            error = BridgeError("The daemon failed unexpectedly.", "Its log has the details.")
            frame = failure_frame(request_id, error)
        finally:
            self._slots.release()
        self.send(frame)

    async def _do(self, request: Request[Any] | BridgeError) -> Any:
        if isinstance(request, BridgeError):
            raise request
        if isinstance(request, Hello):
            raise BadRequest("This connection has said hello already.")
        return await handle(self._desk, self, request)
