# SPDX-License-Identifier: Apache-2.0
"""Taste in words and in files."""

import json
from dataclasses import replace

import pytest

from bridge_server.cli.taste import described, read_taste
from bridge_server.protocol.codec import to_plain
from bridge_server.protocol.errors import BadRequest, NotFound
from bridge_server.protocol.taste import Lesson, TasteAxis, TasteData, TasteInfo, TasteSettings

LEARNED = TasteInfo(
    "default",
    TasteSettings(pins={"grain": -1.0}),
    lessons=14,
    needed=3,
    active=True,
    summary="warmer, smoother (pinned)",
    axes=[TasteAxis("warmth", "warmer", 1.0, 0.84), TasteAxis("grain", "smoother", -0.3, 0.9, -1.0)],
    liked=["c1", "c2"],
    disliked=["c3"],
)
DATA = TasteData("taste-1", TasteSettings(scope="all"), [Lesson([{"warmth": 0.5}], [0], [])])


def test_what_was_learned_is_said_with_how_sure_it_is():
    """From what, how much, what is pinned, what shows it, and how to correct it."""
    lines = described(LEARNED)
    assert lines[:4] == [
        'Taste in "default" is on and learns from this project.',
        "Learned from 14 choices: warmer, smoother (pinned).",
        "  warmth  warmer: chosen 2.7 times as often, 84 % sure",
        "  grain   smoother: pinned at -1 by you",
    ]
    assert lines[4] == "It chooses the next offers; 25 % are left to chance, to go on learning."
    assert lines[5:8] == ["Liked above all: c1", "                 c2", "Disliked above all: c3"]
    assert lines[8] == "To see them: taste show --sheet FILE.png"
    assert "--pin" in lines[9]
    assert max(map(len, lines)) <= 80


def test_it_may_act_before_anything_is_certain():
    """That it chooses and that nothing is certain do not contradict each other."""
    lines = described(replace(LEARNED, axes=[], summary="nothing certain yet"))
    assert lines[1] == "Learned from 14 choices: nothing certain yet."
    assert lines[2].startswith("It chooses the next offers by slight tendencies; 25 % are")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"settings": TasteSettings(on=False)}, "It chooses nothing while it is off."),
        ({"lessons": 2}, "It chooses nothing yet: 1 more choice is needed. Accepting one of several is one."),
        ({}, "It chooses nothing now: nothing is certain enough."),
    ],
)
def test_why_it_does_not_act_is_said(changes, sentence):
    """Off, too little known, or nothing certain."""
    lines = described(replace(LEARNED, active=False, **changes))
    assert sentence in lines
    assert ("To switch it on" in lines[-1]) == ("settings" in changes)


def test_a_saved_taste_is_read_as_it_was(tmp_path):
    """JSON there and back."""
    (tmp_path / "t.json").write_text(json.dumps(to_plain(DATA)))
    assert read_taste(tmp_path / "t.json") == DATA


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a poem",
        "[]",
        "7",
        "{}",
        '{"format": "taste-1"}',
        '{"format": 7, "settings": {}, "lessons": []}',
        '{"format": "taste-1", "settings": [], "lessons": {}}',
        '{"format": "taste-1", "settings": {}, "lessons": [7]}',
        '{"format": "taste-1", "settings": {}, "lessons": [{"offers": 7, "liked": [], "disliked": []}]}',
        '{"format": "taste-1", "settings": {}, "lessons": [{"offers": [7], "liked": [], "disliked": []}]}',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_a_file_that_holds_something_else_is_named(tmp_path, text):
    """No other error than the one sentence, whatever it holds."""
    (tmp_path / "t.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadRequest, match=r"t\.json holds no taste"):
        read_taste(tmp_path / "t.json")


def test_a_file_that_can_not_be_read_is_named(tmp_path):
    """Not there, or a folder."""
    with pytest.raises(NotFound, match="There is no file"):
        read_taste(tmp_path / "none.json")
    with pytest.raises(BadRequest, match="cannot be read"):
        read_taste(tmp_path)
