# SPDX-License-Identifier: Apache-2.0
"""Guides."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bridge_server.canvas.fields import blobs, broad_colours, random_field


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
