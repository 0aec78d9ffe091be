# SPDX-License-Identifier: Apache-2.0
"""Which part of the canvas an engine has to see. Integers in, integers out.

The cost of a request follows the selection: a plugin reads and sends the region, never the whole canvas. An
engine applies the same rule to parts of what it is sent.
"""

from __future__ import annotations

from .errors import BadRequest
from .records import Context, Placement

__all__ = ["expand_region", "region_for"]


def region_for(selection: Placement, canvas_width: int, canvas_height: int, context: Context) -> Placement:
    """The region to send for a selection.

    Args:
        selection: the selection's bounds on the canvas; parts off the canvas are cut.
        canvas_width: pixels.
        canvas_height: pixels.
        context: what the engine asks for, from its ``EngineInfo``.

    Raises:
        BadRequest: nothing of the selection lies on the canvas.
    """
    x0, x1 = max(selection.x, 0), min(selection.x + selection.width, canvas_width)
    y0, y1 = max(selection.y, 0), min(selection.y + selection.height, canvas_height)
    if x0 >= x1 or y0 >= y1:
        raise BadRequest("Nothing on the canvas is selected.", "Select an area first.")
    margin = max(context.min_margin, round(context.ratio * max(x1 - x0, y1 - y0)))
    x, width = _span(x0, x1, margin, context.min_side, canvas_width)
    y, height = _span(y0, y1, margin, context.min_side, canvas_height)
    return Placement(x, y, width, height)


def expand_region(
    canvas_width: int,
    canvas_height: int,
    context: Context,
    *,
    left: int = 0,
    right: int = 0,
    top: int = 0,
    bottom: int = 0,
) -> Placement:
    """The part of the old canvas to send when it grows: as deep behind each growing side as is useful.

    Sides that do not grow are cut away as far as opposite growing sides allow.
    """
    x0, x1 = _strip(left, right, canvas_width, context)
    y0, y1 = _strip(top, bottom, canvas_height, context)
    # growing both ways needs the corners' surroundings, so the region is the hull of both strips
    if (left or right) and (top or bottom):
        return Placement(0, 0, canvas_width, canvas_height)
    if left or right:
        return Placement(x0, 0, x1 - x0, canvas_height)
    return Placement(0, y0, canvas_width, y1 - y0)


def _span(low: int, high: int, margin: int, least: int, limit: int) -> tuple[int, int]:
    """Start and length of low..high grown by margin to at least ``least``, inside 0..limit."""
    short = max(0, least - (high - low) - 2 * margin)
    low, high = low - margin - short // 2, high + margin + short - short // 2
    # what falls off one edge is taken on the other side, so that a corner has as much to go by
    low, high = low - max(0, high - limit), high + max(0, -low)
    low, high = max(low, 0), min(high, limit)
    return low, high - low


def _strip(before: int, after: int, size: int, context: Context) -> tuple[int, int]:
    """The part of 0..size behind its growing ends."""
    low, high = size, 0
    for grown, at_start in ((before, True), (after, False)):
        if grown:
            depth = min(
                size, max(context.min_side, grown + max(context.min_margin, round(context.ratio * grown)))
            )
            low, high = (0, max(high, depth)) if at_start else (min(low, size - depth), size)
    return (low, high) if low < high else (0, size)
