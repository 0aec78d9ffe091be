# SPDX-License-Identifier: Apache-2.0
"""What a patch looks like, in a few numbers that an artist has words for.

Everything is measured on the patch made small (96 blocks along its longest side at most), in OKLab (Ottosson
2020, "A perceptual color space for image processing"): L is 0 for black and 1 for white, a runs from green to
red, b from blue to yellow. Only what is selected counts, each block by its coverage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import srgb_to_linear
from .masks import box_sum
from .thumbnails import averaged

__all__ = ["describe"]

Floats = NDArray[np.float32]

#: Radii, in blocks, of the blurs between which texture is grain (below the first) or pattern (between both).
FINE, COARSE = 1, 4

#: Gradients of this energy (L a block, squared) are too faint to have a direction.
_FAINT = 1e-6

#: Linear sRGB to the responses of the three cones, and their cube roots to L, a, b. From Ottosson 2020.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


def describe(patch: NDArray[Any], *, linear: bool) -> dict[str, float]:
    """An RGBA patch on the axes of :mod:`bridge_server.protocol.descriptor`.

    Every axis is finite, also for a patch of one pixel, and 0 where it means nothing: a single block has no
    contrast, a flat area no direction. With w the coverage and <x> the mean of x weighted by w:

    ``lightness``, ``redness``, ``warmth``: <L>, <a>, <b>.
    ``colourfulness``: <sqrt(a^2 + b^2)>.
    ``variety``: the deviation of a and b, sqrt(<(a - <a>)^2 + (b - <b>)^2>).
    ``contrast``: the deviation of L (RMS contrast, Peli 1990, "Contrast in complex images").
    ``grain``, ``pattern``: the deviation of L from its blur over 3 blocks, and of that from its blur over 9.
    ``edges``: the mean steepness of the finer blur, in L a block.
    ``upright``: -1 (level lines) to 1 (upright ones), ``order``: 0 (every direction) to 1 (one), of the
    structure tensor (Bigun and Granlund 1987): the first of the whole, the second of the 9 x 9 blocks around
    each.
    ``top_light``, ``left_light``: how L falls downwards and to the right, in L a deviation of the place.
    ``centred``: how |L - <L>| falls from the middle outwards, likewise.

    Args:
        patch: (H, W, 4), uint8, uint16 or float32; alpha is coverage, not premultiplied.
        linear: whether the patch's values are proportional to light.
    """
    colours, coverage = averaged(patch, linear=linear)
    light, red, warm = _oklab(colours)
    weight = coverage / max(float(coverage.sum()), 1e-9)
    means = [_mean(values, weight) for values in (light, red, warm)]
    spreads = [
        _mean((v - np.float32(m)) ** 2, weight) for v, m in zip((light, red, warm), means, strict=True)
    ]
    fine, coarse = (_blurred(light, coverage, radius) for radius in (FINE, COARSE))
    return {
        "lightness": means[0],
        "warmth": means[2],
        "redness": means[1],
        "colourfulness": _mean(np.hypot(red, warm), weight),
        "variety": float(np.sqrt(spreads[1] + spreads[2])),
        "contrast": float(np.sqrt(spreads[0])),
        "grain": float(np.sqrt(_mean((light - fine) ** 2, weight))),
        "pattern": float(np.sqrt(_mean((fine - coarse) ** 2, weight))),
        **_lines(fine, coverage),
        **_layout(light, means[0], weight),
    }


def _oklab(colours: Floats) -> tuple[Floats, Floats, Floats]:
    """L, a and b of (h, w, 3) sRGB values of 0 to 1."""
    lab = np.cbrt(srgb_to_linear(colours) @ _CONES.T) @ _LAB.T
    return lab[..., 0], lab[..., 1], lab[..., 2]


def _mean(values: NDArray[Any], weight: NDArray[Any]) -> float:
    """The mean by weights that add up to 1, or to 0 if nothing is selected."""
    return float(np.vdot(values, weight))


def _blurred(values: Floats, coverage: Floats, radius: int) -> Floats:
    """The mean over a square of what is selected in it."""
    size = np.maximum(box_sum(coverage, radius), np.float32(1e-6))
    return (box_sum(values * coverage, radius) / size).astype(np.float32, copy=False)


def _lines(light: Floats, coverage: Floats) -> dict[str, float]:
    """How steep the lightness is, and which way its lines run."""
    # a step counts as far as both of its ends, and the diagonal between them, are selected
    both = np.minimum(
        np.minimum(coverage[:-1, :-1], coverage[:-1, 1:]), np.minimum(coverage[1:, :-1], coverage[1:, 1:])
    )
    weight = both / max(float(both.sum()), 1e-9)
    falling, rising = light[1:, 1:] - light[:-1, :-1], light[:-1, 1:] - light[1:, :-1]
    half = np.float32(0.5)
    across, down = (falling + rising) * half, (falling - rising) * half
    pairs = (across * across, down * down, across * down)
    xx, yy, xy = ((pair * both).astype(np.float32, copy=False) for pair in pairs)
    energy = float((xx + yy).sum())
    faint = _FAINT * max(float(both.sum()), 1e-9)
    around = [box_sum(each, COARSE) for each in (xx - yy, 2 * xy, xx + yy)]
    ordered = float(np.hypot(around[0], around[1]).sum())
    return {
        "edges": _mean(np.hypot(across, down), weight),
        "upright": float((xx - yy).sum()) / (energy + faint),
        "order": ordered / (float(around[2].sum()) + faint * (2 * COARSE + 1) ** 2),
    }


def _layout(light: Floats, mean: float, weight: Floats) -> dict[str, float]:
    """Where it is light, and where it differs from its mean."""
    height, width = light.shape
    rows, columns = (n.astype(np.float32) for n in np.indices((height, width)))
    out = np.hypot(rows - _mean(rows, weight), columns - _mean(columns, weight))
    return {
        "top_light": _fall(light, rows, weight),
        "left_light": _fall(light, columns, weight),
        "centred": _fall(np.abs(light - np.float32(mean)), out, weight),
    }


def _fall(values: NDArray[Any], place: NDArray[Any], weight: NDArray[Any]) -> float:
    """How much the values fall along the place, a deviation of the place; 0 if all lies at one place."""
    off = place - np.float32(_mean(place, weight))
    spread = float(np.sqrt(_mean(off * off, weight)))
    return -_mean(values, weight * off) / spread if spread > 1e-3 else 0.0
