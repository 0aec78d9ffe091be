# SPDX-License-Identifier: Apache-2.0
"""What can be typed: the commands, their options, what they mean. No I/O; only the standard library."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from .. import __version__
from ..protocol.messages import MAX_COUNT, MAX_SEED
from .conversation_arguments import add_conversation
from .model_arguments import add_models
from .parsing import Parser, UsageError, described, guide, number, parameter, place_options, whole

__all__ = ["Asked", "UsageError", "asked_from", "parse"]

_MOST_PIXELS = 2**31 - 1

_TOP = """\
A local daemon that fills, expands, varies and refines pictures. Nothing leaves this machine.

What needs a daemon starts one; it ends by itself when nobody needs it.
Each command has a --help of its own, with examples.
"""

_EXIT_CODES = """\
exit codes:
  0  done
  1  the daemon or the engine refused or failed
  2  a wrong option, or a file that can't be read or written
  130  interrupted with Ctrl-C; the job is cancelled
"""

_FILES = """\
IMAGE and MASK may be PNG, JPEG, WebP or TIFF; white in MASK is selected, grey is soft, both have the same
size. OUT keeps IMAGE's depth (but a palette becomes RGB, and 1 bit 8-bit grey), ICC profile and EXIF; its
ending says the format. Outside the selection every pixel stays as it was; a JPEG changes all of them a
little, WebP is written lossless. With --count 3, OUT out.png becomes out-1.png, out-2.png and out-3.png.
"""

_PLACES = """\
It goes to every Krita of yours that was started once: from the system, an AppImage, Flatpak, Snap, an
installer or the Microsoft Store. Krita shows its resource folder under Settings > Manage Resources.
The plugin works with your own data folder, or with that of BRIDGE_DATA_DIR if Krita is started with it.
"""

_EXAMPLES = {
    "serve": ["serve", "serve --port 8717 --idle-exit 900 --log-level debug"],
    "status": ["status", "status --json"],
    "stop": ["stop"],
    "doctor": ["doctor"],
    "report": ["report", "report 'book cover'", "report 'book cover' --csv > report.csv"],
    "fill": [
        "fill photo.jpg --mask mask.png -o out.png",
        "fill photo.tif --mask mask.png -o out.tif --count 4 --seed 7",
        "fill a.jpg --mask mask.png -o out.png --engine diffusers/sd15 --prompt 'a tree' --param steps=30",
    ],
    "expand": [
        "expand photo.jpg --left 200 --right 200 -o wide.jpg",
        "expand icon.png --top 64 --count 3 -o taller.png",
    ],
    "vary": [
        "vary photo.png --mask sky.png --amount 0.2 -o near.png",
        "vary photo.png --mask sky.png --amount 0.9 --count 4 -o far.png",
    ],
    "install": ["install krita", "install krita --dry-run", "install krita --uninstall"],
    "refine": [
        "refine sketch.png --strength 0.6 -o out.png",
        "refine photo.png --mask face.png --strength 0.2 -o out.png",
    ],
}


@dataclass(frozen=True)
class Asked:
    """One of the verbs, as it was asked for. ``strength`` None means the verb's own default.

    ``sides`` are the pixels to grow by: left, right, top, bottom. ``taste`` None: as the project is set.
    ``guides`` are kinds, files and weights.
    """

    verb: str
    image: Path
    output: Path
    mask: Path | None = None
    sides: tuple[int, int, int, int] = (0, 0, 0, 0)
    count: int = 1
    seed: int | None = None
    engine: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    strength: float | None = None
    amount: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    taste: bool | None = None
    drafted: bool = False
    guides: tuple[tuple[str, Path, float], ...] = ()


def parse(arguments: list[str]) -> argparse.Namespace:
    """Understand a command line; the result's ``command`` names the command.

    Raises:
        UsageError: it can't be understood.
        SystemExit: help or the version was asked for, and is printed.
    """
    return _parser().parse_args(arguments)


def asked_from(given: argparse.Namespace) -> Asked:
    """The verb in a parsed command line.

    Raises:
        UsageError: options that contradict each other.
    """
    sides = cast("tuple[int, int, int, int]", tuple(getattr(given, side, 0) for side in _SIDES))
    if given.command == "expand" and not any(sides):
        raise UsageError(
            "An expand grows no side.", "Give at least one of --left, --right, --top and --bottom, in pixels."
        )
    if given.output.name in {"", ".", ".."}:
        raise UsageError(f"{given.output} is no file's name.", "Give one with -o, for example -o out.png.")
    return Asked(
        verb=given.command,
        image=given.image,
        output=given.output,
        mask=getattr(given, "mask", None),
        sides=sides,
        count=given.count,
        seed=given.seed,
        engine=given.engine,
        prompt=given.prompt,
        negative_prompt=given.negative_prompt,
        strength=given.strength,
        amount=getattr(given, "amount", None),
        parameters=dict(given.param),
        taste=given.taste,
        drafted=given.drafted,
        guides=tuple(given.guide),
    )


_SIDES = ("left", "right", "top", "bottom")


# ---- commands ----------------------------------------------------------------------------------------


def _parser() -> Parser:
    parser = Parser(
        prog="bridge-server",
        usage="%(prog)s [-h] [--version] COMMAND ...",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bridge-server {__version__}")
    # listed in groups by the description, which argparse can't do
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="bridge-server", help=argparse.SUPPRESS
    )
    groups = {"make pictures": _add_verbs(commands), **add_conversation(commands)}
    groups["look back"]["report"] = _add_report(commands)
    groups["models"] = add_models(commands)
    groups["plugins"] = _add_install(commands)
    groups["the daemon"] = _add_daemon(commands)
    parser.description = f"{_TOP}\n{_listed(groups)}"
    return parser


def _listed(groups: dict[str, dict[str, str]]) -> str:
    """The commands by group, each with its summary."""
    shown = [
        "\n".join([f"{title}:", *(f"  {name:10} {summary}" for name, summary in commands.items())])
        for title, commands in groups.items()
    ]
    return "\n\n".join(shown)


def _add_daemon(commands: Any) -> dict[str, str]:
    summaries = {
        "serve": "run the daemon in this terminal",
        "status": "say how the daemon is; exit code 1 if none runs",
        "stop": "end the daemon and wait until it is gone",
        "doctor": "check that everything works, and say what to do where it doesn't",
    }
    parsers = {name: _command(commands, name, summary) for name, summary in summaries.items()}
    _add_serve(parsers["serve"])
    return summaries


def _add_verbs(commands: Any) -> dict[str, str]:
    summaries = {
        "fill": "fill a selection from its surroundings",
        "expand": "grow the canvas and fill what is new",
        "vary": "more like what is in the selection now",
        "refine": "keep the composition and change it by a strength",
    }
    for verb, summary in summaries.items():
        _add_verb(_command(commands, verb, summary, _FILES), verb)
    return summaries


def _command(commands: Any, name: str, summary: str, notes: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, **described(summary, _EXAMPLES[name], notes))
    # a plugin looks in the one folder only, whatever was typed here
    return place_options(parser, folder=name != "install", manner=name != "serve")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", help="address to listen on (default 127.0.0.1, this machine only)")
    add("--port", type=whole(0, 65535), help="port to listen on (default 0: a free one, clients find it)")
    add("--idle-exit", type=number(0), metavar="SECONDS", help="end after so long without clients and work")
    add(
        "--workers",
        type=whole(0, 256),
        metavar="N",
        help="processes that compute at once (default: one a core)",
    )
    add("--log-level", choices=("debug", "info", "warning", "error"), help="how much to log (default info)")
    add("--config", type=Path, metavar="FILE", help="a TOML file; default is config.toml in the data folder")
    add("--background", action="store_true", help="end after 15 idle minutes unless a setting says otherwise")


def _add_report(commands: Any) -> str:
    summary = "say how the work on a project went: offers, choices, changes"
    add = _command(commands, "report", summary).add_argument
    add("project", nargs="?", default="", metavar="PROJECT", help="which (default: default)")
    add("--csv", action="store_true", help="print one row a measure, session and day")
    return summary


def _add_install(commands: Any) -> dict[str, str]:
    summary = "put the plugin into Krita and switch it on, or remove it"
    add = _command(commands, "install", summary, _PLACES).add_argument
    add("host", choices=("krita",), metavar="HOST", help="krita")
    add("--uninstall", action="store_true", help="remove what was installed, and nothing else")
    add("--dry-run", action="store_true", help="only say what would be done")
    add("--into", type=Path, metavar="FOLDER", help="a resource folder that is not found by itself")
    return {"install": summary}


def _add_verb(parser: argparse.ArgumentParser, verb: str) -> None:
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="the picture")
    if verb == "expand":
        for side in _SIDES:
            add(f"--{side}", type=whole(0, _MOST_PIXELS), default=0, metavar="N", help="pixels to add there")
    else:
        needed = verb != "refine"
        add("--mask", type=Path, required=needed, metavar="MASK", help="what is selected, in white")
    add("-o", "--output", type=Path, required=True, metavar="OUT", help="where the result goes")
    if verb == "vary":
        add("--amount", type=number(0, 1), required=True, metavar="X", help="0 stays near, 1 goes far")
    add(
        "--strength",
        type=number(0, 1),
        required=verb == "refine",
        metavar="X",
        help="how much may change, 0 to 1" + ("" if verb == "refine" else ", for engines that heed it here"),
    )
    add("--prompt", default="", metavar="T", help="what to make, for engines that read words")
    add("--negative-prompt", default="", metavar="T", help="what to avoid, for engines that read words")
    add("--count", type=whole(1, MAX_COUNT), default=1, metavar="N", help=f"results, 1 to {MAX_COUNT}")
    add("--seed", type=whole(0, MAX_SEED), metavar="S", help="the same seed makes the same pixels")
    add("--engine", default="", metavar="E", help="which engine (default: the daemon's first)")
    _add_levers(parser)


def _add_levers(parser: argparse.ArgumentParser) -> None:
    """What leads the engine besides words, and who chooses among its offers."""
    add = parser.add_argument
    add(
        "--param",
        "--set",
        type=parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the engine, such as steps=30; may be given several times",
    )
    add(
        "--guide",
        type=guide,
        action="append",
        default=[],
        metavar="KIND=FILE[:WEIGHT]",
        help="a picture that leads the engine besides the words, such as toward, scribble, lineart, canny,"
        " depth (of the size of the result) or style, with a weight of 0 to 2; may be given several times",
    )
    add("--project", default="default", metavar="P", help="the project to work in (default: default)")
    add(
        "--taste",
        action=argparse.BooleanOptionalAction,
        help="whether your taste chooses what is offered, marked near (to what you chose), far (from what you"
        " want less of) or surprise (default: as the project is set)",
    )
    add(
        "--drafted",
        action="store_true",
        help="make it as offers are made that taste chose: with their seed, it brings one of them back",
    )
