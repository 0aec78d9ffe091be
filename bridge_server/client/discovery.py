# SPDX-License-Identifier: Apache-2.0
"""Finds the daemon of this user, and starts one if none runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, TypeVar

from ..protocol.codec import from_plain
from ..protocol.discovery import LAUNCHER_FILE, RUNTIME_FILE, Launcher, RuntimeFile, data_dir
from ..protocol.errors import BadRequest, BridgeError, NotFound

__all__ = ["default_data_dir", "find_daemon", "start_daemon"]

T = TypeVar("T")

#: Bytes of daemon.log above which a start puts it aside as daemon.log.1.
_LOG_LIMIT = 1_000_000

#: Seconds between two looks for a daemon that starts, and to go on looking after it has ended.
_PAUSE, _PATIENCE = 0.02, 0.5


def default_data_dir() -> Path:
    """The data folder of this user's daemon."""
    return Path(data_dir(sys.platform, os.environ, Path.home()))


def find_daemon(folder: Path) -> Optional[RuntimeFile]:
    """The daemon that uses this data folder, or None if none runs."""
    found = _read(folder / RUNTIME_FILE, RuntimeFile)
    return found if found is not None and _is_alive(found.pid) else None


def start_daemon(folder: Path, command: Optional[Sequence[str]] = None, timeout: float = 20.0) -> RuntimeFile:
    """Start a daemon in the background and wait until it can be reached. Blocks: not for a UI thread.

    Args:
        folder: its data folder.
        command: program and arguments that ``serve`` is appended to; by default what the last daemon on
            this folder, or the installer, left in ``launcher.json``.
        timeout: seconds to wait.

    Raises:
        NotFound: nobody knows how to start one.
        BadRequest: the data folder can't be used, or the program is not there.
        BridgeError: it ended, or was not there in time, with the end of its log.
    """
    _make(folder)
    before = find_daemon(folder)  # of a daemon that was killed, if another process has its number now
    try:
        process = _spawn(
            [*(command or _launcher(folder)), "serve", "--background", "--data-dir", str(folder)],
            folder / "daemon.log",
        )
    except OSError as error:
        raise BadRequest(
            f"The daemon can't be started: {error.filename}: {error.strerror}.", "Install it anew."
        ) from error
    threading.Thread(target=process.wait, name="daemon's end", daemon=True).start()  # leaves no zombie
    return _await_daemon(folder, process, before, timeout)


def _await_daemon(
    folder: Path, process: subprocess.Popen[bytes], before: Optional[RuntimeFile], timeout: float
) -> RuntimeFile:
    log = folder / "daemon.log"
    deadline = time.monotonic() + timeout
    patience = _PATIENCE
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        found = find_daemon(folder)
        if found is not None and (ended or found != before):
            return found
        if ended and patience <= 0:
            raise BridgeError("The daemon ended at once.", _last_lines(log))
        patience -= _PAUSE if ended else 0  # it may have ended because another one is just starting
        time.sleep(_PAUSE)
    raise BridgeError(f"The daemon was not ready after {timeout:g} s.", _last_lines(log))


def _launcher(folder: Path) -> list[str]:
    launcher = _read(folder / LAUNCHER_FILE, Launcher)
    if launcher is None:
        raise NotFound(
            "No daemon has ever run on this account.",
            "Install it: pip install bridge-server; then start it once.",
        )
    return launcher.command


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadRequest(
            f"The data folder {folder} can't be used: {error.strerror}.", "Choose another --data-dir."
        ) from error


def _spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """A process that outlives this one and its terminal."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as file:
        return subprocess.Popen[bytes](
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, close_fds=True, **apart
        )


def _read(path: Path, cls: type[T]) -> Optional[T]:
    try:
        return from_plain(cls, json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, BridgeError):
        return None


def _is_alive(pid: int) -> bool:
    """Whether a process of that number exists. A daemon that was killed leaves its runtime file behind."""
    if type(pid) is not int or pid < 1:  # a damaged file
        return False
    if os.environ.get("FLATPAK_ID"):  # processes have other numbers in there; connecting will tell
        return True
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes  # noqa: PLC0415 - Windows only

    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel32.OpenProcess(0x1000, 0, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel32.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE


def _last_lines(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    except OSError:
        return ""
    return " ".join(lines)
