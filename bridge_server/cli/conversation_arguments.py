# SPDX-License-Identifier: Apache-2.0
"""What can be typed about what was made: deciding, going back, looking back, projects, taste."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..protocol.descriptor import AXES
from ..protocol.messages import MAX_COUNT, VERBS
from .parsing import axis, byte_count, described, moment, moment_end, number, pin, place_options, whole

__all__ = ["add_conversation"]

_IDS = """\
CANDIDATE is the id that fill, expand, vary, refine, more and less print beside
each result, and history shows again. VERSION is the one that accept prints, and
tree shows again.
"""
_AXES = "AXIS is one of:\n" + "".join(
    f"  {each.name:14} {each.more} (1) or {each.less} (-1)\n" for each in AXES
)

#: command -> its summary, and command lines that show it
_DECIDE = {
    "accept": (
        "take a candidate: it becomes a version, and the newest one",
        ["accept 3f2a90c1d5e7b846", "accept 3f2a90c1d5e7b846 --name 'evening sky'"],
    ),
    "reject": ("say no to candidates", ["reject 3f2a90c1d5e7b846 77aa01bc23de45f6"]),
    "more": (
        "more like a candidate",
        ["more 3f2a90c1d5e7b846 --count 3 --amount 0.2", "more 3f2a90c1d5e7b846 -o like-it.png"],
    ),
    "less": ("less like a candidate: ask the same again, away from it", ["less 3f2a90c1d5e7b846 --count 2"]),
    "undo": ("go back to the version before", ["undo"]),
    "redo": ("go forward again to where undo came from", ["redo"]),
    "go": ("go to any version; the next accept branches off there", ["go 9a1f5c7e9b0d2f4a", "go start"]),
    "mark": ("name or star a version", ["mark 9a1f5c7e9b0d2f4a --name 'evening sky' --star"]),
    "tree": ("show the versions and where each document stands", ["tree", "tree --project 'book cover'"]),
    "compare": ("say how two candidates differ", ["compare 3f2a90c1d5e7b846 77aa01bc23de45f6"]),
    "fetch": (
        "write a candidate's or a version's pixels into a picture file",
        ["fetch 3f2a90c1d5e7b846 -o patch.png", "fetch 9a1f5c7e9b0d2f4a --onto photo.jpg -o whole.png"],
    ),
}
_LOOK_BACK = {
    "history": (
        "find what was asked for, made and decided",
        ["history", "history --text heron --accepted --since 2026-11-01", "history --starred --json"],
    ),
    "projects": (
        "list, show, export, import and delete projects; make room",
        [
            "projects",
            "projects show 'book cover'",
            "projects export 'book cover' -o cover.bridge",
            "projects gc --budget 20GB --dry-run",
        ],
    ),
    "taste": (
        "show what was learned of your taste, and steer it",
        ["taste", "taste set --pin warmth=1 --exploration 0.4", "taste off", "taste save -o taste.json"],
    ),
}
_FETCHED = """\
OUT gets the pixels in their own depth, with transparency: what was made, not the
picture around it. With --onto they are laid over IMAGE where they belong; give
the picture that was asked about. It grows where they reach over its edge.
"""


def add_conversation(commands: Any) -> dict[str, dict[str, str]]:
    """Add the commands; their summaries by group."""
    decide = {
        "accept": _accept,
        "reject": _reject,
        "more": _more,
        "less": _less,
        "undo": _document,
        "redo": _document,
        "go": _go,
        "mark": _mark,
        "tree": _tree,
        "compare": _compare,
        "fetch": _fetch,
    }
    back = {"history": _history, "projects": _projects, "taste": _taste}
    for name, options in decide.items():
        _add(commands, name, options, *_DECIDE[name], _FETCHED if name == "fetch" else _IDS)
    for name, options in back.items():
        _add(commands, name, options, *_LOOK_BACK[name], _AXES if name == "taste" else "")
    return {
        "choose, and go back": {name: summary for name, (summary, _) in _DECIDE.items()},
        "look back": {name: summary for name, (summary, _) in _LOOK_BACK.items()},
    }


def _add(
    commands: Any,
    name: str,
    options: Callable[[argparse.ArgumentParser], None],
    summary: str,
    examples: list[str],
    notes: str,
) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(name, **described(summary, examples, notes))
    place_options(parser)
    if name != "projects":
        parser.add_argument("--project", default="default", metavar="P", help="which one (default: default)")
    options(parser)


# ---- deciding ----------------------------------------------------------------------------------------


def _document(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--document",
        default="",
        metavar="D",
        help="whose; each canvas of a host is one (default: the unnamed)",
    )


def _candidate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidate", metavar="CANDIDATE", help="its id")


def _accept(parser: argparse.ArgumentParser) -> None:
    _candidate(parser)
    _document(parser)
    parser.add_argument("--name", default="", metavar="N", help="what to call the version")


def _reject(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidates", nargs="+", metavar="CANDIDATE", help="its id")


def _less(parser: argparse.ArgumentParser) -> None:
    _candidate(parser)
    add = parser.add_argument
    add(
        "--count",
        type=whole(1, MAX_COUNT),
        default=4,
        metavar="N",
        help=f"results, 1 to {MAX_COUNT} (default 4)",
    )
    add(
        "--seed",
        type=whole(0, 2**63 - 1 - MAX_COUNT),
        metavar="S",
        help="the same seed makes the same pixels",
    )
    add("-o", "--output", type=Path, metavar="OUT", help="write the results too, as fetch does")
    add("--onto", type=Path, metavar="IMAGE", help="lay each over this picture")


def _more(parser: argparse.ArgumentParser) -> None:
    _less(parser)
    parser.add_argument(
        "--amount", type=number(0, 1), default=0.4, metavar="X", help="0 stays near, 1 goes far (default 0.4)"
    )


def _go(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version", metavar="VERSION", help="its id, or 'start' for the picture as it was before"
    )
    _document(parser)


def _mark(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("version", metavar="VERSION", help="its id")
    add("--name", metavar="N", help="what to call it; '' takes its name away")
    star = parser.add_mutually_exclusive_group()
    star.add_argument("--star", dest="starred", action="store_true", default=None, help="give it a star")
    star.add_argument(
        "--unstar", dest="starred", action="store_false", default=None, help="take its star away"
    )


def _tree(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--document", metavar="D", help="only the versions of this document (default: all)")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="A", help="a candidate's id")
    parser.add_argument("second", metavar="B", help="another's")


def _fetch(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("id", metavar="CANDIDATE|VERSION", help="its id")
    add("-o", "--output", type=Path, required=True, metavar="OUT", help="where the pixels go")
    add("--onto", type=Path, metavar="IMAGE", help="lay them over this picture")


# ---- looking back ------------------------------------------------------------------------------------


def _history(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--text", default="", metavar="WORDS", help="words in prompts or version names, as they begin")
    add("--host", default="", metavar="H", help="krita, gimp or blender")
    add("--verb", default="", choices=VERBS, help="what was asked for")
    add("--engine", default="", metavar="E", help="made with this engine")
    add("--since", type=moment, metavar="DATE", help="from then on: 2026-11-21, or 2026-11-21T14:30")
    add("--until", type=moment_end, metavar="DATE", help="until then; a day is included")
    add("--accepted", action="store_true", help="only where a candidate was accepted")
    add("--starred", action="store_true", help="only where a version has a star")
    add("--limit", type=whole(1, 100_000), default=20, metavar="N", help="at most so many (default 20)")


def _projects(parser: argparse.ArgumentParser) -> None:
    actions: Any = parser.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, summary: str, *examples: str) -> argparse.ArgumentParser:
        lines = [f"projects {example}" for example in examples]
        made: argparse.ArgumentParser = actions.add_parser(name, **described(summary, lines))
        return place_options(made, again=True)

    action("list", "list all projects, the last used first (also without ACTION)", "list")
    add = action("show", "say what is in a project", "show default").add_argument
    add("name", metavar="NAME", help="the project")
    add = action(
        "export", "write a project into one file, for another machine", "export default -o all.bridge"
    ).add_argument
    add("name", metavar="NAME", help="the project")
    add("-o", "--output", type=Path, required=True, metavar="FILE", help="where it goes")
    add("--overwrite", action="store_true", help="replace FILE if it is there")
    add = action(
        "import", "take an exported project in", "import all.bridge --as 'from the laptop'"
    ).add_argument
    add("file", type=Path, metavar="FILE", help="what 'projects export' wrote")
    add("--as", dest="name", default="", metavar="NAME", help="under this name (default: its own)")
    add = action("delete", "remove a project with everything in it, for good", "delete sketches").add_argument
    add("name", metavar="NAME", help="the project")
    add("--yes", action="store_true", help="do not ask")
    add = action(
        "gc",
        "make room: remove pictures that were never accepted, the oldest first",
        "gc --budget 20GB --dry-run",
    ).add_argument
    add("--budget", type=byte_count, metavar="SIZE", help="what all may take: 500MB, 20GB; 0 is no limit")
    add(
        "--keep", type=number(0, 36_500), default=1.0, metavar="DAYS", help="keep what is younger (default 1)"
    )
    add("--dry-run", action="store_true", help="only say what would be removed")


def _taste(parser: argparse.ArgumentParser) -> None:
    actions: Any = parser.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, summary: str, example: str, notes: str = "") -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(
            name, **described(summary, [f"taste {example}"], notes)
        )
        made.add_argument(
            "--project", default=argparse.SUPPRESS, metavar="P", help="which one (default: default)"
        )
        return place_options(made, again=True)

    add = action(
        "show", "say what was learned and how sure that is (also without ACTION)", "show --sheet taste.png"
    ).add_argument
    add("--sheet", type=Path, metavar="FILE", help="write what was liked and disliked most as a picture")
    action("on", "let your taste choose among the offers, and go on learning", "on")
    action("off", "offer as asked", "off")
    add = action(
        "set", "say how it shall work, or correct it", "set --pin warmth=1 --pin grain=-0.5", _AXES
    ).add_argument
    add(
        "--exploration", type=number(0, 1), metavar="X", help="the share of offers it does not choose, 0 to 1"
    )
    add("--scope", choices=("project", "all"), help="learn from this project, or from all of them")
    add(
        "--pin",
        type=pin,
        action="append",
        default=[],
        metavar="AXIS=VALUE",
        help="your own word on it: 1 is more, -1 less, 0 does not matter",
    )
    add("--unpin", type=axis, action="append", default=[], metavar="AXIS", help="let it be learned again")
    add = action("forget", "forget all choices until now, and the pins", "forget").add_argument
    add("--yes", action="store_true", help="do not ask")
    add = action("save", "write what was learned into a file", "save -o taste.json").add_argument
    add("-o", "--output", type=Path, required=True, metavar="FILE", help="where it goes")
    add = action(
        "load", "add what was learned elsewhere, and take its settings over", "load taste.json"
    ).add_argument
    add("file", type=Path, metavar="FILE", help="what 'taste save' wrote")
