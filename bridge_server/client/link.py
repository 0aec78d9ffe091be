# SPDX-License-Identifier: Apache-2.0
"""One connection to the daemon: how it is opened, what is said first, and how a message goes out."""

from __future__ import annotations

from websockets.sync.client import ClientConnection, connect

from ..protocol.codec import failure_from_frame, request_frame, result_from_frame
from ..protocol.messages import Hello, Welcome
from .packing import Piece, pack, unpack

__all__ = ["greet", "open_link", "transmit"]

#: Seconds to get through to a daemon, and then for its welcome.
_CONNECT_TIMEOUT = 5.0

#: Seconds for a daemon to answer a goodbye.
_CLOSE_TIMEOUT = 1.0


def open_link(address: str) -> ClientConnection:
    """Connect, without a proxy.

    Raises:
        OSError: nothing listens there.
        WebSocketException: something else does.
    """
    return connect(
        address,
        compression=None,
        max_size=None,
        proxy=None,
        open_timeout=_CONNECT_TIMEOUT,
        close_timeout=_CLOSE_TIMEOUT,
    )


def greet(socket: ClientConnection, hello: Hello) -> Welcome:
    """Say who is there, and wait for the daemon's welcome.

    Raises:
        BridgeError: the daemon refused, or something else answered.
        OSError: no answer came in time.
        WebSocketException: the connection ended.
    """
    transmit(socket, pack(request_frame(0, hello)))
    frame = unpack(socket.recv(_CONNECT_TIMEOUT))
    if frame["kind"] == "failure":
        raise failure_from_frame(frame)
    welcome: Welcome = result_from_frame(Hello.op, frame)
    return welcome


def transmit(socket: ClientConnection, pieces: list[Piece]) -> None:
    """Send one message; several pieces are its fragments, each masked by itself."""
    socket.send(pieces[0] if len(pieces) == 1 else pieces)
