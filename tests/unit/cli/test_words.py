# SPDX-License-Identifier: Apache-2.0
"""Records in words."""

import pytest

from bridge_server.cli.words import (
    count_of,
    decided,
    host_of,
    listed,
    made_line,
    printable,
    quoted,
    setting,
    standing,
    titled,
)
from bridge_server.protocol.versions import Head
from told import candidate, decision, version


def test_nobodys_words_steer_the_terminal():
    """A prompt of an imported project may hold escapes and line breaks; neither comes through."""
    assert printable("a\x1b[31m red\n\tsky\x07 \u202eevil") == "a [31m red sky evil"


def test_long_words_are_cut_within_their_quotes():
    """The cut is seen, and the length with its quotes is as asked."""
    assert quoted("evening sky", 40) == '"evening sky"'
    assert quoted("evening sky over the pond", 12) == '"evening sky…"'


@pytest.mark.parametrize(
    ("parts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_are_read_as_sentences(parts, text):
    """From none to many."""
    assert listed(parts) == text


def test_counts_agree():
    """One job, two jobs, no jobs."""
    assert [count_of(count, "job") for count in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
    assert count_of(2, "choice is", "choices are") == "2 choices are"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (7, "7"),
        (True, "yes"),
        (None, "nothing"),
        ("", "nothing"),
        ("a b", '"a b"'),
        ([1, 2], "[1, 2]"),
    ],
)
def test_a_settings_value_can_be_read(value, text):
    """Numbers, words, nothing."""
    assert setting(value) == text


def test_who_asked_without_a_host_used_the_command_line():
    """An empty name would look like a mistake."""
    assert (host_of("krita"), host_of("")) == ("krita", "command line")


def test_a_version_shows_its_name_and_star():
    """Only if it has them."""
    assert titled(version("v1")) == "v1"
    assert titled(version("v1", name="dusk", starred=True)) == 'v1 ★ "dusk"'


def test_a_new_candidate_says_why_it_is_offered():
    """Its id, to accept it, and whether taste chose it."""
    assert made_line(candidate(0)) == "seed 40  candidate c0"
    assert made_line(candidate(1, offered="surprise")) == "seed 41  candidate c1  surprise"


def test_where_a_document_stands_says_where_undo_and_redo_lead():
    """At the start, in between, and on a named document."""
    assert standing(Head("p", ""), None) == ["Now at the start, before the first version."]
    head = Head("p", "cover", "v2", can_undo=True, undo_to="v1", redo_to="v3")
    assert standing(head, version("v2")) == [
        'The document "cover" is at version v2.',
        "  undo leads to version v1",
        "  redo leads to version v3",
    ]
    assert standing(Head("p", "", "v1", can_undo=True), version("v1"))[1] == "  undo leads to the start"


def test_all_that_was_decided_about_a_candidate_is_said_once_and_in_order():
    """Others' decisions are not; a version is shown with its name."""
    decisions = [
        decision("c0", "reject"),
        decision("c1", "accept", "v9"),
        decision("c0", "more"),
        decision("c0", "more"),
        decision("c0", "accept", "v1"),
        decision("c0", "modify", "v1", 0.337),
    ]
    said = decided(decisions, [version("v1", name="dusk")], "c0")
    assert said == 'rejected, more like it, accepted as version v1 "dusk", worked over (34 % of it changed)'
    assert decided(decisions, [], "c1") == "accepted as version v9"
    assert decided(decisions, [], "c2") == ""


def test_work_that_was_not_measured_yet_and_kinds_of_a_newer_daemon_are_said_too():
    """Neither is left out."""
    assert decided([decision("c0", "modify", "v1")], [], "c0") == "worked over"
    assert decided([decision("c0", "frame")], [], "c0") == "frame"
