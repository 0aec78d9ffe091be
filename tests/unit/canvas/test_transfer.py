# SPDX-License-Identifier: Apache-2.0
"""Detail for fills that were made small."""

from __future__ import annotations

import numpy as np

from bridge_server.canvas.fields import random_field
from bridge_server.canvas.pyramid import shrink_known
from bridge_server.canvas.transfer import add_detail, nearest_sources


def _nothing(_: float) -> None:
    pass


def test_the_same_texture_is_found_again() -> None:
    """A hole that was filled with an exact copy finds the place it was copied from."""
    rng = np.random.default_rng(0)
    picture = random_field(40, 60, 3, 3, rng) * 255
    hole = np.zeros((40, 60), bool)
    hole[12:28, 36:52] = True
    picture[8:32, 32:56] = picture[8:32, 4:28]
    usable = np.zeros_like(hole)
    usable[:, :31] = True
    down, across = nearest_sources(picture, hole, usable, 0, _nothing)
    assert (across[hole] == -28).mean() > 0.9
    assert (down[hole] == 0).mean() > 0.9
    assert not down[~hole].any()


def test_sources_are_only_what_may_be_used() -> None:
    """No offset leads into the hole or to what is not usable; without any source all offsets are 0."""
    rng = np.random.default_rng(0)
    picture = rng.random((30, 30, 3), np.float32)
    hole = np.zeros((30, 30), bool)
    hole[10:20, 10:20] = True
    usable = ~hole
    usable[:, 22:] = False
    down, across = nearest_sources(picture, hole, usable, 0, _nothing)
    rows, columns = np.nonzero(hole)
    assert usable[rows + down[hole], columns + across[hole]].all()
    down, across = nearest_sources(picture, hole, ~np.ones_like(hole), 0, _nothing)
    assert not down.any()
    assert not across.any()


def test_detail_of_an_exact_copy_is_exact() -> None:
    """With true offsets the fill gets the very pixels of its source back."""
    rng = np.random.default_rng(0)
    full = rng.integers(0, 256, (64, 128, 3), np.uint8)
    full[:, 64:] = full[:, :64]
    small, _ = shrink_known(full.astype(np.float32), np.ones((64, 128), np.float32), 2)
    hole = np.zeros((64, 128), bool)
    hole[20:44, 84:108] = True
    down = np.zeros((16, 32), np.int32)
    across = np.full((16, 32), -16, np.int32)
    result = add_detail(small, full, hole, (down, across), 2)
    assert np.abs(result - full[hole]).max() < 1e-2
