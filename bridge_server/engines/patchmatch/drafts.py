# SPDX-License-Identifier: Apache-2.0
"""How small a canvas may be filled for a draft.

A draft and the candidate made from it are the same fill, made small and given detail: measured on the bench's
pictures, a fill that is only enlarged says next to nothing of how light, grainy or contrasty the candidate
becomes, because candidates differ by less than what detail adds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...canvas.pyramid import halvings, shrink_known
from .plan import Canvas

__all__ = ["draft_halvings"]

#: A small hole has at most so many pixels, unless it would be too thin or the picture would lose too much.
SMALL_HOLE = 1000

#: A small hole is at least so many pixels thick: patches are 7 wide, and thinner strokes break up.
LEAST_THICK = 5.0

#: A canvas that loses this share of its contrast, and so many levels of 255, is halved once less: from there
#: on bricks and pebbles become mush.
MOST_LOST, LEAST_LOST = 0.46, 8.0


def draft_halvings(canvas: Canvas) -> int:
    """How often to halve a canvas for a draft; 0 for a hole so small that a draft saves nothing."""
    times = halvings(int(np.count_nonzero(canvas.hole)), SMALL_HOLE)
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
