# SPDX-License-Identifier: Apache-2.0
"""Patches made small."""

import numpy as np
import pytest

from bridge_server.canvas.thumbnails import SIDE, thumbnail


@pytest.mark.parametrize(
    ("shape", "small"), [((1, 1), (1, 1)), ((96, 40), (96, 40)), ((97, 40), (49, 20)), ((10, 1000), (1, 91))]
)
def test_no_side_is_too_long_and_nothing_is_enlarged(shape, small):
    """Whole blocks, as few pixels a block as the limit allows."""
    result = thumbnail(np.full((*shape, 4), 255, np.uint8), linear=False)
    assert result.shape[:2] == small
    assert max(result.shape) <= SIDE


def test_colours_count_by_their_alpha_and_alpha_is_the_mean():
    """Unselected magenta does not tint; a half-covered block keeps its colour and is half clear."""
    patch = np.zeros((192, 192, 4), np.uint8)
    patch[:, 0::2] = (40, 80, 120, 255)
    patch[:, 1::2] = (255, 0, 255, 0)
    result = thumbnail(patch, linear=False)
    assert (result == (40, 80, 120, 128)).all()


def test_where_nothing_is_selected_it_is_clear_black():
    """No colour leaks from where alpha is 0."""
    patch = np.full((200, 200, 4), 200, np.uint8)
    patch[..., 3] = 0
    assert not thumbnail(patch, linear=False).any()


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, 0), (0.2140, 127.5), (1.0, 255), (30.0, 255), (np.nan, 0)]
)
def test_linear_light_is_shown_as_a_screen_does(value, shown):
    """Half grey is 21.4 % of the light; what is over white is white, what is no number black."""
    patch = np.full((3, 3, 4), value, np.float32)
    patch[..., 3] = 1
    result = thumbnail(patch, linear=True)
    assert result.dtype == np.uint8
    assert np.abs(result[..., :3] - shown).max() <= 1
    assert (result[..., 3] == 255).all()


def test_blocks_at_the_border_average_what_they_hold():
    """The last column of a patch that does not divide has its own colour, with less coverage."""
    patch = np.full((97, 97, 4), 255, np.uint8)
    patch[:, 96, :3] = 10
    last = thumbnail(patch, linear=False)[0, -1]
    assert tuple(last) == (10, 10, 10, 128)
