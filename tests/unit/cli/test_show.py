# SPDX-License-Identifier: Apache-2.0
"""What goes to which stream."""

import io
import json
import os
from contextlib import nullcontext

import pytest
from rich.tree import Tree

from bridge_server.cli.parsing import UsageError
from bridge_server.cli.show import Bars, Screen, duration, size
from bridge_server.protocol.errors import Cancelled, NotFound


def test_results_and_remarks_go_apart(capsys):
    """Standard output carries results alone, so that it can be piped."""
    screen = Screen()
    screen.note("remark")
    screen.warn("careful")
    screen.line("out.png")
    screen.result({"files": []})
    assert capsys.readouterr() == ("out.png\n", "remark\nbridge-server: warning: careful\n")


def test_json_is_one_object_and_no_lines(capsys):
    """A script reads one object, with names as they are."""
    screen = Screen(as_json=True)
    screen.line("out.png")
    screen.result({"files": ["Übung.png"]})
    assert capsys.readouterr().out == '{"files": ["Übung.png"]}\n'


def test_quiet_keeps_warnings_and_errors(capsys):
    """Only what one can do without is left out."""
    screen = Screen(quiet=True)
    screen.note("remark")
    screen.warn("careful")
    screen.fail(NotFound("Gone.", "Look again."))
    assert capsys.readouterr().err == "bridge-server: warning: careful\nbridge-server: Gone.\n  Look again.\n"


def test_an_error_is_an_object_too(capsys):
    """Code, message and hint, beside what was done before it."""
    Screen(as_json=True).fail(NotFound("Gone.", "Look again."), files=["a.png"])
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "not_found", "message": "Gone.", "hint": "Look again."},
        "files": ["a.png"],
    }


def test_a_reader_that_is_gone_is_no_error(monkeypatch, capsys):
    """When ``head`` has seen enough, what is said is lost and everything else goes on."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        screen = Screen()
        screen.line("out-1.png")
        screen.line("out-2.png")
        screen.note("remark")
    assert capsys.readouterr().err == "remark\n"


def test_without_a_terminal_there_are_no_bars(capsys):
    """A log file gets no control characters."""
    screen = Screen()
    with screen.bars(2) as bars:
        bars.waiting(3)
        bars.set(0, 0.5)
        screen.note("remark")
    assert capsys.readouterr() == ("", "remark\n")


def test_bars_show_the_place_in_line_and_the_progress(capsys):
    """A bar for each candidate says what it waits for and how far it is."""
    with Bars(2, keep=True) as bars:
        bars.waiting(3)
        bars.set(1, 0.5, "seed 8")
        bars.set(7, 1.0)  # a candidate nobody asked for is no crash
        assert not bars.print("to a file", to_terminal=False)
        assert bars.print("[red]above[/red]", to_terminal=True)
    shown = capsys.readouterr().err
    assert "candidate 1" in shown
    assert "2 before it" in shown
    assert "50 %" in shown
    assert "seed 8" in shown
    assert "[red]above[/red]" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "40 ms"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (59.7, "60 s"),
        (61, "1 min 1 s"),
        (7325, "2 h 2 min"),
    ],
)
def test_lengths_of_time_are_told_as_people_do(seconds, text):
    """No more digits than help."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.04e6, "2.0 MB"), (9e9, "9.0 GB")],
)
def test_sizes_are_told_as_people_do(count, text):
    """In decimal units, as file managers do."""
    assert size(count) == text


def test_a_console_of_another_script_gets_what_it_can_show(monkeypatch):
    """A sign that a Windows console does not know is no traceback."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", stream)
    Screen().line("v1 ★ ü 鷺")
    stream.flush()
    assert stream.buffer.getvalue().decode("cp1252").splitlines() == ["v1 * ü ?"]


def test_a_tree_on_such_a_console_is_drawn_with_other_lines(monkeypatch):
    """Not with question marks; and a script that reads JSON gets none of it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    tree = Tree("start")
    tree.add("v1")
    Screen().show(tree)
    Screen(as_json=True).show(tree)
    stream.flush()
    assert stream.buffer.getvalue().decode().splitlines() == ["start", "`-- v1"]


@pytest.mark.parametrize(("typed", "agreed"), [("y\n", True), ("YES\n", True), ("\n", False), ("", False)])
def test_only_a_yes_is_one(monkeypatch, capsys, typed, agreed):
    """What is at stake is said first; anything else, or nothing, means no."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    with nullcontext() if agreed else pytest.raises(Cancelled):
        Screen().confirm("It holds 3 jobs.", "Delete it?")
    assert capsys.readouterr() == ("", "It holds 3 jobs.\nDelete it? [y/N] ")


@pytest.mark.parametrize(("as_json", "terminal"), [(True, True), (False, False)])
def test_a_script_is_not_asked(monkeypatch, as_json, terminal):
    """It would hang, or take a stray line for an answer."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal)
    with pytest.raises(UsageError, match=r"It holds 3 jobs.*--yes"):
        Screen(as_json=as_json).confirm("It holds 3 jobs.", "Delete it?")
