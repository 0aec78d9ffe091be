# SPDX-License-Identifier: Apache-2.0
"""All that a daemon remembers, put together."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..protocol.records import JobInfo
from ..protocol.versions import DecisionInfo, VersionInfo
from .conversation import Conversation
from .database import Database, Snapshot
from .lessons import Lessons
from .library import Library
from .store import Store
from .sweeper import Sweeper
from .tree import TreeReader

__all__ = ["Memory"]


class Memory:
    """The parts of the store in ``folder``, all on one database. One thread at a time.

    Raises:
        BadRequest: the database is damaged.
        Unsupported: it was written by a newer version.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.database = Database(folder)
        self.store = Store(self.database)
        self.conversation = Conversation(self.database)
        self.tree = TreeReader(self.database)
        self.library = Library(self.database, self.store)
        self.lessons = Lessons(self.database, self.store)
        self.sweeper = Sweeper(self.database)

    def everything(self, project: str) -> tuple[list[JobInfo], list[DecisionInfo], list[VersionInfo]]:
        """All jobs, decisions and versions of a project in order of time. On any thread."""
        with contextlib.closing(Snapshot(self._folder)) as rows:
            return Library(rows, Store(rows)).everything(project)

    def close(self) -> None:
        """Finish writing."""
        self.database.close()
