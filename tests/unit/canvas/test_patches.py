# SPDX-License-Identifier: Apache-2.0
"""Patches over pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.canvas.patches import assemble, composite, grow

DTYPES = [np.uint8, np.uint16, np.float32]


def _random(rng, shape, dtype):
    if dtype is np.float32:
        return (rng.random(shape, np.float32) * 6 - 1).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype)


@given(st.integers(0, 2**32 - 1), st.sampled_from(DTYPES), st.sampled_from([1, 3, 4]))
def test_alpha_zero_keeps_every_byte(seed: int, dtype, channels: int) -> None:
    """Any patch anywhere, also past the borders: pixels of alpha 0 keep their bytes, NaN included."""
    rng = np.random.default_rng(seed)
    picture = _random(rng, (9, 11, channels), dtype)
    if dtype is np.float32:
        picture[rng.random((9, 11)) < 0.3] = rng.choice([np.nan, np.inf, -np.inf])
    coverage = rng.integers(0, 256, (6, 7), np.uint8) * (rng.random((6, 7)) < 0.5).astype(np.uint8)
    x, y = (int(n) for n in rng.integers(-8, 12, 2))
    before = picture.tobytes()
    result = composite(picture, assemble(_random(rng, (6, 7, 3), dtype), coverage), x, y)
    touched = np.zeros((30, 30), bool)
    touched[y + 10 : y + 16, x + 10 : x + 17] = coverage > 0
    outside = ~touched[10:19, 10:21]
    assert picture.tobytes() == before
    assert result[outside].tobytes() == picture[outside].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_partial_coverage_is_the_exact_mix(dtype) -> None:
    """Opaque pictures become original * (1 - c) + fill * c, rounded once."""
    rng = np.random.default_rng(1)
    picture, colours = _random(rng, (16, 16, 3), dtype), _random(rng, (16, 16, 3), dtype)
    coverage = np.arange(256, dtype=np.uint8).reshape(16, 16)
    c = coverage[..., None] / 255
    expected = picture * (1 - c) + colours * c
    result = composite(picture, assemble(colours, coverage), 0, 0)
    tolerance = 1e-5 if dtype is np.float32 else 0.501
    assert np.abs(result - expected).max() <= tolerance


def test_over_a_transparent_picture_the_fill_is_opaque() -> None:
    """Full coverage hides what was there; half coverage over nothing is half opaque in the fill's colour."""
    picture = np.zeros((1, 2, 4), np.uint8)
    picture[..., 0] = 200
    patch = assemble(np.full((1, 2, 3), 90, np.uint8), np.array([[255, 128]], np.uint8))
    assert composite(picture, patch, 0, 0).tolist() == [[[90, 90, 90, 255], [90, 90, 90, 128]]]


def test_full_coverage_replaces_what_is_not_finite() -> None:
    """NaN and infinity under a full cover do not spread."""
    picture = np.full((1, 1, 3), np.nan, np.float32)
    patch = assemble(np.full((1, 1, 3), 2.5, np.float32), np.full((1, 1), 255, np.uint8))
    assert composite(picture, patch, 0, 0).tolist() == [[[2.5, 2.5, 2.5]]]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grow_keeps_the_picture_and_marks_what_is_new(channels) -> None:
    """The old canvas lies unchanged at (left, top); the border is transparent and selected."""
    picture = np.random.default_rng(0).integers(0, 65536, (4, 5, channels), np.uint16)
    canvas, mask = grow(picture, left=2, top=1, bottom=3)
    assert canvas.shape == (8, 7, 4)
    inner = canvas[1:5, 2:7]
    assert np.array_equal(inner[..., :3], np.broadcast_to(picture[..., :3], (4, 5, 3)))
    assert (inner[..., 3] == (picture[..., 3] if channels == 4 else 65535)).all()
    assert not mask[1:5, 2:7].any()
    assert (mask == 255).sum() == 8 * 7 - 4 * 5
    assert not canvas[mask > 0].any()
