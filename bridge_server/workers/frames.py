# SPDX-License-Identifier: Apache-2.0
"""Bytes between the daemon and a worker: a 4-byte little-endian length, then msgpack ``[name, body]``."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from ..protocol.work import WORK

__all__ = ["HEADER", "decode", "encode"]

HEADER = struct.Struct("<I")

_ENVELOPE = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_BODIES = {name: msgspec.msgpack.Decoder(cls) for name, cls in WORK.items()}
_ENCODER = msgspec.msgpack.Encoder()


def encode(body: Any) -> bytearray:
    """One whole frame, header included."""
    frame = bytearray(HEADER.size)
    _ENCODER.encode_into([type(body).__name__, body], frame, HEADER.size)
    HEADER.pack_into(frame, 0, len(frame) - HEADER.size)
    return frame


def decode(payload: bytes) -> Any:
    """The message in a frame's payload.

    Raises:
        msgspec.DecodeError: the bytes are no such message.
    """
    name, body = _ENVELOPE.decode(payload)
    if name not in _BODIES:
        raise msgspec.ValidationError(f"Unknown work message {name!r}")
    return _BODIES[name].decode(body)
