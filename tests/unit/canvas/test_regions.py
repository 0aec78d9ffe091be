# SPDX-License-Identifier: Apache-2.0
"""Region planning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge_server.canvas.masks import Box
from bridge_server.canvas.regions import context_box, halvings
from bridge_server.client.region import region_for
from bridge_server.protocol.records import Context, Placement


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_context_holds_the_selection_and_stays_on_the_canvas(width, height, data) -> None:
    """Whatever the selection: it lies inside its region, and the region inside the canvas."""
    x0 = data.draw(st.integers(0, width - 1))
    y0 = data.draw(st.integers(0, height - 1))
    box = Box(x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    got = context_box(box, width, height, ratio=0.5, min_margin=16, min_side=128)
    for low, high, start, end, size in (
        (box.x0, box.x1, got.x0, got.x1, width),
        (box.y0, box.y1, got.y0, got.y1, height),
    ):
        assert 0 <= start <= max(0, low - 16)
        assert min(size, high + 16) <= end <= size
        assert end - start >= min(size, 128)


def test_same_as_the_client_sends() -> None:
    """The engine asks for nothing that the client's region leaves out."""
    for x, y in ((0, 0), (200, 100), (470, 350), (3, 390)):
        sent = region_for(Placement(x, y, 40, 9), 512, 400, Context())
        box = Box(x, y, min(512, x + 40), min(400, y + 9))
        got = context_box(box, 512, 400, ratio=0.5, min_margin=64, min_side=256)
        assert (got.x0, got.y0, got.width, got.height) == (sent.x, sent.y, sent.width, sent.height)


def test_cost_follows_the_selection_not_the_canvas() -> None:
    """The same selection gets the same size of region on any larger canvas."""
    sizes = set()
    for side in (512, 1024, 4096):
        at = side // 2
        got = context_box(Box(at, at, at + 100, at + 100), side, side, ratio=0.5, min_margin=64, min_side=256)
        sizes.add((got.width, got.height))
    assert sizes == {(256, 256)}


def test_halvings() -> None:
    """Halved only as often as needed."""
    assert [halvings(n, 100) for n in (1, 100, 101, 400, 401)] == [0, 0, 1, 1, 2]
