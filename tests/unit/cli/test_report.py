# SPDX-License-Identifier: Apache-2.0
"""The report as a page, as CSV and as JSON. A daemon's own is in tests/e2e."""

import csv
import io
import json
import re
from contextlib import nullcontext
from dataclasses import fields, replace

import pytest
from rich.console import Console

from bridge_server.cli import report as module
from bridge_server.cli.arguments import parse
from bridge_server.cli.main import main
from bridge_server.cli.report import as_csv, page
from bridge_server.protocol.errors import NotFound
from bridge_server.protocol.report import Measures, Rate, Report, Share, Spread

NOON = 1_795_262_400.0
FULL = Measures(
    label="book cover", host="gimp, krita", began=NOON, ended=NOON + 90_000, jobs=12, offered=48,
    accepted=Rate(10, 40, 0.25, 0.142, 0.402), rejected=Rate(8, 40, 0.2, 0.105, 0.348),
    first_accepted=Rate(3, 10, 0.3, 0.108, 0.603), time_to_accept=Spread(10, 22.4, 8.2, 5400.0),
    iterations=Spread(9, 2.0, 1.0, 3.25), left_open=2, breadth=Spread(12, 0.93, 0.8, 1.1),
    divergence=Spread(10, 1.24, 0.0, 3.5), prompt_drift=Spread(10, 0.4, 0.0, 0.5),
    changed=Spread(4, 0.35, 0.1, 0.5), difference=Spread(3, 12.4, 6.0, 20.0),
)  # fmt: skip
EMPTY = Measures(
    label="book cover", host="", began=0.0, ended=0.0, jobs=0, offered=0, accepted=Rate(0, 0),
    rejected=Rate(0, 0), first_accepted=Rate(0, 0), time_to_accept=Spread(0), iterations=Spread(0),
    left_open=0, breadth=Spread(0), divergence=Spread(0), prompt_drift=Spread(0), changed=Spread(0),
    difference=Spread(0),
)  # fmt: skip
REPORT = Report(
    project="book cover",
    whole=FULL,
    sessions=[
        replace(FULL, label="5e55", host="krita"),
        replace(FULL, label="5e56", host="gimp", began=NOON + 80_000),
    ],
    days=[
        replace(FULL, label="2026-11-21", accepted=Rate(2, 20, 0.1, 0.028, 0.301)),
        replace(FULL, label="2026-11-22", accepted=Rate(8, 20, 0.4, 0.219, 0.613)),
    ],
    shares=[Share("Cover", 4_200_000, True, 0.3, 0.2, 0.5)],
    depth=7,
    branches=1,
)


def read(report, width=80):
    """The page as it stands on a terminal of some width, as lines."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    console.print(page(report))
    return console.file.getvalue().splitlines()


def line_with(text, lines):
    """The one line that begins with a text, without its margin."""
    found = [line.strip() for line in lines if line.strip().startswith(text)]
    assert len(found) == 1, found
    return found[0]


# ---- the page ----------------------------------------------------------------------------------------


def test_a_share_is_told_with_its_range():
    """How many of how many, and how sure that is."""
    assert line_with("Taken  ", read(replace(REPORT, days=[], sessions=[]))).endswith(
        "10 of 40, 25 % (14 to 40 %)"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Time to take", "22 s, mostly 8.2 s to 1.5 h"),
        ("Rounds", "2, mostly 1 to 3.2"),
        ("Variety of the offers", "0.9, mostly 0.8 to 1.1"),
        ("Distance from the first", "1.2, mostly 0.0 to 3.5"),
        ("Change of words", "40 %, mostly 0 % to 50 %"),
        ("Area changed", "35 %, mostly 10 % to 50 %"),
        ("Strength of change", "12, mostly 6 to 20"),
    ],
)
def test_a_spread_is_told_in_its_own_unit(name, said):
    """Middle and middle half, with no more digits than help."""
    assert line_with(name, read(replace(REPORT, days=[], sessions=[]))).endswith(said)


def test_every_measure_is_on_the_page():
    """What was measured is shown: a new field of the record needs its line here."""
    shown = {line.field for _, lines in module._SECTIONS for line in lines} | {"left_open"}
    told = {each.name for each in fields(Measures)} - {"label", "host", "began", "ended", "jobs", "offered"}
    assert shown == told


def test_the_beginning_says_what_this_is_about():
    """What came of it first; then when, where and how much, in whole sentences."""
    assert read(REPORT, 200)[:6] == [
        "book cover: how the work with the partner went",
        "You took 10 of 40 pictures, usually after 2 askings at a spot.",
        "What the numbers mean: 'How to read this', at the end.",
        "21 Nov 2026 12:00 to 22 Nov 2026 13:00 UTC: 2 sessions on 2 days.",
        (
            "You asked 12 times in GIMP and Krita and were offered 48 pictures. You decided about 10 of these"
            " requests, with 40 pictures; the rates below count those."
        ),
        "The most steps built one on another: 7. At 1 point you went on in more than one direction.",
    ]


@pytest.mark.parametrize(
    ("taken", "rounds", "said"),
    [
        (
            Rate(10, 40, 0.25, 0.1, 0.4),
            Spread(9, 1.0, 1.0, 2.0),
            "10 of 40 pictures, mostly at the first asking.",
        ),
        (Rate(0, 4, 0.0, 0.0, 0.4), Spread(0), "none of 4 pictures."),
        (Rate(1, 1, 1.0, 0.4, 1.0), Spread(0), "1 of 1 picture."),
    ],
)
def test_all_is_said_in_one_sentence(taken, rounds, said):
    """Also where nothing was taken, or at no spot of this stretch."""
    whole = replace(FULL, accepted=taken, iterations=rounds)
    assert read(replace(REPORT, whole=whole))[1] == f"You took {said}"


def test_who_decided_about_everything_hears_no_second_count():
    """The counts of the rates differ from the heading's only where something was left undecided."""
    text = "\n".join(read(replace(REPORT, whole=replace(FULL, jobs=10, offered=40)), 200))
    assert "You decided about every request." in text
    assert "the rates below" not in text


def test_days_and_sessions_have_a_row_each():
    """The newest ones if there are many, and then the rest is owned up to."""
    lines = read(REPORT)
    assert line_with("2026-11-22 ", lines).split()[:5] == ["2026-11-22", "GIMP", "and", "12", "48"]
    assert "GIMP" in line_with("22 Nov 10:13", lines)
    assert " 2 of 20 " in line_with("2026-11-21 ", lines)
    many = [replace(FULL, label=f"day {number}") for number in range(30)]
    lines = read(replace(REPORT, days=many))
    assert not [line for line in lines if line.strip().startswith("day 9 ")]
    assert line_with("day 10 ", lines)
    assert "and 10 before these" in line_with("and 10", lines)


def test_sessions_of_one_minute_are_told_apart():
    """Two rows that read the same are no table."""
    began = [NOON + 4, NOON + 42, NOON + 80]
    sessions = [replace(FULL, label=str(each), began=each) for each in began]
    lines = read(replace(REPORT, sessions=sessions))
    assert [line_with(f"21 Nov 12:{at} ", lines)[:15] for at in ("00:04", "00:42", "01:20")]


def curve_of(name, lines):
    """The row of a measure below "Over time"."""
    start = next(number for number, line in enumerate(lines) if line.startswith("Over time"))
    return line_with(name, lines[start:])


def test_curves_show_the_way_from_first_to_last():
    """By day, or by session where there was one day only; with one session there is no way to show."""
    assert curve_of("Taken ", read(REPORT)).endswith("▃█  10 % → 40 %")
    one_day = read(replace(REPORT, days=REPORT.days[:1]))
    assert "Over time, one column a session" in one_day
    assert not [line for line in read(replace(REPORT, days=[], sessions=[])) if "Over time" in line]


def days_with(*shares):
    """A day for each share of pictures taken, ten of them; None is a day without decisions."""
    rates = [Rate(0, 0) if share is None else Rate(10, 40, share, 0.0, 1.0) for share in shares]
    return [replace(FULL, label=f"day {number}", accepted=rate) for number, rate in enumerate(rates)]


def test_a_short_curve_tells_every_value():
    """Four are read sooner than seen; of more the first and the last are enough."""
    short = read(replace(REPORT, days=days_with(0.1, None, 0.3, 0.2)))
    assert curve_of("Taken ", short).endswith("10 % → · → 30 % → 20 %")
    long = read(replace(REPORT, days=days_with(0.1, 0.2, 0.3, 0.2, 0.4)))
    assert curve_of("Taken ", long).endswith("█  10 % → 40 %")


def test_curves_of_few_cases_are_a_hint():
    """And those that say little over time are not drawn."""
    few = "Few cases a day: read as a hint, not a trend."
    assert few in map(str.strip, read(REPORT))
    lines = read(replace(REPORT, days=days_with(0.1, 0.2)))
    assert few not in map(str.strip, lines)
    drawn = lines[lines.index("Over time, one column a day") :]
    assert not [line for line in drawn if re.match("  (Turned|Strength|Change of)", line)]


def test_shares_of_the_picture_are_a_bar_with_its_key():
    """Each part in its own character, so that it can be read without colour."""
    lines = read(REPORT)
    assert line_with("Cover", lines) == "Cover"
    assert "    " + "█" * 12 + "▓" * 8 + "░" * 20 in lines
    assert line_with("▓", lines) == "▓  20 %  of both: offered, then changed by you"
    unknown = replace(REPORT, shares=[Share("", 90, False, 1.0, 0.0, 0.0)])
    assert line_with("The picture", read(unknown)) == "The picture (only the area of what you took)"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (4, "Known for 4 of the 10 you took; the others were not handed back."),
        (9, "Known for 9 of the 10 you took; the other was not handed back."),
        (10, "Known for all 10 you took."),
        (12, "12 cases."),
    ],
)
def test_the_changes_say_of_how_many_they_are_known(known, said):
    """What was not handed back may be changed or not."""
    whole = replace(FULL, changed=Spread(known, 0.3, 0.1, 0.4))
    assert said in " ".join(" ".join(read(replace(REPORT, whole=whole))).split())


def test_only_percentages_have_a_bar():
    """Nothing else has a full length."""
    lines = read(replace(REPORT, days=[], sessions=[], shares=[]))
    drawn = [line.split("  ")[1] for line in lines if "░" in line]
    assert drawn == ["Taken", "Turned down", "First of its request", "Change of words", "Area changed"]


def test_open_spots_are_told_even_if_nothing_was_ever_taken():
    """With the heading that they belong to."""
    asked = replace(EMPTY, jobs=3, offered=12, began=NOON, ended=NOON, left_open=1)
    lines = read(Report("book cover", asked, sessions=[asked], days=[asked]))
    at = lines.index("How long it took")
    assert lines[at + 1].strip() == "Still open: 1 spot where you asked and took nothing."


def test_what_was_not_measured_is_left_out():
    """No heading over nothing, no zero that nobody measured."""
    lines = read(replace(REPORT, whole=replace(FULL, changed=Spread(0), difference=Spread(0)), shares=[]))
    assert "What you changed in what you took" not in lines
    assert "Who made what you see now" not in lines
    assert "How long it took" in lines


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_page_fits_the_terminal(width):
    """No line is wider, whatever the names and numbers are."""
    long = replace(FULL, host="blender, gimp, krita, command line", jobs=123_456, offered=1_234_567)
    report = replace(REPORT, project="a very long name " * 8, whole=long, days=[long, long])
    assert max(map(len, read(report, width))) <= width


def test_at_80_columns_every_value_stands_beside_its_name():
    """The widest values there are do not wrap."""
    whole = replace(
        FULL,
        accepted=Rate(10_000, 40_000, 0.25, 0.2, 0.3),
        time_to_accept=Spread(2500, 5400.0, 5340.0, 5_000_000.0),
    )
    lines = read(replace(REPORT, whole=whole, days=[], sessions=[]))
    assert line_with("Taken ", lines).endswith("10000 of 40000, 25 % (20 to 30 %)")
    assert line_with("Time to take", lines).endswith("1.5 h, mostly 89 min to 57.9 days")


def test_an_empty_project_says_what_to_do():
    """Instead of a page of nothing."""
    text = "\n".join(read(Report("book cover", EMPTY)))
    assert "bridge-server fill" in text
    assert "How to read this" not in text


def test_a_project_without_decisions_says_what_is_missing():
    """Offers alone are half a conversation."""
    asked = replace(EMPTY, jobs=3, offered=12, began=NOON, ended=NOON, breadth=Spread(3, 1.0, 0.9, 1.2))
    text = "\n".join(read(Report("book cover", asked, sessions=[asked], days=[asked])))
    assert "Nothing was decided yet" in text
    assert "Variety of the offers" in text
    assert "Taken" not in text


def test_names_can_neither_style_nor_steer_the_terminal():
    """A project or document may be called anything."""
    name = "[red]x[/red] \x1b[2Jy"
    lines = read(replace(REPORT, project=name, shares=[Share(name, 9, True, 0.0, 0.0, 1.0)]))
    assert lines[0].startswith("[red]x[/red]")
    assert "\x1b" not in "".join(lines)


# ---- for programs ------------------------------------------------------------------------------------


def test_csv_has_one_row_a_measure_and_stretch():
    """Tidy: what a row is about is in its first columns, and nothing is said twice."""
    rows = list(csv.DictReader(io.StringIO(as_csv(REPORT))))
    keys = [(row["scope"], row["label"], row["measure"]) for row in rows]
    assert len(set(keys)) == len(keys) == 5 * (len(fields(Measures)) - 2) + 2 + 3
    got = dict(zip(keys, rows, strict=True))
    taken = got["day", "2026-11-22", "accepted"]
    assert [taken[name] for name in ("value", "low", "high", "n", "of")] == [
        "0.4",
        "0.219",
        "0.613",
        "8",
        "20",
    ]
    rounds = got["session", "5e55", "iterations"]
    assert [rounds[name] for name in ("host", "value", "n", "of")] == ["krita", "2.0", "9", ""]
    assert got["document", "Cover", "both"]["value"] == "0.2"
    assert got["project", "book cover", "depth"]["value"] == "7"


def test_csv_leaves_empty_what_is_not_known():
    """None is no zero."""
    rows = csv.DictReader(io.StringIO(as_csv(Report("p", EMPTY))))
    accepted = next(row for row in rows if row["measure"] == "accepted")
    assert (accepted["value"], accepted["n"], accepted["of"]) == ("", "0", "0")


class Daemon:
    """Answers with a report, and keeps what was asked."""

    def __init__(self):
        self.asked = []

    def call(self, request, timeout):
        """As the client's."""
        self.asked.append(request)
        if request.project == "gone":
            raise NotFound("There is no project 'gone'.")
        return REPORT


@pytest.fixture
def daemon(monkeypatch):
    """A daemon that every command finds."""
    found = Daemon()
    monkeypatch.setattr(module, "connected", lambda *_, **__: nullcontext(found))
    return found


def test_json_is_the_whole_report(daemon, capsys):
    """One object, with the names of the protocol."""
    assert main(["report", "book cover", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert got["whole"]["accepted"]["share"] == 0.25
    assert len(got["days"]) == 2
    assert daemon.asked[0].project == "book cover"


def test_the_page_and_csv_go_to_standard_output(daemon, capsys):
    """The page without trailing blanks, CSV without the page."""
    assert main(["report"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("book cover: how")
    assert all(line == line.rstrip() for line in out.splitlines())
    assert daemon.asked[0].project == ""
    assert main(["report", "--csv"]) == 0
    assert capsys.readouterr().out == as_csv(REPORT)


def test_a_project_that_is_not_there_is_a_failure_that_helps(daemon, capsys):
    """A newcomer who has made nothing yet hears how a project begins."""
    assert main(["report", "gone"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "no project 'gone'" in err
    assert "bridge-server fill" in err


def test_json_and_csv_at_once_is_a_wrong_option(daemon, capsys):
    """Nothing is asked, and the exit code is that of wrong options."""
    assert main(["report", "--json", "--csv"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
    assert daemon.asked == []


def test_what_can_be_typed():
    """A project is optional."""
    assert (parse(["report"]).project, parse(["report", "x", "--csv"]).csv) == ("", True)
