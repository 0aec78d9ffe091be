# SPDX-License-Identifier: Apache-2.0
"""Finding things again: projects, their events, their history."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..protocol.codec import Event
from ..protocol.errors import NotFound
from ..protocol.history import History, HistoryEntry, HistoryPage, JobInputs
from ..protocol.messages import Expand
from ..protocol.projects import ProjectInfo, ProjectList
from ..protocol.records import JobInfo, Placement
from ..protocol.tables import EVENTS
from ..protocol.versions import DecisionInfo, VersionInfo
from .database import Database, Snapshot
from .store import JOB_COLUMNS, Store
from .tree import Piece, TreeReader

__all__ = ["Everything", "Library", "all_of"]

_MOST = 200

_PROJECT = "SELECT name, seq, created, used, jobs, candidates, versions, size FROM project"

#: The hosts of a project ?1, each found from the one before by the index: not by looking at all jobs.
_HOSTS = (
    "WITH RECURSIVE known (host) AS (SELECT min(host) FROM job WHERE project = ?1 UNION ALL"
    " SELECT (SELECT min(host) FROM job WHERE project = ?1 AND host > known.host) FROM known"
    " WHERE known.host NOT NULL) SELECT host FROM known WHERE host NOT NULL ORDER BY host"
)


class Library:
    """What is stored, as it is looked at."""

    def __init__(self, database: Database, store: Store) -> None:
        self._db, self._store = database, store
        self._tree = TreeReader(database)

    def projects(self) -> ProjectList:
        """All projects, the last used first."""
        return ProjectList([ProjectInfo(*row) for row in self._db.all(f"{_PROJECT} ORDER BY used DESC")])

    def project(self, project: str) -> ProjectInfo:
        """One project; one that has nothing in it yet is empty.

        Its ``seq`` is 0 then.
        """
        row = self._db.one(f"{_PROJECT} WHERE name = ?", (project,))
        if row is None:
            return ProjectInfo(project, 0, 0.0, 0.0)
        hosts = self._db.all(_HOSTS, (project,))
        return ProjectInfo(*row, hosts=[host for (host,) in hosts], heads=self._tree.heads(project))

    def known(self, project: str) -> ProjectInfo:
        """The same of a project that must exist.

        Raises:
            NotFound: there is none of that name.
        """
        info = self.project(project)
        if not info.created:
            raise NotFound(
                f"There is no project {project[:80]!r}.", "List the projects to see which there are."
            )
        return info

    def event_after(self, project: str, after: int) -> Event | None:
        """A project's first lasting event with a number above ``after``."""
        row = self._db.one(
            "SELECT seq, topic, body FROM journal WHERE project = ? AND seq > ? ORDER BY seq LIMIT 1",
            (project, after),
        )
        if row is None:
            return None
        seq, topic, body = row
        return Event(topic, seq, msgspec.msgpack.decode(body, type=EVENTS[topic]))

    def inputs(self, job: str) -> JobInputs:
        """What a job was given.

        Raises:
            NotFound: there is no such job, or its pixels are missing, damaged or removed.
        """
        asked = self._store.request(job)
        if isinstance(asked, Expand):
            grow = [asked.left, asked.right, asked.top, asked.bottom]
            return JobInputs(job, asked.region, asked.picture, None, grow, asked.guides)
        return JobInputs(job, asked.region, asked.picture, asked.mask, guides=asked.guides)

    def history(self, request: History, project: str) -> HistoryPage:
        """A page of the jobs that fit, newest first."""
        limit = max(1, min(request.limit, _MOST))
        search, values = _search(request, project)
        rows = self._db.all(f"SELECT number, {JOB_COLUMNS} FROM {search} LIMIT ?", [*values, limit + 1])
        entries = [self._entry(self._store.info(row[1:])) for row in rows[:limit]]
        return HistoryPage(entries, rows[limit - 1][0] if len(rows) > limit else 0)

    def _entry(self, job: JobInfo) -> HistoryEntry:
        decisions = self._tree.decisions("job = ?", (job.job,))
        return HistoryEntry(job, decisions, self._tree.versions("v.job = ?", (job.job,)))


@dataclass(frozen=True)
class Everything:
    """All of a project in order of time, and of each document what it shows and its canvas where known."""

    jobs: list[JobInfo]
    decisions: list[DecisionInfo]
    versions: list[VersionInfo]
    documents: list[tuple[str, list[Piece], Placement | None]]


def all_of(folder: Path, project: str) -> Everything:
    """A project as it is at one moment, read beside the daemon."""
    with contextlib.closing(Snapshot(folder)) as rows:
        store, tree = Store(rows), TreeReader(rows)
        jobs = rows.all(f"SELECT {JOB_COLUMNS} FROM job WHERE project = ? ORDER BY number", (project,))
        return Everything(
            [store.info(row) for row in jobs],
            tree.decisions("project = ?", (project,)),
            tree.versions("v.project = ?", (project,)),
            tree.documents(project),
        )


def _search(request: History, project: str) -> tuple[str, list[Any]]:
    """The search as the end of an SQL statement and its values.

    An index brings the jobs in the order in which they are shown, so that as many are looked at as it takes
    to fill a page, not as there are.
    """
    tables, order, after = "job", "number DESC", "number < ?"
    terms: list[tuple[str, Any]] = [("project = ?", project), *_filters(request)]
    words = re.findall(r"\w+", request.text)
    if words:
        tables = "words CROSS JOIN job ON number = words.rowid"
        order, after = "words.rowid DESC", "words.rowid < ?"
        terms.append(("words MATCH ?", " ".join(f'"{word}"*' for word in words)))
    elif request.text.strip():
        terms.append(("number = ?", -1))  # only signs, which are no words
    elif request.since is not None or request.until is not None:
        order = "created DESC, number DESC"
        after = "(created, number) < (SELECT created, number FROM job WHERE number = ?)"
    if request.before:
        terms.append((after, request.before))
    where = [sql for sql, _ in terms]
    if request.starred:
        where.append(
            "EXISTS (SELECT 1 FROM version v WHERE v.project = job.project AND v.job = job.id AND v.starred)"
        )
    elif request.accepted:
        where.append("EXISTS (SELECT 1 FROM version v WHERE v.job = job.id)")
    return f"{tables} WHERE {' AND '.join(where)} ORDER BY {order}", [value for _, value in terms]


def _filters(request: History) -> list[tuple[str, Any]]:
    """What the columns of a job must be."""
    given = [(f"{column} = ?", getattr(request, column)) for column in ("host", "verb", "engine")]
    given = [(sql, value) for sql, value in given if value]
    more = (
        ("document = ?", request.document),
        ("created >= ?", request.since),
        ("created <= ?", request.until),
    )
    return [*given, *((sql, value) for sql, value in more if value is not None)]
