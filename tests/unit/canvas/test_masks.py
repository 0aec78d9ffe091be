# SPDX-License-Identifier: Apache-2.0
"""Bounds, islands and growing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.canvas.masks import Box, bounds, box_sum, dilate, islands


def test_bounds() -> None:
    """The tightest box, also of one pixel in a corner; None of nothing."""
    mask = np.zeros((5, 7), np.uint8)
    assert bounds(mask) is None
    mask[4, 6] = 1
    assert bounds(mask) == Box(6, 4, 7, 5)
    mask[1, 2] = 255
    assert bounds(mask) == Box(2, 1, 7, 5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_islands_hold_every_selected_pixel_once(seed: int, gap: int) -> None:
    """No selected pixel is lost and no two boxes overlap, whatever the selection."""
    rng = np.random.default_rng(seed)
    mask = rng.random((40, 60)) < rng.choice([0.002, 0.02, 0.3])
    covered = np.zeros(mask.shape, int)
    for box in islands(mask, gap):
        covered[box.slices] += 1
    assert covered.max(initial=0) <= 1
    assert (covered[mask] == 1).all()


def test_near_is_one_far_is_two() -> None:
    """Parts nearer than the gap are one island, parts further than twice the gap are two."""
    mask = np.zeros((50, 300), np.uint8)
    mask[10:20, 10:20] = mask[10:20, 30:40] = 255
    assert len(islands(mask, 20)) == 1
    mask[12, 290] = 1
    assert islands(mask, 20) == [Box(10, 10, 40, 20), Box(290, 12, 291, 13)]


@given(st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_dilate_and_box_sum_look_at_the_same_square(seed: int, radius: int) -> None:
    """Both agree with a plain loop over the square, cut at the borders."""
    mask = np.random.default_rng(seed).random((9, 11)) < 0.1
    expected = np.zeros(mask.shape)
    for y in range(9):
        for x in range(11):
            part = mask[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            expected[y, x] = part.sum()
    assert np.array_equal(box_sum(mask.astype(np.float32), radius), expected)
    assert np.array_equal(dilate(mask, radius), expected > 0)
