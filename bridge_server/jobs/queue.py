# SPDX-License-Identifier: Apache-2.0
"""Which task goes next: priority first, then fairness between sessions, then age. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Entry", "TaskQueue"]


@dataclass(frozen=True)
class Entry:
    """One waiting task of a job: some of its candidates or, with ``drafts``, some of its drafts."""

    job: str
    session: str
    priority: int
    indices: tuple[int, ...]
    drafts: bool = False
    #: Not to be made together with others.
    alone: bool = False

    @property
    def name(self) -> str:
        """What the task is called."""
        return f"{self.job}:{'d' if self.drafts else ''}{','.join(map(str, self.indices))}"


class TaskQueue:
    """Waiting tasks.

    Among tasks of the highest priority the session goes first that was served longest ago (one that was
    never served before all others); within a session the oldest task does.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._served: dict[str, int] = {}
        self._clock = itertools.count(1)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Put a task at the end of its session's line."""
        self._entries.append(entry)

    def pop(self) -> Entry | None:
        """Take the task that goes next, or None if nothing waits."""
        if not self._entries:
            return None
        entry = min(self._entries, key=self._rank)  # min keeps the oldest of equals
        self._serve(entry)
        return entry

    def take(self, fits: Callable[[Entry], bool], room: int) -> list[Entry]:
        """Take the tasks that fit, in the order in which they would go, up to ``room`` candidates.

        One that is too large for what is left of the room stays, and none goes before one of a higher
        priority that stays.
        """
        taken: list[Entry] = []
        waiting = list(self._entries)
        staying: Entry | None = None
        while waiting:
            entry = min(waiting, key=self._rank)
            waiting.remove(entry)
            if staying is not None and staying.priority > entry.priority:
                break
            if not fits(entry) or len(entry.indices) > room:
                staying = staying or entry  # the first to stay has the highest priority
            else:
                room -= len(entry.indices)
                self._serve(entry)
                taken.append(entry)
        return taken

    def drop(self, job: str) -> list[Entry]:
        """Take all waiting tasks of a job out."""
        dropped = [entry for entry in self._entries if entry.job == job]
        self._entries = [entry for entry in self._entries if entry.job != job]
        return dropped

    def order(self) -> list[str]:
        """The waiting jobs in the order in which their first tasks will go if nothing is added."""
        served, entries, jobs = dict(self._served), list(self._entries), dict[str, None]()
        clock = itertools.count(max(served.values(), default=0) + 1)
        while entries:
            entry = min(entries, key=lambda e: (-e.priority, served.get(e.session, 0)))
            entries.remove(entry)
            served[entry.session] = next(clock)
            jobs.setdefault(entry.job)
        return list(jobs)

    def _serve(self, entry: Entry) -> None:
        self._entries.remove(entry)
        self._served[entry.session] = next(self._clock)
        self._forget_the_absent()

    def _rank(self, entry: Entry) -> tuple[int, int]:
        return (-entry.priority, self._served.get(entry.session, 0))

    def _forget_the_absent(self) -> None:
        """Bound the memory of who was served; a session that comes back later counts as new."""
        if len(self._served) > 256:
            waiting = {entry.session for entry in self._entries}
            self._served = {session: at for session, at in self._served.items() if session in waiting}
