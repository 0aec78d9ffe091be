# SPDX-License-Identifier: GPL-3.0-or-later
"""The one seam between a plugin and the client library.

Everything here returns at once. What comes of it is called on the host's UI thread, through ``post``.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar

from bridge_server.client import BridgeClient, find_daemon, start_daemon
from bridge_server.client.discovery import default_data_dir
from bridge_server.client.happenings import ConnectionChanged, Happening
from bridge_server.protocol.discovery import LAUNCHER_FILE
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.request import Change, Request, Submit

__all__ = ["ConnectionChanged", "Failed", "Happening", "Link"]

R = TypeVar("R")
T = TypeVar("T")

#: Called with what went wrong.
Failed = Callable[[BridgeError], None]

Step = Callable[[], None]

log = logging.getLogger(__name__)

#: Seconds for what is on its way when a project is left, and when the host ends.
_PATIENCE, _FAREWELL = 30.0, 1.0


class Link:
    """A connection that can change its project, and a thread for work that takes longer.

    Args:
        name: the program and its version, for the daemon's log.
        host: ``krita``, ``gimp`` or ``blender``.
        post: takes a function from any thread and has it called on the UI thread.
        folder: the daemon's data folder; None: this user's.
    """

    def __init__(
        self, *, name: str, host: str, post: Callable[[Step], object], folder: Optional[Path] = None
    ) -> None:
        self.host = host
        self._name, self._post = name, post
        self._folder = folder or default_data_dir()
        self._client: Optional[BridgeClient] = None
        self._owed: dict[Future[Any], BridgeClient] = {}  # jobs and decisions that are on their way
        self._work: queue.SimpleQueue[Optional[Step]] = queue.SimpleQueue()
        threading.Thread(target=self._work_forever, name="bridge work", daemon=True).start()

    def open(self, project: str, hear: Callable[[Happening], None]) -> None:
        """Connect, or leave the project for another one.

        What was asked for or decided in the one that is left still reaches the daemon; answers are not heard.
        """
        if self._client is not None:
            self._retire(self._client)
        opened: list[BridgeClient] = []

        def heard(happening: Happening) -> None:
            if opened and opened[0] is self._client:  # not from a project that was left
                hear(happening)

        client = BridgeClient(
            lambda: find_daemon(self._folder),
            name=self._name,
            host=self.host,
            project=project,
            deliver=self._post,
            on_event=heard,
        )
        opened.append(client)
        self._client = client

    def close(self) -> None:
        """Say goodbye, as soon as the daemon has what it was to be told; that is waited for a moment."""
        if self._client is not None:
            client, self._client = self._client, None
            told = self._retire(client)
            if self._owed:
                told.wait(_FAREWELL)
        self._work.put(None)

    def _retire(self, client: BridgeClient) -> threading.Event:
        """Close a client when what is on its way, or still being made, has arrived."""
        told = threading.Event()

        def finish() -> None:
            wait([future for future, owner in list(self._owed.items()) if owner is client], _PATIENCE)
            client.close()
            told.set()

        # behind what is being made for it
        self._work.put(lambda: threading.Thread(target=finish, name="bridge farewell", daemon=True).start())
        return told

    @property
    def installed(self) -> bool:
        """Whether a daemon was ever installed for this user."""
        return (self._folder / LAUNCHER_FILE).exists()

    @property
    def sandboxed(self) -> bool:
        """Whether the host may not start programs outside."""
        return bool(os.environ.get("FLATPAK_ID"))

    @property
    def most_pixels(self) -> int:
        """The most pixels of one picture that the daemon takes; 0: not connected."""
        welcome = self._client.welcome if self._client is not None else None
        return welcome.max_pixels if welcome is not None else 0

    def ask(
        self,
        request: Request[R],
        then: Optional[Callable[[R], None]] = None,
        failed: Optional[Failed] = None,
        *,
        always: bool = False,
    ) -> None:
        """Send a request. What comes of it is called unless the project is left first, or ``always``."""
        client = self._client
        if client is not None:
            self._send(client, request, then, failed, always=always)

    def ask_made(
        self,
        make: Callable[[], Optional[Request[R]]],
        then: Callable[[R], None],
        failed: Failed,
    ) -> None:
        """Make a request on the thread beside and send it; None: it is not wanted any more."""
        client = self._client

        def work() -> None:
            try:
                request = make()
            except Exception as error:  # noqa: BLE001  told, and the thread goes on
                self._fail(failed, error)
                return
            if request is not None and client is not None:
                self._send(client, request, then, failed)

        self._work.put(work)

    def make(self, make: Callable[[], T], then: Callable[[T], None], failed: Failed) -> None:
        """Compute something on the thread beside."""

        def work() -> None:
            try:
                made = make()
            except Exception as error:  # noqa: BLE001  told, and the thread goes on
                self._fail(failed, error)
            else:
                self._post(lambda: then(made))

        self._work.put(work)

    def start_daemon(self, then: Step, failed: Failed) -> None:
        """Start the daemon if none runs, and connect."""

        def work() -> None:
            try:
                start_daemon(self._folder)
            except BridgeError as error:
                self._fail(failed, error)
            else:
                client = self._client
                if client is not None:
                    client.hurry()
                self._post(then)

        threading.Thread(target=work, name="bridge start", daemon=True).start()

    def _send(
        self,
        client: BridgeClient,
        request: Request[R],
        then: Optional[Callable[[R], None]],
        failed: Optional[Failed],
        *,
        always: bool = False,
    ) -> None:
        future = client.send(request)
        if isinstance(request, (Submit, Change)):
            self._owed[future] = client

        def heard() -> None:
            if client is not self._client and not always:
                return
            error = future.exception()
            if error is None and then is not None:
                then(future.result())
            elif error is not None and failed is not None:
                failed(_told(error))

        def answered(_future: Future[R]) -> None:
            self._owed.pop(future, None)
            self._post(heard)

        future.add_done_callback(answered)

    def _fail(self, failed: Failed, error: BaseException) -> None:
        told = _told(error)
        self._post(lambda: failed(told))

    def _work_forever(self) -> None:
        while (step := self._work.get()) is not None:
            step()


def _told(error: BaseException) -> BridgeError:
    """What can be said to the artist; a mistake of ours is logged as well."""
    if isinstance(error, BridgeError):
        return error
    log.error("a mistake in the plugin", exc_info=error)
    return BridgeError(f"{type(error).__name__}: {error}")
