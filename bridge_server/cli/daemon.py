# SPDX-License-Identifier: Apache-2.0
"""The commands about the daemon itself: ``serve``, ``status`` and ``stop``."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

from ..protocol.errors import BridgeError
from . import exits
from .disk import folder_size
from .show import Screen, duration, size

__all__ = ["serve", "status", "stop", "stop_daemon"]

#: Seconds for a daemon to end. It finishes writing first.
_STOP_TIMEOUT = 30.0


def serve(given: argparse.Namespace) -> int:
    """Run the daemon here until it is told to stop. Imports nothing that the daemon does not need."""
    from ..app import serve as run  # noqa: PLC0415 - only this command needs the daemon
    from ..config import load_config  # noqa: PLC0415

    overrides = {
        name: getattr(given, name)
        for name in ("data_dir", "host", "port", "idle_exit", "workers", "log_level")
    }
    try:
        config = load_config(overrides, given.config, background=given.background)
    except BridgeError as error:
        Screen().fail(error)
        return exits.USAGE
    run(config)
    return exits.OK


def status(given: argparse.Namespace) -> int:
    """Say how the daemon is."""
    from ..protocol.messages import Status  # noqa: PLC0415
    from .connect import connected, data_folder  # noqa: PLC0415

    screen = Screen(as_json=given.json, quiet=given.quiet)
    folder = data_folder(given.data_dir)
    with connected(folder) as client:
        state = client.call(Status(), 10)
    held = folder_size(folder)
    screen.result({**asdict(state), "data_bytes": held})
    rows = {
        "address": state.address,
        "pid": str(state.pid),
        "version": state.version,
        "uptime": duration(state.uptime),
        "data": f"{state.data_dir} ({size(held)})",
        "clients": f"{state.connections - 1} beside this command",
        "jobs": f"{state.running} running, {state.queued} waiting",
        "workers": "\n         ".join(state.workers) or "none yet; the first job starts one",
    }
    for name, value in rows.items():
        screen.line(f"{name:8} {value}")
    return exits.OK


def stop(given: argparse.Namespace) -> int:
    """End the daemon and wait until it is gone."""
    from .connect import data_folder  # noqa: PLC0415

    screen = Screen(as_json=given.json, quiet=given.quiet)
    folder = data_folder(given.data_dir)
    pid = stop_daemon(folder)
    screen.result({"stopped": True, "pid": pid})
    screen.line(f"The daemon on {folder} has stopped (pid {pid}).")
    return exits.OK


def stop_daemon(folder: Path) -> int:
    """End the daemon of a data folder, wait until another could take its place, and return its pid.

    Raises:
        NotFound: none runs.
        BridgeError: it can't be reached, or does not end.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415

    from ..protocol.messages import Status, Stop  # noqa: PLC0415
    from .connect import connected  # noqa: PLC0415

    with connected(folder) as client:
        pid = client.call(Status(), 10).pid
        client.call(Stop(), 10)
    deadline = time.monotonic() + _STOP_TIMEOUT
    try:
        # it holds this lock to its very end
        with FileLock(folder / "daemon.lock", timeout=max(0.0, deadline - time.monotonic())):
            return pid
    except Timeout:
        raise BridgeError(
            f"The daemon (pid {pid}) did not end within {_STOP_TIMEOUT:g} s.", f"End process {pid} yourself."
        ) from None
