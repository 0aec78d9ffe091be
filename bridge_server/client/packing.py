# SPDX-License-Identifier: Apache-2.0
"""Maps to bytes and back, with msgpack in C where there is one and in Python where not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union, cast

import msgpack  # type: ignore[import-untyped]

from ..protocol.errors import BridgeError

__all__ = ["pack", "unpack"]


def pack(frame: Mapping[str, Any]) -> bytes:
    """One message as it goes out."""
    return cast("bytes", msgpack.packb(frame))  # pyright: ignore[reportUnknownMemberType]


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
