# SPDX-License-Identifier: Apache-2.0
"""Descriptions of candidates as arrays: a row a candidate, a column an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..protocol.descriptor import AXES

__all__ = ["LIMIT", "NAMES", "UNITS", "Floats", "centred", "distances", "filled", "table"]

Floats = NDArray[np.float64]

NAMES: tuple[str, ...] = tuple(axis.name for axis in AXES)

#: (K,) the typical difference between two candidates on each axis, as the protocol says.
UNITS: Floats = np.array([axis.scale for axis in AXES], np.float64)

#: What is farther than this many typical differences from the middle counts as just that far, so that one
#: broken candidate can't outweigh many sound ones (winsorising). It is 3.5 standard deviations.
LIMIT = 2.5

#: What is more typical differences than this off zero was not measured; its square still is finite.
_ABSURD = 1e6


def table(descriptors: Sequence[Mapping[str, float]]) -> Floats:
    """The (n, K) values of ``descriptors``; NaN where an axis is missing or not finite."""
    rows = [[descriptor.get(name, np.nan) for name in NAMES] for descriptor in descriptors]
    values = np.array(rows, np.float64).reshape(len(rows), len(NAMES))
    sound = np.abs(values) <= _ABSURD * UNITS  # False for NaN and the infinite
    return np.where(sound, values, np.nan)


def filled(values: Floats) -> Floats:
    """(n, K) values with the column's median where one is missing; 0 in a column that nobody has."""
    known = ~np.isnan(values)
    if known.all():
        return values
    nobody = ~known.any(axis=0)
    result = np.where(nobody, 0.0, values)
    return np.where(np.isnan(result), np.nanmedian(result, axis=0), result)


def centred(values: Floats, scale: Floats) -> Floats:
    """(n, K) values as differences from their median in units of ``scale`` (K,), at most LIMIT.

    A missing value is no difference. No rows give no rows.
    """
    if not len(values):
        return values
    whole = filled(values)
    return np.clip((whole - np.median(whole, axis=0)) / scale, -LIMIT, LIMIT)


def distances(places: Floats, others: Floats) -> Floats:
    """(n, m): the root mean square of the axes' differences between (n, K) and (m, K) rows."""
    gap = places[:, None, :] - others[None, :, :]
    return np.sqrt(np.mean(gap * gap, axis=2))
