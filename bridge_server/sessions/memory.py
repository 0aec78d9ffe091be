# SPDX-License-Identifier: Apache-2.0
"""All that a daemon remembers, put together."""

from __future__ import annotations

from pathlib import Path

from .conversation import Conversation
from .database import Database
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
        self.database = Database(folder)
        self.store = Store(self.database)
        self.conversation = Conversation(self.database)
        self.tree = TreeReader(self.database)
        self.library = Library(self.database, self.store)
        self.lessons = Lessons(self.database, self.store)
        self.sweeper = Sweeper(self.database)

    def close(self) -> None:
        """Finish writing."""
        self.database.close()
