# SPDX-License-Identifier: Apache-2.0
"""Which pictures show best what was learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..protocol.taste import Lesson
from .features import LIMIT, Floats, centred, distances, table
from .learn import MOST_LESSONS, Posterior, decided

__all__ = ["MOST_PICTURES", "telling"]

MOST_PICTURES = 6

#: How much it counts to be one typical difference away from the pictures shown already, in logits.
_NEW = 1.0


def telling(lessons: Sequence[Lesson], posterior: Posterior) -> tuple[list[list[int]], list[list[int]]]:
    """The liked offers that taste finds best, the disliked ones that it finds worst, each as [lesson, offer].

    At most MOST_PICTURES each, the most telling first, and no two alike (maximal marginal relevance,
    Carbonell and Goldstein 1998). An offer's worth and look are those against the other offers of its lesson.
    Of equals the latest goes first. What was only passed over is not shown as disliked.
    """
    liked: list[tuple[int, int, Floats]] = []
    disliked: list[tuple[int, int, Floats]] = []
    for number in range(len(lessons) - 1, max(-1, len(lessons) - 1 - MOST_LESSONS), -1):
        yes, no = decided(lessons[number])
        places = centred(table(lessons[number].offers), posterior.scale)
        liked += [(number, offer, places[offer]) for offer in yes]
        disliked += [(number, offer, places[offer]) for offer in no]
    return _best(liked, posterior.weights), _best(disliked, -posterior.weights)


def _best(offers: list[tuple[int, int, Floats]], weights: Floats) -> list[list[int]]:
    if not offers:
        return []
    places = np.array([place for _, _, place in offers])
    worth = places @ weights
    nearest = np.full(len(offers), LIMIT)
    chosen: list[int] = []
    while len(chosen) < min(MOST_PICTURES, len(offers)):
        value = worth + _NEW * np.minimum(nearest, 1.0)
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
        nearest = np.minimum(nearest, distances(places, places[chosen[-1:]])[:, 0])
    return [[offers[each][0], offers[each][1]] for each in chosen]
