# SPDX-License-Identifier: Apache-2.0
"""``report``: the measures of a project as a page to read, as JSON or as CSV; see docs/measures.md."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from statistics import median

from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..protocol.errors import NotFound
from ..protocol.report import GetReport, Measures, Rate, Report, Share, Spread
from . import exits
from .connect import connected, data_folder
from .parsing import UsageError
from .plots import (
    bar,
    one_digit,
    plain_for,
    rate_in_words,
    short,
    sparkline,
    spread_in_words,
    waited,
    whole_number,
)
from .show import Screen
from .words import count_of, listed, percent, printable

__all__ = ["as_csv", "page", "report"]

#: Seconds: the shares of large pictures are counted when they are asked for.
_TIMEOUT = 300.0

#: Characters of a bar, and rows of a table and columns of a curve before the older ones are left out.
_BAR, _MOST_ROWS, _MOST_COLUMNS = 18, 20, 30

#: Columns of a curve whose values are all told, and pictures taken in one from which it is more than a hint.
_ALL_TOLD, _ENOUGH = 4, 10

_YEAR = "%b %Y %H:%M"

_HOSTS = {"krita": "Krita", "gimp": "GIMP", "blender": "Blender", "": "command line"}


def report(given: argparse.Namespace) -> int:
    """Print the measures of a project."""
    if given.json and given.csv:
        raise UsageError("The report can't be both JSON and CSV.", "Give --json or --csv.")
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note) as client:
        try:
            got = client.call(GetReport(given.project), _TIMEOUT)
        except NotFound as error:
            raise NotFound(error.message, _BEGIN) from None
    screen.result(asdict(got))
    if given.csv:
        screen.line(as_csv(got).rstrip("\n"))
    elif not given.json:
        console = Console(highlight=False, markup=False, emoji=False)
        with console.capture() as captured:
            console.print(page(got))
        text = "\n".join(line.rstrip() for line in captured.get().splitlines())
        screen.line(plain_for(text, sys.stdout.encoding or "ascii"))
    return exits.OK


# ---- for programs ------------------------------------------------------------------------------------


def as_csv(got: Report) -> str:
    """One row a measure of the project, of each session, day and document.

    ``value`` is a count, a share (``n`` of ``of``, with its 95 % interval ``low`` to ``high``), the median of
    ``n`` values (with the quartiles) or of a document the share of ``of`` pixels. Times are in seconds.
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
class _Line:
    """One measure on the page: a field of :class:`Measures`, its name, its meaning and how a value is said.

    Only percentages have a bar: nothing else has a full length.
    """

    field: str
    name: str
    meaning: str
    say: Callable[[float], str] = percent
    curve: bool = True


# fmt: off
_SECTIONS: tuple[tuple[str, tuple[_Line, ...]], ...] = (
    ("What became of the offers", (
        _Line("accepted", "Taken", "Offers you accepted, also if you undid it later."),
        _Line("rejected", "Turned down", "Offers you rejected. The rest you neither took nor rejected.",
              curve=False),
        _Line("first_accepted", "First of its request", "Requests of which you took the first offer."),
    )),
    ("How long it took", (
        _Line("time_to_accept", "Time to take",
              "From the arrival of the offer you took until you took it, pauses included.", waited),
        _Line("iterations", "Rounds",
              "How often you asked at one spot before you took something; 1 is at the first asking. Spots"
              " where you took nothing are left out.", short),
    )),
    ("How far you looked", (
        _Line("breadth", "Variety of the offers",
              "How different the offers of one request look in tone and texture, not in what they show. 0:"
              " all the same, 1: typical for fills of photos. More is not better.", one_digit),
        _Line("divergence", "Distance from the first",
              "How different what you took looks from the very first offer at that spot, before any further"
              " rounds. 0: the same, 1: as two offers of one request typically are.", one_digit),
        _Line("prompt_drift", "Change of words",
              "How far the prompt of what you took is from your first one at that spot. Same words 0 %,"
              " none in common 100 %, also if the first was empty.", curve=False),
    )),
    ("What you changed in what you took", (
        _Line("changed", "Area changed", "How much of the area of what you took you visibly changed."),
        _Line("difference", "Strength of change",
              "How strongly the colour changed in that area; 2.3 is just visible, 100 is black to white.",
              whole_number, curve=False),
    )),
)
# fmt: on

_POINTER = "What the numbers mean: 'How to read this', at the end."

_LEGEND = """\
A spot: where the selections of your requests mostly overlap. Once you take something, it is finished.
Percentages with brackets: with few cases chance plays a part. A longer run of the same work would probably \
(95 %) give a share in this range.
Other numbers: the middle of all cases, and after "mostly" the range of the middle half of them.
Days and times are UTC. Formulas, and where these numbers mislead: docs/measures.md"""


def page(got: Report) -> RenderableType:
    """The whole report, for a person who knows nothing of how it was made."""
    whole = got.whole
    title = f"{printable(got.project)}: how the work with the partner went"
    parts: list[RenderableType] = [Text(title, style="bold")]
    if not (whole.jobs or got.sessions):
        parts.append(Text(_NOTHING))
        return Group(*parts)
    if whole.accepted.of:
        parts.append(Text(_taken(whole)))
    parts += [Text(_POINTER, style="dim"), Text(_summary(got))]
    if not whole.accepted.of:
        parts += ["", Text(_UNDECIDED)]
    for heading, lines in _SECTIONS:
        parts += _section(heading, lines, whole)
    if got.shares:
        parts += ["", _heading("Who made what you see now"), Padding(Text(_AREA, style="dim"), (0, 0, 0, 2))]
        parts += [_share(each) for each in got.shares]
    parts += _over_time(got)
    return Group(*parts, "", _heading("How to read this"), Padding(Text(_LEGEND, style="dim"), (0, 0, 0, 2)))


def _section(heading: str, lines: Sequence[_Line], whole: Measures) -> list[RenderableType]:
    """A heading and the measures below it that are known; nothing if none is."""
    values = {line: getattr(whole, line.field) for line in lines}
    shown = [_measure(line, value, whole) for line, value in values.items() if _known(value)]
    if whole.left_open and any(line.field == "iterations" for line in lines):
        left = f"Still open: {count_of(whole.left_open, 'spot')} where you asked and took nothing."
        shown.append(Padding(Text(left), (0, 0, 0, 2)))
    return ["", _heading(heading), *shown] if shown else []


_NOTHING = """\
Nothing was asked in this project yet.
Ask for something in Krita, GIMP or Blender, or here:
  bridge-server fill photo.png --mask mask.png -o out.png
Accept or reject what is offered, and run this again.
'bridge-server projects' lists the projects."""

_BEGIN = """\
'bridge-server projects' lists the projects. One begins with the first thing that is asked for in it, as with
  bridge-server fill photo.png --mask mask.png -o out.png"""

_AREA = "Shares of the area, not of importance."

_UNDECIDED = """\
Nothing was decided yet, so most of this page is missing.
Accept or reject offers in your program, and run this again."""


def _taken(whole: Measures) -> str:
    """All in one sentence."""
    taken, rounds = whole.accepted, whole.iterations.median
    text = f"You took {taken.count or 'none'} of {count_of(taken.of, 'picture')}"
    if not taken.count or rounds is None:
        return f"{text}."
    when = "mostly at the first asking" if rounds == 1 else f"usually after {short(rounds)} askings at a spot"
    return f"{text}, {when}."


def _summary(got: Report) -> str:
    whole, decided = got.whole, got.whole.first_accepted.of
    asked = f"{count_of(whole.jobs, 'time')}{f' in {_hosts(whole.host)}' if whole.host else ''}"
    text = (
        f"{_moment(whole.began, _YEAR)} to {_moment(whole.ended, _YEAR)} UTC: "
        f"{count_of(len(got.sessions), 'session')} on {count_of(len(got.days), 'day')}.\n"
        f"You asked {asked} and were offered {count_of(whole.offered, 'picture')}."
    )
    if decided and decided == whole.jobs:
        text += " You decided about every request."
    elif decided:
        pictures = count_of(whole.accepted.of, "picture")
        text += (
            f" You decided about {decided} of these requests, with {pictures}; the rates below count those."
        )
    if got.depth:
        text += f"\nThe most steps built one on another: {got.depth}."
    if got.branches:
        text += f" At {count_of(got.branches, 'point')} you went on in more than one direction."
    return text


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _known(value: Rate | Spread) -> bool:
    return (value.of if isinstance(value, Rate) else value.n) > 0


def _measure(line: _Line, value: Rate | Spread, whole: Measures) -> RenderableType:
    """Name, bar and value in a row, and below what that means."""
    meaning = line.meaning
    if isinstance(value, Rate):
        middle, said = value.share or 0.0, rate_in_words(value)
    else:
        middle, said = value.median or 0.0, spread_in_words(value, line.say)
        meaning += f" {_basis(line, value.n, whole.accepted.count)}"
    row = Text(f"  {line.name:<23} ")
    if line.say is percent:
        row.append(bar([(middle, "█")], _BAR), style="cyan").append("  ")
    return Group(row.append(said), Padding(Text(meaning, style="dim"), (0, 0, 0, 4)))


def _basis(line: _Line, known: int, taken: int) -> str:
    """Of how many cases a value is the middle."""
    if line.field != "changed" or known > taken:
        return f"{count_of(known, 'case')}."
    if known == taken:
        return f"Known for {f'all {taken}' if taken > 1 else 'the one'} you took."
    others = "others were" if taken - known > 1 else "other was"
    return f"Known for {known} of the {taken} you took; the {others} not handed back."


def _share(share: Share) -> RenderableType:
    parts = (
        (share.machine, "█", "the partner's: as offered, or changed without the bridge knowing"),
        (share.both, "▓", "of both: offered, then changed by you"),
        (share.artist, "░", "painted by you, or there before (blank paper too)"),
    )
    drawn = bar([(part, character) for part, character, _ in parts], 40)
    rows = [f"{character} {100 * part:3.0f} %  {words}" for part, character, words in parts]
    of = "" if share.canvas_known else " (only the area of what you took)"
    title = f"  {printable(share.document) or 'The picture'}{of}"
    return Group(Text(title), Text(f"    {drawn}", style="cyan"), *(Text(f"    {row}") for row in rows))


# ---- over time ---------------------------------------------------------------------------------------

_CURVES: tuple[_Line, ...] = tuple(line for _, lines in _SECTIONS for line in lines if line.curve)


def _over_time(got: Report) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if len(got.days) > 1:
        days = got.days[-_MOST_ROWS:]
        table = _table(days, "Day", [each.label for each in days], len(got.days))
        parts += ["", _heading("Day by day"), table]
    if len(got.sessions) > 1:
        sessions = got.sessions[-_MOST_ROWS:]
        table = _table(sessions, "Began", _begins(sessions), len(got.sessions))
        parts += ["", _heading("Session by session"), table]
    stretches, unit = (got.days, "day") if len(got.days) > 1 else (got.sessions, "session")
    if len(stretches) > 1:
        shown = stretches[-_MOST_COLUMNS:]
        parts += ["", _heading(f"Over time, one column a {unit}"), _curves(shown)]
        if median(each.accepted.count for each in shown) < _ENOUGH:
            hint = f"Few cases a {unit}: read as a hint, not a trend."
            parts.append(Padding(Text(hint, style="dim"), (0, 0, 0, 2)))
    return parts


def _begins(sessions: Sequence[Measures]) -> list[str]:
    """When each began, with seconds where minutes do not tell them apart."""
    plain = [_moment(each.began) for each in sessions]
    distinct = len(set(plain)) == len(plain)
    return plain if distinct else [_moment(each.began, "%b %H:%M:%S") for each in sessions]


def _table(stretches: Sequence[Measures], name: str, labels: Sequence[str], total: int) -> RenderableType:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(name, no_wrap=True)
    table.add_column("In")
    for title in ("Asked", "Offered"):
        table.add_column(title, justify="right")
    table.add_column("Taken", justify="right", no_wrap=True)
    for title in ("Rounds", "Time to take", "Variety"):
        table.add_column(title, justify="right")
    for label, each in zip(labels, stretches, strict=True):
        taken = each.accepted
        table.add_row(
            label,
            Text(_hosts(each.host)),
            str(each.jobs),
            str(each.offered),
            f"{taken.count} of {taken.of}" if taken.of else "",
            *(
                "" if value.median is None else say(value.median)
                for value, say in (
                    (each.iterations, short),
                    (each.time_to_accept, waited),
                    (each.breadth, one_digit),
                )
            ),
        )
    left = total - len(stretches)
    note = Text(f"  and {left} before these; --csv has all", style="dim")
    return Padding(Group(table, note) if left > 0 else table, (0, 0, 0, 2))


def _curves(stretches: Sequence[Measures]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for line in _CURVES:
        values = [_middle(getattr(each, line.field)) for each in stretches]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            told = values if len(values) <= _ALL_TOLD else [known[0], known[-1]]
            said = " → ".join("·" if value is None else line.say(value) for value in told)
            grid.add_row(line.name, Text(sparkline(values), style="cyan"), said)
    return Padding(grid, (0, 0, 0, 2))


def _middle(value: Rate | Spread) -> float | None:
    return value.share if isinstance(value, Rate) else value.median


# ---- words -------------------------------------------------------------------------------------------


def _hosts(joined: str) -> str:
    return listed([_HOSTS.get(host, printable(host)) for host in joined.split(", ")])


def _moment(seconds: float, pattern: str = "%b %H:%M") -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):  # of no calendar's year
        return "unknown"
    return f"{moment.day} {moment:{pattern}}"
