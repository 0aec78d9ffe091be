# SPDX-License-Identifier: Apache-2.0
"""How two patches on one canvas differ, where both cover it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import srgb_to_linear
from .formats import white_of

__all__ = ["JUST_NOTICEABLE", "Difference", "Patch", "compare"]

Floats = NDArray[np.float32]

#: The CIE 1976 colour difference that people just notice: 2.3 (Mahy, Van Eycken and Oosterlinck 1994,
#: "Evaluation of Uniform Color Spaces Developed after the Adoption of CIELAB and CIELUV").
JUST_NOTICEABLE = 2.3

#: Less than this share of an offer's alpha means that it was erased there.
_ERASED = 0.5

#: Pixels compared at once; each takes about 100 bytes.
_STRIP = 1 << 16

#: Linear sRGB to XYZ under D65 (IEC 61966-2-1), rows X, Y, Z, and the XYZ of white.
_TO_XYZ: Floats = np.array(
    [[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923], [0.0193308, 0.1191948, 0.9505322]],
    np.float32,
)
_WHITE: Floats = _TO_XYZ.sum(axis=1)

#: Beyond this times white, light is as bright as this.
_BRIGHTEST = np.float32(1e4)


@dataclass(frozen=True)
class Patch:
    """Pixels (H, W, C) in any of the wire's formats with their top left corner at ``x``, ``y`` of a canvas.

    Without alpha it is opaque. ``linear`` says that values are proportional to light, else sRGB-encoded.
    """

    pixels: NDArray[Any]
    x: int
    y: int
    linear: bool = False


@dataclass(frozen=True)
class Difference:
    """What :func:`compare` measures.

    Attributes:
        overlap: the share of the smaller one's coverage that the other covers as well, 0 to 1.
        changed: the share of the common area that differs visibly, 0 to 1.
        difference: the mean CIE 1976 delta E of the colours there, 0 if nothing differs.
    """

    overlap: float
    changed: float
    difference: float


def compare(first: Patch, second: Patch, *, final: bool = False) -> Difference:
    """Measure how ``second`` differs from ``first``.

    A pixel differs visibly from a delta E of JUST_NOTICEABLE on, whatever its alpha, and counts as much as
    the lesser of the two alphas.

    Args:
        first: the one to compare with.
        second: the other one.
        final: ``second`` is what became of ``first``: pixels count by the first's alpha alone, and one whose
            alpha fell under half of that was erased. An erased pixel is changed; having no colour to compare,
            it is not part of the mean difference.
    """
    covered = _area(first), _area(second)
    left, right = max(first.x, second.x), min(_right(first), _right(second))
    top, bottom = max(first.y, second.y), min(_bottom(first), _bottom(second))
    if left >= right or top >= bottom:
        return Difference(0.0, 0.0, 0.0)
    rows = max(1, _STRIP // (right - left))
    total = np.zeros(5)
    for start in range(top, bottom, rows):
        box = (left, right, start, min(bottom, start + rows))
        total += _strip(_cut(first, box), _cut(second, box), (first.linear, second.linear), final=final)
    common, weight, erased, changed, gaps = (float(each) for each in total)
    return Difference(
        overlap=min(1.0, common / min(covered)) if min(covered) > 0 else 0.0,
        changed=min(1.0, (erased + changed) / weight) if weight > 0 else 0.0,
        difference=gaps / changed if changed > 0 else 0.0,
    )


def _right(patch: Patch) -> int:
    return patch.x + patch.pixels.shape[1]


def _bottom(patch: Patch) -> int:
    return patch.y + patch.pixels.shape[0]


def _cut(patch: Patch, box: tuple[int, int, int, int]) -> NDArray[Any]:
    left, right, top, bottom = box
    return patch.pixels[top - patch.y : bottom - patch.y, left - patch.x : right - patch.x]


def _area(patch: Patch) -> float:
    """The sum of a patch's coverage, in pixels."""
    height, width, channels = patch.pixels.shape
    if channels < 4:
        return float(height * width)
    rows = max(1, _STRIP // width)
    return sum(
        float(_coverage(patch.pixels[start : start + rows]).sum(dtype=np.float64))
        for start in range(0, height, rows)
    )


def _coverage(pixels: NDArray[Any]) -> Floats:
    """(H, W): alpha, 0 to 1."""
    if pixels.shape[2] < 4:
        return np.ones(pixels.shape[:2], np.float32)
    alpha = pixels[..., 3].astype(np.float32) * np.float32(1 / white_of(pixels.dtype))
    return np.clip(np.nan_to_num(alpha, nan=0.0), 0, 1)


def _strip(
    first: NDArray[Any], second: NDArray[Any], linear: tuple[bool, bool], *, final: bool
) -> NDArray[np.float64]:
    """Sums over (h, w, C) pixels of one place: of what both cover, of the weights, of the weights of what is
    erased and of what changed colour, and of the weighted delta E there.
    """
    over, under = _coverage(first), _coverage(second)
    common = np.minimum(over, under)
    weight = over if final else common
    erased = (under < _ERASED * over) if final else np.zeros(over.shape, np.bool_)
    open_ = (weight > 0) & ~erased
    if first.dtype == second.dtype and first.shape == second.shape and linear[0] == linear[1]:
        open_ &= (first[..., :3] != second[..., :3]).any(axis=2)  # most of a modified patch is as it was
    gap = _lab(first[open_], linear=linear[0]) - _lab(second[open_], linear=linear[1])
    delta = np.sqrt(np.einsum("nc,nc->n", gap, gap))
    seen = delta >= JUST_NOTICEABLE
    counts = weight[open_][seen]
    sums = (common, weight, weight[erased], counts, counts * delta[seen])
    return np.array([each.sum(dtype=np.float64) for each in sums])


@cache
def _curve(bits: int) -> Floats:
    """Linear light for each sRGB-encoded integer of 8 or 16 bits."""
    return srgb_to_linear(np.linspace(0, 1, 1 << bits, dtype=np.float32))


def _light(pixels: NDArray[Any], *, linear: bool) -> Floats:
    """(N, 1 or 3) linear light of (N, C) pixels, 1 for white; what is not a number is black."""
    colours = pixels[:, : min(3, pixels.shape[1])]
    if np.issubdtype(colours.dtype, np.integer):
        if not linear:
            return _curve(8 * colours.dtype.itemsize)[colours]
        return colours.astype(np.float32) / np.float32(white_of(colours.dtype))
    values = np.clip(np.nan_to_num(colours, nan=0.0), -_BRIGHTEST, _BRIGHTEST)
    return values if linear else srgb_to_linear(values)


def _lab(pixels: NDArray[Any], *, linear: bool) -> Floats:
    """(N, 3) CIELAB 1976 of (N, C) pixels under D65: L* 0 to 100 for black to white, a*, b*.

    CIE 15:2018. Its straight piece near black keeps one 8-bit level of a black picture at a delta E of 0.3.
    """
    light = _light(pixels, linear=linear)
    xyz = light @ _TO_XYZ.T / _WHITE if light.shape[1] == 3 else np.repeat(light, 3, axis=1)
    bent = np.where(xyz > 216 / 24389, np.cbrt(xyz), (xyz * np.float32(24389 / 27) + 16) / 116)
    x, y, z = bent.astype(np.float32, copy=False).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
