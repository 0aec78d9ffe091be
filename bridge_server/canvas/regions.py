# SPDX-License-Identifier: Apache-2.0
"""Which part of a picture an engine should see, and how finely."""

from __future__ import annotations

from .masks import Box

__all__ = ["context_box", "halvings"]


def context_box(
    selection: Box, width: int, height: int, *, ratio: float, min_margin: int, min_side: int
) -> Box:
    """The selection's bounds with their surroundings, cut at the picture.

    Grown on each side by ``max(min_margin, ratio * longest side)`` and to at least ``min_side`` on each
    axis; what falls off the picture on one side is taken on the other, as the client's ``region_for`` does.
    """
    margin = max(min_margin, round(ratio * max(selection.width, selection.height)))
    x0, x1 = _grown(selection.x0, selection.x1, width, margin, min_side)
    y0, y1 = _grown(selection.y0, selection.y1, height, margin, min_side)
    return Box(x0, y0, x1, y1)


def _grown(low: int, high: int, size: int, margin: int, least: int) -> tuple[int, int]:
    missing = max(0, least - (high - low) - 2 * margin)
    low, high = low - margin - missing // 2, high + margin + missing - missing // 2
    low, high = low - max(0, high - size), high + max(0, -low)
    return max(0, low), min(size, high)


def halvings(hole_pixels: int, limit: int) -> int:
    """How often to halve a picture so that a hole of ``hole_pixels`` has at most ``limit``."""
    times = 0
    while hole_pixels > limit * 4**times:
        times += 1
    return times
