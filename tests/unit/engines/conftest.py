# SPDX-License-Identifier: Apache-2.0
"""Pictures and a listening report for the engines' tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge_server.engines.base import Brief, Made
from bridge_server.engines.patchmatch import PatchMatchEngine


class Listener:
    """A report that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def progress(self, index: int, done: float) -> None:
        """Note it."""
        self.told.append(("progress", index, done))

    def preview(self, index: int, x: int, y: int, width: int, height: int, pixels: Any) -> None:
        """Note it."""
        self.told.append(("preview", index, x, y, width, height, pixels))

    def check(self) -> None:
        """Note it."""
        self.told.append(("check",))


@pytest.fixture
def listener() -> Listener:
    """The report that the fixture ``make`` uses."""
    return Listener()


@pytest.fixture
def make(listener: Listener):
    """Runs the real engine on one brief and gives the candidates."""

    def run(
        picture: Any, mask: Any, verb: str = "fill", seeds: tuple[int, ...] = (0,), **more: Any
    ) -> list[Made]:
        return list(PatchMatchEngine().generate(Brief(verb, picture, mask, seeds, **more), listener))

    return run


@pytest.fixture
def texture():
    """A 96 x 96 RGB picture of coloured noise on stripes: something to copy that is nowhere the same."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[0:96, 0:96]
    base = 120 + 70 * np.sin(columns / 6)[..., None] * np.array([1.0, 0.6, -0.4])
    base = base + (20 * np.cos(rows / 9))[..., None]
    return np.clip(base + rng.normal(0, 12, (96, 96, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def square():
    """A 96 x 96 mask with a 28 x 28 square in the middle."""
    mask = np.zeros((96, 96), np.uint8)
    mask[34:62, 34:62] = 255
    return mask
