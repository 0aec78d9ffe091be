# SPDX-License-Identifier: Apache-2.0
"""How small a canvas may be filled for a draft.

A draft and the candidate made from it are the same computation: a fill that is made small and given detail.
Measured on five of the bench's pictures, a small fill that is only enlarged says little of how light or how
grainy its candidate becomes (correlations of 0.0 and 0.4), because candidates differ by less than what the
detail and the seam add; and the detail costs a twentieth of a full candidate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...canvas.pyramid import halvings, shrink_known
from .make import LARGEST_HOLE
from .plan import Canvas

__all__ = ["draft_halvings"]

#: A small hole has at most so many pixels, but is halved at most so much oftener than for a full candidate:
#: by then a draft costs about an eighth, and halving once more shows in the picture.
SMALL_HOLE, MOST_MORE = 1000, 2

#: A small hole is at least so many pixels thick: patches are 7 wide, and thinner strokes break up.
LEAST_THICK = 5.0

#: A canvas that loses this share of its contrast, and so many levels of 255, is halved once less: from there
#: on bricks and pebbles become mush.
MOST_LOST, LEAST_LOST = 0.46, 8.0


def draft_halvings(canvas: Canvas) -> int:
    """How often to halve a canvas for a draft; 0 for a hole so small that a draft saves nothing."""
    pixels = int(np.count_nonzero(canvas.hole))
    times = min(halvings(pixels, SMALL_HOLE), halvings(pixels, LARGEST_HOLE) + MOST_MORE)
    thick = _thickness(canvas.hole)
    while times > 0 and thick < LEAST_THICK * 2**times:
        times -= 1
    return times - 1 if times > 1 and _is_mush(canvas, times) else times


def _thickness(hole: NDArray[np.bool_]) -> float:
    """Twice the area over the length of the border, in pixels: the width of a stroke, half a square's."""
    border = np.count_nonzero(hole[1:] != hole[:-1]) + np.count_nonzero(hole[:, 1:] != hole[:, :-1])
    return 2 * np.count_nonzero(hole) / max(1, border)


def _is_mush(canvas: Canvas, times: int) -> bool:
    """Whether halving that often averages most of the sources' contrast away."""
    green = canvas.rgb[..., 1:2].astype(np.float32)
    known = canvas.sources.astype(np.float32)
    small, share = shrink_known(green, known, times)
    kept = float(np.var(small[..., 0], where=share >= 1, dtype=np.float64)) if (share >= 1).any() else 0.0
    whole = float(np.var(green[..., 0], where=canvas.sources, dtype=np.float64))
    lost = max(0.0, whole - kept)
    return lost > LEAST_LOST**2 and lost > MOST_LOST**2 * whole
