# SPDX-License-Identifier: Apache-2.0
"""Maps to bytes and back, with msgpack in C where there is one and in Python where not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union, cast

import msgpack  # type: ignore[import-untyped]

from ..protocol.codec import request_frame
from ..protocol.errors import BadRequest, BridgeError, TooLarge
from ..protocol.messages import Welcome
from ..protocol.request import Request

__all__ = ["pack", "pack_request", "unpack"]


def pack(frame: Mapping[str, Any]) -> bytes:
    """One message as it goes out."""
    return cast("bytes", msgpack.packb(frame))  # pyright: ignore[reportUnknownMemberType]


def pack_request(request_id: int, request: Request[Any], welcome: Optional[Welcome]) -> bytes:
    """A request as it goes out.

    Raises:
        BadRequest: a value can't be encoded.
        TooLarge: it has more bytes than the daemon's ``welcome`` allows; sent, it would end the connection.
    """
    try:
        message = pack(request_frame(request_id, request))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest(f"The request {request.op} can't be sent: {error}.") from error
    if welcome is not None and len(message) > welcome.max_message:
        raise TooLarge(
            f"The request has {len(message)} bytes; the daemon accepts {welcome.max_message}.",
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
