# SPDX-License-Identifier: Apache-2.0
"""From 8 bits back to more."""

from __future__ import annotations

import numpy as np

from bridge_server.canvas.depth import deepen


def test_a_slow_gradient_is_given_back_without_bands() -> None:
    """Rounding a gradient of a level every 12 pixels is undone to about a tenth of a level."""
    true = np.broadcast_to((50 + np.arange(160) / 12)[None, :, None], (80, 160, 3)).astype(np.float32)
    hole = np.zeros((80, 160), bool)
    hole[20:60, 40:120] = True
    result = deepen(np.rint(true).astype(np.uint8), true, hole)
    assert np.array_equal(result[~hole], true[~hole])
    assert np.abs((result - true)[hole]).mean() < 0.1
    assert np.abs(np.diff(result[40, 45:115, 0])).max() < 0.25


def test_it_never_leaves_the_rounding_interval() -> None:
    """Every result rounds to the value it came from: nothing is blurred away."""
    rng = np.random.default_rng(0)
    eight = rng.integers(0, 256, (40, 40, 3), np.uint8)
    result = deepen(eight, eight.astype(np.float32), np.ones((40, 40), bool))
    assert np.abs(result - eight).max() <= 0.5
