# SPDX-License-Identifier: Apache-2.0
"""Guides."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bridge_server.canvas.fields import blobs, broad_colours, growth_map, random_field, roughness


def test_random_field_fills_its_range_smoothly() -> None:
    """0 to 1, the same for the same seed, and without steps."""
    first = random_field(60, 80, 20, 2, np.random.default_rng(3))
    assert np.array_equal(first, random_field(60, 80, 20, 2, np.random.default_rng(3)))
    assert first.shape == (60, 80, 2)
    assert first.min() == 0
    assert first.max() == 1
    assert np.abs(np.diff(first, axis=1)).max() < 0.15
    assert random_field(1, 1, 20, 2, np.random.default_rng(3)).shape == (1, 1, 2)


def test_blobs_grow_with_their_share() -> None:
    """About the share asked for, each within the next, none outside the mask."""
    inside = np.zeros((80, 80), bool)
    inside[10:70, 5:60] = True
    shares = [0.1, 0.4, 0.8, 1.0]
    found = [blobs(inside, share, 12, np.random.default_rng(1)) for share in shares]
    for smaller, larger in pairwise(found):
        assert not (smaller & ~larger).any()
    for share, blob in zip(shares, found, strict=True):
        assert not (blob & ~inside).any()
        assert abs(blob.sum() / inside.sum() - share) < 0.02


def test_broad_colours_tell_colours_apart() -> None:
    """Two flat colours lie far apart, whatever channel they differ in; a flat picture gives no contrast."""
    for channel in range(3):
        picture = np.full((20, 40, 3), 100, np.float32)
        picture[:, 20:, channel] = 180
        guide = broad_colours(picture, np.ones((20, 40), bool), 1)
        assert np.abs(guide[10, 5] - guide[10, 35]).max() > 0.9
    flat = broad_colours(np.full((9, 9, 3), 7, np.float32), np.ones((9, 9), bool), 1)
    assert flat.max() - flat.min() < 1e-3


def test_roughness_tells_texture_from_slopes() -> None:
    """0 on a slope, high in texture, carried into what is not known, and blind to what stands there."""
    rng = np.random.default_rng(0)
    picture = np.repeat(np.repeat(np.arange(160, dtype=np.uint8)[:, None, None], 130, 1), 3, 2)
    picture[:, 65:] = rng.integers(0, 256, (160, 65, 3), np.uint8)
    known = np.ones((160, 130), bool)
    known[60:100] = False
    rough = roughness(picture, known)
    assert rough.shape == known.shape
    assert rough[:45, :30].max() < 0.5
    assert rough[:, 100:].min() > 15
    assert rough[80, 5] < rough[80, 60] < rough[80, 120]
    picture[~known] = rng.integers(0, 256, (40 * 130, 3), np.uint8)
    assert np.array_equal(roughness(picture, known), rough)
    assert roughness(picture[:1, :1], known[:1, :1]).shape == (1, 1)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_growth_map_points_straight_back(side) -> None:
    """What lies n pixels out is guided to about the same place along the side, n pixels in."""
    hole = np.zeros((60, 100), bool)
    index = {"left": np.s_[:, :30], "right": np.s_[:, -30:], "top": np.s_[:20], "bottom": np.s_[-20:]}
    hole[index[side]] = True
    guide = growth_map(hole, side, np.random.default_rng(0))
    assert guide.shape == (60, 100, 2)
    assert guide.min() >= 0
    assert guide.max() <= 0.5
    out, back = {
        "left": ((30, 19), (30, 40)), "right": ((30, 80), (30, 59)),
        "top": ((9, 50), (30, 50)), "bottom": ((50, 50), (29, 50)),
    }[side]  # fmt: skip
    far = {"left": (5, 99), "right": (5, 0), "top": (59, 5), "bottom": (0, 5)}[side]
    assert np.abs(guide[out] - guide[back]).max() < 0.04
    assert np.abs(guide[out] - guide[far]).max() > 0.1
