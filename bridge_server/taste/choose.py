# SPDX-License-Identifier: Apache-2.0
"""Which drafts to make candidates of: near to the artist's taste, unlike each other, and a few surprises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .features import LIMIT, Floats, distances, filled, table
from .learn import Posterior

__all__ = ["FAR", "NEAR", "SURPRISE", "Choice", "choose"]

#: Why a draft is offered: taste chose it, it is far from what to stay away from, or neither.
NEAR, FAR, SURPRISE = "near", "far", "surprise"

#: How much worth counts against difference from what is chosen already, 0 to 1. Tried on drafts in clusters
#: with a strong taste: four choices come from 3.1 clusters on average; with 0.5 from 2.2, hardly any better
#: liked.
_WORTH = 0.35

#: What taste counts where the artist asked for something unlike a candidate, which counts 1.
_TASTE_BESIDE_UNLIKE = 0.3

#: A typical difference as it was learned counts as much as this many drafts.
_TRUST_IN_SCALE = 8.0

#: Tells this use of a seed from an engine's.
_STREAM = 0x7A57E

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """A draft's index, and why it is offered: NEAR, FAR or SURPRISE."""

    index: int
    offered: str


def choose(
    drafts: Sequence[Mapping[str, float]],
    count: int,
    seed: int,
    posterior: Posterior,
    exploration: float,
    unlike: Mapping[str, float] | None = None,
) -> list[Choice]:
    """Choose ``count`` drafts (or all there are), the first to be shown first.

    Taste chooses the best draft and then, again and again, what is both good and unlike what it has: maximal
    marginal relevance (Carbonell and Goldstein 1998). After these come the surprises, each as far as possible
    from all before (farthest-first traversal, Gonzalez 1985); of those that stand far out of the pool, and so
    may be broken, none is a surprise while there are others. Without a taste all are surprises.

    Args:
        drafts: what they look like.
        count: how many to choose.
        seed: decides what is left to chance: the first surprise where nothing is chosen yet, and the
            rounding.
        posterior: the taste.
        exploration: the share of surprises, 0 to 1. It is rounded up or down by chance such that it is met in
            the long run, also when one draft is chosen at a time.
        unlike: what to stay away from; the distance from it is then the better part of a draft's worth.
    """
    count = min(count, len(drafts))
    if count < 1:
        return []
    rng = np.random.default_rng([abs(seed), _STREAM])
    there = table([unlike] if unlike else [])
    there = there[~np.isnan(there).all(axis=1)]
    pool = _pool(drafts, posterior, there)
    for _ in range(_by_worth(count, exploration, rng, taste=posterior.knows, unlike=len(there) > 0)):
        pool.take_worthy()
    chosen = [Choice(index, FAR if len(there) else NEAR) for index in pool.chosen]
    while len(pool.chosen) < count:
        pool.take_far(rng, but=int(pool.worth.argmax()) if posterior.knows else None)
        chosen.append(Choice(pool.chosen[-1], SURPRISE))
    return chosen


def _by_worth(count: int, exploration: float, rng: np.random.Generator, *, taste: bool, unlike: bool) -> int:
    """How many of ``count`` drafts are chosen for their worth; the rest are surprises."""
    if not taste:
        return count if unlike else 0
    return count - min(count, math.floor(count * min(max(exploration, 0.0), 1.0) + float(rng.random())))


def _pool(drafts: Sequence[Mapping[str, float]], posterior: Posterior, unlike: Floats) -> _Pool:
    """The pool of ``drafts``, to stay away from the (0, K) or (1, K) values of ``unlike``."""
    whole = filled(table(drafts))
    middle = np.median(whole, axis=0)
    # an artist sees how a draft stands out of its pool, where a usual difference may be small or large
    scale = _spread(whole, posterior.scale)
    places = np.clip((whole - middle) / scale, -LIMIT, LIMIT)
    worth = _standard(places @ posterior.weights, at_least=1.0)
    away = distances(places, places)
    typical = float(away.sum()) / max(1, away.size - len(away))  # the mean without the zeros of the diagonal
    pool = _Pool(worth, away, typical or 1.0, _ordinary(np.sqrt(np.mean(places**2, axis=1))))
    if len(unlike):
        there = np.clip((np.where(np.isnan(unlike), middle, unlike) - middle) / scale, -LIMIT, LIMIT)
        pool.nearest = distances(places, there)[:, 0]
        pool.worth = _standard(pool.nearest, at_least=1e-9) + _TASTE_BESIDE_UNLIKE * worth
        pool.allowed = pool.ordinary
    return pool


@dataclass
class _Pool:
    """The drafts that are left to choose from.

    Attributes:
        worth: (n,) standard deviations, a good choice has much.
        away: (n, n) distances between drafts.
        typical: the mean distance of two.
        ordinary: (n,) those that don't stand far out.
        allowed: (n,) those that worth may choose.
        nearest: (n,) the distance to what is nearest of the chosen ones (and of what to stay away from).
    """

    worth: Floats
    away: Floats
    typical: float
    ordinary: Flags
    allowed: Flags = field(init=False)
    nearest: Floats = field(init=False)
    chosen: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.allowed = np.ones(len(self.worth), np.bool_)
        self.nearest = np.full(len(self.worth), np.inf)

    def take_worthy(self) -> None:
        """Choose what is good and new; to be farther than usual from the rest is no further merit."""
        new = np.minimum(1.0, self.nearest / self.typical)
        self._take(_WORTH * self.worth + (1 - _WORTH) * new, self._left(self.allowed))

    def take_far(self, rng: np.random.Generator, but: int | None) -> None:
        """Choose what is farthest from all before; if there is nothing before, anything except ``but``."""
        left = self._left(self.ordinary)
        if np.isfinite(self.nearest).all():
            self._take(self.nearest, left)
            return
        if but is not None and left.sum() > 1:
            left[but] = False
        self._take(rng.random(len(left)), left)

    def _left(self, preferred: Flags) -> Flags:
        left = np.ones(len(self.worth), np.bool_)
        left[self.chosen] = False
        return left & preferred if (left & preferred).any() else left

    def _take(self, value: Floats, left: Flags) -> None:
        index = int(np.where(left, value, -np.inf).argmax())
        self.chosen.append(index)
        self.nearest = np.minimum(self.nearest, self.away[index])


def _standard(values: Floats, *, at_least: float) -> Floats:
    """Values around 0 with a standard deviation of 1, or less if theirs is under ``at_least``.

    A faint taste stays faint and leaves the choice to difference; a strong one does not drown it.
    """
    return (values - values.mean()) / max(float(values.std()), at_least)


def _spread(values: Floats, scale: Floats) -> Floats:
    """(K,): the typical difference within the pool, drawn to the learned one.

    From the median absolute deviation (times 1.4826 the standard deviation of a Gaussian; Rousseeuw and Croux
    1993), which broken drafts do not move.
    """
    deviation = 1.4826 * np.median(np.abs(values - np.median(values, axis=0)), axis=0)
    n = len(values)
    return np.sqrt((_TRUST_IN_SCALE * scale**2 + n * 2 * deviation**2) / (_TRUST_IN_SCALE + n))


def _ordinary(off: Floats) -> Flags:
    """Which of the distances (n,) from the pool's middle are within Tukey's fence (1977): Q3 + 1.5 IQR."""
    low, high = np.percentile(off, [25, 75])
    return off <= high + 1.5 * (high - low) + 1e-9
