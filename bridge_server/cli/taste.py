# SPDX-License-Identifier: Apache-2.0
"""``taste``: what was learned of the artist's taste, and steering it."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from ..client import BridgeClient
from ..protocol.codec import from_plain, to_plain
from ..protocol.errors import BadRequest, BridgeError, NotFound
from ..protocol.messages import Fetch
from ..protocol.taste import (
    Forget,
    GetTaste,
    LoadTaste,
    SaveTaste,
    SetTaste,
    TasteAxis,
    TasteData,
    TasteInfo,
)
from . import exits
from .connect import connected, data_folder
from .parsing import UsageError
from .show import Screen
from .words import count_of, listed, percent, printable, quoted

__all__ = ["described", "read_taste", "taste"]

_MOST_BYTES = 100_000_000


def taste(given: argparse.Namespace) -> int:
    """Run one of the actions; without one, ``show``."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    data: TasteData | None = None
    if given.action == "load":
        try:
            data = read_taste(given.file)
        except BridgeError as error:
            screen.fail(error)
            return exits.USAGE
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        if given.action == "save":
            return _save(given, client, screen)
        info = (
            client.call(LoadTaste(data))
            if data is not None
            else _ACTIONS[given.action](given, client, screen)
        )
        if getattr(given, "sheet", None) is not None:
            _draw(given.sheet, info, client)
    screen.result(to_plain(info))
    for line in described(info):
        screen.line(line)
    return exits.OK


def _draw(path: Path, info: TasteInfo, client: BridgeClient) -> None:
    """Write what was liked and disliked most as one picture."""
    from .sheet import rows_sheet  # noqa: PLC0415 - only who wants a picture waits for Pillow

    rows = [
        (title, [client.call(Fetch(name, thumbnail=True)).pixels for name in names])
        for title, names in ((f"More of this: {info.summary}", info.liked), ("Less of this", info.disliked))
    ]
    try:
        rows_sheet(path, rows)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be written: {error}.", "Give the name of a PNG file.") from error


def _show(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> TasteInfo:
    del given, screen
    return client.call(GetTaste())


def _on(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> TasteInfo:
    del screen
    return client.call(SetTaste(on=given.action == "on"))


def _set(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> TasteInfo:
    del screen
    if given.exploration is None and given.scope is None and not given.pin and not given.unpin:
        raise UsageError("Nothing would be set.", "Give --exploration, --scope, --pin or --unpin.")
    pins: dict[str, float] | None = None
    if given.pin or given.unpin:
        pins = {**client.call(GetTaste()).settings.pins, **dict(given.pin)}
        pins = {name: value for name, value in pins.items() if name not in given.unpin}
    return client.call(SetTaste(scope=given.scope, exploration=given.exploration, pins=pins))


def _forget(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> TasteInfo:
    if not given.yes:
        info = client.call(GetTaste())
        what = listed([count_of(info.lessons, "choice"), count_of(len(info.settings.pins), "pin")])
        screen.confirm(f"What was learned would be forgotten: {what}.", "Forget it?")
    return client.call(Forget())


_ACTIONS: dict[str | None, Callable[[argparse.Namespace, BridgeClient, Screen], TasteInfo]] = {
    None: _show,
    "show": _show,
    "on": _on,
    "off": _on,
    "set": _set,
    "forget": _forget,
}


# ---- in words ----------------------------------------------------------------------------------------


def described(info: TasteInfo) -> list[str]:
    """What was learned, how sure that is, whether it acts, and how to correct it."""
    settings = info.settings
    whence = "all projects" if settings.scope == "all" else "this project"
    lines = [
        f"Taste in {quoted(info.project)} is {'on' if settings.on else 'off'} and learns from {whence}.",
        f"Learned from {count_of(info.lessons, 'choice')}: {printable(info.summary)}.",
    ]
    width = max((len(axis.name) for axis in info.axes), default=0)
    lines += [f"  {axis.name:{width}}  {_axis(axis)}" for axis in info.axes]
    lines.append(_acting(info))
    for name, candidates in (("Liked", info.liked), ("Disliked", info.disliked)):
        if candidates:
            lines.append(f"{name} above all: {candidates[0]}")
            lines += [f"{'':{len(name)}}            {each}" for each in candidates[1:]]
    other = "off" if settings.on else "on"
    if info.liked or info.disliked:
        lines.append("To see them: taste show --sheet FILE.png")
    lines.append("To correct it: taste set --pin AXIS=VALUE (1 is more, -1 less, 0 no matter).")
    lines.append(f"To switch it {other}: taste {other}. To begin anew: taste forget.")
    return lines


def _axis(axis: TasteAxis) -> str:
    if axis.pinned is not None:
        return f"{axis.words}: pinned at {axis.pinned:g} by you"
    times = math.exp(min(abs(axis.weight), 10.0))
    return f"{axis.words}: chosen {times:.1f} times as often, {percent(axis.certainty)} sure"


def _acting(info: TasteInfo) -> str:
    """Whether it chooses the next offers, and if not, why."""
    if info.active:
        by = "" if info.axes else " by slight tendencies"
        free = percent(info.settings.exploration)
        return f"It chooses the next offers{by}; {free} are left to chance, to go on learning."
    if not info.settings.on:
        return "It chooses nothing while it is off."
    if info.lessons < info.needed:
        missing = count_of(info.needed - info.lessons, "more choice is", "more choices are")
        return f"It chooses nothing yet: {missing} needed. Accepting one of several is one."
    return "It chooses nothing now: nothing is certain enough."


# ---- files -------------------------------------------------------------------------------------------


def _save(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> int:
    data = client.call(SaveTaste())
    path: Path = given.output
    try:
        path.write_text(json.dumps(to_plain(data), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        screen.fail(BadRequest(f"{path} cannot be written: {error.strerror}.", "Choose another place."))
        return exits.USAGE
    what = listed([count_of(len(data.lessons), "choice"), count_of(len(data.settings.pins), "pin")])
    screen.result({"file": str(path), "lessons": len(data.lessons)})
    screen.line(f"{path}  {what}")
    return exits.OK


def read_taste(path: Path) -> TasteData:
    """What ``taste save`` wrote.

    Raises:
        NotFound: no such file.
        BadRequest: it can't be read, or holds something else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _no_taste(path)
        plain: Any = json.loads(path.read_text(encoding="utf-8"))
        if not _is_sound(plain):
            raise _no_taste(path)
        return from_plain(TasteData, plain)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Check the name and the folder.") from None
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
    except (BadRequest, ValueError, TypeError, KeyError, RecursionError):
        raise _no_taste(path) from None


def _is_sound(plain: Any) -> bool:
    """Whether what is taken apart here can be; the daemon checks the rest."""
    return (
        isinstance(plain["format"], str)
        and isinstance(plain["settings"], dict)
        and _are_lessons(plain["lessons"])
    )


def _are_lessons(lessons: Any) -> bool:
    return isinstance(lessons, list) and all(
        isinstance(offer, dict) for lesson in cast("list[Any]", lessons) for offer in lesson["offers"]
    )


def _no_taste(path: Path) -> BadRequest:
    return BadRequest(f"{path} holds no taste.", "Give a file that 'bridge-server taste save' wrote.")
