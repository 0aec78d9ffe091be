# SPDX-License-Identifier: Apache-2.0
"""``doctor``: looks at everything that a fill needs, from the Python to the pixels."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..client import BridgeClient, find_daemon
from ..protocol.discovery import RUNTIME_FILE
from ..protocol.errors import BridgeError
from ..protocol.messages import CandidateDone, Engines, Fill
from ..protocol.pixels import Pixels
from ..protocol.projects import DeleteProject
from ..protocol.records import Placement
from . import exits
from .connect import connected, data_folder
from .daemon import stop_daemon
from .disk import folder_size
from .follow import run_job
from .show import Screen, duration, size

__all__ = [
    "Finding",
    "check_disk",
    "check_folder",
    "check_packages",
    "check_private",
    "check_python",
    "doctor",
]

#: What is imported, and what pip calls it.
_PACKAGES = {
    "filelock": "filelock",
    "msgpack": "msgpack",
    "msgspec": "msgspec",
    "numpy": "numpy",
    "patchmatch": "pypatchmatch",
    "PIL": "pillow",
    "pyvips": "pyvips",
    "rich": "rich",
    "websockets": "websockets",
}

_OLDEST_PYTHON = (3, 11)
_LEAST_FREE = 2**30
_ENGINES_TIMEOUT, _FILL_TIMEOUT = 90.0, 60.0

#: Where the small fill is made, so that it is not among the artist's.
_PROJECT = "doctor"


@dataclass(frozen=True)
class Finding:
    """One line of the check list; ``advice`` says what to do if it is not ``ok``."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def doctor(given: argparse.Namespace) -> int:
    """Check everything, print the list, and return the exit code."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    folder = data_folder(given.data_dir)
    findings: list[Finding] = []

    def found(finding: Finding) -> bool:
        findings.append(finding)
        screen.line(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
        if not finding.ok:
            screen.line(f"      {finding.advice}")
        return finding.ok

    for check in (check_python, check_packages, lambda: check_folder(folder), lambda: check_disk(folder)):
        found(check())
    if all(finding.ok for finding in findings):
        _check_daemon(folder, found)
    else:
        screen.note("The daemon was not tried; mend the above first.")
    bad = sum(not finding.ok for finding in findings)
    screen.result({"ok": not bad, "checks": [asdict(finding) for finding in findings]})
    screen.line("Everything works." if not bad else f"{bad} of {len(findings)} checks failed.")
    return exits.FAILED if bad else exits.OK


# ---- without a daemon --------------------------------------------------------------------------------


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Whether this Python is new enough."""
    detail = f"{'.'.join(map(str, version))} at {sys.executable}"
    advice = "Install Python 3.11 or newer and put bridge-server into a virtual environment of it."
    return Finding("Python", version[:2] >= _OLDEST_PYTHON, detail, advice)


def check_packages(packages: dict[str, str] | None = None) -> Finding:
    """Whether all libraries are there and load. ``packages`` maps what is imported to pip's name."""
    versions: list[str] = []
    broken: list[str] = []
    for module, name in (packages or _PACKAGES).items():
        try:
            importlib.import_module(module)
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except (ImportError, OSError) as error:
            broken.append(f"{name} ({error})")
    advice = f"Install them again: {sys.executable} -m pip install --force-reinstall bridge-server"
    detail = f"these do not load: {', '.join(broken)}" if broken else ", ".join(versions)
    return Finding("Packages", not broken, detail, advice)


def check_folder(folder: Path) -> Finding:
    """Whether the data folder is there, or can be made, and be written to."""
    advice = "Change its owner or permissions, or choose another with --data-dir or BRIDGE_DATA_DIR."
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        return Finding("Data folder", ok=False, detail=f"{folder}: {error.strerror}", advice=advice)
    return Finding("Data folder", ok=True, detail=f"{folder} can be written", advice=advice)


def check_disk(folder: Path, least: int = _LEAST_FREE) -> Finding:
    """Whether ``least`` bytes are free where the data folder is or would be."""
    place = next((each for each in (folder, *folder.parents) if each.is_dir()), Path.cwd())
    free = shutil.disk_usage(place).free
    advice = f"Make room: every candidate is kept. {least / 1e9:.1f} GB should be free."
    detail = f"{size(free)} free; the data folder holds {size(folder_size(folder))}"
    return Finding("Disk", free >= least, detail, advice)


def check_private(folder: Path) -> Finding:
    """Whether nobody else can read the daemon's token."""
    path = folder / RUNTIME_FILE
    if os.name == "nt":
        return Finding("Token", ok=True, detail="protected by your user's profile folder")
    try:
        modes = {each: each.stat().st_mode & 0o777 for each in (path, folder)}
    except OSError as error:
        return Finding(
            "Token", ok=False, detail=f"{path}: {error.strerror}", advice="Start the daemon again."
        )
    open_ones = [f"{each} ({mode:04o})" for each, mode in modes.items() if mode & 0o077]
    advice = f"Others can read it: chmod 700 {folder} && chmod 600 {path}, then start the daemon again."
    detail = f"open to others: {', '.join(open_ones)}" if open_ones else f"{path} is yours only"
    return Finding("Token", not open_ones, detail, advice)


# ---- with a daemon -----------------------------------------------------------------------------------


def _check_daemon(folder: Path, found: Callable[[Finding], bool]) -> None:
    """The checks that need a daemon. One that has to be started is stopped again."""
    from .models.state import engine_state  # noqa: PLC0415 - needs packages that may be missing

    own = find_daemon(folder) is None
    started = time.monotonic()
    try:
        with connected(folder, lambda _: None, project=_PROJECT) as client:
            welcome = client.wait_until_connected(1)
            how = (
                f"started for this check in {duration(time.monotonic() - started)}" if own else "was running"
            )
            found(Finding("Daemon", ok=True, detail=f"version {welcome.version}, {how}"))
            found(check_private(folder))
            names: list[str] = []
            if found(_step("Engines", lambda: _engines(client, names))):
                found(Finding("Diffusion", *engine_state(folder, names, started=own)))
                found(_step("A small fill", lambda: _fill(client)))
                with contextlib.suppress(BridgeError):  # nothing was made, so there is nothing to delete
                    client.call(DeleteProject(_PROJECT))
    except BridgeError as error:
        advice = (
            error.hint or f"Look at {folder / 'daemon.log'}, or run 'bridge-server serve' to see its log."
        )
        found(Finding("Daemon", ok=False, detail=error.message, advice=advice))
    if own and find_daemon(folder) is not None:
        stop_daemon(folder)


def _step(name: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, detail=work())
    except BridgeError as error:
        advice = error.hint or "Run 'bridge-server serve --log-level debug' and try again; its log says why."
        return Finding(name, ok=False, detail=error.message, advice=advice)


def _engines(client: BridgeClient, names: list[str]) -> str:
    """All of them; their names are added to ``names``."""
    engines = client.call(Engines(), _ENGINES_TIMEOUT).engines
    names += [engine.name for engine in engines]
    return ", ".join(f"{engine.name} {engine.version} ({', '.join(engine.verbs)})" for engine in engines)


class _Keeper:
    """Keeps the last candidate."""

    def __init__(self) -> None:
        self.made: CandidateDone | None = None

    def waiting(self, position: int) -> None:
        pass

    def drafts(self, made: int, wanted: int) -> None:
        pass

    def progress(self, index: int, done: float) -> None:
        pass

    def candidate(self, made: CandidateDone) -> None:
        self.made = made


def _fill(client: BridgeClient) -> str:
    """Fill a 16 x 16 hole in a 64 x 64 picture of stripes; no library is needed to draw that."""
    side, low, high = 64, 24, 40
    picture = b"".join(
        bytes((x * 4, y * 4, 255 if x // 4 % 2 else 0, 255)) for y in range(side) for x in range(side)
    )
    mask = bytes(255 * (low <= x < high and low <= y < high) for y in range(side) for x in range(side))
    request = Fill(
        Pixels(side, side, "rgba8", picture),
        Pixels(side, side, "gray8", mask),
        Placement(0, 0, side, side),
        seed=1,
        if_gone="cancel",
        job=secrets.token_hex(8),
    )
    keeper, started = _Keeper(), time.monotonic()
    run_job(client, request, keeper, limit=_FILL_TIMEOUT)
    made = keeper.made
    if made is None or made.info.placement != Placement(low, low, high - low, high - low):
        raise BridgeError("The daemon answered, but not with the pixels that were asked for.")
    return f"{side} x {side} pixels, there and back in {duration(time.monotonic() - started)}"
