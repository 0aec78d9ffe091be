# SPDX-License-Identifier: Apache-2.0
"""A patch over a picture."""

import numpy as np
import pytest

from bridge_server.canvas import overlay as module
from bridge_server.canvas.colour import srgb_to_linear
from bridge_server.canvas.compare import Patch
from bridge_server.canvas.overlay import overlay


def flat(colour, height, width, dtype=np.uint8):
    """Pixels of one colour."""
    return np.broadcast_to(np.array(colour, dtype), (height, width, len(colour))).copy()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_inside_the_picture_its_format_stays_and_the_rest_keeps_its_bytes(channels):
    """Law 1: where alpha is 0 nothing changes."""
    picture = np.random.default_rng(0).integers(0, 256, (9, 11, channels), np.uint8)
    patch = flat([200, 200, 200, 0], 4, 5)
    patch[1, 2, 3], patch[2, 2, 3] = 255, 128
    laid = overlay(Patch(picture, 10, -5), Patch(patch, 13, -3))
    assert (laid.x, laid.y, laid.pixels.shape, laid.pixels.dtype) == (10, -5, picture.shape, np.uint8)
    expected = np.zeros((9, 11), np.uint8)
    expected[3, 5], expected[4, 5] = 255, 128
    assert np.array_equal(laid.mask, expected)
    assert np.array_equal(laid.pixels[expected == 0], picture[expected == 0])
    assert (laid.pixels[3, 5, : min(3, channels)] == 200).all()


@pytest.mark.parametrize(
    ("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (4, np.uint16), (4, np.float32)]
)
def test_a_patch_that_reaches_outside_makes_the_result_larger(channels, dtype):
    """An expand: RGBA in the same depth, transparent where neither covers."""
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    picture = flat([white] * channels, 4, 6, dtype)
    patch = flat([0, 0, 0, white], 3, 2, dtype)
    laid = overlay(Patch(picture, 0, 0), Patch(patch, -1, 3))
    assert (laid.x, laid.y, laid.pixels.shape, laid.pixels.dtype) == (-1, 0, (6, 7, 4), dtype)
    alpha = laid.pixels[..., 3]
    assert (alpha[:4, 1:] == white).all()
    assert (alpha[3:, :2] == white).all()
    assert not alpha[:3, 0].any()
    assert not alpha[4:, 2:].any()
    assert not laid.pixels[3:, :2, :3].any()
    assert (laid.pixels[:3, 1:, :3] == white).all()
    assert np.array_equal(np.argwhere(laid.mask == 255)[[0, -1]], [[3, 0], [5, 1]])
    assert laid.mask.sum() == 6 * 255


def test_blending_is_in_the_pictures_own_numbers():
    """Half covered is the mean of the values, in linear light as in 16 bits."""
    picture, patch = flat([0.2, 0.2, 0.2, 1], 1, 1, np.float32), flat([3.0, 1.0, 0.0, 0.5], 1, 1, np.float32)
    laid = overlay(Patch(picture, 0, 0, linear=True), Patch(patch, 0, 0, linear=True))
    assert laid.pixels[0, 0].tolist() == pytest.approx([1.6, 0.6, 0.1, 1])
    assert laid.mask.tolist() == [[128]]
    deep = overlay(
        Patch(flat([1000, 0, 65535, 65535], 1, 1, np.uint16), 0, 0),
        Patch(flat([3000, 65535, 0, 32768], 1, 1, np.uint16), 0, 0),
    )
    assert deep.pixels[0, 0].tolist() == [2000, 32768, 32767, 65535]


def test_a_patch_of_another_depth_and_curve_is_converted():
    """A candidate that was painted in 8 bits, on a linear picture, and the way back."""
    eight, light = flat([188, 10, 255, 255], 2, 2), flat([0, 0, 0, 1], 2, 2, np.float32)
    laid = overlay(Patch(light, 0, 0, linear=True), Patch(eight, 0, 0))
    expected = srgb_to_linear(np.array([188, 10, 255], np.float32) / 255)
    assert laid.pixels[0, 0, :3] == pytest.approx(expected, abs=1e-6)
    back = overlay(Patch(flat([0, 0, 0], 2, 2), 0, 0), Patch(laid.pixels, 0, 0, linear=True))
    assert back.pixels[1, 1].tolist() == [188, 10, 255]
    broken = flat([np.nan, 2.0, -1.0, 1], 1, 1, np.float32)
    assert overlay(Patch(flat([7] * 3, 1, 1), 0, 0), Patch(broken, 0, 0)).pixels.tolist() == [[[0, 255, 0]]]


@pytest.mark.parametrize("colour", [[50], [50, 50, 50]])
def test_a_patch_without_alpha_is_opaque(colour):
    """An artist's final pixels can be of any format."""
    laid = overlay(Patch(flat([9, 9, 9], 3, 3), 0, 0), Patch(flat(colour, 1, 2), 1, 1))
    assert laid.pixels[1].tolist() == [[9] * 3, [50] * 3, [50] * 3]
    assert laid.mask.tolist() == [[0, 0, 0], [0, 255, 255], [0, 0, 0]]


def test_a_patch_apart_from_the_picture_has_a_gap():
    """The rectangle around both."""
    laid = overlay(Patch(flat([1, 2, 3], 1, 1), 0, 0), Patch(flat([4, 5, 6, 255], 1, 1), 2, 0))
    assert laid.pixels.tolist() == [[[1, 2, 3, 255], [0, 0, 0, 0], [4, 5, 6, 255]]]


def test_strips_change_nothing_and_inputs_are_kept(monkeypatch):
    """Large pictures are taken in parts; what was given is not written to."""
    rng = np.random.default_rng(1)
    picture, patch = (rng.integers(0, 256, (19, 13, 4), np.uint8) for _ in range(2))
    picture.flags.writeable = patch.flags.writeable = False
    whole = overlay(Patch(picture, 0, 0), Patch(patch, -4, 7))
    monkeypatch.setattr(module, "_STRIP", 40)
    assert np.array_equal(overlay(Patch(picture, 0, 0), Patch(patch, -4, 7)).pixels, whole.pixels)
