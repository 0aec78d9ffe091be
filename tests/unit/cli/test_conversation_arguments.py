# SPDX-License-Identifier: Apache-2.0
"""What can be typed about what was made."""

import re
from pathlib import Path

import pytest

from bridge_server.cli.arguments import parse
from bridge_server.cli.main import _COMMANDS
from bridge_server.cli.parsing import UsageError

ACTIONS = {
    "projects": ["list", "show", "export", "import", "delete", "gc"],
    "taste": ["show", "on", "off", "set", "forget", "save", "load"],
}


def helped(line, capsys):
    """What --help shows."""
    with pytest.raises(SystemExit):
        parse([*line, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "line", [[name] for name in _COMMANDS] + [[name, each] for name in ACTIONS for each in ACTIONS[name]]
)
def test_the_examples_of_every_command_can_be_typed(line, capsys):
    """Each has some, and they parse as that command."""
    shown = helped(line, capsys)
    examples = re.findall(r"^  bridge-server (.*)$", shown.partition("examples:")[2], re.MULTILINE)
    assert examples
    for example in examples:
        typed = [word.strip("'") for word in re.findall(r"'[^']*'|[^ >]+", example.partition(" > ")[0])]
        given = parse(typed)
        assert given.command == line[0]


def test_help_lists_every_command_in_a_group(capsys):
    """A newcomer finds all of them, each once, with what it does."""
    shown = helped([], capsys).split("\noptions:")[0]
    titles = re.findall(r"^([a-z ,]+):$", shown, re.MULTILINE)
    assert titles == ["make pictures", "choose, and go back", "look back", "models", "plugins", "the daemon"]
    assert sorted(re.findall(r"^  (\w+) {2,}\S", shown, re.MULTILINE)) == sorted(_COMMANDS)


@pytest.mark.parametrize("line", [["--json", "list"], ["list", "--json"]])
def test_options_hold_before_and_after_an_action(line):
    """An action's own defaults undo nothing that was typed before it."""
    given = parse(["projects", "--data-dir", "here", *line])
    assert (given.json, given.quiet, given.data_dir, given.action) == (True, False, Path("here"), "list")


@pytest.mark.parametrize("line", [["--project", "p", "show"], ["show", "--project", "p"]])
def test_a_taste_has_its_project_on_either_side(line):
    """As people type it."""
    assert parse(["taste", *line]).project == "p"


@pytest.mark.parametrize("command", ["projects", "taste"])
def test_without_an_action_there_is_none(command):
    """The command then shows what there is."""
    given = parse([command])
    assert (given.action, given.json) == (None, False)


def test_a_mark_may_leave_each_thing_as_it_is():
    """What is not typed is None, an empty name is a name."""
    assert (parse(["mark", "v"]).name, parse(["mark", "v"]).starred) == (None, None)
    given = parse(["mark", "v", "--unstar", "--name", ""])
    assert (given.name, given.starred) == ("", False)


def test_pins_gather():
    """Several may be set and taken away at once."""
    given = parse(["taste", "set", "--pin", "warmth=1", "--pin", "grain=-0.5", "--unpin", "edges"])
    assert (given.pin, given.unpin) == ([("warmth", 1.0), ("grain", -0.5)], ["edges"])
    assert parse(["taste", "set", "--scope", "all"]).pin == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["accept"], "CANDIDATE"),
        (["reject"], "CANDIDATE"),
        (["mark", "v", "--star", "--unstar"], "not allowed with"),
        (["history", "--verb", "paint"], "'paint'"),
        (["history", "--limit", "0"], "0 is not from 1"),
        (["history", "--since", "soon"], "'soon' is no date"),
        (["more", "c", "--count", "17"], "17 is not from 1 to 16"),
        (["projects", "gc", "--budget", "much"], "'much' is no size"),
        (["projects", "gc", "--keep", "-1"], "-1 is not from 0"),
        (["projects", "export", "p"], "-o"),
        (["projects", "burn"], "'burn'"),
        (["taste", "set", "--pin", "beauty=1"], "'beauty' is none of"),
        (["taste", "set", "--exploration", "2"], "2 is not from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_named(line, message):
    """Each wrong command line raises one error that quotes what is wrong."""
    with pytest.raises(UsageError) as raised:
        parse(line)
    assert message in str(raised.value)


def test_the_pictures_commands_have_a_project_and_a_taste():
    """Taste is on, off, or as the project says."""
    line = ["refine", "a.png", "--strength", "1", "-o", "b.png"]
    assert (parse(line).project, parse(line).taste) == ("default", None)
    assert parse([*line, "--no-taste", "--project", "p"]).taste is False
    assert parse([*line, "--taste"]).taste is True
