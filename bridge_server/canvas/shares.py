# SPDX-License-Identifier: Apache-2.0
"""Who made what is visible on a canvas, from the places and small pictures of what was laid on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Layer", "Portions", "share_out"]

Floats = NDArray[np.float64]

#: Cells of the grid on its longer side, at most.
_CELLS = 512


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layer:
    """What was laid on the canvas at ``box``.

    ``coverage`` (h, w), 0 to 1, is stretched over it; ``changed``, 0 to 1, is how much of it the artist
    changed.
    """

    box: Box
    coverage: NDArray[np.float32]
    changed: float


@dataclass(frozen=True)
class Portions:
    """Shares of ``area`` pixels that sum to 1; with an area of 0 all is the artist's."""

    area: int
    machine: float
    both: float
    artist: float


def share_out(layers: Sequence[Layer], canvas: Box | None) -> Portions:
    """Work out what is on top, layer by layer from the lowest.

    What a layer covers by a it takes over from those below by a, as "over" does (Porter and Duff 1984); of
    that, ``changed`` goes to both and the rest to the machine. The sum is taken on a grid whose cells know
    the exact share that a layer covers of them. Without a canvas only what is covered counts and nothing is
    the artist's.
    """
    bounds = canvas or _around([layer.box for layer in layers])
    if bounds is None or bounds.width < 1 or bounds.height < 1:
        return Portions(0, 0.0, 0.0, 1.0)
    rows, columns = _edges(bounds.y, bounds.height, bounds), _edges(bounds.x, bounds.width, bounds)
    machine, both = np.zeros((2, len(rows) - 1, len(columns) - 1))
    for layer in layers:
        height, width = layer.coverage.shape
        down = _shares(rows, layer.box.y, layer.box.height, height)
        across = _shares(columns, layer.box.x, layer.box.width, width)
        view = np.ix_(down.any(axis=1), across.any(axis=1))
        covered = down[down.any(axis=1)] @ layer.coverage @ across[across.any(axis=1)].T
        covered = np.clip(covered, 0.0, 1.0)
        changed = min(max(layer.changed, 0.0), 1.0)
        machine[view] = machine[view] * (1 - covered) + covered * (1 - changed)
        both[view] = both[view] * (1 - covered) + covered * changed
    areas = np.outer(np.diff(rows), np.diff(columns))
    by_machine, by_both = float((machine * areas).sum()), float((both * areas).sum())
    area = float(areas.sum()) if canvas else by_machine + by_both
    if area <= 0:
        return Portions(0, 0.0, 0.0, 1.0)
    by_machine, by_both = by_machine / area, by_both / area
    return Portions(round(area), by_machine, by_both, max(0.0, 1.0 - by_machine - by_both) if canvas else 0.0)


def _around(boxes: Sequence[Box]) -> Box | None:
    if not boxes:
        return None
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _edges(start: int, length: int, bounds: Box) -> Floats:
    """The cells' borders along one side, in pixels of the canvas; the last cell may be narrower."""
    size = -(-max(bounds.width, bounds.height) // _CELLS)
    return np.array([*range(start, start + length, size), start + length], np.float64)


def _shares(edges: Floats, start: int, length: int, parts: int) -> Floats:
    """(cells, parts): the share of each cell that each of ``parts`` equal pieces of a stretch covers."""
    pieces = np.linspace(start, start + length, parts + 1)
    low = np.maximum(edges[:-1, None], pieces[None, :-1])
    high = np.minimum(edges[1:, None], pieces[None, 1:])
    return np.maximum(high - low, 0.0) / np.diff(edges)[:, None]
