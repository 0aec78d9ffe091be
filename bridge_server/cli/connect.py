# SPDX-License-Identifier: Apache-2.0
"""A connection to the daemon, which is started if need be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import __version__
from ..client import BridgeClient, find_daemon, start_daemon
from ..client.discovery import default_data_dir
from ..protocol.discovery import RUNTIME_FILE
from ..protocol.errors import ConnectionLost, NotFound

__all__ = ["connected", "data_folder"]

#: Seconds for a daemon that says it runs, and for one just started, to answer.
_RUNNING, _STARTED = 3.0, 10.0

_COMMAND = (sys.executable, "-m", "bridge_server")


def data_folder(given: Path | None) -> Path:
    """The data folder that is meant: absolute, this user's own by default."""
    return (given or default_data_dir()).absolute()


@contextmanager
def connected(
    folder: Path, note: Callable[[str], None] | None = None, *, project: str = "default"
) -> Generator[BridgeClient]:
    """A client that is connected to the daemon of a data folder, and closed at the end.

    Args:
        folder: absolute.
        note: told in words if a daemon has to be started; with None, none is.
        project: the project to work in.

    Raises:
        NotFound: no daemon runs and none may be started.
        BridgeError: it can't be started, can't be reached, or refuses.
    """
    found = find_daemon(folder)
    if found is None and note is None:
        raise NotFound(f"No daemon runs on {folder}.", "The picture commands start one when they need it.")
    if found is None and note is not None:
        _start(folder, note)
    with ExitStack() as clients:
        client = clients.enter_context(_client(folder, project))
        try:
            client.wait_until_connected(_RUNNING)
        except ConnectionLost:
            # a daemon that was killed leaves its runtime file, and its number may be another program's now
            client.close()
            if note is None:
                raise _silent(folder) from None
            _start(folder, note)
            client = clients.enter_context(_client(folder, project))
            _wait(client, folder)
        yield client


def _client(folder: Path, project: str) -> BridgeClient:
    name = f"bridge-server {__version__} command"
    return BridgeClient(lambda: find_daemon(folder), name=name, project=project)


def _wait(client: BridgeClient, folder: Path) -> None:
    try:
        client.wait_until_connected(_STARTED)
    except ConnectionLost:
        raise _silent(folder) from None


def _silent(folder: Path) -> ConnectionLost:
    found = find_daemon(folder)
    if found is None:
        return ConnectionLost("The daemon has just ended.", "Run the command again.")
    return ConnectionLost(
        f"The daemon (pid {found.pid}) does not answer on {found.address}.",
        f"If that process is a bridge-server that hangs, end it; else delete {folder / RUNTIME_FILE}.",
    )


def _start(folder: Path, note: Callable[[str], None]) -> None:
    note("Starting a daemon; it ends by itself when nobody needs it.")
    start_daemon(folder, _COMMAND)
