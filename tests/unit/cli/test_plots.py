# SPDX-License-Identifier: Apache-2.0
"""Plots in a line of characters."""

import pytest

from bridge_server.cli.plots import bar, box, plain_for, sparkline


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


@pytest.mark.parametrize(
    ("values", "end", "drawn"),
    [
        ((2, 5, 7), 10, "░░▒▒▒█▒▒░░"),
        ((10, 10, 10), 10, "░░░░░░░░░█"),
        ((0, 0, 0), 0, "█░░░░░░░░░"),
        ((2, 5, 70), 10, "░░▒▒▒█▒▒▒▒"),
    ],
)
def test_a_box_shows_middle_and_middle_half(values, end, drawn):
    """From 0 to the end, also where all is 0 or beyond it."""
    assert box(*values, end, 10) == drawn


def test_a_sparkline_begins_at_zero():
    """Half is half as high; what is not known is a gap, not a zero."""
    assert sparkline([4.0, 2.0, None, 0.0]) == "█▅·▁"
    assert sparkline([0.0, None]) == "▁·"
    assert sparkline([]) == ""


def test_a_terminal_without_unicode_still_sees_the_plot():
    """Bars keep their parts, and what can't be said is no crash."""
    assert plain_for("█▓░ ▁▇ → Übung 日", "cp1252") == "#=. 17 > Übung ?"
    assert plain_for("█▓░", "utf-8") == "█▓░"
