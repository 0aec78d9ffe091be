# SPDX-License-Identifier: Apache-2.0
"""Descriptions as arrays."""

import numpy as np

from bridge_server.taste.features import LIMIT, UNITS, centred, distances, filled, table
from tasting import NAMES


def test_what_is_missing_or_no_number_is_nan():
    """An old description lacks axes, a broken one has infinities; unknown axes are left out."""
    values = table([{NAMES[0]: 1e-3, "gone": 1.0}, {NAMES[0]: float("inf"), NAMES[1]: float("nan")}, {}])
    assert values.shape == (3, len(NAMES))
    assert values[0, 0] == 1e-3
    assert np.isnan(values).sum() == values.size - 1


def test_absurd_numbers_count_as_missing():
    """Their squares would overflow."""
    assert np.isnan(table([{NAMES[0]: 1e300}])[0, 0])


def test_a_missing_value_is_the_columns_median():
    """And 0 where the whole column is missing, without a warning."""
    values = np.full((3, len(NAMES)), np.nan)
    values[:2, 0] = 2.0, 4.0
    assert filled(values)[:, 0].tolist() == [2.0, 4.0, 3.0]
    assert not filled(values)[:, 1:].any()


def test_differences_are_in_typical_ones_and_bounded():
    """One broken candidate reaches LIMIT and moves no other."""
    values = np.zeros((5, len(NAMES)))
    values[0], values[4, 0] = UNITS, 1e5 * UNITS[0]
    places = centred(values, UNITS)
    assert places[0].tolist() == [1.0] * len(NAMES)
    assert places[4, 0] == LIMIT
    assert not places[1:4].any()


def test_distance_is_the_root_mean_square():
    """Of all axes, as the protocol's."""
    places = np.zeros((2, len(NAMES)))
    places[1] = 2.0
    assert distances(places, places).tolist() == [[0.0, 2.0], [2.0, 0.0]]
    assert distances(places, places[:0]).shape == (2, 0)
