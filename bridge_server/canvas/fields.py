# SPDX-License-Identifier: Apache-2.0
"""Smooth random maps and maps of a picture's broad colours, to guide a synthesis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .masks import box_sum
from .pyramid import enlarge_to, halve_known, pull_push, shrink_known

__all__ = ["blobs", "broad_colours", "growth_map", "random_field", "roughness"]

Floats = NDArray[np.float32]


def random_field(height: int, width: int, cell: float, channels: int, rng: np.random.Generator) -> Floats:
    """A smooth (H, W, channels) map of random values about ``cell`` pixels apart, each channel 0 to 1."""
    rows, columns = (max(2, round(size / cell) + 1) for size in (height, width))
    knots = rng.random((rows, columns, channels), dtype=np.float32)
    down, across = _weights(height, rows), _weights(width, columns)
    planes: list[Floats] = []
    for channel in range(channels):
        plane = down @ knots[..., channel] @ across.T
        plane -= plane.min()
        plane /= max(float(plane.max()), 1e-6)
        planes.append(plane)
    return np.stack(planes, axis=2)


def _weights(size: int, knots: int) -> Floats:
    """(size, knots): how much each knot counts at each place, by the smoothstep between its neighbours."""
    places = np.linspace(0, knots - 1, size, dtype=np.float32)[:, None]
    near = np.clip(1 - np.abs(places - np.arange(knots, dtype=np.float32)), 0, 1)
    return (near * near * (3 - 2 * near)).astype(np.float32)


def blobs(
    inside: NDArray[np.bool_], share: float, cell: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """About ``share`` (0 to 1) of a mask as random blobs ``cell`` pixels wide.

    With equal ``rng`` and ``cell``, those of a smaller share lie within those of a larger one.
    """
    if share >= 1:
        return inside
    height, width = inside.shape
    noise = random_field(height, width, cell, 1, rng)[..., 0]
    noise += random_field(height, width, cell / 2, 1, rng)[..., 0] * np.float32(0.5)
    values = noise[inside]
    if values.size == 0:
        return inside
    return inside & (noise >= np.quantile(values, 1 - share))


def broad_colours(picture: Floats, among: NDArray[np.bool_], radius: int) -> Floats:
    """The two directions in which a picture's blurred colours differ most, as a map of 0 to 1.

    Args:
        picture: (H, W, 3).
        among: (H, W), the pixels whose spread decides the directions; at least one.
        radius: of the blur, in pixels.

    Returns:
        (H, W, 2); both channels share one scale, so that distances stay true.
    """
    size = box_sum(np.ones((*among.shape, 1), np.float32), radius)
    soft = box_sum(picture, radius) / size
    some = soft[among]
    middle = some.mean(axis=0)
    spread = (some - middle).T @ (some - middle) / len(some)
    _, axes = np.linalg.eigh(spread)
    turned = ((soft - middle) @ axes[:, :0:-1]).astype(np.float32)
    low, high = np.quantile(turned[among], [0.01, 0.99], axis=0)
    scale = max(float((high - low).max()), 1e-3)
    return np.clip((turned - low) / scale, 0, 1).astype(np.float32)


def roughness(picture: NDArray[np.uint8], known: NDArray[np.bool_]) -> Floats:
    """How textured the surroundings of each pixel are, carried smoothly into what is not known.

    Second differences four pixels apart at half the size: 0 on any slope, about a third of the deviation
    of white noise, tens in grass. The mean over blocks of 16 pixels.

    Args:
        picture: (H, W, 3).
        known: (H, W), where the picture counts.

    Returns:
        (H, W), in levels of 255.
    """
    grey = picture[..., 1:2].astype(np.float32)
    small, share = halve_known(grey, known.astype(np.float32))
    steps = np.zeros((*share.shape, 1), np.float32)
    valid = np.zeros_like(share)
    for axis in (0, 1):
        values, whole = np.moveaxis(small, axis, 0), np.moveaxis(share, axis, 0) >= 1
        bend = np.abs(values[2:-2] - (values[:-4] + values[4:]) / 2)
        sure = whole[2:-2] & whole[:-4] & whole[4:]
        target = np.moveaxis(steps, axis, 0)[2:-2]
        np.maximum(target, bend, out=target, where=sure[..., None])
        np.moveaxis(valid, axis, 0)[2:-2][sure] = 1
    rough = pull_push(*shrink_known(steps, valid, 3))
    return enlarge_to(rough, (known.shape[0], known.shape[1]), 4)[..., 0]


def growth_map(hole: NDArray[np.bool_], side: str, rng: np.random.Generator) -> Floats:
    """Where a hole along one side of a picture should look for its sources.

    The first channel is the place along the side, so that a horizon goes on at its height. The second is
    the distance from the border between hole and picture, folded where the picture ends: what lies far out
    comes from deep inside, which keeps a narrow strip from repeating in short steps. Both with a little
    randomness, so that seeds differ.

    Args:
        hole: (H, W), whole columns or rows along ``side``.
        side: ``left``, ``right``, ``top`` or ``bottom``.
        rng: of the randomness.

    Returns:
        (H, W, 2), 0 to 0.5.
    """
    across = hole.T if side in ("top", "bottom") else hole
    height, width = across.shape
    grown = int(np.count_nonzero(across.any(axis=0)))
    depth = max(1, width - grown)
    place: NDArray[np.int64] = np.arange(width, dtype=np.int64)
    away = np.where(place < grown, grown - 1 - place, place - grown)
    folded = depth - np.abs(away % (2 * depth) - depth)
    span = np.float32(max(height, width))
    guide = random_field(height, width, max(height, width) / 2.7, 2, rng)
    guide *= np.float32(0.1)
    guide[..., 0] += np.arange(height, dtype=np.float32)[:, None] / span
    guide[..., 1] += folded.astype(np.float32) / (2 * span)
    if side in ("right", "bottom"):
        guide = guide[:, ::-1]
    if side in ("top", "bottom"):
        guide = guide.swapaxes(0, 1)
    return np.ascontiguousarray(guide * np.float32(0.5 / 1.1))
