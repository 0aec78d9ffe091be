# SPDX-License-Identifier: Apache-2.0
"""Which drafts are offered."""

import math

import numpy as np
import pytest

from bridge_server.taste.choose import FAR, NEAR, SURPRISE, Choice, choose
from bridge_server.taste.learn import learn
from tasting import NAMES, described, lessons_of, pool, taste_for

HIDDEN = taste_for((1, 1.5), (6, -1.5))
TASTE = learn(lessons_of(HIDDEN, 60), {})
NONE = learn([], {})


def drafts_of(rows):
    """Their descriptions."""
    return [described(row) for row in rows]


def breadth(rows):
    """The mean distance of two."""
    gaps = np.sqrt(np.mean((rows[:, None] - rows[None]) ** 2, axis=2))
    return gaps.sum() / (len(rows) * (len(rows) - 1))


def indices(choices):
    """What is chosen."""
    return [choice.index for choice in choices]


def test_the_first_is_the_best_by_taste():
    """And all of them together are better than the pool."""
    for seed in range(20):
        rows = pool(np.random.default_rng(seed), 24)
        chosen = indices(choose(drafts_of(rows), 4, seed, TASTE, 0.0))
        worth = rows @ TASTE.weights
        assert worth[chosen[0]] >= np.sort(worth)[-3]  # what is usual differs from pool to pool
        assert worth[chosen].mean() > worth.mean() + 0.5 * worth.std()


def test_a_difference_counts_as_far_as_it_stands_out_of_the_pool():
    """What is rare in this pool counts more than what is common in it, with equal weights."""
    taste = learn([], {NAMES[1]: 1.0, NAMES[2]: 1.0})
    rows = np.zeros((24, len(NAMES)))
    rows[:, 1] = np.resize([2.0, -2.0], 24)
    rows[:, 2] = np.resize([0.1, -0.1, 0.2, -0.2], 24)
    rows[0, 1:3] = 2.0, -1.0
    rows[1, 1:3] = -2.0, 2.0
    assert indices(choose(drafts_of(rows), 1, 0, taste, 0.0)) == [1]


def test_what_is_chosen_is_as_diverse_as_a_random_choice():
    """Also where the pool has drafts that are nearly the same."""
    kept = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows = np.repeat(pool(rng, 8), 3, axis=0) + 0.05 * pool(rng, 24)
        chosen = indices(choose(drafts_of(rows), 4, seed, TASTE, 0.0))
        random = np.mean([breadth(rows[rng.choice(24, 4, replace=False)]) for _ in range(20)])
        kept.append(breadth(rows[chosen]) / random)
    assert np.mean(kept) > 0.85
    assert min(kept) > 0.5


def test_the_best_three_alike_are_not_all_offered():
    """Without the balance they would be: each is better than the fourth."""
    rows = np.zeros((6, len(NAMES)))
    rows[:, 1] = 1.0, 0.99, 0.98, 0.0, -0.2, -0.4
    rows[3:, 2] = 1.0, -1.0, 2.0
    assert len(set(indices(choose(drafts_of(rows), 2, 0, TASTE, 0.0))) & {0, 1, 2}) == 1


@pytest.mark.parametrize(("count", "share"), [(1, 0.25), (4, 0.25), (3, 0.5), (4, 0.1)])
def test_the_share_of_surprises_is_met_in_the_long_run(count, share):
    """Over 200 seeds, within three standard deviations of the binomial; never off by one or more."""
    drafts = drafts_of(pool(np.random.default_rng(0), 12))
    found = [sum(c.offered == SURPRISE for c in choose(drafts, count, s, TASTE, share)) for s in range(200)]
    part = count * share - math.floor(count * share)
    assert abs(np.mean(found) - count * share) <= 3 * math.sqrt(part * (1 - part) / 200)
    assert all(abs(each - count * share) < 1 for each in found)


def test_surprises_come_last_and_are_far_from_the_rest():
    """Farther from the chosen ones than a draft usually is, whatever taste says."""
    farther = []
    for seed in range(20):
        rows = pool(np.random.default_rng(seed), 24)
        choices = choose(drafts_of(rows), 4, seed, TASTE, 0.25)
        assert [choice.offered for choice in choices] == [NEAR, NEAR, NEAR, SURPRISE]
        taken = rows[indices(choices)[:3]]
        gaps = np.sqrt(np.mean((rows[:, None] - taken[None]) ** 2, axis=2)).min(axis=1)
        farther.append(gaps[choices[3].index] > np.percentile(gaps, 70))
    assert np.mean(farther) > 0.9


def test_a_single_surprise_is_not_what_taste_would_have_offered():
    """And not always the same, so that all of the pool has its chance."""
    drafts = drafts_of(pool(np.random.default_rng(4), 12))
    best = choose(drafts, 1, 0, TASTE, 0.0)[0].index
    found = [choose(drafts, 1, seed, TASTE, 1.0) for seed in range(60)]
    assert all(choices[0].offered == SURPRISE for choices in found)
    assert best not in {choices[0].index for choices in found}
    assert len({choices[0].index for choices in found}) >= 6


def test_a_broken_draft_is_no_surprise():
    """The farthest of all is a black picture; it comes only when nothing else is left."""
    rows = pool(np.random.default_rng(5), 12)
    rows[7] += 40
    for seed in range(20):
        assert 7 not in indices(choose(drafts_of(rows), 4, seed, NONE, 0.0))
    assert indices(choose(drafts_of(rows), 12, 0, NONE, 0.0))[-1] == 7


def test_without_a_taste_all_are_surprises_and_diverse():
    """None was chosen by taste, whatever the exploration; farther apart than random ones."""
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = pool(rng, 24)
        choices = choose(drafts_of(rows), 4, seed, NONE, 0.0)
        assert {choice.offered for choice in choices} == {SURPRISE}
        random = np.mean([breadth(rows[rng.choice(24, 4, replace=False)]) for _ in range(20)])
        ratios.append(breadth(rows[indices(choices)]) / random)
    assert np.mean(ratios) > 1.02


@pytest.mark.parametrize("posterior", [NONE, TASTE], ids=["no taste", "taste"])
def test_what_is_to_be_unlike_something_is_far_from_it(posterior):
    """Farther than the pool usually is, and said to be offered for that."""
    for seed in range(10):
        rows = pool(np.random.default_rng(seed), 24)
        choices = choose(drafts_of(rows), 4, seed, posterior, 0.0, described(rows[3]))
        gaps = np.sqrt(np.mean((rows - rows[3]) ** 2, axis=1))
        assert 3 not in indices(choices)
        assert gaps[indices(choices)].mean() > gaps.mean()
        assert {choice.offered for choice in choices} == {FAR}


def test_unlike_something_undescribed_is_as_without():
    """A candidate of before there were descriptions."""
    drafts = drafts_of(pool(np.random.default_rng(1), 9))
    for unlike in ({}, {"gone": 1.0}):
        assert choose(drafts, 3, 5, TASTE, 0.5, unlike) == choose(drafts, 3, 5, TASTE, 0.5)


def test_a_pin_alone_is_a_taste():
    """The artist's word acts before the first choice."""
    rows = pool(np.random.default_rng(2), 12)
    choices = choose(drafts_of(rows), 1, 0, learn([], {NAMES[0]: -1.0}), 0.0)
    assert choices == [Choice(int(rows[:, 0].argmin()), NEAR)]


def test_the_seed_decides():
    """The same request gives the same offers."""
    drafts = drafts_of(pool(np.random.default_rng(6), 16))
    for posterior in (NONE, TASTE):
        assert all(
            choose(drafts, 4, s, posterior, 0.4) == choose(drafts, 4, s, posterior, 0.4) for s in range(10)
        )
    assert len({tuple(indices(choose(drafts, 4, s, NONE, 0.4))) for s in range(10)}) > 3


@pytest.mark.parametrize("posterior", [NONE, TASTE], ids=["no taste", "taste"])
@pytest.mark.parametrize("exploration", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("drafts", [0, 1, 2, 5])
def test_there_is_never_a_draft_twice(posterior, exploration, drafts):
    """One draft, as many as asked for, and fewer: all that there are, without a warning."""
    rows = pool(np.random.default_rng(8), drafts)
    for unlike in (None, described(np.ones(len(NAMES)))):
        chosen = indices(choose(drafts_of(rows), 5, 3, posterior, exploration, unlike))
        assert sorted(chosen) == list(range(drafts))
    assert choose(drafts_of(rows), 0, 3, posterior, exploration) == []


def test_drafts_that_are_all_the_same_or_undescribed_can_be_chosen():
    """Nothing to go by, nothing to divide by."""
    for drafts in ([{}] * 5, [{NAMES[0]: 0.5}] * 5, [{NAMES[0]: float("nan")}, {}]):
        for posterior in (NONE, TASTE):
            chosen = indices(choose(drafts, 2, 1, posterior, 0.5, {NAMES[0]: 0.5}))
            assert len(set(chosen)) == 2
