# SPDX-License-Identifier: Apache-2.0
"""Maps to bytes and back, with msgpack in C where there is one and in Python where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional, Union, cast

import msgpack  # type: ignore[import-untyped]

from ..protocol.codec import request_frame
from ..protocol.errors import BadRequest, BridgeError, TooLarge
from ..protocol.messages import Welcome
from ..protocol.request import Request

__all__ = ["PIECE", "pack", "pack_request", "unpack"]

#: Bytes of one piece of a message. Masking one holds the interpreter lock for well under a millisecond, so
#: that a program's user interface gets its turn between two of them.
PIECE = 1 << 18

#: Byte strings from this length on are passed on in slices, not copied.
_LARGE = 1 << 16

Piece = Union[bytes, memoryview]


def pack(frame: Mapping[str, Any]) -> list[Piece]:
    """One message as it goes out, in pieces, which belong into one message as its fragments."""
    pieces: list[Piece] = []
    small = bytearray()
    for part in _parts(frame, cast("Any", msgpack).Packer()):
        if isinstance(part, memoryview):
            pieces.append(bytes(small))
            small.clear()
            pieces.extend(part[start : start + PIECE] for start in range(0, len(part), PIECE))
        else:
            small += part
    if small or not pieces:
        pieces.append(bytes(small))
    return pieces


def _parts(value: Any, packer: Any) -> Iterator[Piece]:
    """A value as MessagePack: what is small as bytes, large byte strings as views of themselves."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        yield packer.pack_map_header(len(fields))
        for key, field in fields.items():
            yield packer.pack(key)
            yield from _parts(field, packer)
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        yield packer.pack_array_header(len(items))
        for item in items:
            yield from _parts(item, packer)
    elif isinstance(value, (bytes, bytearray, memoryview)) and len(cast("bytes", value)) >= _LARGE:
        view = memoryview(cast("bytes", value)).cast("B")
        yield b"\xc6" + len(view).to_bytes(4, "big")  # bin 32
        yield view
    else:
        yield packer.pack(value)


def pack_request(request_id: int, request: Request[Any], welcome: Optional[Welcome]) -> list[Piece]:
    """A request as it goes out, in pieces.

    Raises:
        BadRequest: a value can't be encoded.
        TooLarge: it has more bytes than the daemon's ``welcome`` allows; sent, it would end the connection.
    """
    try:
        message = pack(request_frame(request_id, request))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest(f"The request {request.op} can't be sent: {error}.") from error
    size = sum(len(piece) for piece in message)
    if welcome is not None and size > welcome.max_message:
        raise TooLarge(
            f"The request has {size} bytes; the daemon accepts {welcome.max_message}.",
            "Select a smaller area, or raise max_message in the daemon's config.",
        )
    return message


def unpack(message: Union[str, bytes]) -> dict[str, Any]:
    """One message as it came in.

    Raises:
        BridgeError: it is not one of the daemon's.
    """
    if isinstance(message, str):
        raise BridgeError("The daemon sent text.", "Something else listens at its address.")
    frame = cast("Any", msgpack.unpackb(message))  # pyright: ignore[reportUnknownMemberType]
    if not isinstance(frame, dict) or "kind" not in frame:
        raise BridgeError("The daemon sent something unreadable.", "Update the plugin and the daemon.")
    return cast("dict[str, Any]", frame)
