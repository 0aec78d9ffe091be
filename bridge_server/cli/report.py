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
from .plots import bar, box, plain_for, sparkline
from .show import Screen, duration
from .words import count_of, listed, percent, printable

__all__ = ["as_csv", "page", "report"]

#: Seconds: the shares of large pictures are counted when they are asked for.
_TIMEOUT = 300.0

#: Characters of a bar, and rows of a table before the older ones are left out.
_BAR, _MOST_ROWS, _MOST_COLUMNS = 18, 20, 30

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
class _Kind:
    """How a number is said, and where the bar that shows it ends (None: a little above what it shows)."""

    say: Callable[[float], str]
    top: float | None = None


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _wait(seconds: float) -> str:
    for length, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * length:
            return f"{_number(seconds / length)} {unit}"
    return duration(seconds) if seconds < 10 else f"{seconds:.0f} s"


_SHARE = _Kind(percent, 1.0)
_TIME, _COUNT, _COLOUR = _Kind(_wait), _Kind(_number), _Kind(lambda value: f"{value:.0f}")
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
                "How many of your prompt's words changed on the way there: none is 0 %, all 100 %.",
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
Percentages with brackets: the true share probably lies in that range (95 %). A wide range means that \
there was little to count.
Other numbers: the middle of all cases, and the range of the middle half of them. Their bars begin at 0; \
█ is the middle and ▒ the middle half.
Days and times are UTC. Formulas, and where these numbers mislead: docs/measures.md"""


def page(got: Report) -> RenderableType:
    """The whole report, for a person who knows nothing of how it was made."""
    whole = got.whole
    title = f"{printable(got.project)}: how the work with the partner went"
    parts: list[RenderableType] = [Text(title, style="bold")]
    if not (whole.jobs or got.sessions):
        parts.append(Text(_NOTHING))
        return Group(*parts)
    parts.append(Text(_summary(got)))
    if not whole.accepted.of:
        parts += ["", Text(_UNDECIDED)]
    for heading, lines in _SECTIONS:
        parts += _section(heading, lines, whole)
    if got.shares:
        parts += ["", _heading("Who made what you see now"), *(_share(each) for each in got.shares)]
    parts += _over_time(got)
    return Group(*parts, "", _heading("How to read this"), Padding(Text(_LEGEND, style="dim"), (0, 0, 0, 2)))


def _section(heading: str, lines: Sequence[_Line], whole: Measures) -> list[RenderableType]:
    """A heading and the measures below it that are known; nothing if none is."""
    values = {line: getattr(whole, line.field) for line in lines}
    shown = [_measure(line, value) for line, value in values.items() if _known(value)]
    if whole.left_open and any(line.field == "iterations" for line in lines):
        left = f"Open: at {count_of(whole.left_open, 'spot')} you asked and took nothing."
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

_UNDECIDED = """\
Nothing was decided yet, so most of this page is missing.
Accept or reject offers in your program, and run this again."""


def _summary(got: Report) -> str:
    whole = got.whole
    asked = f"{count_of(whole.jobs, 'time')}{f' in {_hosts(whole.host)}' if whole.host else ''}"
    text = (
        f"{_moment(whole.began, year=True)} to {_moment(whole.ended, year=True)} UTC: "
        f"{count_of(len(got.sessions), 'session')} on {count_of(len(got.days), 'day')}.\n"
        f"You asked {asked} and were offered {count_of(whole.offered, 'picture')}."
    )
    if got.depth:
        text += f"\nThe longest chain of accepted steps has {got.depth}"
        text += f", with {count_of(got.branches, 'branching', 'branchings')}." if got.branches else "."
    return text


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _known(value: Rate | Spread) -> bool:
    return (value.of if isinstance(value, Rate) else value.n) > 0


def _measure(line: _Line, value: Rate | Spread) -> RenderableType:
    """Name, plot and value in a row, and below what that means."""
    meaning = line.meaning
    if isinstance(value, Rate):
        share, low, high = value.share or 0.0, value.low or 0.0, value.high or 0.0
        drawn = bar([(share, "█")], _BAR)
        said = f"{value.count} of {value.of}, {percent(share)} ({100 * low:.0f} to {percent(high)})"
    else:
        low, median, high = value.low or 0.0, value.median or 0.0, value.high or 0.0
        # where there is no natural end, one case alone has nothing to be seen against
        scaled = value.n > 1 or line.kind.top is not None
        end = max(high, line.kind.top or 1.25 * high)
        drawn = box(low, median, high, end, _BAR) if scaled else " " * _BAR
        said, least, most = (line.kind.say(each) for each in (median, low, high))
        said += f", mostly {least} to {most}" if least != most else ""
        meaning += f" {count_of(value.n, 'case')}."
    row = Text(f"  {line.name:<21} ").append(drawn, style="cyan").append(f"  {said}")
    return Group(row, Padding(Text(meaning, style="dim"), (0, 0, 0, 4)))


def _share(share: Share) -> RenderableType:
    of = "" if share.canvas_known else "of accepted offers, "
    parts = (
        (share.machine, "█", "the partner's, as offered"),
        (share.both, "▓", "of both: offered, then changed by you"),
        (share.artist, "░", "yours: painted by you or there before"),
    )
    drawn = bar([(part, character) for part, character, _ in parts], 40)
    rows = [f"{character} {100 * part:3.0f} %  {words}" for part, character, words in parts]
    title = f"  {printable(share.document) or 'The picture'} ({of}{_pixels(share.area)})"
    return Group(Text(title), Text(f"    {drawn}", style="cyan"), *(Text(f"    {row}") for row in rows))


# ---- over time ---------------------------------------------------------------------------------------

_CURVES: tuple[_Line, ...] = tuple(line for _, lines in _SECTIONS for line in lines)


def _over_time(got: Report) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if len(got.days) > 1:
        parts += ["", _heading("Day by day"), _table(got.days, "Day", lambda each: each.label)]
    if len(got.sessions) > 1:
        parts += [
            "",
            _heading("Session by session"),
            _table(got.sessions, "Began", lambda each: _moment(each.began)),
        ]
    stretches, unit = (got.days, "day") if len(got.days) > 1 else (got.sessions, "session")
    if len(stretches) > 1:
        parts += ["", _heading(f"Over time, one column a {unit}"), _curves(stretches[-_MOST_COLUMNS:])]
    return parts


def _table(stretches: Sequence[Measures], name: str, label: Callable[[Measures], str]) -> RenderableType:
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(name, no_wrap=True)
    table.add_column("In")
    for title in ("Asked", "Offered"):
        table.add_column(title, justify="right")
    table.add_column("Taken", no_wrap=True)
    for title in ("Rounds", "Time", "Variety"):
        table.add_column(title, justify="right")
    for each in stretches[-_MOST_ROWS:]:
        share = each.accepted.share
        table.add_row(
            label(each),
            Text(_hosts(each.host)),
            str(each.jobs),
            str(each.offered),
            "" if share is None else f"{bar([(share, '█')], 6)} {percent(share):>5}",
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


def _hosts(joined: str) -> str:
    return listed([_HOSTS.get(host, printable(host)) for host in joined.split(", ")])


def _pixels(area: int) -> str:
    return f"{area / 1e6:.1f} million pixels" if area >= 1e5 else count_of(area, "pixel")


def _moment(seconds: float, *, year: bool = False) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):  # of no calendar's year
        return "unknown"
    return f"{moment.day} {moment:%b %Y %H:%M}" if year else f"{moment.day} {moment:%b %H:%M}"
