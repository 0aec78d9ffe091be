# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists: files, make's targets, commands."""

import re
from pathlib import Path

import pytest

from bridge_server.cli.arguments import parse

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


def prose_of(text):
    """A document without its code."""
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def code_of(text):
    """The pieces of code in a document, blocks and spans."""
    blocks = r"^```[^\n]*\n(.*?)^```$"
    rest = re.sub(blocks, "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(blocks, text, re.MULTILINE | re.DOTALL) + re.findall(r"`([^`\n]+)`", rest)


def links_of(text):
    """The relative links in a document, without their anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose_of(text)) + re.findall(
        r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE
    )
    return {target.partition("#")[0] for target in targets if "://" not in target} - {""}


def targets_of(code):
    """The targets of ``make`` in a piece of code."""
    return set(re.findall(r"^\s*make ([a-z][a-z-]*)", code, re.MULTILINE))


def commands_of(code):
    """The subcommands in a piece of code, also of the form ``bridge-server a | b``."""
    named = re.findall(r"\bbridge-server +([a-z]+(?: \| [a-z]+)*)", code)
    return {command for group in named for command in group.split(" | ")}


def test_the_patterns_find_what_they_are_for():
    """A test that looked for nothing would pass for ever."""
    text = (
        "[a](b.md#c) [d](https://e.f) `make test` and\n```\nbridge-server x | y\nmake lint # z\n```\n`[g](h)`"
    )
    assert links_of(text) == {"b.md"}
    assert set().union(*map(targets_of, code_of(text))) == {"test", "lint"}
    assert set().union(*map(commands_of, code_of(text))) == {"x", "y"}
    assert links_of((ROOT / "README.md").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file(name):
    """Each relative link points to something that is in the repository."""
    document = ROOT / name
    missing = [link for link in links_of(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_exists(name):
    """What a document says to make can be made."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set().union(*map(targets_of, code_of((ROOT / name).read_text())))
    assert named <= targets


def test_every_command_in_the_readme_exists(capsys):
    """Each ``bridge-server X`` has help, so the parser knows it."""
    named = set().union(*map(commands_of, code_of((ROOT / "README.md").read_text())))
    assert {"fill", "stop"} <= named
    for command in sorted(named):
        with pytest.raises(SystemExit) as caught:
            parse([command, "--help"])
        assert caught.value.code == 0
        assert command in capsys.readouterr().out
