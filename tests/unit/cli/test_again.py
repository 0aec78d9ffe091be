# SPDX-License-Identifier: Apache-2.0
"""Candidates' pixels as pictures."""

import numpy as np
import pytest

from bridge_server.cli.again import laid, patch_of
from bridge_server.cli.pictures import Picture, to_pixels
from bridge_server.protocol.errors import BadRequest
from bridge_server.protocol.records import Placement


def patch(width, height, dtype=np.uint8):
    """An opaque patch of ones."""
    white = np.ones((height, width, 4), dtype)
    white[..., 3] = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    return to_pixels(white, "linear" if dtype == np.float32 else "srgb")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_patch_keeps_its_depth_and_its_transparency(dtype):
    """As a picture of its own."""
    picture = patch_of(patch(3, 2, dtype))
    assert (picture.array.shape, picture.array.dtype) == ((2, 3, 4), dtype)
    assert picture.colorspace == ("linear" if dtype == np.float32 else "srgb")


def test_a_patch_lies_where_it_was_made_for():
    """Nothing else changes."""
    base = np.zeros((5, 6, 3), np.uint8)
    result = laid(Picture(base), patch(2, 1), Placement(3, 4, 2, 1)).array
    assert result.shape == base.shape
    assert np.argwhere(result[..., 0]).tolist() == [[4, 3], [4, 4]]


def test_an_expands_patch_grows_the_picture():
    """On each side by what reaches over it; the old picture lies in the middle."""
    base = np.full((4, 4, 3), 9, np.uint8)
    hollow = np.zeros((7, 8, 4), np.uint8)
    result = laid(Picture(base), to_pixels(hollow), Placement(-3, -1, 8, 7)).array
    assert result.shape == (7, 8, 3)
    assert np.array_equal(result[1:5, 3:7], base)


@pytest.mark.parametrize(
    ("pixels", "place", "message"),
    [
        (patch(2, 1), Placement(5000, 0, 2, 1), "outside"),
        (patch(2, 1), Placement(0, -5000, 2, 1), "outside"),
        (patch(2, 1, np.uint16), Placement(0, 0, 2, 1), "uint16"),
    ],
)
def test_a_picture_that_was_not_asked_about_is_refused(pixels, place, message):
    """Instead of a huge or a wrong one."""
    with pytest.raises(BadRequest, match=message):
        laid(Picture(np.zeros((4, 4, 3), np.uint8)), pixels, place)
