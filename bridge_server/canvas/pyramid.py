# SPDX-License-Identifier: Apache-2.0
"""Halving and doubling pictures, and filling holes smoothly (pull-push)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["enlarge", "enlarge_to", "halve_known", "halvings", "pull_push", "shrink_known"]

Floats = NDArray[np.float32]


def halve_known(values: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Half the size: the known pixels' mean in each 2 x 2 block, and how known the block is.

    Args:
        values: (H, W, C); where ``known`` is 0 the value does not matter.
        known: (H, W), 0 to 1.

    Returns:
        (ceil(H/2), ceil(W/2), C) values and (ceil(H/2), ceil(W/2)) weights, 0 to 1.
    """
    height, width = known.shape
    if height % 2 or width % 2:
        pad = ((0, height % 2), (0, width % 2))
        known = np.pad(known, pad)
        values = np.pad(values, (*pad, (0, 0)), mode="edge")
    w = known[..., None]
    v = values * w
    v = v[0::2] + v[1::2]
    v = v[:, 0::2] + v[:, 1::2]
    w = w[0::2] + w[1::2]
    w = w[:, 0::2] + w[:, 1::2]
    mean = v / np.maximum(w, np.float32(1e-6))
    return mean.astype(np.float32, copy=False), np.minimum(w[..., 0], np.float32(1))


def shrink_known(values: Floats, known: Floats, times: int) -> tuple[Floats, Floats]:
    """Halve ``times`` times; see :func:`halve_known`."""
    for _ in range(times):
        values, known = halve_known(values, known)
    return values, known


def enlarge(values: Floats, height: int, width: int) -> Floats:
    """Double an (h, w, C) array bilinearly and cut it to (height, width, C).

    ``height`` is 2 h or 2 h - 1, ``width`` likewise; the inverse grid of :func:`halve_known`.
    """
    return _doubled(_doubled(values, 0)[:height], 1)[:, :width]


def enlarge_to(values: Floats, size: tuple[int, int], times: int) -> Floats:
    """Double ``times`` times, back to the ``size`` that was halved that often; see :func:`enlarge`."""
    sizes = [size]
    for _ in range(times - 1):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    for height, width in reversed(sizes[:times]):
        values = enlarge(values, height, width)
    return values


def _doubled(values: Floats, axis: int) -> Floats:
    moved = np.moveaxis(values, axis, 0)
    before = np.concatenate([moved[:1], moved[:-1]])
    after = np.concatenate([moved[1:], moved[-1:]])
    near = np.float32(0.75) * moved
    result = np.empty((2 * moved.shape[0], *moved.shape[1:]), np.float32)
    result[0::2] = near + np.float32(0.25) * before
    result[1::2] = near + np.float32(0.25) * after
    return np.moveaxis(result, 0, axis)


def pull_push(values: Floats, known: Floats) -> Floats:
    """Fill what is not known with a smooth surface through what is.

    Gortler et al. 1996, "The Lumigraph": average up a pyramid, then let each level take what it lacks
    from the coarser one. Costs a few passes over the picture, whatever the hole's size.

    Args:
        values: (H, W, C).
        known: (H, W), 0 (unknown) to 1 (kept exactly).

    Returns:
        (H, W, C); all zero if nothing is known.
    """
    height, width = known.shape
    w = known[..., None]
    if height * width <= 2 or bool((known >= 1).all()):
        total = max(float(w.sum()), 1e-6)
        below: Floats = (values * w).sum(axis=(0, 1), keepdims=True) / np.float32(total)
    else:
        below = enlarge(pull_push(*halve_known(values, known)), height, width)
    return (values * w + below * (np.float32(1) - w)).astype(np.float32, copy=False)


def halvings(hole_pixels: int, limit: int) -> int:
    """How often to halve a picture so that a hole of ``hole_pixels`` has at most ``limit``."""
    times = 0
    while hole_pixels > limit * 4**times:
        times += 1
    return times
