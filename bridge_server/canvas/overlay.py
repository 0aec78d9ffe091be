# SPDX-License-Identifier: Apache-2.0
"""A patch laid over a picture that it may reach out of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import linear_to_srgb, srgb_to_linear
from .compare import Patch
from .formats import white_of
from .patches import composite, grow

__all__ = ["Laid", "overlay"]

#: Pixels blended at once; each takes about 200 bytes.
_STRIP = 1 << 16


@dataclass(frozen=True)
class Laid:
    """(H, W, C) pixels of the picture's dtype at ``x``, ``y``, and the patch's coverage (H, W)."""

    pixels: NDArray[Any]
    x: int
    y: int
    mask: NDArray[np.uint8]


def overlay(picture: Patch, patch: Patch) -> Laid:
    """Lay ``patch`` over ``picture`` as hosts do, in the picture's own depth and curve.

    The result is the smallest rectangle around both. If that is the picture's own, its format stays; else it
    is RGBA, transparent where neither covers. Pixels that the patch does not cover keep their bytes. A patch
    of another depth or curve is converted to the picture's; one without alpha is opaque. A grey picture that
    stays grey takes the patch's first channel.
    """
    over = _like(patch, picture)
    left, top = min(picture.x, patch.x), min(picture.y, patch.y)
    right = max(picture.x + picture.pixels.shape[1], patch.x + over.shape[1])
    bottom = max(picture.y + picture.pixels.shape[0], patch.y + over.shape[0])
    under = picture.pixels
    if (bottom - top, right - left) != under.shape[:2]:
        under, _ = grow(
            under,
            left=picture.x - left,
            right=right - picture.x - under.shape[1],
            top=picture.y - top,
            bottom=bottom - picture.y - under.shape[0],
        )
    x, y = patch.x - left, patch.y - top
    mask = np.zeros(under.shape[:2], np.uint8)
    mask[y : y + over.shape[0], x : x + over.shape[1]] = _coverage(over)
    rows = max(1, _STRIP // under.shape[1])
    result = np.empty_like(under)
    for start in range(0, under.shape[0], rows):
        result[start : start + rows] = composite(under[start : start + rows], over, x, y - start)
    return Laid(result, left, top, mask)


def _coverage(patch: NDArray[Any]) -> NDArray[np.uint8]:
    alpha = patch[..., 3]
    if alpha.dtype == np.uint8:
        return alpha
    share = np.nan_to_num(alpha.astype(np.float32) * np.float32(255 / white_of(alpha.dtype)), nan=0.0)
    return np.clip(np.rint(share), 0, 255).astype(np.uint8)


def _like(patch: Patch, picture: Patch) -> NDArray[Any]:
    """The (h, w, 4) patch in the picture's dtype and curve."""
    pixels = patch.pixels if patch.pixels.shape[2] == 4 else grow(patch.pixels)[0]
    dtype = picture.pixels.dtype
    if pixels.dtype == dtype and patch.linear == picture.linear:
        return pixels
    values = pixels.astype(np.float32) * np.float32(1 / white_of(pixels.dtype))
    if patch.linear != picture.linear:
        curve = srgb_to_linear if picture.linear else linear_to_srgb
        values[..., :3] = curve(values[..., :3])
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    white = white_of(dtype)
    scaled = np.nan_to_num(values, nan=0.0) * np.float32(white)
    return np.clip(np.rint(scaled), 0, white).astype(dtype)
