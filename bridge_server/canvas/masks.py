# SPDX-License-Identifier: Apache-2.0
"""Selections: bounds, islands, growing. A mask is (H, W) uint8 coverage or (H, W) bool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "bounds", "box_sum", "dilate", "islands"]


@dataclass(frozen=True)
class Box:
    """A rectangle: columns ``x0`` to ``x1`` and rows ``y0`` to ``y1``, the ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Pixels."""
        return self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """What indexes an (H, W, ...) array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def within(self, outer: Box) -> Box:
        """This box in the coordinates of ``outer``."""
        return Box(self.x0 - outer.x0, self.y0 - outer.y0, self.x1 - outer.x0, self.y1 - outer.y0)


def bounds(mask: NDArray[Any]) -> Box | None:
    """The smallest box around what is not 0, or None if everything is."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[y0:y1].any(axis=0))
    return Box(int(columns[0]), y0, int(columns[-1]) + 1, y1)


def box_sum(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """The sum over the (2 radius + 1) square around each pixel, cut at the borders.

    Args:
        values: (H, W) or (H, W, C).
        radius: in pixels, 0 or more.
    """
    total: NDArray[np.float64] = values.astype(np.float64)
    for axis in (0, 1):
        running: NDArray[np.float64] = np.cumsum(total, axis=axis)
        total = _windowed(running, axis, radius)
    return total.astype(np.float32)


def dilate(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Grow a bool mask by a square of ``radius`` pixels."""
    grown = mask
    for axis in (0, 1):
        counted: NDArray[np.int32] = np.cumsum(grown, axis=axis, dtype=np.int32)
        grown = _windowed(counted, axis, radius) > 0
    return grown


def _windowed(running: NDArray[Any], axis: int, radius: int) -> NDArray[Any]:
    """From running sums along an axis, the sums over ``radius`` on each side."""
    sums: NDArray[Any] = np.moveaxis(running, axis, 0)
    size = len(sums)
    result = sums[np.minimum(np.arange(size) + radius, size - 1)]
    if radius + 1 < size:
        result[radius + 1 :] -= sums[: size - radius - 1]
    return np.moveaxis(result, 0, axis)


def islands(mask: NDArray[Any], gap: int) -> list[Box]:
    """The bounds of the parts of a mask that lie further than about ``gap`` pixels apart.

    Parts are told apart on a grid of ``gap`` pixels, so two that are nearer than ``gap`` are always one,
    and two that are further apart than twice that are always two. Boxes do not overlap: those that would
    are joined.
    """
    found = bounds(mask)
    if found is None:
        return []
    if max(found.width, found.height) <= 2 * gap:
        return [found]
    view = mask[found.slices]
    rows = np.arange(0, found.height, gap)
    columns = np.arange(0, found.width, gap)
    grid = np.logical_or.reduceat(np.logical_or.reduceat(view != 0, rows, axis=0), columns, axis=1)
    boxes: list[Box] = []
    for cells in _components(grid):
        span = Box(
            cells.x0 * gap, cells.y0 * gap,
            min(cells.x1 * gap, found.width), min(cells.y1 * gap, found.height),
        )  # fmt: skip
        tight = bounds(view[span.slices])
        if tight is not None:
            x, y = found.x0 + span.x0, found.y0 + span.y0
            boxes.append(Box(tight.x0 + x, tight.y0 + y, tight.x1 + x, tight.y1 + y))
    return _joined(boxes)


def _components(grid: NDArray[np.bool_]) -> list[Box]:
    """Bounds of the 8-connected components of a small bool grid."""
    left = {(int(y), int(x)) for y, x in np.argwhere(grid)}
    found: list[Box] = []
    while left:
        stack = [left.pop()]
        y0 = y1 = stack[0][0]
        x0 = x1 = stack[0][1]
        while stack:
            y, x = stack.pop()
            y0, y1, x0, x1 = min(y0, y), max(y1, y), min(x0, x), max(x1, x)
            for cell in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                if cell in left:
                    left.remove(cell)
                    stack.append(cell)
        found.append(Box(x0, y0, x1 + 1, y1 + 1))
    return found


def _joined(boxes: list[Box]) -> list[Box]:
    """Unite boxes until no two overlap."""
    result: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.y0, b.x0)):
        merged = box
        while True:
            hit = next((o for o in result if _overlap(o, merged)), None)
            if hit is None:
                break
            result.remove(hit)
            merged = merged.union(hit)
        result.append(merged)
    return result


def _overlap(a: Box, b: Box) -> bool:
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
