# SPDX-License-Identifier: Apache-2.0
"""Refine: new detail on the same composition, from nearly nothing to a new fill."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...canvas.fields import blobs
from ...canvas.masks import Box, box_sum
from .make import Steps, retexture_canvas, synthesise_canvas, way_of
from .plan import Canvas

__all__ = ["refine_canvas"]

Floats = NDArray[np.float32]

#: Below the first strength the present composition is given new detail; from the second on the hole is filled
#: anew, guided by broad colours; between them more and more patches of the picture come from the fill.
RETEXTURE_TO, FILL_FROM = 0.7, 0.95

#: Fades in from the present picture below this strength.
FADE_BELOW = 0.2

#: Strong edges keep their place below this strength, the more the lower it is.
EDGES_BELOW = 0.6

#: The steepness, in levels a pixel, from which an edge counts, and from which it counts in full.
EDGE = (8.0, 20.0)

#: How wide two ways are blended, in pixels on each side.
FEATHER = 6


def refine_canvas(
    canvas: Canvas, inner: Box, radius: int, strength: float, seed: int, steps: Steps
) -> tuple[NDArray[Any], dict[str, Any]]:
    """The pixels of ``inner``, uint8 for 8-bit pictures, else float32 of 0 to 255, and how they were made."""
    share = min(1.0, max(0.0, (strength - RETEXTURE_TO) / (FILL_FROM - RETEXTURE_TO)))
    textured = None
    if share < 1:
        own = min(strength, RETEXTURE_TO)
        part = _Share(steps, 0.0, 1 - share)
        textured = retexture_canvas(canvas, inner, strength=own, seed=seed, steps=part)
    if textured is not None and share <= 0:
        return _kept(canvas, inner, textured.pixels, strength), way_of(textured)
    part = _Share(steps, 0.0 if textured is None else 1 - share, 1.0)
    filled = synthesise_canvas(canvas, inner, radius=radius, seed=seed, steps=part)
    if textured is None:
        return _kept(canvas, inner, filled.pixels, strength), way_of(filled)
    hole = canvas.hole[inner.slices]
    cell = max(12.0, float(np.sqrt(np.count_nonzero(hole))) / 6)
    chosen = blobs(hole, share, cell, np.random.default_rng([seed, 2]))
    size = box_sum(np.ones(hole.shape, np.float32), FEATHER)
    weight = (box_sum(chosen.astype(np.float32), FEATHER) / size)[..., None]
    mixed = _mix(textured.pixels, filled.pixels, weight)
    return mixed, {**way_of(filled), "way": "blend", "filled_share": round(share, 6)}


class _Share:
    """A part of the steps."""

    def __init__(self, steps: Steps, low: float, high: float) -> None:
        self._steps, self._low, self._high = steps, low, high

    def tick(self, done: float) -> None:
        """See :class:`.make.Steps`."""
        self._steps.tick(self._low + (self._high - self._low) * done)

    def halfway(self, small: NDArray[np.uint8], times: int) -> None:
        """See :class:`.make.Steps`."""
        self._steps.halfway(small, times)


def _mix(below: NDArray[Any], above: NDArray[Any], weight: Floats) -> NDArray[Any]:
    mixed = below.astype(np.float32)
    mixed += (above.astype(np.float32) - mixed) * weight
    return np.rint(mixed).astype(np.uint8) if below.dtype == np.uint8 else mixed


def _kept(canvas: Canvas, inner: Box, made: NDArray[Any], strength: float) -> NDArray[Any]:
    """Keep strong edges, and fade in from the present, so that the smallest strength changes least."""
    if strength >= EDGES_BELOW:
        return made
    source = canvas.rgb if canvas.deep is None else canvas.deep
    present = source[inner.slices]
    held = np.float32(1 - strength / EDGES_BELOW) * _edges(present)
    weight = np.float32(min(1.0, strength / FADE_BELOW)) * (1 - held)
    return _mix(present, made, weight[..., None])


def _edges(picture: NDArray[Any]) -> Floats:
    """Where the strong edges of an (H, W, 3) picture are, 0 to 1, widened by a few pixels."""
    ones = np.ones(picture.shape[:2], np.float32)
    soft = box_sum(picture.astype(np.float32).mean(axis=2), 2) / box_sum(ones, 2)
    steep = np.zeros_like(soft)
    for axis in (0, 1):
        if soft.shape[axis] > 1:
            steep = np.maximum(steep, np.abs(np.gradient(soft, axis=axis)))
    low, high = EDGE
    strong = np.clip((steep - low) / (high - low), 0, 1)
    return np.minimum(1, box_sum(strong.astype(np.float32), 2) / 8).astype(np.float32)
