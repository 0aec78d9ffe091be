# SPDX-License-Identifier: Apache-2.0
"""Detail for a fill that was made small: find where each of its pixels came from, bring the grain along.

After Yi et al. 2020, "Contextual Residual Aggregation for Ultra High-Resolution Image Inpainting", with the
attention replaced by a nearest-neighbour field (Barnes et al. 2009, "PatchMatch").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .masks import dilate
from .pyramid import enlarge_to, shrink_known

__all__ = ["REACH", "add_detail", "nearest_sources"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

#: Half the side of the patches compared.
REACH = 3

#: How far neighbours look for each other's sources, a round each, and how many rounds search at random.
_JUMPS = (8, 4, 2, 1, 4, 2, 1)
_RANDOM_ROUNDS = 5

#: In the last rounds a neighbour's source is taken even if it is worse by this factor: pieces that hang
#: together look better than the best piece for each pixel.
COHERENCE = 1.3


@dataclass(frozen=True)
class _Search:
    """One search: the picture, padded by REACH, its legal sources, and the places to find sources for."""

    padded: Floats
    allowed: NDArray[np.bool_]
    rows: Ints
    columns: Ints

    def cost(self, rows: Ints, columns: Ints) -> Floats:
        """The sum of squared differences of the patches; infinite where a source is not allowed."""
        height, width = self.allowed.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        y, x = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
        total = np.zeros(rows.shape, np.float32)
        stride = self.padded.shape[1]
        flat = self.padded.reshape(-1, self.padded.shape[2])
        here, there = self.rows * stride + self.columns, y * stride + x
        for dy in range(0, 2 * REACH + 1, 2):
            for dx in range(0, 2 * REACH + 1, 2):
                step = dy * stride + dx
                gap: Floats = flat[here + step] - flat[there + step]
                total += np.einsum("nc,nc->n", gap, gap)
        total[~(inside & self.allowed[y, x])] = np.inf
        return total


def nearest_sources(
    picture: Floats, hole: NDArray[np.bool_], usable: NDArray[np.bool_], seed: int,
    tick: Callable[[float], None],
) -> tuple[Ints, Ints]:  # fmt: skip
    """For each pixel of a filled hole, the offset to the like-looking patch outside it.

    Args:
        picture: (H, W, 3), with the hole filled.
        hole: (H, W).
        usable: (H, W), what may be a source; patches that reach what is not usable are left out.
        seed: of the random search.
        tick: told between steps how much is done, 0 to 1; may raise to end the search.

    Returns:
        (H, W) row and column offsets, 0 outside the hole. All 0 if no patch is usable.
    """
    height, width = hole.shape
    allowed = ~dilate(~usable, REACH)
    offsets = np.zeros((2, height, width), np.int32)
    choices = np.flatnonzero(allowed)
    rows, columns = (n.astype(np.int32) for n in np.nonzero(hole))
    if choices.size == 0 or rows.size == 0:
        return offsets[0], offsets[1]
    rng = np.random.default_rng(seed)
    pad = ((REACH, REACH), (REACH, REACH), (0, 0))
    search = _Search(np.pad(picture, pad, mode="edge"), allowed, rows, columns)
    start = choices[rng.integers(choices.size, size=rows.size)]
    found = _Found(search, (start // width).astype(np.int32), (start % width).astype(np.int32))
    for number, jump in enumerate(_JUMPS):
        for dy, dx in ((0, jump), (0, -jump), (jump, 0), (-jump, 0)):
            tick(number / len(_JUMPS))
            offsets[:, rows, columns] = found.y - rows, found.x - columns
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            move = np.where(hole[y, x], offsets[:, y, x], offsets[:, rows, columns])
            favour = COHERENCE if number >= _RANDOM_ROUNDS else 1.0
            found.consider(rows + move[0], columns + move[1], favour)
        if number < _RANDOM_ROUNDS:
            found.wander(max(height, width) // 2, rng, partial(tick, (number + 0.5) / len(_JUMPS)))
    offsets[:, rows, columns] = found.y - rows, found.x - columns
    return offsets[0], offsets[1]


class _Found:
    """The best source found so far for each place of a search."""

    def __init__(self, search: _Search, y: Ints, x: Ints) -> None:
        self._search, self.y, self.x = search, y, x
        self._best = search.cost(y, x)

    def consider(self, y: Ints, x: Ints, favour: float = 1.0) -> None:
        """Take these sources where they are better, or worse by less than the factor ``favour``."""
        cost = self._search.cost(y, x)
        better = cost < self._best * np.float32(favour)
        self._best = np.where(better, cost, self._best)
        self.y, self.x = np.where(better, y, self.y), np.where(better, x, self.x)

    def wander(self, scale: int, rng: np.random.Generator, step: Callable[[], None]) -> None:
        """Try places at random around those found, nearer and nearer."""
        while scale >= 1:
            step()
            shift = rng.integers(-scale, scale + 1, (2, self.x.size), dtype=np.int32)
            self.consider(self.y + shift[0], self.x + shift[1])
            scale //= 4


def add_detail(
    fill: Floats,
    full: NDArray[np.uint8] | Floats,
    hole: NDArray[np.bool_],
    offsets: tuple[Ints, Ints],
    times: int,
) -> Floats:
    """Bring a fill that was made at 1 / 2**times of the size to full size.

    The enlarged fill gives the broad strokes; what a source loses by being made small and large again is
    added from the place that each pixel's patch came from, cross-faded between neighbours that disagree.

    Args:
        fill: (h, w, 3), the small picture with the hole filled.
        full: (H, W, 3), with anything in the hole.
        hole: (H, W).
        offsets: from :func:`nearest_sources`, (h, w) each.
        times: how often ``full`` was halved to the size of ``fill``.

    Returns:
        (N, 3): the values of the N pixels of ``hole``, in the order of ``hole[...]``; not clipped.
    """
    height, width = hole.shape
    step = 2**times
    small, _ = shrink_known(full.astype(np.float32), np.ones((height, width), np.float32), times)
    broad, low = (enlarge_to(values, (height, width), times) for values in (fill, small))
    rows, columns = (n.astype(np.int32) for n in np.nonzero(hole))
    result = broad[rows, columns]
    detail = full.astype(np.float32) - low
    del low, broad
    for weight, y, x in _corners(rows, columns, step, fill.shape[:2]):
        there_y = np.clip(rows + offsets[0][y, x] * step, 0, height - 1)
        there_x = np.clip(columns + offsets[1][y, x] * step, 0, width - 1)
        result += weight[:, None] * detail[there_y, there_x]
    return result


def _corners(rows: Ints, columns: Ints, step: int, shape: tuple[int, ...]) -> list[tuple[Floats, Ints, Ints]]:
    """The four small pixels around each place with weights that change over a third of a small pixel."""
    near: list[tuple[Ints, Ints, Floats]] = []
    for places, size in ((rows, shape[0]), (columns, shape[1])):
        centre = (places + np.float32(0.5)) / np.float32(step) - np.float32(0.5)
        first = np.floor(centre).astype(np.int32)
        part = np.clip((centre - first - np.float32(0.5)) * 3 + np.float32(0.5), 0, 1)
        near.append((np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), part.astype(np.float32)))
    (y0, y1, fy), (x0, x1, fx) = near
    return [
        ((1 - fy) * (1 - fx), y0, x0),
        ((1 - fy) * fx, y0, x1),
        (fy * (1 - fx), y1, x0),
        (fy * fx, y1, x1),
    ]
