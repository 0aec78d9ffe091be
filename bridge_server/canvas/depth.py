# SPDX-License-Identifier: Apache-2.0
"""Giving 8-bit results the depth of a 16-bit or float picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .masks import box_sum

__all__ = ["deepen"]

Floats = NDArray[np.float32]


def deepen(eight: NDArray[np.uint8], true: Floats, hole: NDArray[np.bool_]) -> Floats:
    """Fill in what rounding to 8 bits took from the pixels of a hole.

    The smoothest values that would round to the same 8 bits: blurs of falling width, each held within half a
    level of the rounded value. Outside the hole the true values stand, so that a gradient runs through.

    Args:
        eight: (H, W, C).
        true: (H, W, C), the exact values on the same scale of 0 to 255, right outside the hole.
        hole: (H, W).

    Returns:
        (H, W, C), 0 to 255.
    """
    inside = hole[..., None]
    low = eight.astype(np.float32) - np.float32(0.5)
    high = low + np.float32(1)
    ones = np.ones((*hole.shape, 1), np.float32)
    result = np.where(inside, eight.astype(np.float32), true)
    for radius in (24, 12, 6, 3, 2, 1):
        soft = box_sum(result, radius) / box_sum(ones, radius)
        result = np.where(inside, np.clip(soft, low, high), true)
    return np.clip(result, 0, 255)
