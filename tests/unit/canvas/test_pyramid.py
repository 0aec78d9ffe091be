# SPDX-License-Identifier: Apache-2.0
"""Halving, doubling and smooth filling."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.canvas.pyramid import enlarge, halve_known, halvings, pull_push, shrink_known


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (16, 9), (1, 30)])
def test_pull_push_keeps_what_is_known_and_stays_in_its_range(shape) -> None:
    """Known values stay to the bit; what is filled lies between the smallest and largest known."""
    rng = np.random.default_rng(0)
    values = rng.random((*shape, 3), np.float32)
    known = (rng.random(shape) < 0.4).astype(np.float32)
    known[0, 0] = 1
    filled = pull_push(values, known)
    assert np.array_equal(filled[known > 0], values[known > 0])
    assert filled.min() >= values[known > 0].min() - 1e-6
    assert filled.max() <= values[known > 0].max() + 1e-6


def test_unknown_values_do_not_leak() -> None:
    """What stands in unknown pixels has no influence."""
    known = np.zeros((9, 9), np.float32)
    known[:3] = 1
    first = np.full((9, 9, 1), 5, np.float32)
    second = first.copy()
    second[3:] = 1e6
    assert np.array_equal(pull_push(first, known), pull_push(second, known))


def test_halving_and_enlarging_a_ramp_gives_the_ramp() -> None:
    """A linear gradient survives a round trip away from the borders."""
    ramp = np.arange(32, dtype=np.float32)[None, :, None].repeat(20, 0)
    small, known = halve_known(ramp, np.ones((20, 32), np.float32))
    assert (known == 1).all()
    assert np.allclose(enlarge(small, 20, 32)[:, 2:-2], ramp[:, 2:-2], atol=1e-4)


def test_shrink_of_odd_sizes_keeps_a_constant() -> None:
    """Padding odd sizes does not darken the edge."""
    small, _ = shrink_known(np.full((7, 13, 3), 9, np.float32), np.ones((7, 13), np.float32), 3)
    assert small.shape == (1, 2, 3)
    assert np.allclose(small, 9)


def test_halvings() -> None:
    """Halved only as often as needed."""
    assert [halvings(n, 100) for n in (1, 100, 101, 400, 401)] == [0, 0, 1, 1, 2]
