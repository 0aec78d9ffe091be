# SPDX-License-Identifier: Apache-2.0
"""RGBA patches of any depth, made small by averaging."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import clean, linear_to_srgb
from .formats import white_of

__all__ = ["SIDE", "averaged", "thumbnail"]

Floats = NDArray[np.float32]

#: Longest side of a thumbnail, in pixels.
SIDE = 96


def thumbnail(patch: NDArray[Any], *, linear: bool) -> NDArray[np.uint8]:
    """A small picture of an RGBA patch, to be shown.

    Args:
        patch: (H, W, 4), uint8, uint16 or float32; alpha is coverage, not premultiplied.
        linear: whether the patch's values are proportional to light.

    Returns:
        (h, w, 4), 8-bit sRGB, no side longer than :data:`SIDE`; smaller patches are not enlarged. Alpha is
        the mean coverage; where it is 0 the colours are 0 as well.
    """
    colours, coverage = averaged(patch, linear=linear)
    eight = np.dstack([colours, coverage]) * np.float32(255)
    return np.rint(eight).astype(np.uint8)


def averaged(patch: NDArray[Any], *, linear: bool, side: int = SIDE) -> tuple[Floats, Floats]:
    """The means of square blocks, of the smallest size that leaves no more than ``side`` of them in a row.

    Colours are averaged as sRGB encodes them and count by their alpha. Float values over white are white, as
    a screen shows them; what is not a number is black.

    Args:
        patch: (H, W, 4), uint8, uint16 or float32.
        linear: whether its values are proportional to light.
        side: blocks along the longest side at most.

    Returns:
        (h, w, 3) sRGB values and (h, w) coverage, 0 to 1. Blocks that reach past the border average what
        they hold; their coverage is a whole block's.
    """
    height, width = patch.shape[:2]
    block = -(-max(height, width) // side)
    starts = list(range(0, width, block))
    sums = np.empty((-(-height // block), len(starts), 4), np.float32)
    # a strip of blocks at a time: a large patch never stands in memory as floats
    for number, top in enumerate(range(0, height, block)):
        strip = patch[top : top + block]
        alpha = _alpha(strip)
        values = _encoded(strip, linear=linear)
        values[..., 3] = 1
        total = np.einsum("hwc,hw->wc", values, alpha)
        sums[number] = total if block == 1 else np.add.reduceat(total, starts, axis=0)
    weight = sums[..., 3]
    colours = sums[..., :3] / np.maximum(weight, np.float32(1e-6))[..., None]
    coverage = weight / np.float32(block * block)
    return np.minimum(colours, 1), np.minimum(coverage, 1)


def _alpha(strip: NDArray[Any]) -> Floats:
    alpha: Floats = strip[..., 3].astype(np.float32) * np.float32(1 / white_of(strip.dtype))
    return alpha if np.issubdtype(strip.dtype, np.integer) else clean(alpha)


def _encoded(colours: NDArray[Any], *, linear: bool) -> Floats:
    """A new array of values of any dtype as sRGB encodes them, 0 to 1."""
    if not np.issubdtype(colours.dtype, np.integer):
        shown = clean(colours.astype(np.float32, copy=False))
        # a table is ten times faster than the power, and as exact as 16-bit pictures are
        return _curve(65536)[np.rint(shown * np.float32(65535)).astype(np.uint16)] if linear else shown
    white = white_of(colours.dtype)
    if linear:
        return _curve(int(white) + 1)[colours]
    return colours.astype(np.float32) * np.float32(1 / white)


@cache
def _curve(size: int) -> Floats:
    """The sRGB encoding of ``size`` evenly spaced amounts of light from 0 to 1."""
    return linear_to_srgb(np.linspace(0, 1, size, dtype=np.float32))
