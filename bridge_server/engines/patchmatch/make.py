# SPDX-License-Identifier: Apache-2.0
"""Synthesising one canvas: directly when the hole is small, else small first and then in detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...canvas.blend import match_seam
from ...canvas.depth import deepen
from ...canvas.masks import Box, dilate
from ...canvas.pyramid import halvings, shrink_known
from ...canvas.transfer import REACH, add_detail, nearest_sources
from .library import synthesise
from .plan import Canvas, guide_of

__all__ = ["LARGEST_HOLE", "Result", "Steps", "retexture_canvas", "synthesise_canvas", "way_of"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

#: Holes of more pixels are filled at half the size or less first.
LARGEST_HOLE = 160_000

#: Strength from which refine keeps only what survives one halving more.
COARSER_FROM = 0.4


@dataclass(frozen=True)
class Result:
    """What came out for one canvas.

    Attributes:
        pixels: those of the hole's bounds; uint8 for 8-bit pictures, else float32, 0 to 255.
        way: ``fill`` or ``retexture``.
        halvings: how often the canvas was halved first.
        guide_weight: of the guide map; 0 for none.
    """

    pixels: NDArray[Any]
    way: str
    halvings: int
    guide_weight: float


def way_of(result: Result) -> dict[str, Any]:
    """The recipe's words for how a result was made."""
    return {"way": result.way, "halvings": result.halvings, "guide_weight": round(result.guide_weight, 6)}


class Steps(Protocol):
    """What hears about the steps of one canvas."""

    def tick(self, done: float) -> None:
        """That much is done, 0 to 1; raises if nobody wants the rest."""
        ...

    def halfway(self, small: NDArray[np.uint8], times: int) -> None:
        """The canvas halved ``times`` times, (h, w, 3), with the hole filled."""
        ...


def synthesise_canvas(
    canvas: Canvas, inner: Box, *, radius: int, seed: int, steps: Steps, least: int = 0
) -> Result:
    """Fill the canvas's hole.

    Args:
        canvas: what to fill.
        inner: where on it the hole lies.
        radius: of the patches compared.
        seed: decides the result.
        steps: told what is done.
        least: halve the canvas at least so often first.
    """
    times = max(least, halvings(int(np.count_nonzero(canvas.hole)), LARGEST_HOLE))
    rng = np.random.default_rng([seed, 1])
    if times:
        return _in_detail(canvas, inner, times, radius, seed, rng, steps)
    guide, weight = guide_of(canvas, canvas.rgb, canvas.hole, canvas.sources, rng)
    steps.tick(0.05)
    made = synthesise(
        canvas.rgb, canvas.hole, canvas.excluded,
        radius=radius, seed=seed, guide=guide, guide_weight=weight,
    )  # fmt: skip
    steps.tick(0.9)
    if canvas.deep is None:
        return Result(made[inner.slices], "fill", 0, weight)
    return Result(_deepened(made, canvas.deep, canvas.hole, inner), "fill", 0, weight)


def _deepened(made: NDArray[np.uint8], deep: Floats, hole: NDArray[np.bool_], inner: Box) -> Floats:
    """:func:`deepen` on the hole and its nearest surroundings only."""
    height, width = hole.shape
    around = Box(
        max(0, inner.x0 - 24), max(0, inner.y0 - 24),
        min(width, inner.x1 + 24), min(height, inner.y1 + 24),
    )  # fmt: skip
    part = around.slices
    return deepen(made[part], deep[part], hole[part])[inner.within(around).slices]


@dataclass(frozen=True)
class _Small:
    """A canvas at 1 / 2**times of its size.

    Attributes:
        full: (H, W, 3), the canvas at its own size, 0 to 255.
        present: (h, w, 3), everything averaged, also what lies in the hole.
        values: (h, w, 3), only the sources averaged; ``present`` where there are none.
        share: (h, w), how much of each pixel is source.
        touched: (h, w), which pixels have any part in the hole.
    """

    full: Floats
    present: Floats
    values: Floats
    share: Floats
    touched: Bools
    times: int

    @staticmethod
    def of(canvas: Canvas, times: int) -> _Small:
        full = canvas.rgb.astype(np.float32) if canvas.deep is None else canvas.deep
        ones = np.ones(canvas.hole.shape, np.float32)
        values, share = shrink_known(full, canvas.sources.astype(np.float32), times)
        present, _ = shrink_known(full, ones, times)
        holes, _ = shrink_known(canvas.hole[..., None].astype(np.float32), ones, times)
        values = np.where((share > 0)[..., None], values, present)
        return _Small(full, present, values, share, holes[..., 0] > 0, times)


def _in_detail(
    canvas: Canvas, inner: Box, times: int, radius: int, seed: int, rng: np.random.Generator, steps: Steps
) -> Result:
    """Fill at 1 / 2**times of the size, then bring the detail along."""
    small = _Small.of(canvas, times)
    hole = small.touched & (small.share < 0.5)
    guide, weight = guide_of(canvas, np.rint(small.present).astype(np.uint8), hole, small.share >= 1, rng)
    excluded = ~hole & (small.share <= 0)
    steps.tick(0.05)
    made = synthesise(
        np.rint(small.values).astype(np.uint8), hole, excluded if excluded.any() else None,
        radius=radius, seed=seed, guide=guide, guide_weight=weight,
    )  # fmt: skip
    steps.tick(0.4)
    steps.halfway(made, times)
    fill = made.astype(np.float32)
    if canvas.deep is not None:
        fill = deepen(made, small.values, hole)
    offsets = nearest_sources(
        fill, dilate(small.touched, 1), small.share >= 1, seed, lambda done: steps.tick(0.4 + 0.45 * done)
    )
    return Result(_finished(canvas, inner, small, fill, offsets, steps), "fill", times, weight)


def retexture_canvas(
    canvas: Canvas, inner: Box, *, strength: float, seed: int, steps: Steps
) -> Result | None:
    """Keep what the hole shows from afar and replace its detail by that of like-looking sources.

    The stronger, the coarser what is kept (halved once or twice, oftener for large holes), and the more of
    its colours come from the sources too. After Hertzmann et al. 2001, "Image Analogies".

    Returns:
        None if the sources are too small to hold one patch.
    """
    least = max(1, halvings(int(np.count_nonzero(canvas.hole)), LARGEST_HOLE))
    for times in range(least + int(strength >= COARSER_FROM), 0, -1):
        small = _Small.of(canvas, times)
        usable = small.share >= 1
        if dilate(~usable, REACH).all():
            continue
        wanted = dilate(small.touched, 1)
        offsets = nearest_sources(small.present, wanted, usable, seed, lambda done: steps.tick(0.8 * done))
        rows, columns = np.indices(wanted.shape)
        copied = small.present[rows + offsets[0], columns + offsets[1]]
        fill = small.present + (copied - small.present) * np.float32(strength)
        fill = fill.astype(np.float32, copy=False)
        return Result(_finished(canvas, inner, small, fill, offsets, steps), "retexture", times, 0.0)
    return None


def _finished(
    canvas: Canvas, inner: Box, small: _Small, fill: Floats, offsets: tuple[Ints, Ints], steps: Steps
) -> NDArray[Any]:
    """Add the detail, match the seam, and cut out the pixels of ``inner``."""
    steps.tick(0.86)
    step = 2**small.times
    height, width = canvas.hole.shape
    around = Box(
        max(0, inner.x0 - step), max(0, inner.y0 - step),
        min(width, inner.x1 + step), min(height, inner.y1 + step),
    )  # fmt: skip
    part = around.slices
    wide = np.zeros_like(canvas.hole)
    wide[part] = dilate(canvas.hole[part], step)
    near = wide[part]
    detailed = np.zeros((*near.shape, 3), np.float32)
    detailed[near] = add_detail(fill, small.full, wide, offsets, small.times)
    steps.tick(0.95)
    ring = near & canvas.sources[part]
    result = match_seam(small.full[part], detailed, canvas.hole[part], ring)
    result = np.clip(result[inner.within(around).slices], 0, 255)
    return np.rint(result).astype(np.uint8) if canvas.deep is None else result
