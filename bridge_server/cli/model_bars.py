# SPDX-License-Identifier: Apache-2.0
"""A progress bar for bytes, on standard error, if a person looks on."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["ByteBar"]


class ByteBar:
    """One bar at a time. Without a terminal, or when ``quiet``, there is none and all calls do nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._wanted = not quiet and sys.stderr.isatty()
        self._progress: Any = None

    def begin(self, what: str, total: int, done: int) -> None:
        """Show a bar of ``total`` bytes."""
        self.end()
        if not self._wanted:
            return
        from rich.console import Console  # noqa: PLC0415 - only when a person looks on
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(32),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._progress.add_task(what, total=total, completed=done)
        self._progress.start()

    def step(self, count: int) -> None:
        """So many bytes more."""
        if self._progress is not None:
            self._progress.advance(self._progress.tasks[0].id, count)

    def end(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
