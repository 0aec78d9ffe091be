# SPDX-License-Identifier: Apache-2.0
"""Where a daemon's data lies and how a client finds the daemon. Pure: paths and records, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

__all__ = ["LAUNCHER_FILE", "RUNTIME_FILE", "Launcher", "RuntimeFile", "data_dir"]

#: In the data folder, readable by the owner only: a running daemon's :class:`RuntimeFile` as JSON.
RUNTIME_FILE = "daemon.json"

#: In the data folder: the :class:`Launcher` as JSON. It stays when the daemon ends.
LAUNCHER_FILE = "launcher.json"


@dataclass(frozen=True)
class RuntimeFile:
    """How to reach the daemon that runs now. ``address`` is a ``ws://`` URL."""

    address: str
    token: str
    pid: int
    version: str


@dataclass(frozen=True)
class Launcher:
    """How to start a daemon: a program and its arguments, ``serve`` not included."""

    command: list[str]


def data_dir(platform: str, environment: Mapping[str, str], home: PurePath) -> PurePath:
    """The folder of one user's daemon.

    Args:
        platform: as in ``sys.platform``.
        environment: ``BRIDGE_DATA_DIR`` wins; XDG_DATA_HOME and LOCALAPPDATA are honoured. A Flatpak's own
            XDG_DATA_HOME is not: it would hide the daemon from the program inside.
        home: the user's home folder.
    """
    if environment.get("BRIDGE_DATA_DIR"):
        return type(home)(environment["BRIDGE_DATA_DIR"])
    if platform == "win32":
        base = environment.get("LOCALAPPDATA")
        return (type(home)(base) if base else home / "AppData" / "Local") / "bridge-server"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "bridge-server"
    base = "" if environment.get("FLATPAK_ID") else environment.get("XDG_DATA_HOME")
    return (type(home)(base) if base else home / ".local" / "share") / "bridge-server"
