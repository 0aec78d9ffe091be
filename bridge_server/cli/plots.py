# SPDX-License-Identifier: Apache-2.0
"""Small plots, and measured values in words, in one line of characters. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..protocol.report import Rate, Spread
from .show import duration
from .words import percent

__all__ = [
    "bar",
    "one_digit",
    "plain_for",
    "rate_in_words",
    "short",
    "sparkline",
    "spread_in_words",
    "waited",
    "whole_number",
]

_LEVELS = "▁▂▃▄▅▆▇█"

#: What is drawn, for terminals and files that know no Unicode.
_PLAIN = str.maketrans("█▓▒░▁▂▃▄▅▆▇·─→", "#=-.1234567.->")


def bar(parts: Sequence[tuple[float, str]], width: int) -> str:
    """Shares of 1 one after the other, each in its character; what is left is ``░``."""
    drawn, total = "", 0.0
    for share, character in parts:
        total += share
        drawn += character * (min(width, round(total * width)) - len(drawn))
    return drawn.ljust(width, "░")


def sparkline(values: Sequence[float | None]) -> str:
    """One column a value of at least 0, as high as its part of the largest; a dot where there is none."""
    most = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join("·" if value is None else _LEVELS[min(7, int(value / most * 8))] for value in values)


def plain_for(text: str, encoding: str) -> str:
    """A text in characters that an encoding has, plots in others if they must."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


# ---- values in words ---------------------------------------------------------------------------------


def whole_number(value: float) -> str:
    """``12``."""
    return f"{value:.0f}"


def one_digit(value: float) -> str:
    """``1.0``."""
    return f"{value:.1f}"


def short(value: float) -> str:
    """``1`` or ``1.5``."""
    return one_digit(value).removesuffix(".0")


def waited(seconds: float) -> str:
    """``1.9 s`` to ``3 days``."""
    for length, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * length:
            return f"{short(seconds / length)} {unit}"
    return duration(seconds) if seconds < 10 else f"{seconds:.0f} s"


def rate_in_words(rate: Rate) -> str:
    """How many of how many, the share, and in brackets its interval."""
    low, high = rate.low or 0.0, rate.high or 0.0
    return f"{rate.count} of {rate.of}, {percent(rate.share or 0.0)} ({100 * low:.0f} to {percent(high)})"


def spread_in_words(spread: Spread, say: Callable[[float], str]) -> str:
    """The middle and the middle half, each value as ``say`` says it."""
    low, middle, high = (say(each or 0.0) for each in (spread.low, spread.median, spread.high))
    if spread.n < 2:
        return middle
    if low != high:
        return f"{middle}, mostly {low} to {high}"
    # of more than four cases the least and the greatest may lie outside equal quartiles
    return f"{middle} {'every time' if spread.n <= 4 and spread.low == spread.high else 'most times'}"
