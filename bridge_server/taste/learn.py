# SPDX-License-Identifier: Apache-2.0
"""From choices to a taste: how much more often what is warmer, smoother, ... is chosen.

A candidate's worth is linear in its description, and of two candidates the one worth d logits more is chosen
with probability 1 / (1 + exp(-d)): Bradley and Terry 1952, "Rank Analysis of Incomplete Block Designs". Only
differences between offers of the same lesson count, so that it does not matter what was asked for. The
weights have a Gaussian prior of unknown width; each width is fitted by Newton's method with Laplace's
approximation, and the fits are averaged by their evidence (MacKay 1992, "Bayesian Interpolation"). Somebody
who chooses at random is so found to have no taste rather than many small ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..protocol.taste import Lesson
from .features import LIMIT, NAMES, UNITS, Floats, centred, filled, table

__all__ = ["MOST_LESSONS", "PIN_LOGITS", "Posterior", "decided", "learn"]

#: Lessons older than the last 200 don't matter; a lesson 100 choices ago counts half.
MOST_LESSONS = 200
_HALF_LIFE = 100.0

#: The weight of an axis that the artist pinned to 1, in logits for one typical difference.
PIN_LOGITS = 1.5

#: That an offer was passed over says a little less than a word does: so much it counts against a disliked
#: one. Of 100 requests, simulated artists (bench/artists.py, OTHERS' measures) accept the first offer of 54
#: with 0.5, of 55 with this, of 56 with 1.
_PASSED_OVER = 0.8

#: The prior's possible standard deviations, in logits for one typical difference, all as probable.
_WIDTHS = (0.05, 0.15, 0.4, 1.0)

#: The protocol's typical difference counts as much as this many measured ones.
_TRUST_IN_UNITS = 24.0

#: A measured typical difference is believed up to this factor from the protocol's.
_FARTHEST_SCALE = 3.0

_MOST_STEPS = 30


@dataclass(frozen=True)
class Posterior:
    """What is believed of the weights.

    Attributes:
        weights: (K,) the mean, logits for one typical difference.
        covariance: (K, K); 0 for what is pinned.
        scale: (K,) the typical difference on each axis, in the description's own units.
        pins: the artist's own words, axis -> -1 to 1.
        lessons: how many lessons taught something.
    """

    weights: Floats
    covariance: Floats
    scale: Floats
    pins: dict[str, float]
    lessons: int

    @property
    def knows(self) -> bool:
        """Whether there is anything to go by."""
        return self.lessons > 0 or any(self.pins.values())

    @property
    def certainty(self) -> Floats:
        """(K,): the probability, 0.5 to 1, that a weight's sign is right; 1 for what is pinned."""
        deviation = np.sqrt(np.diag(self.covariance))
        ratio = np.abs(self.weights) / np.maximum(deviation, 1e-12)
        sure = [0.5 * (1 + math.erf(each / math.sqrt(2))) for each in ratio]
        return np.array([1.0 if name in self.pins else p for name, p in zip(NAMES, sure, strict=True)])

    def score(self, values: Floats) -> Floats:
        """(n,): the worth of (n, K) candidates in logits, against the middle one of them."""
        return centred(values, self.scale) @ self.weights


def learn(lessons: Sequence[Lesson], pins: Mapping[str, float]) -> Posterior:
    """What ``lessons``, oldest first, teach, corrected by ``pins`` (axis -> -1 to 1).

    A pin takes the place of the weight that was learned, in units of PIN_LOGITS. The others stay as they were
    learned beside it: were a pin held while they are fitted, then axes that go with it would take up what the
    artist has just denied. Pins of unknown axes and those that are not finite are left out. A lesson whose
    offers are all liked, all disliked or all passed over teaches nothing.
    """
    said = {n: float(np.clip(pins[n], -1, 1)) for n in NAMES if n in pins and math.isfinite(pins[n])}
    recent = [(table(lesson.offers), *decided(lesson)) for lesson in lessons[-MOST_LESSONS:]]
    scale = _scale([values for values, _, _ in recent])
    kept: list[tuple[Floats, Floats]] = []
    for age, (values, liked, disliked) in enumerate(reversed(recent)):
        pairs = _pairs(values, liked, disliked, scale)
        if pairs is not None:
            kept.append((pairs[0], pairs[1] * 0.5 ** (age / _HALF_LIFE)))
    gaps = np.concatenate([np.zeros((0, len(NAMES))), *(gap for gap, _ in kept)])
    counts = np.concatenate([np.zeros(0), *(count for _, count in kept)])
    weights, covariance = _averaged(gaps, counts)
    for name, pin in said.items():
        place = NAMES.index(name)
        weights[place] = PIN_LOGITS * pin
        covariance[place, :] = covariance[:, place] = 0.0
    return Posterior(weights, covariance, scale, said, len(kept))


def decided(lesson: Lesson) -> tuple[list[int], list[int]]:
    """The offers that were liked and those that were disliked.

    An index that is no offer is left out; an offer that is both counts as passed over.
    """
    there = range(len(lesson.offers))
    liked, disliked = set(lesson.liked) & set(there), set(lesson.disliked) & set(there)
    return sorted(liked - disliked), sorted(disliked - liked)


def _scale(groups: Sequence[Floats]) -> Floats:
    """(K,): the root mean square difference of two offers of one lesson, drawn to the protocol's.

    The pooled within-group variance (a difference has twice that), shrunk as a variance is by a scaled
    inverse chi-square prior (Gelman et al. 2013, "Bayesian Data Analysis", section 2.6).
    """
    squares, freedom = np.zeros(len(UNITS)), np.zeros(len(UNITS))
    for values in groups:
        if len(values) > 1:
            off = np.clip(values - filled(values).mean(axis=0), -LIMIT * UNITS, LIMIT * UNITS)
            known = ~np.isnan(off)
            squares += np.square(np.where(known, off, 0.0)).sum(axis=0)
            freedom += np.maximum(known.sum(axis=0) - 1, 0)
    measured = (_TRUST_IN_UNITS * UNITS**2 + 2 * squares) / (_TRUST_IN_UNITS + freedom)
    return np.clip(np.sqrt(measured), UNITS / _FARTHEST_SCALE, UNITS * _FARTHEST_SCALE)


def _pairs(
    values: Floats, liked: Sequence[int], disliked: Sequence[int], scale: Floats
) -> tuple[Floats, Floats] | None:
    """The (m, K) differences, winner minus loser, that a lesson teaches, and what each counts (m,).

    Each liked offer is one choice against all that was not liked, each disliked one 0.8 of a choice against
    what was passed over. A choice from n counts 2 / n in each of its n - 1 pairs: with equal chances, that is
    the information in a choice from n by the conditional logit (McFadden 1974). Several choices in one lesson
    hang together; k of them count as the root of k.
    """
    groups = np.ones(len(values), np.int8)
    groups[list(liked)] = 2
    groups[list(disliked)] = 0
    places = centred(values, scale)
    gaps: list[Floats] = []
    counts: list[Floats] = []
    choices = 0.0
    losers = np.flatnonzero(groups < 2)
    for winner in liked if losers.size else ():
        gaps.append(places[winner] - places[losers])
        counts.append(np.full(losers.size, 2 / (losers.size + 1)))
        choices += 1
    winners = np.flatnonzero(groups == 1)
    for loser in disliked if winners.size else ():
        gaps.append(places[winners] - places[loser])
        counts.append(np.full(winners.size, _PASSED_OVER * 2 / (winners.size + 1)))
        choices += _PASSED_OVER
    if not gaps:
        return None
    return np.concatenate(gaps), np.concatenate(counts) / math.sqrt(max(choices, 1.0))


def _averaged(gaps: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Mean (K,) and covariance (K, K) of the fits with the prior's different widths.

    Args:
        gaps: (m, K) differences, winner minus loser.
        counts: (m,) how much each counts.
    """
    fits = [_fit(gaps, counts, width) for width in _WIDTHS]
    evidence = np.array([each[2] for each in fits])
    shares = np.exp(evidence - evidence.max())
    shares /= shares.sum()
    mean = sum((share * fit[0] for share, fit in zip(shares, fits, strict=True)), np.zeros(gaps.shape[1]))
    spread = np.zeros((gaps.shape[1], gaps.shape[1]))
    for share, (weights, covariance, _) in zip(shares, fits, strict=True):
        off = weights - mean
        spread += share * (covariance + np.outer(off, off))
    return mean, spread


def _fit(gaps: Floats, counts: Floats, width: float) -> tuple[Floats, Floats, float]:
    """The most probable weights (K,), Laplace's covariance (K, K) and the logarithm of the evidence."""
    size = gaps.shape[1]
    prior = np.eye(size) / width**2

    def cost(weights: Floats) -> float:
        return float(counts @ np.logaddexp(0, -(gaps @ weights)) + weights @ weights / 2 / width**2)

    weights: Floats = np.zeros((size,))
    now = cost(weights)
    for _ in range(_MOST_STEPS):
        slope, curve = _derivatives(gaps, counts, gaps @ weights)
        step: Floats = np.linalg.solve(curve + prior, slope - weights / width**2).astype(np.float64)
        # the cost is convex, so that a full step can only go too far
        while (then := cost(weights + step)) > now + 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2
        weights, now = weights + step, then
        if np.abs(step).max() < 1e-6:
            break
    curve = _derivatives(gaps, counts, gaps @ weights)[1] + prior
    volume = float(np.linalg.slogdet(curve)[1]) + 2 * size * math.log(width)
    covariance: Floats = np.linalg.inv(curve).astype(np.float64)
    return weights, covariance, -now - volume / 2


def _derivatives(gaps: Floats, counts: Floats, logits: Floats) -> tuple[Floats, Floats]:
    """The likelihood's gradient (K,) and its negative Hessian (K, K)."""
    wrong: NDArray[np.float64] = 0.5 * (1 - np.tanh(logits / 2))  # 1 / (1 + exp(logits)) without overflow
    return gaps.T @ (counts * wrong), (gaps * (counts * wrong * (1 - wrong))[:, None]).T @ gaps
