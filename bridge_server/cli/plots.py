# SPDX-License-Identifier: Apache-2.0
"""Small plots in one line of characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bar", "box", "plain_for", "sparkline"]

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


def box(low: float, median: float, high: float, end: float, width: int) -> str:
    """Quartiles on a line from 0 to ``end``: the median ``█``, the middle half ``▒``."""
    cells = ["░"] * width
    first, middle, last = (
        max(0, min(width - 1, int(value / end * width) if end > 0 else 0)) for value in (low, median, high)
    )
    cells[first : last + 1] = "▒" * (last + 1 - first)
    cells[middle] = "█"
    return "".join(cells)


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
