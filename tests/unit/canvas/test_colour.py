# SPDX-License-Identifier: Apache-2.0
"""Tone curves and what counts as visible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.canvas.colour import (
    Tone,
    exact,
    linear_to_srgb,
    restore,
    srgb_to_linear,
    visible,
    working,
)


def test_srgb_curve_has_its_standard_values() -> None:
    """Known pairs of IEC 61966-2-1, and back again far past white."""
    pairs = np.array([[0.0, 0.0], [0.5, 0.21404], [1.0, 1.0], [0.04, 0.0030960]], np.float32)
    assert np.allclose(srgb_to_linear(pairs[:, 0]), pairs[:, 1], atol=1e-5)
    values = np.linspace(-0.5, 20, 500, dtype=np.float32)
    assert np.allclose(srgb_to_linear(linear_to_srgb(values)), values, rtol=1e-4, atol=1e-5)


@given(st.floats(0.015625, 500), st.booleans())
def test_tone_curve_is_monotone_and_comes_back(peak: float, linear: bool) -> None:
    """From black to any peak the curve stays within 0 to 1, never falls, and is undone exactly enough."""
    values = np.linspace(0, peak, 400, dtype=np.float32)
    picture = np.repeat(values[None, :, None], 3, 2)
    tone = Tone.of(picture, np.ones((1, 400), bool), linear=linear)
    encoded = tone.encode(picture)
    assert encoded.min() >= 0
    assert encoded.max() <= 1
    assert (np.diff(encoded[0, :, 0]) >= 0).all()
    assert np.allclose(tone.decode(encoded, picture.dtype), picture, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("linear", [False, True])
def test_unrounded_working_values_restore_every_integer(dtype, linear) -> None:
    """Each integer value comes back from the unrounded working picture."""
    picture = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(-1, 256, 1).repeat(3, 2)
    tone = Tone.of(picture, np.ones(picture.shape[:2], bool), linear=linear)
    assert np.array_equal(restore(exact(picture, tone), tone, np.dtype(dtype)), picture)


def test_eight_bit_pictures_are_shown_as_they_are() -> None:
    """An sRGB 8-bit picture is its own working picture; grey is repeated, 16-bit is rounded."""
    rgb = np.random.default_rng(0).integers(0, 256, (4, 5, 4), np.uint8)
    tone = Tone.of(rgb, np.ones((4, 5), bool), linear=False)
    assert np.array_equal(working(rgb, tone), rgb[..., :3])
    assert np.array_equal(working(rgb[..., :1], tone)[..., 2], rgb[..., 0])
    deep = rgb.astype(np.uint16) * 257 + 100
    assert np.array_equal(working(deep, Tone(65535.0)), rgb[..., :3])


def test_invisible_pixels() -> None:
    """Transparent and non-finite pixels do not count; a faint layer counts as a whole; an empty one not."""
    picture = np.zeros((1, 4, 4), np.float32)
    picture[0, :, 3] = (0, 0.4, 1, 1)
    picture[0, 3, 0] = np.inf
    assert visible(picture).tolist() == [[False, False, True, False]]
    faint = np.full((1, 2, 4), 9, np.uint8)
    assert visible(faint).all()
    assert not visible(np.zeros((1, 2, 4), np.uint8)).any()
    assert visible(np.zeros((1, 2, 3), np.uint8)).all()
