# SPDX-License-Identifier: Apache-2.0
"""What the numbers of a patch say: each axis answers to what its words promise."""

import numpy as np
import pytest

from bridge_server.canvas.colour import srgb_to_linear
from bridge_server.canvas.describe import describe
from bridge_server.protocol.descriptor import AXES

ROWS, COLUMNS = np.mgrid[0:64, 0:64]


def patch(grey, alpha=255):
    """An RGBA patch of (h, w) grey or (h, w, 3) colours."""
    colours = np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey
    alpha = np.broadcast_to(np.asarray(alpha, np.float64), colours.shape[:2])
    return np.clip(np.rint(np.dstack([colours, alpha])), 0, 255).astype(np.uint8)


def plain(*colour, side=64):
    """A patch of one colour."""
    return patch(np.full((side, side, 3), colour, np.float64))


def stripes(places, period=16):
    """Grey waves along the places."""
    return patch(128 + 60 * np.sin(places * (2 * np.pi / period)))


def test_the_axes_are_those_of_the_protocol():
    """Canvas may not import protocol, so nothing else keeps the names together."""
    assert list(describe(plain(9, 9, 9), linear=False)) == [axis.name for axis in AXES]


def test_known_colours_have_the_published_values():
    """OKLab of pure red, from Ottosson's page: L 0.628, a 0.225, b 0.126."""
    red = describe(plain(255, 0, 0), linear=False)
    assert red["lightness"] == pytest.approx(0.628, abs=1e-3)
    assert red["redness"] == pytest.approx(0.225, abs=1e-3)
    assert red["warmth"] == pytest.approx(0.126, abs=1e-3)
    assert red["colourfulness"] == pytest.approx(np.hypot(0.225, 0.126), abs=1e-3)


NOISE = np.random.default_rng(1).normal(0, 1, (64, 64))
COARSE = np.kron(np.random.default_rng(2).normal(0, 1, (8, 8)), np.ones((8, 8)))


@pytest.mark.parametrize(
    ("axis", "more", "less"),
    [
        ("lightness", plain(200, 200, 200), plain(90, 90, 90)),
        ("warmth", plain(200, 150, 90), plain(90, 150, 200)),
        ("redness", plain(200, 120, 120), plain(120, 200, 120)),
        ("colourfulness", plain(60, 90, 220), plain(100, 110, 130)),
        ("variety", patch(np.where(COLUMNS[..., None] < 32, (200, 80, 80), (80, 80, 200))), plain(0, 0, 200)),
        ("contrast", stripes(COLUMNS), plain(128, 128, 128)),
        ("grain", patch(128 + 20 * NOISE), patch(128 + 20 * COARSE)),
        ("pattern", patch(128 + 20 * COARSE), patch(128 + 20 * NOISE)),
        ("edges", stripes(COLUMNS, 12), stripes(COLUMNS, 40)),
        ("upright", stripes(COLUMNS), stripes(COLUMNS + ROWS)),
        ("upright", stripes(COLUMNS + ROWS), stripes(ROWS)),
        ("order", stripes(COLUMNS + ROWS), patch(128 + 20 * NOISE)),
        ("top_light", patch(200.0 - 2 * ROWS), patch(100.0 + ROWS)),
        ("left_light", patch(200.0 - 2 * COLUMNS), patch(100.0 + COLUMNS)),
        ("centred", patch(128 + 90 * (np.hypot(ROWS - 32, COLUMNS - 32) < 12)),
         patch(128 + 90 * (np.hypot(ROWS - 32, COLUMNS - 32) > 38))),
    ],
)  # fmt: skip
def test_an_axis_answers_to_its_words(axis, more, less):
    """What shows more of it has the higher number."""
    assert describe(more, linear=False)[axis] > describe(less, linear=False)[axis] + 1e-3


def test_what_is_not_selected_does_not_count():
    """Magenta noise where alpha is 0 changes nothing, and half selected counts half."""
    inside = np.hypot(ROWS - 32, COLUMNS - 32) < 20
    first = patch(128 + 60 * np.sin(COLUMNS / 2), 255 * inside)
    second = first.copy()
    second[~inside, :3] = np.random.default_rng(0).integers(0, 256, ((~inside).sum(), 3))
    assert describe(first, linear=False) == pytest.approx(describe(second, linear=False), abs=1e-6)
    soft = patch(np.where(COLUMNS < 32, 50.0, 200.0), np.where(COLUMNS < 32, 255, 85))
    dark, light = (describe(plain(n, n, n), linear=False)["lightness"] for n in (50, 200))
    assert describe(soft, linear=False)["lightness"] == pytest.approx(0.75 * dark + 0.25 * light, abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (3, 97), (64, 64)])
@pytest.mark.parametrize("kind", ["nothing", "soft", "hdr", "nan"])
def test_every_patch_has_finite_numbers(shape, kind):
    """Tiny, thin, unselected, brighter than white, not numbers: finite and within the axes' ranges."""
    rng = np.random.default_rng(3)
    values = rng.random((*shape, 4), np.float32)
    if kind == "nothing":
        values[..., 3] = 0
    if kind == "hdr":
        values[..., :3] = values[..., :3] * 400 - 5
    if kind == "nan":
        values[..., :3] = rng.choice([np.nan, np.inf, -np.inf], (*shape, 3))
    for linear in (False, True):
        found = describe(values, linear=linear)
        assert all(np.isfinite(value) for value in found.values())
        assert -1 <= found["upright"] <= 1
        assert 0 <= found["order"] <= 1.0001


def test_depth_and_encoding_do_not_matter():
    """The same picture as 8 and 16 bits, as float, and as light has the same numbers."""
    eight = patch(np.stack([ROWS * 3.0, COLUMNS * 3.0, 90 + 40 * np.sin(ROWS / 3 + COLUMNS)], axis=2), 200)
    expected = describe(eight, linear=False)
    floats = (eight / np.float32(255)).astype(np.float32)
    light = floats.copy()
    light[..., :3] = srgb_to_linear(floats[..., :3])
    deep = np.rint(light * np.float32(65535)).astype(np.uint16)
    for values, linear in (
        (eight.astype(np.uint16) * 257, False),
        (floats, False),
        (light, True),
        (deep, True),
    ):
        assert describe(values, linear=linear) == pytest.approx(expected, abs=2e-3)
