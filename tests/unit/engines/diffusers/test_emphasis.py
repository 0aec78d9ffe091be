# SPDX-License-Identifier: Apache-2.0
"""Weights in prompts."""

from __future__ import annotations

import time

import pytest

from bridge_server.engines.diffusers.emphasis import unweighted, weighed


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a cat", [("a cat", 1)]),
        ("", [("", 1)]),
        ("a (cat:1.5) here", [("a ", 1), ("cat ", 1.5), ("here", 1)]),
        ("a (red cat)1.5 here", [("a ", 1), ("red cat ", 1.5), ("here", 1)]),
        ("(cat: .5 )", [("cat", 0.5)]),
        ("a cat++ here", [("a ", 1), ("cat ", 1.21), ("here", 1)]),
        ("a cat-- here", [("a ", 1), ("cat ", 0.81), ("here", 1)]),
        ("(red cat)+", [("red cat", 1.1)]),
        ("((cat:1.5):1.2)", [("cat", 1.8)]),
        ("((cat))", [("cat", 1)]),
        ("(a (cat:2) dog:1.5)", [("a ", 1.5), ("cat ", 3), ("dog", 1.5)]),
    ],
)
def test_weights_are_read(prompt, pieces):
    """All ways to write them, also nested; a space goes with the word before it."""
    found = weighed(prompt)
    assert [text for text, _ in found] == [text for text, _ in pieces]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in pieces])


@pytest.mark.parametrize(
    "prompt",
    [
        "((cat:",
        "cat)",
        "a :) smile",
        "semi-realistic, C++17",
        "16:9",
        "- a + b -",
        "\\(cat\\)",
        "a.b (",
        "x:1.5)",
    ],
)
def test_what_is_no_weight_is_text(prompt):
    """Brackets that do not match, and signs in words, are read as they stand."""
    assert weighed(prompt) == [(prompt.replace("\\", ""), 1)]


def test_no_word_counts_without_bounds():
    """A weight that would tear the picture apart is limited, however it is written."""
    for prompt in ("(cat:1000)", "(" * 50 + "cat" + ":2)" * 50, "cat" + "+" * 500):
        ((_, weight),) = weighed(prompt)
        assert weight == 10
    ((_, weight),) = weighed("cat" + "-" * 5000)
    assert 0 <= weight < 0.001


@pytest.mark.parametrize(
    "prompt", ["(" * 20_000, "(a" * 5_000 + ")" * 5_000, "(a:1.1" * 3_000, "+" * 20_000, "a:1." * 5_000]
)
def test_no_prompt_takes_long(prompt):
    """However brackets are nested: the parser of a well-known library takes minutes for eight of them."""
    started = time.process_time()
    weighed(prompt)
    assert time.process_time() - started < 5


def test_the_words_alone():
    """For families that read no weights."""
    assert unweighted("a (red (cat:1.5):.5) on++ snow") == "a red cat on snow"
