# SPDX-License-Identifier: Apache-2.0
"""Synthesising one canvas: directly when the hole is small, else small first and then in detail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...canvas.blend import match_seam
from ...canvas.depth import deepen
from ...canvas.masks import Box, dilate
from ...canvas.pyramid import shrink_known
from ...canvas.regions import halvings
from ...canvas.transfer import add_detail, nearest_sources
from ..base import Report
from .library import synthesise
from .plan import Canvas, guide_of

__all__ = ["LARGEST_HOLE", "synthesise_canvas"]

Floats = NDArray[np.float32]

#: Holes of more pixels are filled at half the size or less first.
LARGEST_HOLE = 160_000

#: How far, in pixels of the small picture, a difference at the seam is carried inwards.
SEAM_REACH = 8.0


def synthesise_canvas(
    canvas: Canvas,
    inner: Box,
    *,
    radius: int,
    seed: int,
    report: Report,
    halfway: Callable[[NDArray[np.uint8]], None],
) -> NDArray[Any]:
    """Fill the canvas's hole.

    Args:
        canvas: what to fill.
        inner: where on it the hole lies.
        radius: of the patches compared.
        seed: decides the result.
        report: asked between steps whether to go on.
        halfway: given the small picture with the hole filled, (h, w, 3), if one is made.

    Returns:
        The pixels of ``inner``: uint8 for 8-bit pictures, else float32, 0 to 255.
    """
    times = halvings(int(np.count_nonzero(canvas.hole)), LARGEST_HOLE)
    rng = np.random.default_rng([seed, 1])
    if times:
        return _in_detail(canvas, inner, times, radius, seed, rng, report, halfway)
    guide, weight = guide_of(canvas.rgb, canvas.hole, canvas.keep, rng)
    made = synthesise(
        canvas.rgb, canvas.hole, canvas.excluded,
        radius=radius, seed=seed, guide=guide, guide_weight=weight,
    )  # fmt: skip
    if canvas.deep is None:
        return made[inner.slices]
    return _deepened(made, canvas.deep, canvas.hole, inner)


def _deepened(
    made: NDArray[np.uint8], deep: Floats, hole: NDArray[np.bool_], inner: Box
) -> Floats:
    """:func:`deepen` on the hole and its nearest surroundings only."""
    height, width = hole.shape
    around = Box(
        max(0, inner.x0 - 24), max(0, inner.y0 - 24),
        min(width, inner.x1 + 24), min(height, inner.y1 + 24),
    )  # fmt: skip
    part = around.slices
    return deepen(made[part], deep[part], hole[part])[inner.within(around).slices]


def _in_detail(
    canvas: Canvas, inner: Box, times: int, radius: int, seed: int, rng: np.random.Generator,
    report: Report, halfway: Callable[[NDArray[np.uint8]], None],
) -> NDArray[Any]:  # fmt: skip
    full = canvas.rgb.astype(np.float32) if canvas.deep is None else canvas.deep
    known = canvas.sources.astype(np.float32)
    values, share = shrink_known(full, known, times)
    present, _ = shrink_known(full, np.ones_like(known), times)
    touched = shrink_known(canvas.hole[..., None].astype(np.float32), np.ones_like(known), times)[0][..., 0]
    hole = (touched > 0) & (share < 0.5)
    usable = share >= 1
    small = np.rint(np.where((share > 0)[..., None], values, present)).astype(np.uint8)
    guide, weight = guide_of(np.rint(present).astype(np.uint8), hole, canvas.keep, rng)
    excluded = ~hole & (share <= 0)
    made = synthesise(
        small, hole, excluded if excluded.any() else None,
        radius=radius, seed=seed, guide=guide, guide_weight=weight,
    )  # fmt: skip
    report.check()
    halfway(made)
    fill = deepen(made, np.where((share > 0)[..., None], values, present), hole) if canvas.deep is not None else made.astype(np.float32)
    wanted = dilate(touched > 0, 1)
    offsets = nearest_sources(fill, wanted, usable, seed, report.check)
    step = 2**times
    height, width = canvas.hole.shape
    around = Box(
        max(0, inner.x0 - step), max(0, inner.y0 - step),
        min(width, inner.x1 + step), min(height, inner.y1 + step),
    )  # fmt: skip
    near = dilate(canvas.hole[around.slices], step)
    wide = np.zeros_like(canvas.hole)
    wide[around.slices] = near
    detailed = np.zeros((*near.shape, 3), np.float32)
    detailed[near] = add_detail(fill, full, wide, offsets, times)
    report.check()
    part = around.slices
    ring = near & canvas.sources[part]
    result = match_seam(full[part], detailed, canvas.hole[part], ring, SEAM_REACH * step)
    result = np.clip(result[inner.within(around).slices], 0, 255)
    return np.rint(result).astype(np.uint8) if canvas.deep is None else result
