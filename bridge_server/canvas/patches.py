# SPDX-License-Identifier: Apache-2.0
"""A result as an RGBA patch, laying it over a picture, and growing a picture for expand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .formats import white_of

__all__ = ["assemble", "composite", "grow"]


def assemble(colours: NDArray[Any], coverage: NDArray[np.uint8]) -> NDArray[Any]:
    """Colours (h, w, 1 or 3) and 8-bit coverage (h, w) as an RGBA patch of the colours' dtype.

    Alpha is the coverage scaled to the dtype: times 1, times 257, or divided by 255. Where it is 0 the
    colours are 0 as well.
    """
    patch = np.zeros((*coverage.shape, 4), colours.dtype)
    np.copyto(patch[..., :3], colours, where=(coverage > 0)[..., None])
    patch[..., 3] = _scaled(coverage, colours.dtype)
    return patch


def _scaled(coverage: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype == np.uint8:
        return coverage
    if dtype == np.uint16:
        return coverage.astype(np.uint16) * np.uint16(257)
    return (coverage / np.float32(255)).astype(dtype)


def composite(picture: NDArray[Any], patch: NDArray[Any], x: int, y: int) -> NDArray[Any]:
    """A copy of ``picture`` with an RGBA ``patch`` laid over it at ``x``, ``y``.

    Every pixel where the patch's alpha is 0 keeps its bytes, also those that are not finite. Elsewhere, with
    c the patch's alpha, a picture without alpha becomes ``picture * (1 - c) + patch * c``; one with alpha
    is laid over by the usual "over" of straight alpha (Porter and Duff 1984), so that it is opaque where
    c is 1. A grey picture takes the patch's first channel.

    Args:
        picture: (H, W, C) with C of 1, 3 or 4, or (H, W).
        patch: (h, w, 4) of the picture's dtype; may reach past the picture's borders.
        x: column of the patch's top left corner; may be negative.
        y: row of it.
    """
    result = picture.copy()
    planes = result[..., None] if result.ndim == 2 else result
    top, left = max(0, y), max(0, x)
    bottom, right = min(planes.shape[0], y + patch.shape[0]), min(planes.shape[1], x + patch.shape[1])
    if top >= bottom or left >= right:
        return result
    view = planes[top:bottom, left:right]
    over = patch[top - y : bottom - y, left - x : right - x]
    hit = over[..., 3] > 0
    view[hit] = _lerp(view[hit], over[hit])
    return result


def _lerp(under: NDArray[Any], over: NDArray[Any]) -> NDArray[Any]:
    """Lay (N, 4) pixels over (N, C) ones; see :func:`composite`."""
    white = white_of(under.dtype)
    colours = min(3, under.shape[1])
    c = over[:, 3:].astype(np.float64) / white
    top = over[:, :colours].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        # what is fully covered may be NaN or infinite underneath and must not spread
        below = np.where(c >= 1, 0, under[:, :colours].astype(np.float64))
        if under.shape[1] < 4:
            mixed = below * (1 - c) + top * c
        else:
            old = np.nan_to_num(np.clip(under[:, 3:].astype(np.float64) / white, 0, 1)) * (1 - c)
            alpha = c + old
            mixed = np.concatenate([(top * c + below * old) / alpha, alpha * white], axis=1)
        if np.issubdtype(under.dtype, np.integer):
            mixed = np.clip(np.rint(mixed), 0, white)
        return mixed.astype(under.dtype)


def grow(
    picture: NDArray[Any], *, left: int = 0, right: int = 0, top: int = 0, bottom: int = 0
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The picture as RGBA on a larger canvas, and the mask of what is new: expand as a fill.

    Args:
        picture: (H, W, C) with C of 1, 3 or 4.
        left: columns to add, 0 or more; the other sides likewise.
        right: as left.
        top: rows to add.
        bottom: as top.

    Returns:
        (H + top + bottom, W + left + right, 4) with the new border transparent, and the (H', W') uint8
        mask, 255 in the border. The old canvas's origin lies at (left, top).
    """
    height, width, channels = picture.shape
    canvas = np.zeros((height + top + bottom, width + left + right, 4), picture.dtype)
    inner = canvas[top : top + height, left : left + width]
    inner[..., :3] = picture[..., : min(3, channels)]
    inner[..., 3] = picture[..., 3] if channels == 4 else white_of(picture.dtype)
    mask = np.full(canvas.shape[:2], 255, np.uint8)
    mask[top : top + height, left : left + width] = 0
    return canvas, mask
