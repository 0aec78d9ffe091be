# SPDX-License-Identifier: Apache-2.0
"""The pictures that show a taste."""

import numpy as np

from bridge_server.protocol.taste import Lesson
from bridge_server.taste.learn import learn
from bridge_server.taste.telling import MOST_PICTURES, telling
from tasting import NAMES, described, lessons_of, taste_for


def offers(*firsts):
    """Offers that differ on the first axis only."""
    return [described([first, *[0.0] * (len(NAMES) - 1)]) for first in firsts]


def test_the_most_telling_come_first():
    """The liked ones that have most of what is liked, the disliked ones that have least of it."""
    lessons = [
        Lesson(offers(0, 0, 0.5), [2], [0]),
        Lesson(offers(0, 0, 3.0), [2], []),
        Lesson(offers(0, 0, -3.0), [], [2]),
    ]
    liked, disliked = telling(lessons, learn(lessons, {NAMES[0]: 1.0}))
    assert liked == [[1, 2], [0, 2]]
    assert disliked == [[2, 2], [0, 0]]


def test_at_most_six_and_no_two_alike():
    """Ten of the same picture are one; the others follow though they are a little less telling."""
    same = [Lesson(offers(0, 0, 1.0), [2], [])] * 10
    rng = np.random.default_rng(0)
    others = [
        Lesson([*offers(0, 0), described([0.8, *rng.normal(size=len(NAMES) - 1)])], [2], []) for _ in range(4)
    ]
    lessons = [*same, *others]
    liked, disliked = telling(lessons, learn(lessons, {NAMES[0]: 1.0}))
    assert len(liked) == MOST_PICTURES
    assert {lesson for lesson, _ in liked} >= {10, 11, 12, 13}
    assert disliked == []


def test_without_a_taste_the_latest_are_shown():
    """Single offers teach nothing and are still what was liked; indices count from the oldest lesson."""
    lessons = [Lesson(offers(0), [0], [])] * 300
    liked, _ = telling(lessons, learn(lessons, {}))
    assert liked[0] == [299, 0]


def test_passed_over_is_not_disliked():
    """Nobody said no to it; and nothing is made up where nothing was decided."""
    lessons = lessons_of(taste_for((0, 1.0)), 5)
    assert telling(lessons, learn(lessons, {}))[1] == []
    assert telling([], learn([], {})) == ([], [])
