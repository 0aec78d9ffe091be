# SPDX-License-Identifier: Apache-2.0
"""Seams."""

from __future__ import annotations

import numpy as np

from bridge_server.canvas.blend import match_seam, meet
from bridge_server.canvas.masks import dilate


def _setting():
    rng = np.random.default_rng(0)
    original = (100 + np.arange(96)[None, :, None] + rng.normal(0, 4, (96, 96, 3))).astype(np.float32)
    hole = np.zeros((96, 96), bool)
    hole[24:72, 24:72] = True
    return original, hole, dilate(hole, 4) & ~hole


def test_a_colour_cast_is_taken_out_and_grain_stays() -> None:
    """An engine whose output is brighter and redder meets the picture's colours, keeping its own grain."""
    original, hole, ring = _setting()
    generated = original + np.array([30, -10, 5], np.float32)
    result = match_seam(original, generated, hole, ring)
    assert np.abs((result - original)[hole]).max() < 3
    assert np.array_equal(result[~hole], original[~hole])


def test_different_casts_on_two_sides_run_into_each_other() -> None:
    """Too bright on the left and too dark on the right: right at both borders, smooth in between."""
    original, hole, ring = _setting()
    cast = np.linspace(20, -20, 96, dtype=np.float32)[None, :, None]
    result = match_seam(original, original + cast, hole, ring)
    left = (result - original).mean(axis=2)[hole].reshape(48, 48).mean(axis=0)
    assert np.abs(left).max() < 4


def test_without_a_ring_the_generated_pixels_stand() -> None:
    """A whole canvas has no surroundings to match."""
    original, _, _ = _setting()
    everything = np.ones((96, 96), bool)
    assert np.array_equal(match_seam(original, original + 9, everything, ~everything), original + 9)


def _crossing():
    """A generated area whose right half is an object that goes on outside; all of it is drifted by 12."""
    original, hole, _ = _setting()
    repainted = dilate(hole, 8)
    generated = original + 12
    generated[30:66, 48:80] = 250
    generated = np.where(repainted[..., None], generated, original + 12)
    return original, generated, hole, dilate(hole, 24) & ~repainted


def test_an_object_that_crosses_the_border_does_not_tint_the_rest() -> None:
    """Drift is taken out everywhere, the gap of the object only near where it crosses."""
    original, generated, hole, held = _crossing()
    result = meet(original, generated, hole, held, 10)
    assert np.abs((result - original)[30:66, 26:36]).mean() < 2
    assert np.abs(result[40:56, 50:58] - (250 - 12)).mean() < 6
    tinted = match_seam(original, generated, hole, dilate(hole, 4) & ~hole)
    assert np.abs(tinted[40:56, 50:58] - (250 - 12)).mean() > 12


def test_at_the_border_itself_there_is_no_step() -> None:
    """Where the object is cut off, its colour runs into that outside within the band."""
    original, generated, hole, held = _crossing()
    step = np.abs(np.diff(meet(original, generated, hole, held, 10)[40:56, 71:73], axis=1)).mean()
    assert step < 25
    assert np.abs(np.diff(meet(original, generated, hole, held, 0)[40:56, 71:73], axis=1)).mean() > 60


def test_outside_the_hole_nothing_changes_when_meeting() -> None:
    """Byte for byte."""
    original, generated, hole, held = _crossing()
    assert np.array_equal(meet(original, generated, hole, held, 10)[~hole], original[~hole])
