# SPDX-License-Identifier: GPL-3.0-or-later
"""Between a host's pixels and those of the wire.

Runs on a thread beside the host's user interface, which shares Python's interpreter lock with it: so all
work is done in pieces that take well under a millisecond, between which the interface gets its turn.
"""

from __future__ import annotations

from array import array
from typing import Union, cast

from bridge_server.protocol.pixels import Pixels

from .model import Layout, Raw

__all__ = ["from_wire", "full_coverage", "to_wire"]

#: Bytes handled at once; a multiple of every pixel's size.
PIECE = 1 << 18

Buffer = Union[bytes, bytearray, memoryview]


def to_wire(raw: Raw) -> Pixels:
    """What is sent of a host's pixels. Data that is in the wire's order already is not copied."""
    if raw.layout is None:
        return Pixels(raw.width, raw.height, "gray8", cast("bytes", raw.data))
    data = _ordered(raw.data, raw.layout)
    return Pixels(raw.width, raw.height, raw.layout.format, cast("bytes", data), raw.layout.colorspace)


def from_wire(pixels: Pixels, layout: Layout) -> Raw:
    """A result as a host's document takes it.

    Args:
        pixels: in the layout's format and colour space, as they can be fetched.
        layout: of the document.
    """
    return Raw(pixels.width, pixels.height, layout, bytes(_ordered(pixels.data, layout)))


def full_coverage(width: int, height: int) -> Pixels:
    """The mask of a selection that takes in everything."""
    return Pixels(width, height, "gray8", b"\xff" * (width * height))


def _ordered(data: Buffer, layout: Layout) -> Buffer:
    """Red and blue change places where the host keeps blue first; the same step serves both ways."""
    if layout.order == "rgba":
        return data
    source = memoryview(data)
    turned = bytearray(len(source))
    for start in range(0, len(source), PIECE):
        end = start + PIECE
        turned[start:end] = _turned(source[start:end], layout.depth)
    return turned


def _turned(piece: memoryview, depth: int) -> Buffer:
    if depth == 8:
        small = bytearray(piece)
        small[0::4], small[2::4] = small[2::4], small[0::4]
        return small
    values = array("H")
    values.frombytes(piece)
    values[0::4], values[2::4] = values[2::4], values[0::4]
    return values.tobytes()
