# SPDX-License-Identifier: GPL-3.0-or-later
"""Between a host's pixels and those of the wire.

Runs on a thread beside the host's user interface, which shares Python's interpreter lock with it: so all
work is done in pieces that take well under a millisecond, between which the interface gets its turn.
"""

from __future__ import annotations

import sys
from array import array
from typing import Union, cast

from bridge_server.protocol.errors import Unsupported
from bridge_server.protocol.pixels import Pixels

from .model import Layout, Raw
from .texts import _

__all__ = ["from_wire", "full_coverage", "to_wire"]

#: Bytes handled at once; a multiple of every pixel's size.
PIECE = 1 << 18

Buffer = Union[bytes, bytearray, memoryview]


def to_wire(raw: Raw) -> Pixels:
    """What is sent of a host's pixels. Data that is in the wire's order already is not copied."""
    if raw.layout is None:
        return Pixels(raw.width, raw.height, "gray8", cast("bytes", raw.data))
    data = _ordered(raw.data, raw.layout)
    colorspace = "linear" if raw.layout.linear else "srgb"
    return Pixels(raw.width, raw.height, raw.layout.format, cast("bytes", data), colorspace)


def from_wire(pixels: Pixels, layout: Layout) -> Raw:
    """A result as a host's document takes it.

    Raises:
        Unsupported: it was made for a document of another depth, or with other light.
    """
    if pixels.format == layout.format and (pixels.colorspace == "linear") == layout.linear:
        return Raw(pixels.width, pixels.height, layout, bytes(_ordered(pixels.data, layout)))
    if pixels.format != "rgba8" or pixels.colorspace != "srgb":
        raise Unsupported(
            _("This result was made for a document of another colour depth."),
            _("Convert the document to that depth first."),
        )
    deeper = _deepened(pixels.data, layout)
    return Raw(pixels.width, pixels.height, layout, bytes(_ordered(deeper, layout)))


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


def _deepened(data: Buffer, layout: Layout) -> bytearray:
    """8-bit sRGB values in a deeper layout: each byte of the new value comes from a table of 256."""
    size = layout.pixel_size // 4
    colours, alphas = _tables(layout, linear=layout.linear), _tables(layout, linear=False)
    source = memoryview(data)
    deeper = bytearray(len(source) * size)
    for start in range(0, len(source), PIECE // size):
        piece = bytes(source[start : start + PIECE // size])
        out = bytearray(len(piece) * size)
        for byte in range(size):
            part = bytearray(piece.translate(colours[byte]))
            part[3::4] = piece[3::4].translate(alphas[byte])
            out[byte::size] = part
        deeper[start * size : start * size + len(out)] = out
    return deeper


def _tables(layout: Layout, *, linear: bool) -> list[bytes]:
    """Byte k of each of the 256 values, little end first."""
    shares = [_light(value / 255) if linear else value / 255 for value in range(256)]
    if layout.depth == 8:
        values: array[int] | array[float] = array("B", (round(share * 255) for share in shares))
    elif layout.depth == 16:
        values = array("H", (round(share * 65535) for share in shares))
    else:
        values = array("f", shares)
    if sys.byteorder == "big":
        values.byteswap()
    raw = values.tobytes()
    return [raw[byte :: layout.pixel_size // 4] for byte in range(layout.pixel_size // 4)]


def _light(share: float) -> float:
    """The sRGB curve of IEC 61966-2-1, taken back."""
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
