# SPDX-License-Identifier: Apache-2.0
"""Plots in a line of characters, and values in words."""

import pytest

from bridge_server.cli.plots import (
    bar,
    plain_for,
    rate_in_words,
    short,
    sparkline,
    spread_in_words,
    waited,
    whole_number,
)
from bridge_server.protocol.report import Rate, Spread


@pytest.mark.parametrize(
    ("parts", "drawn"),
    [
        ([(0.5, "█")], "█████░░░░░"),
        ([(0.25, "█"), (0.25, "▓")], "██▓▓▓░░░░░"),
        ([(1 / 3, "█"), (1 / 3, "▓"), (1 / 3, "▒")], "███▓▓▓▓▒▒▒"),
        ([(0.0, "█")], "░░░░░░░░░░"),
        ([(1.2, "█")], "██████████"),
    ],
)
def test_a_bar_is_as_wide_as_said(parts, drawn):
    """Parts that are rounded one by one would not fill it, or overfill it."""
    assert bar(parts, 10) == drawn


def test_a_sparkline_begins_at_zero():
    """Half is half as high; what is not known is a gap, not a zero."""
    assert sparkline([4.0, 2.0, None, 0.0]) == "█▅·▁"
    assert sparkline([0.0, None]) == "▁·"
    assert sparkline([]) == ""


def test_a_terminal_without_unicode_still_sees_the_plot():
    """Bars keep their parts, and what can't be said is no crash."""
    assert plain_for("█▓░ ▁▇ → Übung 日", "cp1252") == "#=. 17 > Übung ?"
    assert plain_for("█▓░", "utf-8") == "█▓░"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "40 ms"),
        (1.94, "1.9 s"),
        (22.4, "22 s"),
        (89, "89 s"),
        (90, "1.5 min"),
        (7200, "2 h"),
        (9e5, "10.4 days"),
    ],
)
def test_a_wait_has_the_unit_that_people_use(seconds, said):
    """From what an impatient one needs to what a holiday takes."""
    assert waited(seconds) == said


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        (Spread(9, 2.0, 1.0, 3.25), "2, mostly 1 to 3.2"),
        (Spread(1, 2.0, 2.0, 2.0), "2"),
        (Spread(4, 2.0, 2.0, 2.0), "2 every time"),
        (Spread(5, 2.0, 2.0, 2.0), "2 most times"),
        (Spread(3, 2.0, 1.99, 2.01), "2 most times"),
        (Spread(0), "0"),
    ],
)
def test_a_middle_half_without_width_is_no_range(spread, said):
    """Equal quartiles of many cases leave some that are not equal."""
    assert spread_in_words(spread, short) == said


def test_a_share_is_told_with_its_counts():
    """And its interval."""
    assert rate_in_words(Rate(13, 68, 0.191, 0.115, 0.3)) == "13 of 68, 19 % (12 to 30 %)"
    assert whole_number(27.4) == "27"
