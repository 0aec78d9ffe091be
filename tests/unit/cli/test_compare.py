# SPDX-License-Identifier: Apache-2.0
"""How two candidates differ, in words."""

from bridge_server.cli.compare import differences
from bridge_server.protocol.history import Comparison
from told import candidate


def compared(**fields):
    """Of c0 and c1, in words."""
    told = {"settings": {}, "words": [], "overlap": 1.0, "changed": 0.336, "difference": 12.06, **fields}
    return differences(Comparison(candidate(0), candidate(1), **told))


def test_words_settings_and_figures_are_told():
    """What one sees first, then what was set otherwise, then how much."""
    assert compared(words=["warmer", "smoother"], settings={"seed": [1, 2], "prompt": ["", "a b"]}) == [
        "Beside c0, c1 is warmer and smoother.",
        "  seed    1 -> 2",
        '  prompt  nothing -> "a b"',
        "  They share 100 % of the smaller one's area.",
        "  34 % of that differs visibly, by 12.1 on a scale to 100.",
    ]


def test_two_alike_are_said_to_be():
    """No empty sentence where nothing clear can be seen or nothing was set otherwise."""
    lines = compared()
    assert lines[0] == "Beside c0, c1 looks about the same."
    assert "same settings" in lines[1]


def test_at_different_places_there_are_no_figures():
    """A difference of nothing would mean nothing."""
    assert compared(overlap=0.0)[-1] == "  They lie at different places."
