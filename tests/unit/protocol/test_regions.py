# SPDX-License-Identifier: Apache-2.0
"""Which pixels travel."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridge_server.protocol.errors import BadRequest
from bridge_server.protocol.records import Context, Placement
from bridge_server.protocol.regions import expand_region, region_for

CONTEXTS = st.builds(
    Context, ratio=st.floats(0, 2), min_margin=st.integers(0, 100), min_side=st.integers(1, 300)
)
SIZES = st.integers(1, 5000)


@st.composite
def selections(draw):
    """(selection, canvas width, canvas height) with some of the selection on the canvas."""
    width, height = draw(SIZES), draw(SIZES)
    x, y = draw(st.integers(-50, width - 1)), draw(st.integers(-50, height - 1))
    selection = Placement(
        x, y, draw(st.integers(max(1, 1 - x), 5000)), draw(st.integers(max(1, 1 - y), 5000))
    )
    return selection, width, height


def span(place, axis):
    """Start and end of a rectangle on one axis."""
    start, length = (place.x, place.width) if axis == "x" else (place.y, place.height)
    return start, start + length


@given(selections(), CONTEXTS)
@example((Placement(0, 0, 1, 1), 1, 1), Context())
def test_the_region_holds_the_selection_and_its_context(chosen, context):
    """On the canvas; with the margin and min_side as far as the canvas has them."""
    selection, width, height = chosen
    region = region_for(selection, width, height, context)
    ends = {}
    for axis, limit in (("x", width), ("y", height)):
        low, high = span(selection, axis)
        ends[axis] = max(low, 0), min(high, limit)
    longest = max(high - low for low, high in ends.values())
    margin = max(context.min_margin, round(context.ratio * longest))
    for axis, limit in (("x", width), ("y", height)):
        start, end = span(region, axis)
        low, high = ends[axis]
        assert 0 <= start <= max(0, low - margin)
        assert min(limit, high + margin) <= end <= limit
        assert end - start >= min(context.min_side, limit)


@given(st.integers(1, 300), st.integers(1, 300), CONTEXTS, st.data())
def test_in_the_interior_the_regions_size_depends_on_the_selections_size_alone(width, height, context, data):
    """The cost of a request does not jump when the artist marks a little further."""
    reach = 300 + 100 + 2 * 300
    places = st.integers(reach, 6000 - reach - 300)
    one, two = (Placement(data.draw(places), data.draw(places), width, height) for _ in "12")
    first, second = (region_for(place, 6000, 6000, context) for place in (one, two))
    assert (first.width, first.height) == (second.width, second.height)
    assert (first.x - one.x, first.y - one.y) == (second.x - two.x, second.y - two.y)


@given(st.integers(1, 300), CONTEXTS)
def test_a_corner_has_as_much_to_go_by_as_the_middle(side, context):
    """What the canvas's edge cuts off is taken on the other side."""
    middle = region_for(Placement(3000, 3000, side, side), 6000, 6000, context)
    for x in (0, 6000 - side):
        corner = region_for(Placement(x, 0, side, side), 6000, 6000, context)
        assert (corner.width, corner.height) == (middle.width, middle.height)


@pytest.mark.parametrize(
    "selection",
    [Placement(10, 0, 5, 5), Placement(-5, 0, 5, 5), Placement(0, 10, 5, 5), Placement(0, 0, 0, 5)],
)
def test_a_selection_off_the_canvas_is_refused(selection):
    """Touching the edge from outside is outside."""
    with pytest.raises(BadRequest, match="Nothing on the canvas is selected"):
        region_for(selection, 10, 10, Context())


@given(SIZES, SIZES, CONTEXTS, st.tuples(*[st.integers(0, 3000)] * 4))
def test_an_expands_region_reaches_every_side_that_grows(width, height, context, grown):
    """It lies on the canvas, touches growing sides, spans them whole, and is deep enough behind them."""
    left, right, top, bottom = grown
    assume(any(grown))
    region = expand_region(width, height, context, left=left, right=right, top=top, bottom=bottom)
    for axis, limit, before, after in (("x", width, left, right), ("y", height, top, bottom)):
        start, end = span(region, axis)
        assert 0 <= start < end <= limit
        assert not before or start == 0
        assert not after or end == limit
        if not before and not after and (left or right) != (top or bottom):
            assert (start, end) == (0, limit)
        for side in (before, after):
            if side:
                assert end - start >= min(limit, max(context.min_side, side + context.min_margin))


def test_growing_one_side_of_a_large_canvas_leaves_the_far_part_at_home():
    """The cost follows what is new."""
    assert expand_region(4000, 3000, Context(0.5, 64, 256), left=100) == Placement(0, 0, 256, 3000)
    assert expand_region(4000, 3000, Context(0.5, 64, 256), bottom=400) == Placement(0, 2400, 4000, 600)
