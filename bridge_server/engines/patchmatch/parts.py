# SPDX-License-Identifier: Apache-2.0
"""Cutting a selection into parts that are made one after the other, each with what it has to see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...canvas.masks import Box, bounds, islands
from ...protocol.records import Context, Placement
from ...protocol.regions import region_for
from .plan import Canvas

__all__ = ["CONTEXT", "Earlier", "Part", "context_of", "parts_of"]

CONTEXT = Context(ratio=0.5, min_margin=64, min_side=256)

#: Parts of a selection further apart than this many pixels are made on their own.
ISLAND_GAP = 64

#: An island with this many times its pixels to look at is cut into tiles of this side.
THIN, TILE = 24, 256

#: Tiles overlap by this many pixels on each side, except for vary, which keeps what lies between them.
OVERLAP = 16

#: A growing side copies from a strip behind it: this share of the growth deep, and at least so many pixels.
#: Deeper strips bring whole subjects along (a second head), shallower ones repeat.
STRIP_DEPTH, LEAST_STRIP = 0.6, 96

#: A picture narrower than this is not grown from strips.
LEAST_INNER = 16


@dataclass(frozen=True)
class Part:
    """One part of a selection.

    Attributes:
        target: what is made, in the region's coordinates.
        crop: what is looked at, around it.
        side: the side of the canvas that grows there: ``left``, ``right``, ``top``, ``bottom``, or empty.
        chained: whether the parts made before belong to its surroundings.
    """

    target: Box
    crop: Box
    side: str = ""
    chained: bool = False


def context_of(box: Box, mask: NDArray[np.uint8]) -> Box:
    """The crop that is looked at to make ``box``."""
    place = Placement(box.x0, box.y0, box.width, box.height)
    region = region_for(place, mask.shape[1], mask.shape[0], CONTEXT)
    return Box(region.x, region.y, region.x + region.width, region.y + region.height)


def parts_of(mask: NDArray[np.uint8], shown: NDArray[np.bool_], verb: str) -> list[Part]:
    """The parts of a selection, in the order in which they are made.

    Args:
        mask: (H, W) coverage, not all 0.
        shown: (H, W), what is visible.
        verb: a fill of what frames the rest is an expand and made side by side.
    """
    grown = _growing(mask, shown) if verb == "fill" else []
    if grown:
        return grown
    parts: list[Part] = []
    for island in islands(mask, ISLAND_GAP):
        crop = context_of(island, mask)
        selected = int(np.count_nonzero(mask[island.slices]))
        if max(island.width, island.height) > 2 * TILE and crop.area > THIN * selected:
            tiles = _tiles(mask, island, 0 if verb == "vary" else OVERLAP)
            parts += [Part(tile, context_of(tile, mask), chained=True) for tile in tiles]
        else:
            parts.append(Part(island, crop))
    return parts


def _tiles(mask: NDArray[np.uint8], island: Box, overlap: int) -> list[Box]:
    """The island on a grid of TILE pixels, each cell and its overlap cut to what is selected in it."""
    tiles: list[Box] = []
    for y in range(island.y0, island.y1, TILE):
        for x in range(island.x0, island.x1, TILE):
            cell = Box(x, y, min(x + TILE, island.x1), min(y + TILE, island.y1))
            if not mask[cell.slices].any():
                continue
            x0, y0 = max(x - overlap, island.x0), max(y - overlap, island.y0)
            wide = Box(x0, y0, min(cell.x1 + overlap, island.x1), min(cell.y1 + overlap, island.y1))
            tight = bounds(mask[wide.slices])
            if tight is not None:
                tiles.append(Box(x0 + tight.x0, y0 + tight.y0, x0 + tight.x1, y0 + tight.y1))
    return tiles


def _growing(mask: NDArray[np.uint8], shown: NDArray[np.bool_]) -> list[Part]:
    """The sides of a frame, corners with top and bottom; nothing if the selection is no such frame."""
    if not (mask[0, 0] or mask[-1, -1]):
        return []
    height, width = mask.shape
    selected = mask > 0
    free_rows = np.flatnonzero(~selected.all(axis=1))
    free_columns = np.flatnonzero(~selected.all(axis=0))
    if free_rows.size == 0 or free_columns.size == 0:
        return []
    inner = Box(int(free_columns[0]), int(free_rows[0]), int(free_columns[-1]) + 1, int(free_rows[-1]) + 1)
    if min(inner.width, inner.height) < LEAST_INNER or selected[inner.slices].any():
        return []
    left, right, top, bottom = inner.x0, width - inner.x1, inner.y0, height - inner.y1
    deep = [min(_depth(n), inner.width) for n in (left, right)]
    deep += [min(_depth(n), inner.height) for n in (top, bottom)]
    sides = [
        (left, "left", Box(0, inner.y0, left, inner.y1), Box(0, inner.y0, left + deep[0], inner.y1)),
        (right, "right", Box(inner.x1, inner.y0, width, inner.y1),
         Box(inner.x1 - deep[1], inner.y0, width, inner.y1)),
        (top, "top", Box(0, 0, width, top), Box(0, 0, width, top + deep[2])),
        (bottom, "bottom", Box(0, inner.y1, width, height), Box(0, inner.y1 - deep[3], width, height)),
    ]  # fmt: skip
    parts = [Part(target, crop, side, chained=True) for grown, side, target, crop in sides if grown]
    return parts if all(_is_visible(part, inner, shown) for part in parts) else []


def _depth(growth: int) -> int:
    return max(LEAST_STRIP, round(STRIP_DEPTH * growth))


def _is_visible(part: Part, inner: Box, shown: NDArray[np.bool_]) -> bool:
    """Whether the strip behind a side shows enough to copy from."""
    strip = Box(
        max(part.crop.x0, inner.x0), max(part.crop.y0, inner.y0),
        min(part.crop.x1, inner.x1), min(part.crop.y1, inner.y1),
    )  # fmt: skip
    return 2 * int(np.count_nonzero(shown[strip.slices])) > strip.area


class Earlier:
    """What the parts made before look like, for those that are chained."""

    def __init__(self, height: int, width: int) -> None:
        self._colours = np.zeros((height, width, 3), np.float32)
        self._made = np.zeros((height, width), np.bool_)

    def add(self, target: Box, colours: NDArray[Any], hole: NDArray[np.bool_]) -> None:
        """Remember the colours, 0 to 255, of a part."""
        self._colours[target.slices][hole] = colours[hole]
        self._made[target.slices] |= hole

    def onto(self, canvas: Canvas, crop: Box) -> Canvas:
        """The canvas with what was made before as a part of its surroundings."""
        made = self._made[crop.slices]
        if not made.any():
            return canvas
        own = (slice(None), slice(0, canvas.own_width))
        colours = self._colours[crop.slices][made]
        rgb, sources, deep = canvas.rgb.copy(), canvas.sources.copy(), canvas.deep
        rgb[own][made] = np.rint(colours).astype(np.uint8)
        sources[own] |= made
        sources &= ~canvas.hole
        if deep is not None:
            deep = deep.copy()
            deep[own][made] = colours
        return replace(canvas, rgb=rgb, deep=deep, sources=sources)
