# SPDX-License-Identifier: Apache-2.0
"""Artists with a known taste, for the tests of what is learned from them."""

import numpy as np

from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.taste import Lesson

NAMES = [axis.name for axis in AXES]


def described(row):
    """A description from one number an axis, in typical differences."""
    return {axis.name: float(value * axis.scale) for axis, value in zip(AXES, row, strict=True)}


def pool(rng, count):
    """Drafts of which two differ by about 1 on each axis."""
    return rng.normal(size=(count, len(AXES))) / np.sqrt(2)


def taste_for(*tastes):
    """(K,) weights from (number of axis, weight)."""
    weights = np.zeros(len(AXES))
    for number, weight in tastes:
        weights[number] = weight
    return weights


def lessons_of(weights, count, *, offers=6, seed=1, noise=0.3):
    """``count`` lessons of somebody who likes the best of ``offers``, at places of very different looks."""
    rng = np.random.default_rng(seed)
    lessons = []
    for _ in range(count):
        rows = pool(rng, offers)
        best = int((rows @ weights + rng.gumbel(size=offers) * noise).argmax())
        place = rng.normal(size=len(AXES)) * 5
        lessons.append(Lesson([described(row + place) for row in rows], [best], []))
    return lessons
