# SPDX-License-Identifier: Apache-2.0
"""Raw rows to arrays and back."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.canvas.formats import LAYOUTS, as_array, as_bytes, format_of, white_of


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bytes_survive_the_way_there_and_back(layout) -> None:
    """Every format's bytes come back as they were, whatever bits they hold."""
    dtype, channels = LAYOUTS[layout]
    data = np.random.default_rng(0).bytes(5 * 3 * channels * np.dtype(dtype).itemsize)
    picture = as_array(data, 5, 3, layout)
    assert picture.shape == (3, 5, channels)
    assert format_of(picture) == layout
    assert as_bytes(picture) == data


def test_wrong_length_and_unknown_format_are_refused() -> None:
    """A length that does not fit the size, or a format nobody knows, raises and says so."""
    with pytest.raises(ValueError, match="2 x 2"):
        as_array(b"123", 2, 2, "gray8")
    with pytest.raises(ValueError, match="cmyk"):
        as_array(b"", 0, 0, "cmyk")
    with pytest.raises(ValueError, match="float64"):
        format_of(np.zeros((1, 1, 3)))


def test_white_of_each_depth() -> None:
    """White is the largest integer, or 1 for float."""
    assert [white_of(np.dtype(t)) for t in ("u1", "u2", "f4")] == [255, 65535, 1]
