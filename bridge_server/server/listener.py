# SPDX-License-Identifier: Apache-2.0
"""Accepts connections: WebSocket only, no foreign Origin, no compression."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable

from websockets.asyncio.server import Server, ServerConnection, serve

from ..protocol.messages import Hello
from .connection import HELLO_LIMIT, Connection, Limits
from .desk import Desk

__all__ = ["Listener"]

#: Seconds that clients have to take what waits for them when the daemon stops.
_FLUSH_TIMEOUT = 3.0

#: Seconds that a session has to come back after its last connection was cut off.
_RETURN_TIMEOUT = 3.0


class Listener:
    """The daemon's socket.

    Args:
        token: what a client has to know.
        begin_session: writes a session down; awaited before its client is welcomed.
        gone: called with a session whose last connection has ended: at once if it was closed, after a while
            if it was cut off and the session has not come back.
    """

    def __init__(
        self,
        token: str,
        limits: Limits,
        begin_session: Callable[[str, Hello], Awaitable[None]],
        gone: Callable[[str], Awaitable[None]],
    ) -> None:
        self._token, self._limits = token, limits
        self._begin_session, self._gone = begin_session, gone
        self._numbers = itertools.count(1)
        self._open: set[Connection] = set()
        self._stopping = asyncio.Event()
        self._server: Server | None = None
        self._desk: Desk | None = None

    async def start(self, host: str, port: int, make_desk: Callable[[str], Desk]) -> str:
        """Listen, and return the address as a ``ws://`` URL.

        Raises:
            OSError: the port is taken or the host is not this machine's.
        """
        self._server = await serve(
            self._accept,
            host,
            port,
            origins=[None],  # programs send none; a web page always does, and may not come in
            compression=None,
            max_size=HELLO_LIMIT,
            max_queue=2,  # messages that are read ahead of being answered
            server_header=None,
            start_serving=False,
        )
        bound_host, bound_port = self._server.sockets[0].getsockname()[:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        address = f"ws://{shown}:{bound_port}"
        self._desk = make_desk(address)
        await self._server.start_serving()
        return address

    @property
    def connections(self) -> int:
        """How many sockets are open, also such as have not said hello yet."""
        return len(self._open)

    async def stop(self) -> None:
        """Send what waits to be sent, then say goodbye to everyone."""
        self._stopping.set()
        if self._server is not None:
            flushing = [asyncio.create_task(connection.flush()) for connection in self._open]
            if flushing:
                _, late = await asyncio.wait(flushing, timeout=_FLUSH_TIMEOUT)
                for task in late:
                    task.cancel()
            self._server.close(close_connections=True)
            await self._server.wait_closed()

    async def _accept(self, socket: ServerConnection) -> None:
        assert self._desk is not None  # noqa: S101 - set before serving starts
        connection = Connection(
            next(self._numbers),
            socket,
            token=self._token,
            limits=self._limits,
            desk=self._desk,
            begin_session=self._begin_session,
        )
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            if connection.session and self._desk.hub.leave(connection):
                await self._await_return(connection.session, said_goodbye=connection.said_goodbye)

    async def _await_return(self, session: str, *, said_goodbye: bool) -> None:
        """A session without connections is gone, unless its last one was cut off and it is back soon."""
        assert self._desk is not None  # noqa: S101 - set before serving starts
        if not said_goodbye:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _RETURN_TIMEOUT)
        if not self._stopping.is_set() and not self._desk.hub.has(session):
            await self._gone(session)
