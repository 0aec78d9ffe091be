# SPDX-License-Identifier: Apache-2.0
"""How two patches differ."""

import numpy as np
import pytest

from bridge_server.canvas import compare as module
from bridge_server.canvas.colour import srgb_to_linear
from bridge_server.canvas.compare import JUST_NOTICEABLE, Difference, Patch, compare


def flat(colour, height=8, width=8, dtype=np.uint8):
    """A patch's pixels of one colour."""
    return np.broadcast_to(np.array(colour, dtype), (height, width, len(colour))).copy()


def at(pixels, x=0, y=0, *, linear=False):
    """A patch at a place."""
    return Patch(pixels, x, y, linear)


def in_format(rgba, name):
    """An 8-bit sRGB RGBA picture as another format, and whether that is linear."""
    if name == "rgb8":
        return rgba[..., :3], False
    if name == "rgba16":
        return rgba.astype(np.uint16) * 257, False
    floats = (rgba / np.float32(255)).astype(np.float32)
    if name == "linear":
        floats[..., :3] = srgb_to_linear(floats[..., :3])
        return floats, True
    return floats, False


def test_the_same_does_not_differ():
    """And covers itself wholly."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)
    found = compare(at(pixels), at(pixels.copy()))
    assert (found.overlap, found.changed, found.difference) == (pytest.approx(1), 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "delta"),
    [
        ((0, 0, 0), (255, 255, 255), 100.0),
        ((255, 0, 0), (0, 255, 0), 170.58),
        ((0, 0, 255), (0, 0, 0), 137.65),
        ((119, 119, 119), (128, 128, 128), 53.585 - 50.034),
    ],
)
def test_the_difference_is_that_of_cielab(first, second, delta):
    """Against published Lab values of the sRGB primaries under D65: red 53.24, 80.09, 67.20 and so on."""
    found = compare(at(flat(first)), at(flat(second)))
    assert found.changed == 1
    assert found.difference == pytest.approx(delta, abs=0.06)


def test_what_nobody_sees_is_no_change():
    """One level of 8 bits, on grey and near black; three levels of grey are 1.2, eight are 3.1."""
    for level, more, changed in ((120, 1, 0), (0, 1, 0), (1, 3, 0), (120, 3, 0), (120, 8, 1)):
        found = compare(at(flat([level] * 3)), at(flat([level + more] * 3)))
        assert found.changed == changed
        assert (found.difference >= JUST_NOTICEABLE) == bool(changed)


@pytest.mark.parametrize("first", ["rgb8", "rgba16", "float", "linear"])
@pytest.mark.parametrize("second", ["rgb8", "rgba16", "float", "linear"])
def test_formats_can_be_mixed(first, second):
    """The same picture is the same in any depth and curve; the same change is the same."""
    rgba = np.random.default_rng(1).integers(0, 256, (12, 10, 4), np.uint8)
    rgba[..., 3] = 255
    other = rgba.copy()
    other[:3, ..., :3] = 255 - other[:3, ..., :3] // 4
    (a, a_linear), (b, b_linear), (c, c_linear) = (
        in_format(rgba, first), in_format(rgba, second), in_format(other, second)
    )  # fmt: skip
    assert compare(at(a, linear=a_linear), at(b, linear=b_linear)) == Difference(1, 0, 0)
    expected = compare(at(rgba), at(other))
    found = compare(at(a, linear=a_linear), at(c, linear=c_linear))
    assert found.changed == pytest.approx(expected.changed, abs=0.02)
    assert found.difference == pytest.approx(expected.difference, rel=0.02)


def test_grey_is_compared_with_colour():
    """A grey picture is its own colour version."""
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8, 1) * 4
    assert compare(at(grey), at(np.repeat(grey, 3, axis=2))) == Difference(1, 0, 0)


def test_only_the_common_area_counts():
    """Two squares that share a quarter; outside it anything may be different."""
    first, second = flat([200, 0, 0, 255]), flat([200, 0, 0, 255])
    first[:4], second[4:] = (0, 0, 255, 255), (0, 255, 0, 255)
    found = compare(at(first, -3, 5), at(second, 1, 9))
    assert found == Difference(0.25, 0, 0)


def test_overlap_is_a_share_of_the_smaller_coverage():
    """A small selection within a large one; what is transparent covers nothing."""
    large, small = flat([9, 9, 9, 255], 20, 20), flat([9, 9, 9, 0], 10, 10)
    small[:4, :, 3] = 255
    large[:, :7, 3] = 0
    assert compare(at(large), at(small, 5, 5)).overlap == pytest.approx(32 / 40)
    assert compare(at(large), at(small, 100, 5)) == Difference(0, 0, 0)


def test_change_is_weighted_by_coverage():
    """The feathered rim of a selection counts as little as it covers."""
    first = flat([100, 100, 100, 255])
    first[4:, :, 3] = 51
    second = first.copy()
    second[4:, :, :3] = 250
    assert compare(at(first), at(second)).changed == pytest.approx(51 / (51 + 255))


def test_what_the_artist_erased_is_changed():
    """A quarter erased, a quarter painted over; the rest and the wholly transparent part are as they were."""
    offer = flat([100, 100, 100, 255])
    offer[:, 6:, 3] = 0
    final = offer.copy()
    final[:2, :, 3] = 0
    final[2:4, :, :3] = 255
    found = compare(at(offer), at(final), final=True)
    assert found.changed == pytest.approx(0.5)
    assert found.difference == pytest.approx(100 - 42.37, abs=0.1)
    assert compare(at(offer), at(flat([0, 0, 0, 0])), final=True) == Difference(0, 1, 0)


def test_final_pixels_of_a_larger_area_count_only_where_the_offer_was():
    """A host gives back the flattened rectangle, opaque and larger than what was offered."""
    offer = flat([100, 100, 100, 255])
    offer[:, 4:, 3] = 0
    canvas = flat([0, 255, 0], 20, 20)
    canvas[6:14, 3:11] = 100
    canvas[6:8, 3:7] = 0
    found = compare(at(offer, 3, 6), at(canvas), final=True)
    assert found.changed == pytest.approx(0.25)
    assert found.overlap == 1


def test_two_selections_that_only_cross_do_not_erase_each_other():
    """Where one of two candidates at different places is transparent, it says nothing about the other."""
    first, second = flat([100, 100, 100, 255]), flat([100, 100, 100, 255])
    second[:6, :, 3] = 0
    assert compare(at(first), at(second, 2, 2)).changed == 0


def test_numbers_that_are_none_are_survived():
    """A render has pixels that are infinite or not a number."""
    first = flat([0.5, 0.5, 0.5, 1], dtype=np.float32)
    second = first.copy()
    second[0, 0, 0], second[1, 1, 1], second[2, 2, 3], second[3, 3, 2] = np.nan, np.inf, np.nan, -np.inf
    found = compare(at(first, linear=True), at(second, linear=True), final=True)
    assert found.changed == pytest.approx(4 / 64)
    assert np.isfinite(found.difference)


def test_strips_change_nothing(monkeypatch):
    """Large pictures are taken in parts."""
    rng = np.random.default_rng(3)
    first, second = (rng.integers(0, 256, (37, 23, 4), np.uint8) for _ in range(2))
    whole = compare(at(first, 2, 0), at(second, 0, 3))
    monkeypatch.setattr(module, "_STRIP", 50)
    parts = compare(at(first, 2, 0), at(second, 0, 3))
    assert vars(parts) == pytest.approx(vars(whole), rel=1e-6)
