# SPDX-License-Identifier: Apache-2.0
"""How a command is declared, and the kinds of values that can be typed. No I/O; only the standard library."""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..protocol.descriptor import AXES
from ..protocol.errors import BridgeError

__all__ = [
    "Parser",
    "UsageError",
    "axis",
    "byte_count",
    "described",
    "guide",
    "moment",
    "moment_end",
    "number",
    "parameter",
    "pin",
    "place_options",
    "whole",
]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

P = TypeVar("P", bound=argparse.ArgumentParser)


class UsageError(BridgeError):
    """Something was typed that no command understands. ``usage`` is what could have been typed."""

    code = "usage"

    def __init__(self, message: str, hint: str = "", usage: str = "") -> None:
        super().__init__(message, hint)
        self.usage = usage


class Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit, so that ``--json`` holds for wrong options too."""

    def error(self, message: str) -> NoReturn:
        """Say that the command line makes no sense."""
        raise UsageError(
            f"{message[:1].upper()}{message[1:]}.", f"See '{self.prog} --help'.", self.format_usage()
        )


def described(summary: str, examples: Iterable[str], notes: str = "") -> dict[str, Any]:
    """What ``add_parser`` takes to show a command's summary, notes and examples."""
    lines = "\n".join(f"  bridge-server {line}" for line in examples)
    return {
        "help": summary,
        "description": f"{summary[:1].upper()}{summary[1:]}.",
        "epilog": f"{notes}\nexamples:\n{lines}" if notes else f"examples:\n{lines}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def place_options(parser: P, *, folder: bool = True, manner: bool = True, again: bool = False) -> P:
    """Add what most commands have; ``again`` for an action of a command that has them already."""
    add = parser.add_argument
    # argparse gives an action's defaults precedence over what was typed before it
    off: Any = argparse.SUPPRESS if again else False
    none: Any = argparse.SUPPRESS if again else None
    if folder:
        add("--data-dir", type=Path, default=none, metavar="DIR", help="the daemon's data folder")
    if manner:
        add("--json", action="store_true", default=off, help="print one JSON object, errors too")
        add("--quiet", action="store_true", default=off, help="no progress, only warnings and results")
    return parser


# ---- kinds of values ---------------------------------------------------------------------------------


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from ``low`` to ``high``."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not from {low} to {high}")
        return value

    return convert


def number(low: float, high: float = float("inf")) -> Callable[[str], float]:
    """A finite number from ``low`` to ``high``."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not low <= value <= high or value == float("inf"):
            most = f" to {high:g}" if high < float("inf") else " up"
            raise argparse.ArgumentTypeError(f"{text} is not from {low:g}{most}")
        return value

    return convert


def parameter(text: str) -> tuple[str, Any]:
    """``name=value``; a value that is JSON is taken as such, so that numbers are numbers."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def guide(text: str) -> tuple[str, Path, float]:
    """``kind=file`` or ``kind=file:weight``, the weight from 0 to 2."""
    kind, equals, rest = text.partition("=")
    file, colon, last = rest.rpartition(":")
    if not colon or not re.fullmatch(r"[\d.]+", last):
        file, last = rest, "1"
    if not equals or not kind.strip() or not file:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND=FILE or KIND=FILE:WEIGHT")
    return kind.strip(), Path(file), number(0, 2)(last)


def pin(text: str) -> tuple[str, float]:
    """``axis=value``, the value from -1 to 1."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not AXIS=VALUE")
    return axis(name), number(-1, 1)(value)


def axis(text: str) -> str:
    """The name of something that taste can learn."""
    names = [each.name for each in AXES]
    if text.strip() not in names:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(names)}")
    return text.strip()


def byte_count(text: str) -> int:
    """A size as people write it: ``500MB``, ``1.5 GB``, ``0``; thousands, as disks are sold."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *([A-Z]*)", text.strip().upper())
    if found is None or found[2] not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 500MB, 20GB or 0")
    count = float(found[1]) * _UNITS[found[2]]
    if not math.isfinite(count) or count >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is too large")
    return round(count)


def moment(text: str) -> float:
    """A date, or a date and time, on this machine's clock, as seconds since 1970; a date is its beginning."""
    return _parsed(text).timestamp()


def moment_end(text: str) -> float:
    """The same, but a date is its end, so that ``--until`` includes the day."""
    day = _parsed(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text.strip()):
        day += timedelta(days=1, microseconds=-1)
    return day.timestamp()


def _parsed(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
        found.timestamp()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date, such as 2026-11-21 or 2026-11-21T14:30"
        ) from None
    return found
