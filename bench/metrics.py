# SPDX-License-Identifier: Apache-2.0
"""How good a fill is. All figures look at the hole or its border only.

Pictures are (H, W, 3) uint8 sRGB, holes (H, W) uint8, 0 outside. No figure is enough alone: a smear scores
well in PSNR and SSIM, noise scores well in sharpness. Patch distance and the contact sheet tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from skimage.metrics import structural_similarity

__all__ = ["difference", "patch_distance", "psnr", "seam", "sharpness", "ssim"]

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

_PATCH = 7
_DIRECTIONS = 128
_MOST_PATCHES = 20_000
_NEAR = 6


def psnr(truth: Picture, result: Picture, hole: Mask) -> float:
    """Peak signal to noise ratio in dB over the hole's pixels and all channels; infinite if equal."""
    error = (truth[hole > 0].astype(np.float64) - result[hole > 0]) ** 2
    mean = float(error.mean())
    return float("inf") if mean == 0 else 10 * np.log10(255.0**2 / mean)


def ssim(truth: Picture, result: Picture, hole: Mask) -> float:
    """Structural similarity, -1 to 1: scikit-image's map (7 x 7 windows, colour), averaged in the hole."""
    _, local = structural_similarity(truth, result, channel_axis=2, data_range=255, full=True)
    return float(local[hole > 0].mean())


def patch_distance(truth: Picture, result: Picture, hole: Mask) -> float:
    """Sliced Wasserstein-1 distance between the 7 x 7 patches of result and truth that touch the hole.

    Lower is better, 0 for the same set of patches wherever they lie; in levels of 255 along a unit direction
    of the 147-dimensional patch space, averaged over 128 random directions, so that a grey shift of the whole
    hole by d levels gives about 0.8 d. After Rabin et al., "Wasserstein barycenter and its application to
    texture mixing" (2011). Takes every patch, or 20,000 of them.
    """
    rng = np.random.default_rng(0)
    touching = binary_dilation(hole > 0, np.ones((_PATCH, _PATCH), bool))
    half = _PATCH // 2
    rows, columns = np.nonzero(touching[half:-half, half:-half])
    if len(rows) > _MOST_PATCHES:
        kept = np.sort(rng.choice(len(rows), _MOST_PATCHES, replace=False))
        rows, columns = rows[kept], columns[kept]
    directions = rng.normal(size=(_PATCH * _PATCH * 3, _DIRECTIONS)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    first = np.sort(_patches(truth, rows, columns) @ directions, axis=0)
    second = np.sort(_patches(result, rows, columns) @ directions, axis=0)
    return float(np.abs(first - second).mean())


def _patches(picture: Picture, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(picture, (_PATCH, _PATCH), axis=(0, 1))
    return windows[rows, columns].reshape(len(rows), -1).astype(np.float32)


def sharpness(truth: Picture, result: Picture, hole: Mask) -> float:
    """Gradient energy in the hole, result over truth: 1 is right, less is a smear, more is noise.

    Energy is the sum of the squared steps to the right and lower neighbours, over pixels whose neighbours
    are in the hole too, all channels.
    """
    return _energy(result, hole) / max(_energy(truth, hole), 1e-9)


def _energy(picture: Picture, hole: Mask) -> float:
    values = picture.astype(np.float64)
    inside = hole > 0
    total = 0.0
    for axis in (0, 1):
        both = _pairs(inside, axis, np.logical_and)
        total += float((np.diff(values, axis=axis)[both] ** 2).sum())
    return total


def _pairs(mask: NDArray[np.bool_], axis: int, relation: np.ufunc) -> NDArray[np.bool_]:
    first, second = (mask[:-1], mask[1:]) if axis == 0 else (mask[:, :-1], mask[:, 1:])
    return relation(first, second)


def seam(result: Picture, hole: Mask) -> float:
    """Mean absolute step across the hole's border over the mean step in the surroundings near it.

    With E the pairs of 4-neighbours of which one is in the hole, N those that both lie outside it within
    6 pixels, and |p - q| the mean over channels::

        seam = mean(|p - q| over E) / mean(|p - q| over N)

    1 means that the border's steps are like those nearby, more is a visible edge. Less than 1 is no
    merit: a fill that smears the border's colours inward gets it. Compare with the untouched picture's.
    """
    values = result.astype(np.float64)
    inside = hole > 0
    near = binary_dilation(inside, iterations=_NEAR) & ~inside
    across, nearby = [], []
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis)).mean(axis=2)
        across.append(step[_pairs(inside, axis, np.logical_xor)])
        nearby.append(step[_pairs(near, axis, np.logical_and)])
    return float(np.concatenate(across).mean() / max(float(np.concatenate(nearby).mean()), 1e-9))


def difference(candidates: Sequence[Picture], hole: Mask) -> float:
    """Mean absolute difference in the hole, 0 to 255, over all pairs of candidates; 0 for fewer than two."""
    inside = [candidate[hole > 0].astype(np.float64) for candidate in candidates]
    pairs = [float(np.abs(a - b).mean()) for a, b in combinations(inside, 2)]
    return float(np.mean(pairs)) if pairs else 0.0
