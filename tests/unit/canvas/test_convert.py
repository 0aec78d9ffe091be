# SPDX-License-Identifier: Apache-2.0
"""Pictures in another depth and colorspace."""

import numpy as np
import pytest

from bridge_server.canvas import convert
from bridge_server.canvas.convert import converted
from bridge_server.canvas.formats import LAYOUTS, white_of

DEPTHS = ["rgba8", "rgba16", "rgbaf32"]
NAN, INF = np.nan, np.inf


def every(dtype):
    """A picture that has every integer in each channel, alpha against the colours."""
    values = np.arange(int(white_of(np.dtype(dtype))) + 1).astype(dtype)
    return np.stack([values, values, values, values[::-1]], axis=1).reshape(-1, 256, 4)


def floats(*pixels):
    """One row of float pixels."""
    return np.array([pixels], np.float32)


def to_srgb(light):
    """IEC 61966-2-1 in double precision, for 0 to 1."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def to_light(encoded):
    """The inverse of :func:`to_srgb`."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def plainly(picture, layout, *, linear=False):
    """Converted within one colorspace."""
    return converted(picture, layout, linear=linear, to_linear=linear)


@pytest.mark.parametrize("linear", [False, True])
def test_every_integer_comes_back_from_a_deeper_depth(linear):
    """From 8 bits by 16 and by float, from 16 bits by float, alpha as well."""
    for dtype, layout, deeper in (("u1", "rgba8", DEPTHS[1:]), ("u2", "rgba16", DEPTHS[2:])):
        for through in deeper:
            there = plainly(every(dtype), through, linear=linear)
            assert there.dtype == np.dtype(LAYOUTS[through][0])
            assert np.array_equal(plainly(there, layout, linear=linear), every(dtype))


@pytest.mark.parametrize(("linear", "dtype"), [(False, "u1"), (True, "u1"), (False, "u2"), (True, "u2")])
def test_every_integer_comes_back_from_the_other_colorspace_as_float(linear, dtype):
    """The curve and its inverse lose less than a step of 16 bits."""
    there = converted(every(dtype), "rgbaf32", linear=linear, to_linear=not linear)
    layout = {"u1": "rgba8", "u2": "rgba16"}[dtype]
    assert np.array_equal(converted(there, layout, linear=not linear, to_linear=linear), every(dtype))


def test_integers_are_scaled_and_rounded():
    """White stays white; 16 bits become the nearest of 8."""
    eight = every("u1").astype(np.int64)
    assert np.array_equal(plainly(every("u1"), "rgba16"), eight * 257)
    assert np.array_equal(plainly(every("u2"), "rgba8"), (every("u2").astype(np.int64) + 128) // 257)
    assert np.array_equal(plainly(every("u1"), "rgbaf32"), (eight / 255).astype(np.float32))


@pytest.mark.parametrize("layout", DEPTHS)
@pytest.mark.parametrize("source", DEPTHS)
@pytest.mark.parametrize("linear", [False, True])
def test_the_curve_is_that_of_the_standard_and_alpha_knows_none(source, layout, linear):
    """Whichever of the two depths holds it, in both directions; alpha is as if there were no curve."""
    picture = plainly(every("u2"), source)
    result = converted(picture, layout, linear=linear, to_linear=not linear)
    share = picture[..., :3].astype(np.float64) / white_of(picture.dtype)
    wanted = (to_srgb if linear else to_light)(share) * white_of(result.dtype)
    # 32-bit arithmetic may round the other way where a value lies in the middle
    most = 1e-6 if layout == "rgbaf32" else 0.5 + 1e-6 * white_of(result.dtype)
    assert np.abs(result[..., :3] - wanted).max() <= most
    assert np.array_equal(result[..., 3], plainly(picture, layout)[..., 3])


def test_floats_past_white_and_below_black_stay_among_floats():
    """The curve goes on, there and back."""
    picture = floats((4.0, 1.5, -0.25, 1.5), (1e30, INF, -INF, -0.5))
    assert plainly(picture, "rgbaf32").tobytes() == picture.tobytes()
    encoded = converted(picture, "rgbaf32", linear=True, to_linear=False)
    assert np.allclose(encoded[0, 0], (1.055 * 4 ** (1 / 2.4) - 0.055, 1.1942, -3.23, 1.5), atol=1e-4)
    back = converted(encoded, "rgbaf32", linear=False, to_linear=True)
    assert np.allclose(back, picture, rtol=1e-4)
    assert np.array_equal(encoded[..., 3], picture[..., 3])
    assert converted(picture, "rgbaf32", linear=False, to_linear=True)[0, 1, 0] == INF


@pytest.mark.parametrize("to_linear", [False, True])
@pytest.mark.parametrize(("layout", "white"), [("rgba8", 255), ("rgba16", 65535)])
def test_integers_hold_floats_within_black_and_white(layout, white, to_linear):
    """And what is no number is 0, in the colours and in alpha."""
    picture = floats((NAN, 7.0, -7.0, NAN), (INF, -INF, 1.0, 7.0), (0.0, 1.0, 0.0, -7.0))
    result = converted(picture, layout, linear=True, to_linear=to_linear)
    assert (result / white).tolist() == [[[0, 1, 0, 0], [1, 0, 1, 1], [0, 1, 0, 0]]]


def test_what_is_no_number_stays_so_among_floats():
    """Nobody asked to repair it; other channels are not touched by it."""
    result = converted(floats((NAN, 0.0, 1.0, NAN)), "rgbaf32", linear=True, to_linear=False)
    assert np.isnan(result[0, 0]).tolist() == [True, False, False, True]
    assert np.allclose(result[0, 0, 1:3], (0, 1), atol=1e-6)


@pytest.mark.parametrize(("layout", "white"), [("rgba8", 255), ("rgba16", 65535), ("rgbaf32", 1)])
def test_what_has_no_alpha_becomes_opaque_and_grey_is_repeated(layout, white):
    """As an artist's final pixels may come."""
    result = plainly(np.array([[[0], [255]]], np.uint8), layout)
    assert result.tolist() == [[[0, 0, 0, white], [white] * 4]]
    result = plainly(np.array([[[255, 0, 255]]], np.uint8), layout)
    assert result.tolist() == [[[white, 0, white, white]]]


@pytest.mark.parametrize(("layout", "channels"), [("gray8", 1), ("rgb8", 3)])
def test_a_picture_without_alpha_can_change_its_colorspace_alone(layout, channels):
    """It keeps its channels."""
    picture = np.full((2, 3, channels), 188, np.uint8)
    result = converted(picture, layout, linear=False, to_linear=True)
    assert (result.shape, result.dtype) == (picture.shape, np.uint8)
    assert (result == 128).all()


def test_a_large_picture_is_converted_whole_and_left_as_it_was(monkeypatch):
    """Strip by strip, the last one shorter; a row may be longer than a strip."""
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 4), np.uint8)
    before = picture.copy()
    whole = converted(picture, "rgba16", linear=True, to_linear=False)
    for strip in (10, 1):
        monkeypatch.setattr(convert, "_STRIP", strip)
        assert np.array_equal(converted(picture, "rgba16", linear=True, to_linear=False), whole)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(("layout", "words"), [("cmyk", "cmyk"), ("rgb8", "lacks"), ("gray8", "lacks")])
def test_no_channel_is_dropped_and_no_layout_made_up(layout, words):
    """It raises and says so."""
    with pytest.raises(ValueError, match=words):
        plainly(every("u1"), layout)
