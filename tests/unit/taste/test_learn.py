# SPDX-License-Identifier: Apache-2.0
"""What choices teach."""

import time

import numpy as np
import pytest

from bridge_server.protocol.taste import Lesson
from bridge_server.taste.features import UNITS, table
from bridge_server.taste.learn import MOST_LESSONS, PIN_LOGITS, decided, learn
from tasting import NAMES, described, lessons_of, pool, taste_for

HIDDEN = taste_for((1, 1.5), (6, -1.5))


def agreement(posterior, weights, count=300):
    """How well the learned worth of new candidates follows the true one (rank correlation)."""
    rows = pool(np.random.default_rng(99), count)
    ranks = [np.argsort(np.argsort(worth)) for worth in (rows @ posterior.weights, rows @ weights)]
    return float(np.corrcoef(*ranks)[0, 1])


def one(values, liked, disliked=()):
    """A lesson whose offers differ on the first axis only."""
    rows = np.zeros((len(values), len(NAMES)))
    rows[:, 0] = values
    return Lesson([described(row) for row in rows], list(liked), list(disliked))


@pytest.mark.parametrize("seed", range(5))
def test_a_hidden_taste_is_found_from_fifteen_choices(seed):
    """Both axes have the right sign and are the strongest, and new candidates come in the right order."""
    posterior = learn(lessons_of(HIDDEN, 15, seed=seed), {})
    assert posterior.weights[1] > 0 > posterior.weights[6]
    assert agreement(posterior, HIDDEN) > 0.6
    assert posterior.lessons == 15


def test_more_choices_teach_more():
    """A hundred choices are nearly all that there is to know."""
    few, many = (learn(lessons_of(HIDDEN, count), {}) for count in (15, 100))
    assert agreement(few, HIDDEN) < agreement(many, HIDDEN)
    assert agreement(many, HIDDEN) > 0.95
    assert min(many.certainty[1], many.certainty[6]) > 0.99


def test_contradictory_choices_make_nothing_certain():
    """What was chosen one day was refused the next."""
    lessons = [one([0, 1], [index]) for index in (0, 1) * 10]
    posterior = learn(lessons, {})
    assert posterior.certainty[0] < 0.65
    assert abs(posterior.weights[0]) < 0.1


def test_choices_at_random_make_next_to_nothing_certain():
    """Fourteen axes would by chance show three likings; the evidence for none of them is better."""
    strong = [learn(lessons_of(0 * HIDDEN, 40, seed=seed, noise=1), {}).weights for seed in range(10)]
    assert np.mean(np.abs(strong) > 0.2) < 0.05


def test_a_pin_is_the_artists_own_word():
    """It wins over any number of choices, is certain, and 0 means that the axis does not matter."""
    lessons = lessons_of(HIDDEN, 60)
    posterior = learn(lessons, {NAMES[1]: -0.5, NAMES[6]: 0.0})
    assert posterior.weights[1] == -0.5 * PIN_LOGITS
    assert posterior.weights[6] == 0
    assert posterior.certainty[[1, 6]].tolist() == [1.0, 1.0]
    assert not posterior.covariance[1].any()


def test_a_pin_leaves_the_other_axes_as_they_were_learned():
    """An axis that goes with the pinned one must not take up what the artist denied."""
    lessons = lessons_of(HIDDEN, 30)
    free, pinned = learn(lessons, {}), learn(lessons, {NAMES[1]: 0.0})
    others = [number for number in range(len(NAMES)) if number != 1]
    assert np.array_equal(free.weights[others], pinned.weights[others])
    assert np.array_equal(free.certainty[others], pinned.certainty[others])


def test_pins_out_of_range_or_unknown_do_no_harm():
    """A file from elsewhere may hold anything."""
    pins = {NAMES[0]: 7.0, NAMES[1]: float("nan"), "gone": 1.0}
    posterior = learn([], pins)
    assert posterior.pins == {NAMES[0]: 1.0}
    assert posterior.weights.tolist() == [PIN_LOGITS] + [0.0] * (len(NAMES) - 1)
    assert learn([], dict.fromkeys(NAMES, 1.0)).weights.tolist() == [PIN_LOGITS] * len(NAMES)


@pytest.mark.parametrize(
    "lesson",
    [
        one([0, 1, 2], [0, 1, 2]),
        one([0, 1, 2], [], [0, 1, 2]),
        one([0, 1, 2], []),
        one([0], [0]),
        one([], []),
        one([0, 1], [0], [0]),
        one([0, 1], [5, -1]),
    ],
    ids=["all liked", "all disliked", "none decided", "single", "empty", "both", "no such offer"],
)
def test_without_a_difference_there_is_no_lesson(lesson):
    """No choice was made between offers."""
    posterior = learn([lesson] * 20, {})
    assert posterior.lessons == 0
    assert not posterior.knows
    assert not posterior.weights.any()


def test_liked_beats_passed_over_beats_disliked():
    """A dislike teaches as well, though less than a like."""
    liked, disliked = learn([one([0, 1], [1])] * 10, {}), learn([one([0, 1], [], [0])] * 10, {})
    assert 0 < disliked.weights[0] < liked.weights[0]
    both = learn([one([0, 1, 2], [2], [0])] * 10, {})
    assert both.weights[0] > 0


def test_a_lesson_of_many_offers_counts_about_as_one_choice():
    """Fifteen pairs of one lesson are far from fifteen lessons."""
    rng = np.random.default_rng(2)
    small = learn([one([0, 1], [1])] * 3, {})
    many = learn([one([*rng.normal(size=15) * 0.3, 1], [15])] * 3, {})
    fifteen = learn([one([0, 1], [1])] * 45, {})
    assert many.weights[0] < 3 * small.weights[0]
    assert many.weights[0] < 0.6 * fifteen.weights[0]


def test_recent_choices_count_more_and_very_old_ones_not_at_all():
    """Tastes change."""
    up, down = [one([0, 1], [1])] * 60, [one([0, 1], [0])] * 60
    assert learn(down + up, {}).weights[0] > 0 > learn(up + down, {}).weights[0]
    flat = [one([0, 0], [1])] * MOST_LESSONS
    assert not learn(up + flat, {}).weights.any()


def test_descriptions_that_lack_axes_or_never_differ_are_fine():
    """Old descriptions, constant features and broken numbers; what is known is still learned."""
    lessons = []
    for lesson in lessons_of(HIDDEN, 30):
        offers = [dict(offer) for offer in lesson.offers]
        for number, offer in enumerate(offers):
            offer[NAMES[2]] = 0.5
            del offer[NAMES[3]]
            if number % 2:
                offer[NAMES[4]] = float("nan")
        lessons.append(Lesson(offers, lesson.liked, lesson.disliked))
    posterior = learn([*lessons, Lesson([{}, {}], [0], [])], {})
    assert all(np.isfinite(each).all() for each in (posterior.weights, posterior.covariance, posterior.scale))
    assert posterior.weights[[2, 3]].tolist() == [0.0, 0.0]
    assert posterior.weights[1] > 0 > posterior.weights[6]


def test_one_broken_offer_does_not_turn_a_taste():
    """A black picture is a hundred typical differences away."""
    lessons = lessons_of(HIDDEN, 20)
    broken = dict(lessons[-1].offers[0]) | {NAMES[1]: -1e3, NAMES[6]: 1e3}
    odd = Lesson([broken, *lessons[-1].offers[1:]], [0], [])
    posterior = learn([*lessons, odd], {})
    assert posterior.weights[1] > 0 > posterior.weights[6]


def test_the_scale_follows_the_lessons_within_bounds():
    """An engine whose candidates differ twice as much; one whose candidates hardly differ."""
    for factor, low, high in ((2.0, 1.7, 2.1), (0.001, 0.3, 0.6), (100.0, 2.9, 3.1)):
        rng = np.random.default_rng(0)
        lessons = [Lesson([described(factor * row) for row in pool(rng, 6)], [0], []) for _ in range(40)]
        ratio = learn(lessons, {}).scale / UNITS
        assert low < np.median(ratio) < high


def test_the_worth_of_candidates_is_relative():
    """The same candidates at a warmer place are worth the same."""
    posterior = learn(lessons_of(HIDDEN, 20), {})
    values = table([described(row) for row in pool(np.random.default_rng(0), 7)])
    assert np.allclose(posterior.score(values), posterior.score(values + 3 * UNITS))
    assert posterior.score(values[:0]).shape == (0,)


def test_the_same_choices_teach_the_same():
    """No chance in it."""
    first, second = (learn(lessons_of(HIDDEN, 10), {}) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.covariance, second.covariance)


def test_two_hundred_lessons_are_learned_in_a_moment():
    """It runs before each offer; about 20 ms here, with room for a busy machine."""
    lessons = lessons_of(HIDDEN, 250, offers=8)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        learn(lessons, {})
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1


def test_decided_offers_are_those_that_are_there():
    """Liked and disliked at once is neither."""
    assert decided(one([0, 1, 2], [2, 0, 9], [0, 1, -1])) == ([2], [1])
