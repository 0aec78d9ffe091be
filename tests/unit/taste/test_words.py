# SPDX-License-Identifier: Apache-2.0
"""A taste in words."""

import numpy as np

from bridge_server.protocol.descriptor import AXES
from bridge_server.taste.learn import PIN_LOGITS, learn
from bridge_server.taste.words import CERTAIN, NOTHING, difference_in_words, known_axes, summary
from tasting import NAMES, described, lessons_of, taste_for


def test_what_is_certain_is_said_the_strongest_first():
    """More and less each have their word."""
    axes = known_axes(learn(lessons_of(taste_for((1, 2.0), (6, -1.2)), 120), {}))
    assert [axis.name for axis in axes[:2]] == [NAMES[1], NAMES[6]]
    assert summary(axes).startswith(f"{AXES[1].more}, {AXES[6].less}")
    assert all(axis.certainty >= CERTAIN and axis.pinned is None for axis in axes)


def test_nothing_is_said_before_anything_is_certain():
    """Also after a few choices at random."""
    for lessons in ([], lessons_of(taste_for(), 5, noise=1)):
        assert known_axes(learn(lessons, {})) == []
    assert summary([]) == NOTHING


def test_the_artists_own_words_are_marked():
    """Also that something does not matter; they need no choice."""
    axes = known_axes(learn([], {NAMES[2]: -1.0, NAMES[0]: 0.0}))
    assert [(axis.name, axis.weight, axis.certainty, axis.pinned) for axis in axes] == [
        (NAMES[2], -PIN_LOGITS, 1.0, -1.0),
        (NAMES[0], 0.0, 1.0, 0.0),
    ]
    assert summary(axes) == (
        f"{AXES[2].less} (pinned), {AXES[0].more} or {AXES[0].less} does not matter (pinned)"
    )


def test_two_candidates_differ_in_what_is_clear():
    """The clearest first, as the second is compared with the first, at most four."""
    first = described(np.zeros(len(NAMES)))
    second = described([0.9, -3, 2, 1.7, 1.5, *[1.3] * (len(NAMES) - 5)])
    expected = [AXES[1].less, AXES[2].more, AXES[3].more, AXES[4].more]
    assert difference_in_words(first, second) == expected
    assert difference_in_words(second, first)[:2] == [AXES[1].more, AXES[2].less]
    assert difference_in_words(first, first) == []


def test_undescribed_candidates_differ_in_no_words():
    """Missing axes and what is no number say nothing."""
    assert difference_in_words({}, described(np.ones(len(NAMES)))) == []
    assert difference_in_words({NAMES[0]: float("nan")}, {NAMES[0]: 1.0}) == []
