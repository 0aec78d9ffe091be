# SPDX-License-Identifier: Apache-2.0
"""``models``: what there is, what can be had, getting, adding, checking and removing them."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from ...models.add import Said, add
from ...models.card import Card, guides_of
from ...models.extra import INSTALL, installed
from ...models.presets import PRESETS
from ...models.pull import pull, wanted_from
from ...models.shelf import PARTIAL, Shelf
from ...models.watch import Watch
from ...protocol.errors import BridgeError, EngineFailed, NotFound
from ...protocol.messages import Engines
from .. import exits
from ..connect import connected, data_folder
from ..model_bars import ByteBar
from ..show import Screen, duration, size
from ..words import listed, printable
from .shown import abilities, card_table, preset_table

__all__ = ["models"]

_CHECK = "bridge_server.engines.diffusers.check"

_NO_ENGINE = f"The engine that runs models is not installed: {INSTALL}"

#: Seconds for a running daemon to look again; it starts a worker for that.
_LOOK = 90.0


def models(given: argparse.Namespace) -> int:
    """Run one of the actions; without one, ``list``."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    shelf = Shelf(data_folder(given.data_dir) / "models")
    try:
        with _private():
            return _ACTIONS[given.action or "list"](given, shelf, screen)
    except OSError as error:
        raise BridgeError(f"{error.filename or shelf.folder} can't be used: {error.strerror}.") from error


@contextmanager
def _private() -> Generator[None]:
    """What is written meanwhile is its owner's only, as with the daemon: the data folder has its token."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


# ---- looking -----------------------------------------------------------------------------------------


def _list(given: argparse.Namespace, shelf: Shelf, screen: Screen) -> int:
    del given
    cards = shelf.cards()
    had = {card.id for card in cards}
    rest = [each for each in PRESETS if each.id not in had]
    screen.result(
        {
            "folder": str(shelf.folder),
            "engine_installed": installed(),
            "models": [
                {**asdict(card), "missing": card.missing, "guides": guides_of(card, cards)} for card in cards
            ],
            "presets": [asdict(each) for each in rest],
        }
    )
    if not installed():
        screen.line(_NO_ENGINE)
    for line in card_table(cards):
        screen.line(line)
    broken = _unfinished(shelf)
    if broken:
        screen.line(
            f"Not finished: {listed(broken)}. The same 'models pull' goes on; 'models remove' forgets."
        )
    if rest:
        screen.line("")
        screen.line("To be had with 'bridge-server models pull ID':")
        for line in preset_table(rest):
            screen.line(line)
    return exits.OK


def _unfinished(shelf: Shelf) -> list[str]:
    folder = shelf.folder / PARTIAL
    if not folder.is_dir():
        return []
    return sorted(
        each.name for each in folder.iterdir() if (each / "parts").is_dir() or (each / "done.json").is_file()
    )


# ---- getting and giving up ---------------------------------------------------------------------------


class _Shown(Watch):
    """Shows the progress of something on the screen."""

    def __init__(self, screen: Screen, *, quiet: bool) -> None:
        self._screen, self._bar = screen, ByteBar(quiet=quiet)

    def note(self, text: str) -> None:
        self._bar.end()
        self._screen.note(text)

    def begin(self, what: str, total: int, done: int = 0) -> None:
        self._bar.begin(what, total, done)

    def step(self, count: int) -> None:
        self._bar.step(count)

    def end(self) -> None:
        self._bar.end()


def _pull(given: argparse.Namespace, shelf: Shelf, screen: Screen) -> int:
    wanted = wanted_from(
        given.what, id_=given.id, role=given.role, family=given.family, kind=given.kind, file=given.file
    )
    return _taken(pull(wanted, shelf, _Shown(screen, quiet=given.quiet)), "Pulled", shelf, screen)


def _add(given: argparse.Namespace, shelf: Shelf, screen: Screen) -> int:
    said = Said(
        id=given.id,
        role=given.role,
        family=given.family,
        kind=given.kind,
        title=given.title,
        licence=given.licence,
        word=given.word,
        steps=given.steps,
        guidance=given.guidance,
        side=given.side,
        config=given.config,
        encoder=given.encoder,
    )
    return _taken(add(given.path, said, shelf, _Shown(screen, quiet=given.quiet)), "Added", shelf, screen)


def _taken(card: Card, done: str, shelf: Shelf, screen: Screen) -> int:
    if not installed():
        screen.warn(_NO_ENGINE)
    told = _tell_daemon(shelf, screen)
    screen.result({"model": asdict(card), "daemon_told": told})
    screen.line(f"{done} {card.id}: {card.role} for {printable(card.family)}, {size(card.bytes)}.")
    screen.line(f"  {abilities(card)}")
    return exits.OK


def _remove(given: argparse.Namespace, shelf: Shelf, screen: Screen) -> int:
    there = {card.id: card for card in shelf.cards()}
    card = there.get(given.id)
    freed = shelf.remove(given.id)
    stays = card is not None and not Path(card.path).is_relative_to(shelf.folder / card.id)
    told = _tell_daemon(shelf, screen)
    screen.result({"removed": given.id, "freed": freed, "stays": stays, "daemon_told": told})
    if card is not None and stays:
        screen.line(f"Forgot {given.id}; {card.path} stays where it is.")
    else:
        screen.line(f"Removed {given.id}: {size(freed)} came free.")
    return exits.OK


def _tell_daemon(shelf: Shelf, screen: Screen) -> bool:
    """Have a running daemon look again; whether one did. None is started."""
    try:
        with connected(shelf.folder.parent) as client:
            client.call(Engines(fresh=True), timeout=_LOOK)
    except NotFound:
        return False
    except BridgeError as error:
        screen.warn(f"The running daemon has not looked at the models again: {error.message}")
        return False
    return True


# ---- checking ----------------------------------------------------------------------------------------


def _check(given: argparse.Namespace, shelf: Shelf, screen: Screen) -> int:
    card = shelf.card(given.id)
    if card.missing:
        raise NotFound(f"{card.path} is gone.", f"Bring it back, or: bridge-server models remove {card.id}")
    screen.note(f"Loading {card.id} and making one step; this may take a minute.")
    report = _checked(card.id, shelf.folder)
    fine = bool(report.get("ok"))
    screen.result({"id": card.id, **report})
    if not fine:
        hint = f"\n  {report['hint']}" if report.get("hint") else ""
        screen.line(f"{card.id} does not work: {report.get('message', '')}{hint}")
        return exits.FAILED
    took, where = duration(float(report.get("seconds", 0))), f"{report.get('device')}, {report.get('dtype')}"
    screen.line(f"{card.id} works: loaded and made one step in {took} on {where}.")
    return exits.OK


def _checked(id_: str, folder: Path) -> dict[str, Any]:
    """What the check says, from a process of its own: it brings torch, and may run out of memory."""
    command = [sys.executable, "-m", _CHECK, id_, "--models", str(folder), "--settings", _settings(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report: Any = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        report = None
    if isinstance(report, dict):
        return cast("dict[str, Any]", report)
    if "No module named" in done.stderr:
        hint = f"Something is not installed: {INSTALL}"
    else:
        hint = done.stderr.strip()[-500:] or f"Its process ended with {done.returncode}."
    raise EngineFailed(f"The check of {id_} broke off.", hint)


def _settings(folder: Path) -> str:
    """How the daemon of this data folder would run models."""
    from ...config import load_config  # noqa: PLC0415 - of the daemon

    given = load_config({"data_dir": folder.parent}).diffusers
    return json.dumps({name: getattr(given, name) for name in given.__struct_fields__})


_ACTIONS: dict[str, Callable[[argparse.Namespace, Shelf, Screen], int]] = {
    "list": _list,
    "pull": _pull,
    "add": _add,
    "remove": _remove,
    "check": _check,
}
