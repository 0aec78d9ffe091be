# SPDX-License-Identifier: GPL-3.0-or-later
"""Between a host's pixels and the wire's."""

import struct

import pytest

from bridge_server.protocol.pixels import Pixels, check_pixels
from plugins.shared.model import Layout, Raw
from plugins.shared.pixels import PIECE, from_wire, full_coverage, to_wire

LAYOUTS = [
    Layout("bgra", 8),
    Layout("bgra", 16),
    Layout("bgra", 16, linear=True),
    Layout("rgba", 32, linear=True),
]


def noise(width, height, layout):
    """Pixels whose bytes all differ in some way."""
    size = width * height * layout.pixel_size
    return Raw(width, height, layout, memoryview(bytes((i * 7 + i // 251) % 256 for i in range(size))))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_there_and_back_nothing_changes(layout):
    """In every layout, also over the border between two pieces."""
    raw = noise(257, PIECE // 256 // layout.pixel_size + 3, layout)
    sent = to_wire(raw)
    check_pixels(sent, max_pixels=10**9)
    assert sent.colorspace == ("linear" if layout.linear else "srgb")
    assert bytes(from_wire(sent, layout).data) == bytes(raw.data)


def test_red_is_red_on_the_wire():
    """Krita keeps blue first."""
    assert bytes(to_wire(Raw(1, 1, Layout("bgra", 8), b"\x01\x02\x03\xff")).data) == b"\x03\x02\x01\xff"
    deep = Raw(1, 1, Layout("bgra", 16), struct.pack("<4H", 1, 2, 3, 4))
    assert struct.unpack("<4H", bytes(to_wire(deep).data)) == (3, 2, 1, 4)


def test_what_is_in_order_is_not_copied():
    """Float pixels of Krita and all coverage go as they are."""
    data = memoryview(bytes(16 * 4))
    assert to_wire(Raw(2, 2, Layout("rgba", 32), data)).data is data
    assert to_wire(Raw(8, 8, None, data)) == Pixels(8, 8, "gray8", data)
    assert full_coverage(3, 2).data == b"\xff" * 6
