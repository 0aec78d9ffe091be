# SPDX-License-Identifier: Apache-2.0
"""``report``: the measures of a project as a page to read, as JSON or as CSV. docs/measures.md explains them."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..protocol.report import GetReport, Measures, Rate, Report, Share, Spread
from . import exits
from .arguments import UsageError
from .connect import connected, data_folder
from .show import Screen, duration

__all__ = ["as_csv", "bar", "page", "plain_for", "report", "sparkline"]

#: Seconds: the shares of large pictures are counted when they are asked for.
_TIMEOUT = 300.0

_BAR = 20
_MOST_ROWS = 20
_LEVELS = "▁▂▃▄▅▆▇█"

#: What is drawn, for terminals and files that know no Unicode.
_PLAIN = str.maketrans("█▓▒░▁▂▃▄▅▆▇·─→≤", "#=-.1234567.->~")

_HOSTS = {"krita": "Krita", "gimp": "GIMP", "blender": "Blender", "": "other"}


def report(given: argparse.Namespace) -> int:
    """Print the measures of a project."""
    if given.json and given.csv:
        raise UsageError("The report can't be both JSON and CSV.", "Give --json or --csv.")
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note) as client:
        got = client.call(GetReport(given.project), _TIMEOUT)
    screen.result(asdict(got))
    if given.csv:
        screen.line(as_csv(got).rstrip("\n"))
    elif not given.json:
        console = Console(highlight=False, markup=False, emoji=False)
        with console.capture() as captured:
            console.print(page(got))
        screen.line(plain_for(captured.get().rstrip("\n"), sys.stdout.encoding or "ascii"))
    return exits.OK


def plain_for(text: str, encoding: str) -> str:
    """A page in characters that an encoding has."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


# ---- for programs ------------------------------------------------------------------------------------


def as_csv(got: Report) -> str:
    """One row a measure of the project, of each session, day and document.

    ``value`` is a count, a share (with its 95 % interval in ``low`` and ``high``, ``n`` of ``of``) or the median
    of ``n`` values (with the quartiles).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("project", "scope", "label", "host", "measure", "value", "low", "high", "n", "of"))
    for scope, stretch in (
        ("project", got.whole),
        *(("session", each) for each in got.sessions),
        *(("day", each) for each in got.days),
    ):
        for row in _rows(stretch):
            writer.writerow((got.project, scope, stretch.label, stretch.host, *row))
    for name in ("depth", "branches"):
        writer.writerow((got.project, "project", got.project, got.whole.host, name, getattr(got, name)))
    for share in got.shares:
        for name in ("machine", "both", "artist"):
            row = (name, getattr(share, name), None, None, None, share.area)
            writer.writerow((got.project, "document", share.document, "", *row))
    return text.getvalue()


def _rows(stretch: Measures) -> Iterator[tuple[object, ...]]:
    for each in fields(stretch):
        value = getattr(stretch, each.name)
        if isinstance(value, Rate):
            yield each.name, value.share, value.low, value.high, value.count, value.of
        elif isinstance(value, Spread):
            yield each.name, value.median, value.low, value.high, value.n, None
        elif each.name not in {"label", "host"}:
            yield each.name, value, None, None, None, None


# ---- for people --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """How a number is said, and where the bar that shows it ends (None: a little above what it shows)."""

    say: Callable[[float], str]
    top: float | None = None


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


_SHARE = _Kind(lambda value: f"{100 * value:.0f} %", 1.0)
_TIME, _COUNT, _COLOUR = _Kind(duration), _Kind(_number), _Kind(lambda value: f"{value:.0f}")
_LOOKS = _Kind(lambda value: f"{value:.1f}", 2.0)


@dataclass(frozen=True)
class _Line:
    """One measure on the page: a field of :class:`Measures`, its name and its meaning in plain words."""

    field: str
    name: str
    meaning: str
    kind: _Kind = _SHARE


_SECTIONS: tuple[tuple[str, tuple[_Line, ...]], ...] = (
    (
        "What became of the offers",
        (
            _Line("accepted", "Taken", "Offers you accepted, of all in the requests that you decided about."),
            _Line("rejected", "Turned down", "Offers you rejected. The rest you passed over without a word."),
            _Line("first_accepted", "First one taken", "Requests where you accepted the very first offer."),
        ),
    ),
    (
        "How long it took",
        (
            _Line("time_to_accept", "Time to decide", "From seeing an offer to accepting it.", _TIME),
            _Line(
                "iterations",
                "Rounds",
                "Requests at one spot of the picture until you accepted something there. 1 is at once.",
                _COUNT,
            ),
        ),
    ),
    (
        "How far you looked",
        (
            _Line(
                "breadth",
                "Variety of the offers",
                "How different the offers of one request look. 0 is all the same, 1 is usual.",
                _LOOKS,
            ),
            _Line(
                "divergence",
                "Away from the start",
                "How different what you took looks from the first offer at that spot. 0 is the same, 1 as"
                " different as two offers of one request usually are.",
                _LOOKS,
            ),
            _Line(
                "prompt_drift",
                "Change of words",
                "How much of your prompt changed on the way there. 0 % is the same words, 100 % all others.",
            ),
        ),
    ),
    (
        "What you changed in what you took",
        (
            _Line(
                "changed", "Area changed", "How much of an accepted offer's area you visibly changed later."
            ),
            _Line(
                "difference",
                "Strength of change",
                "How far the colours moved there. 2 is just visible, 100 is from black to white.",
                _COLOUR,
            ),
        ),
    ),
)

_LEGEND = """\
Shares: the range in brackets is where the true share probably lies (95 %). It is wide where there was little to \
count.
All else: the middle value, and the range in which the middle half lies. Bars begin at 0; █ is the middle value, \
▒ the middle half.
Days and times are UTC. Formulas, and where these numbers mislead: docs/measures.md"""


def page(got: Report) -> RenderableType:
    """The whole report, for a person who knows nothing of how it was made."""
    whole = got.whole
    parts: list[RenderableType] = [Text(f"{got.project}: how the work with the partner went", style="bold")]
    if not (whole.jobs or got.sessions):
        parts.append(Text(_NOTHING))
        return Group(*parts)
    parts.append(Text(_summary(got)))
    if not whole.accepted.of:
        parts += ["", Text(_UNDECIDED)]
    for heading, lines in _SECTIONS:
        shown = [line for line in lines if _known(getattr(whole, line.field))]
        if shown:
            parts += ["", _heading(heading)]
            parts += [_measure(line, getattr(whole, line.field)) for line in shown]
        if any(line.field == "iterations" for line in lines) and whole.left_open:
            parts.append(
                Padding(Text(f"{_count(whole.left_open, 'spot')} still open: nothing taken."), (0, 2))
            )
    if got.shares:
        parts += ["", _heading("Who made what you see now"), *(_share(each) for each in got.shares)]
    parts += _over_time(got)
    return Group(*parts, "", _heading("How to read this"), Padding(Text(_LEGEND, style="dim"), (0, 0, 0, 2)))


_NOTHING = """\
Nothing was asked in this project yet.
Ask for something in Krita, GIMP or Blender, or here:
  bridge-server fill photo.png --mask mask.png -o out.png
Accept or reject what is offered, and run this again. Another project: bridge-server report NAME"""

_UNDECIDED = """\
Nothing was decided yet, so most of this page is missing.
Accept or reject offers in your program, and run this again."""


def _summary(got: Report) -> str:
    whole = got.whole
    began, ended = _moment(whole.began), _moment(whole.ended)
    where = f"in {_hosts(whole.host)}, " if whole.host else ""
    sittings = f"{_count(len(got.sessions), 'session')} on {_count(len(got.days), 'day')}"
    text = (
        f"{began} to {ended} UTC {_year(whole.ended)}: {sittings}.\n"
        f"You asked {_count(whole.jobs, 'time')} {where}and were offered {_count(whole.offered, 'picture')}."
    )
    if got.depth:
        text += f" The longest chain of accepted steps has {got.depth}; it branches at {_count(got.branches, 'point')}."
    return text


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _known(value: Rate | Spread) -> bool:
    return (value.of if isinstance(value, Rate) else value.n) > 0


def _measure(line: _Line, value: Rate | Spread) -> RenderableType:
    """Name, bar and value in a row, and below what that means."""
    if isinstance(value, Rate):
        drawn = bar([(value.share or 0.0, "█")])
        low, high = 100 * (value.low or 0.0), 100 * (value.high or 0.0)
        said = f"{line.kind.say(value.share or 0.0)} ({low:.0f} to {high:.0f} %): {value.count} of {value.of}"
    else:
        drawn, said = _box(value, line.kind.top), _said(value, line.kind)
    row = Text(f"  {line.name:<22}").append(drawn, style="cyan").append(f"  {said}")
    return Group(row, Padding(Text(line.meaning, style="dim"), (0, 0, 0, 4)))


def _said(value: Spread, kind: _Kind) -> str:
    low, median, high = (kind.say(each or 0.0) for each in (value.low, value.median, value.high))
    if low == high:
        return f"{median} ({_count(value.n, 'case')})"
    return f"{median}, mostly {low} to {high} ({_count(value.n, 'case')})"


def bar(parts: Sequence[tuple[float, str]], width: int = _BAR) -> str:
    """Shares of 1 one after the other, each in its character; what is left is ``░``."""
    drawn, total = "", 0.0
    for share, character in parts:
        total += share
        drawn += character * (min(width, round(total * width)) - len(drawn))
    return drawn.ljust(width, "░")


def _box(value: Spread, top: float | None, width: int = _BAR) -> str:
    low, median, high = value.low or 0.0, value.median or 0.0, value.high or 0.0
    end = max(high, top or 1.25 * high) or 1.0
    cells = ["░"] * width
    first, last, middle = (min(width - 1, int(each / end * width)) for each in (low, high, median))
    cells[first : last + 1] = "▒" * (last + 1 - first)
    cells[middle] = "█"
    return "".join(cells)


def sparkline(values: Sequence[float | None]) -> str:
    """One column a value, as high as its part of the largest; a dot where there is none."""
    most = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join(
        "·" if value is None else _LEVELS[min(7, max(0, int(value / most * 8)))] for value in values
    )


def _share(share: Share) -> RenderableType:
    of = "the picture" if share.canvas_known else "the area of accepted offers"
    parts = (
        (share.machine, "█", "the partner's, as offered"),
        (share.both, "▓", "of both: offered, then changed by you"),
        (share.artist, "░", "yours: painted by you or there before"),
    )
    drawn = bar([(part, character) for part, character, _ in parts], 2 * _BAR)
    rows = [f"{character} {100 * part:3.0f} %  {words}" for part, character, words in parts]
    title = f"  {share.document or 'The picture'} ({of}, {share.area / 1e6:.1f} million pixels)"
    return Group(Text(title), Text(f"    {drawn}", style="cyan"), *(Text(f"    {row}") for row in rows))


# ---- over time ---------------------------------------------------------------------------------------

_CURVES: tuple[_Line, ...] = tuple(line for _, lines in _SECTIONS for line in lines)


def _over_time(got: Report) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if len(got.days) > 1:
        parts += ["", _heading("Day by day"), _table(got.days, "Day", lambda _, each: each.label)]
    if len(got.sessions) > 1:
        parts += ["", _heading("Session by session"), _table(got.sessions, "Began", _session)]
    stretches, unit = (got.days, "day") if len(got.days) > 1 else (got.sessions, "session")
    if len(stretches) > 1:
        parts += ["", _heading(f"Over time, one column a {unit}"), _curves(stretches[-30:])]
    return parts


def _session(_: int, each: Measures) -> str:
    return _moment(each.began)


def _table(stretches: Sequence[Measures], name: str, label: Callable[[int, Measures], str]) -> RenderableType:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(name, no_wrap=True)
    table.add_column("In")
    for title in ("Asked", "Offered"):
        table.add_column(title, justify="right")
    table.add_column("Taken", no_wrap=True)
    for title in ("Rounds", "Time to decide", "Variety"):
        table.add_column(title, justify="right")
    for number, each in enumerate(stretches[-_MOST_ROWS:]):
        share = each.accepted.share
        table.add_row(
            label(number, each),
            Text(_hosts(each.host)),
            str(each.jobs),
            str(each.offered),
            "" if share is None else f"{bar([(share, '█')], 8)} {_SHARE.say(share):>5}",
            *(
                "" if value.median is None else kind.say(value.median)
                for value, kind in (
                    (each.iterations, _COUNT),
                    (each.time_to_accept, _TIME),
                    (each.breadth, _LOOKS),
                )
            ),
        )
    left = len(stretches) - _MOST_ROWS
    note = Text(f"  and {left} before these; --csv has all", style="dim")
    return Padding(Group(table, note) if left > 0 else table, (0, 0, 0, 2))


def _curves(stretches: Sequence[Measures]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for line in _CURVES:
        values = [_middle(getattr(each, line.field)) for each in stretches]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            grid.add_row(
                line.name,
                Text(sparkline(values), style="cyan"),
                f"{line.kind.say(known[0])} → {line.kind.say(known[-1])}",
            )
    return Padding(grid, (0, 0, 0, 2))


def _middle(value: Rate | Spread) -> float | None:
    return value.share if isinstance(value, Rate) else value.median


# ---- words -------------------------------------------------------------------------------------------


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _hosts(joined: str) -> str:
    return ", ".join(_HOSTS.get(host, host) for host in joined.split(", "))


def _moment(seconds: float) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return "unknown"
    return f"{moment.day} {moment:%b %H:%M}"


def _year(seconds: float) -> str:
    try:
        return str(datetime.fromtimestamp(seconds, UTC).year)
    except (OverflowError, OSError, ValueError):
        return ""
