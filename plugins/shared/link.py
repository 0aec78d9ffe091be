# SPDX-License-Identifier: GPL-3.0-or-later
"""The one seam between a plugin and the client library.

Everything here returns at once. What comes of it is called on the host's UI thread, through ``post``.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Callable, Optional, TypeVar

from bridge_server.client import BridgeClient, find_daemon, start_daemon
from bridge_server.client.discovery import default_data_dir
from bridge_server.client.happenings import ConnectionChanged, Happening
from bridge_server.protocol.discovery import LAUNCHER_FILE
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.request import Request

__all__ = ["ConnectionChanged", "Failed", "Happening", "Link"]

R = TypeVar("R")
T = TypeVar("T")

#: Called with what went wrong.
Failed = Callable[[BridgeError], None]

Step = Callable[[], None]

log = logging.getLogger(__name__)


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
        self._name, self._host, self._post = name, host, post
        self._folder = folder or default_data_dir()
        self._client: Optional[BridgeClient] = None
        self._work: queue.SimpleQueue[Optional[Step]] = queue.SimpleQueue()
        threading.Thread(target=self._work_forever, name="bridge work", daemon=True).start()

    def open(self, project: str, hear: Callable[[Happening], None]) -> None:
        """Connect, or leave the project for another one; requests that are not answered yet fail."""
        if self._client is not None:
            self._client.close(timeout=0)
        opened: list[BridgeClient] = []

        def heard(happening: Happening) -> None:
            if opened and opened[0] is self._client:  # not from a project that was left
                hear(happening)

        client = BridgeClient(
            lambda: find_daemon(self._folder),
            name=self._name,
            host=self._host,
            project=project,
            deliver=self._post,
            on_event=heard,
        )
        opened.append(client)
        self._client = client

    def close(self) -> None:
        """Say goodbye; nothing is waited for."""
        if self._client is not None:
            self._client.close(timeout=0)
            self._client = None
        self._work.put(None)

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
    ) -> None:
        """Send a request."""
        client = self._client
        if client is not None:
            client.send(request).add_done_callback(lambda future: self._answered(future, then, failed))

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
                client.send(request).add_done_callback(lambda future: self._answered(future, then, failed))

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

    def _answered(
        self, future: Future[R], then: Optional[Callable[[R], None]], failed: Optional[Failed]
    ) -> None:
        error = future.exception()
        if error is None:
            if then is not None:
                result = future.result()
                self._post(lambda: then(result))
        elif failed is not None:
            self._fail(failed, error)

    def _fail(self, failed: Failed, error: BaseException) -> None:
        if not isinstance(error, BridgeError):
            log.error("a mistake in the plugin", exc_info=error)
        told = error if isinstance(error, BridgeError) else BridgeError(f"{type(error).__name__}: {error}")
        self._post(lambda: failed(told))

    def _work_forever(self) -> None:
        while (step := self._work.get()) is not None:
            step()
