# SPDX-License-Identifier: Apache-2.0
"""``install``: puts a plugin where its host looks for it, switches it on, and takes all of it out again."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .. import __version__
from ..protocol.discovery import LAUNCHER_FILE, Launcher
from ..protocol.errors import BridgeError, NotFound
from . import exits
from .connect import data_folder
from .krita import PLUGIN, Place, disabled, enabled, places, resource_directory
from .parsing import UsageError
from .show import Screen

__all__ = ["find_places", "install", "plugin_archive", "put_in", "take_out"]

_LAUNCHER = Launcher([sys.executable, "-m", "bridge_server"])

#: Of a copy that is being made, until it takes its place.
_FRESH = f".{PLUGIN}-"


@dataclass(frozen=True)
class _Change:
    """What happened in one place: ``changed`` are the files and folders that are new, or are gone.

    ``started`` says whether Krita has made the folder, ``before`` whether a copy of the plugin was there.
    """

    kind: str
    resources: str
    config: str
    started: bool
    before: bool
    changed: list[str]


def install(given: argparse.Namespace) -> int:
    """Install a plugin, or remove it."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    found = find_places(given.into, installed=given.uninstall)
    launcher = None if given.uninstall else data_folder(None) / LAUNCHER_FILE  # where the plugin looks
    if given.uninstall:
        changes = [take_out(place, dry_run=given.dry_run) for place in found]
    else:
        with plugin_archive(given.host) as archive:
            changes = [put_in(place, archive, dry_run=given.dry_run) for place in found]
    if launcher is not None and not given.dry_run:
        _leave_launcher(launcher)
    screen.result(
        {
            "host": given.host,
            "version": __version__,
            "uninstall": given.uninstall,
            "dry_run": given.dry_run,
            "places": [asdict(change) for change in changes],
            "launcher": str(launcher) if launcher else None,
        }
    )
    _say(screen, given, changes)
    return exits.OK


def find_places(into: Path | None, *, installed: bool) -> list[Place]:
    """Where to install, or where the plugin is ``installed``.

    Args:
        into: a resource folder; None means every Krita that was started once, or if none was, the place where
            one would look.
        installed: only places that hold something of the plugin.
    """
    packages: list[str] = []
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        folder = Path(os.environ["LOCALAPPDATA"]) / "Packages"
        packages = sorted(path.name for path in folder.glob("49800Krita*"))
    known = [_moved(place) for place in places(sys.platform, os.environ, Path.home(), packages)]
    if into is not None:
        chosen = into.expanduser().absolute()
        known = [place for place in known if place.resources == chosen] or [Place("", chosen, None)]
    if installed:
        return [place for place in known if take_out(place, dry_run=True).changed]
    if into is not None:
        return known
    return [place for place in known if Path(place.resources).is_dir()] or known[:1]


def _moved(place: Place) -> Place:
    """The place, with the resource folder that the artist may have chosen."""
    named = resource_directory(_read(place.config)) if place.config else ""
    there = bool(named) and Path(named).is_absolute() and Path(named).is_dir()
    return replace(place, resources=Path(named)) if there else place


@contextmanager
def plugin_archive(host: str) -> Generator[Path]:
    """The plugin's zip: the one in this package or, in a checkout, one built for the occasion.

    Raises:
        NotFound: there is neither.
        BridgeError: it can't be built.
    """
    package = Path(__file__).parents[1]
    packaged = package / "plugins" / f"bridge_{host}.zip"
    build = package.parent / "plugins" / "build.py"
    if packaged.exists():
        yield packaged
        return
    if not build.exists():
        raise NotFound(
            "This bridge-server came without its plugins.", "Install it anew: pip install bridge-server."
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(build), host, "--out", folder]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise BridgeError("The plugin can't be built from this checkout.", made.stderr.strip()[-500:])
        yield Path(made.stdout.strip())


# ---- one place -----------------------------------------------------------------------------------------


def put_in(place: Place, archive: Path, *, dry_run: bool = False) -> _Change:
    """Install the plugin, whole or not at all, over an older copy too, and switch it on.

    Raises:
        UsageError: something there can't be written.
    """
    folder, desktop, action = targets = _targets(Path(place.resources))
    config = _read(place.config)
    changed = [*map(str, targets)]
    if place.config and enabled(config) != config:
        changed.append(str(place.config))
    change = _change(place, folder, changed)
    if not dry_run:
        with _writing(Path(place.resources)):
            _sweep(folder.parent)
            folder.parent.mkdir(parents=True, exist_ok=True)
            action.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(
                prefix=_FRESH, dir=folder.parent, ignore_cleanup_errors=True
            ) as fresh:
                with zipfile.ZipFile(archive) as zipped:
                    zipped.extractall(fresh)
                _swap(Path(fresh, folder.name), folder)
                Path(fresh, action.name).replace(action)
                Path(fresh, desktop.name).replace(desktop)
            if place.config:
                _reconfigure(Path(place.config), enabled)
    return change


def take_out(place: Place, *, dry_run: bool = False) -> _Change:
    """Remove what :func:`put_in` made, and nothing else.

    Raises:
        UsageError: something there can't be removed.
    """
    targets = _targets(Path(place.resources))
    present = [path for path in targets if path.exists() or path.is_symlink()]
    config = _read(place.config)
    changed = [*map(str, present)]
    if place.config and disabled(config) != config:
        changed.append(str(place.config))
    change = _change(place, targets[0], changed)
    if not dry_run:
        with _writing(Path(place.resources)):
            _sweep(targets[0].parent)
            for path in reversed(present):  # the package last: without the others Krita passes it by
                _remove(path)
            if place.config:
                _reconfigure(Path(place.config), disabled)
        for emptied in (targets[0].parent, targets[2].parent, Path(place.resources)):
            with suppress(OSError):
                emptied.rmdir()  # only if nothing else is in it
    return change


def _change(place: Place, folder: Path, changed: list[str]) -> _Change:
    """As things are now, before anything was done."""
    resources = Path(place.resources)
    there = folder.exists() or folder.is_symlink()
    return _Change(place.kind, str(resources), str(place.config or ""), resources.is_dir(), there, changed)


def _targets(resources: Path) -> tuple[Path, Path, Path]:
    """The package, and the two files that tell Krita of it and of its actions."""
    plugins = resources / "pykrita"
    return plugins / PLUGIN, plugins / f"{PLUGIN}.desktop", resources / "actions" / f"{PLUGIN}.action"


def _swap(fresh: Path, target: Path) -> None:
    """Put a folder in another one's place, which goes where the first one was; if that fails, it stays."""
    old = fresh.with_name("old")
    had = target.exists() or target.is_symlink()
    if had:
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if had:
            old.rename(target)
        raise


def _sweep(folder: Path) -> None:
    """Remove what an install left that was killed."""
    for left in folder.glob(f"{_FRESH}*"):
        _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _read(path: object) -> bytes:
    """A configuration file; nothing if there is none."""
    try:
        return Path(str(path)).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.", "Is it your file?") from error


def _reconfigure(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a configuration file as it is by now; remove it where nothing is left to write."""
    path = path.resolve()  # it may be a link to a file that is kept elsewhere
    before = _read(path)  # and not earlier: a Krita that runs writes it too
    content = change(before)
    if content == before:
        return
    if not content:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, content, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all, also if the machine fails meanwhile."""
    fresh = path.with_name(f"{path.name}.{PLUGIN}")
    fresh.unlink(missing_ok=True)  # of one that was killed
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise UsageError(
            f"{where} can't be changed: {error.strerror or error}.",
            "Close Krita if it is open; is it your folder?",
        ) from error


def _leave_launcher(path: Path) -> None:
    """Tell the plugin how to start a daemon, as each daemon does when it starts."""
    content = json.dumps(asdict(_LAUNCHER)).encode()
    with _writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, content, 0o600)


# ---- in words ------------------------------------------------------------------------------------------


def _say(screen: Screen, given: argparse.Namespace, changes: list[_Change]) -> None:
    if not changes:
        screen.line("Co-create is in no Krita here; there is nothing to remove.")
        return
    for change in changes:
        where = f"{change.resources} ({change.kind})" if change.kind else change.resources
        screen.line(f"{_done(change, given)} {where}.")
        if given.dry_run:
            for path in change.changed:
                screen.line(f"  {path}")
        if not given.uninstall:
            _remark(screen, change)
    if not given.dry_run:
        screen.line("If Krita is open, restart it." if given.uninstall else _NEXT)


_NEXT = "Start Krita, or restart it if it is open: the docker Co-create shows itself with the first document."


def _done(change: _Change, given: argparse.Namespace) -> str:
    if given.uninstall:
        return f"{'Would remove' if given.dry_run else 'Removed'} Co-create from"
    if given.dry_run:
        return f"Would {'replace' if change.before else 'install'} Co-create {__version__} in"
    return f"{'Replaced' if change.before else 'Installed'} Co-create {__version__} in"


def _remark(screen: Screen, change: _Change) -> None:
    if not change.config:
        screen.note("  Switch it on there: Settings > Configure Krita > Python Plugin Manager.")
    elif not change.started:
        screen.note("  No Krita was ever started here; that is where it will look.")
    if change.kind in _CONFINED:
        screen.note(f"  {_CONFINED[change.kind]}")


#: What the artist should know of a Krita that sees a part of the machine only.
_CONFINED = {
    "Flatpak": "A Flatpak can't start the daemon: run 'bridge-server serve' before you paint.",
    "Snap": "Some of Krita's Snaps have no Python; if it does not appear, take Krita's AppImage.",
}
