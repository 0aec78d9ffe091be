# SPDX-License-Identifier: Apache-2.0
"""Giving room back: the store's budget, files that nothing refers to, whole projects.

Work is done in steps of some milliseconds, each whole in itself, so that jobs are written down between them
and a daemon that dies in the middle has lost nothing: asked again, it goes on from there.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator

from ..protocol.errors import NotFound, TooBusy
from ..protocol.messages import FINAL_STATES
from ..protocol.projects import Collect, Collected
from .database import Database

__all__ = ["Sweep", "Sweeper"]

log = logging.getLogger(__name__)

#: Rows that are read at once, and seconds after which a step ends.
_PAGE, _STEP = 100, 0.005

#: Whether a blob is held by what stays: the artist's own pixels, a thumbnail, something accepted, its inputs.
_ANCHORED = (
    "SELECT EXISTS (SELECT 1 FROM holding WHERE blob = ? AND (holder GLOB 'decision:*'"
    " OR holder GLOB 'thumbnail:*'"
    " OR (holder GLOB 'candidate:*' AND EXISTS"
    "  (SELECT 1 FROM version WHERE candidate = substr(holder, length('candidate:') + 1)))"
    " OR (holder GLOB 'job:*' AND EXISTS"
    "  (SELECT 1 FROM version WHERE job = substr(holder, length('job:') + 1)))))"
)


class Sweep:
    """Cleaning that is under way; :meth:`Sweeper.step` goes on with it."""

    def __init__(self, steps: Iterator[None], tally: _Tally) -> None:
        self.steps, self._tally = steps, tally

    @property
    def result(self) -> Collected:
        """What was removed up to now."""
        return self._tally.result()


class _Tally:
    """What a sweep has done, or in a dry run would have."""

    def __init__(self, database: Database, budget: int, *, dry: bool) -> None:
        self._db, self._dry, self.budget = database, dry, budget
        self.candidates = self.jobs = self.orphans = self.freed = 0
        self._let_go: Counter[str] = Counter()
        self._free: list[str] = []
        self._saved = 0

    @property
    def size(self) -> int:
        """Bytes of all pictures now."""
        return self._db.size - self._saved

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """One transaction. Files go after it, with :meth:`unlinking`: no row ever names one that is gone."""
        return contextlib.nullcontext() if self._dry else self._db.writing()

    def unlinking(self) -> Iterator[None]:
        """The end of a step, and what more it takes to remove the files of what was released in it."""
        yield
        while self._free:
            until = time.monotonic() + _STEP
            while self._free:
                self.unlink(self._free.pop())
                if time.monotonic() > until:
                    break
            yield

    def give_up(self, table: str, name: str, now: float) -> None:
        """Remove the pixels of a row, which stays."""
        self.release(f"{table}:{name}")
        if not self._dry:
            self._db.execute(f"UPDATE {table} SET removed = ? WHERE id = ?", (now, name))

    def release(self, holder: str) -> None:
        """A holder needs its blobs no more."""
        if not self._dry:
            self._free += self._db.release(holder)
            return
        for blob, size in self._db.all(
            "SELECT blob, size FROM holding JOIN blob ON digest = blob WHERE holder = ?", (holder,)
        ):
            self._let_go[blob] += 1
            (holders,) = self._db.one("SELECT count(*) FROM holding WHERE blob = ?", (blob,))
            if holders == self._let_go[blob]:
                self._saved += size
                self.freed += size

    def forget(self, blob: str, size: int) -> None:
        """Drop a blob that no one holds."""
        self.orphans += 1
        if self._dry:
            self._saved += size
            self.freed += size
            return
        self._db.execute("DELETE FROM blob WHERE digest = ?", (blob,))
        self._db.size -= size
        self._free.append(blob)

    def unlink(self, digest: str) -> int:
        """Remove a file; one that can't be is found as an orphan by the next sweep."""
        if self._db.one("SELECT 1 FROM blob WHERE digest = ?", (digest,)):
            return 0  # the same pixels were put again since
        try:
            size = self._db.blobs.size(digest) if self._dry else self._db.blobs.unlink(digest)
        except OSError as error:
            log.warning("the pixels %s can't be removed: %s", digest, error)
            return 0
        self.freed += size
        return size

    def result(self) -> Collected:
        over = max(0, self.size - self.budget) if self.budget else 0
        return Collected(self.candidates, self.jobs, self.orphans, self.freed, self.size, self.budget, over)


class Sweeper:
    """Gives room back.

    Everything here is called from the database's thread, one sweep at a time, and not between the two halves
    of an import, whose pixels nobody holds yet.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(self, request: Collect, budget: int, busy: Collection[str] = ()) -> Sweep:
        """Bring the store under a budget.

        Args:
            request: what is asked for, but for its budget.
            budget: bytes that all pictures may take; with 0, only what nothing refers to is removed.
            busy: jobs whose pixels stay, besides the unfinished ones.
        """
        tally = _Tally(self._db, budget, dry=request.dry_run)
        before = time.time() - request.keep
        steps = itertools.chain(
            self._rows_without_holder(tally),
            _Pictures(self._db, tally, before, frozenset(busy)).steps(),
            self._files_without_row(tally),
        )
        return Sweep(steps, tally)

    def begin_delete(self, project: str) -> Sweep:
        """Remove all of a project, its name last: after a crash it is still there, to be asked for again.

        The caller sees to it that nothing is added to the project meanwhile.

        Raises:
            NotFound: there is none of that name.
            TooBusy: it has unfinished jobs.
        """
        if self._db.one("SELECT 1 FROM project WHERE name = ?", (project,)) is None:
            raise NotFound(
                f"There is no project {project[:80]!r}.", "List the projects to see which there are."
            )
        if self._db.one(
            "SELECT 1 FROM job WHERE project = ? AND state IN ('queued', 'running') LIMIT 1", (project,)
        ):
            raise TooBusy(f"The project {project[:80]!r} has unfinished jobs.", "Cancel them, or wait.")
        tally = _Tally(self._db, 0, dry=False)
        return Sweep(_Deletion(self._db, tally, project).steps(), tally)

    def step(self, sweep: Sweep) -> bool:
        """Do some milliseconds of it; False when it is over.

        Raises:
            OutOfSpace: not even the note of what is removed found room. What earlier steps did stays done.
        """
        return next(sweep.steps, sweep) is None

    def _rows_without_holder(self, tally: _Tally) -> Iterator[None]:
        last = ""
        while rows := self._db.all(
            "SELECT digest, size, EXISTS (SELECT 1 FROM holding WHERE blob = digest) FROM blob"
            " WHERE digest > ? ORDER BY digest LIMIT 1000",
            (last,),
        ):
            last = rows[-1][0]
            unheld = [(digest, size) for digest, size, held in rows if not held]
            if unheld:
                with tally.writing():
                    for digest, size in unheld:
                        tally.forget(digest, size)
            yield from tally.unlinking()

    def _files_without_row(self, tally: _Tally) -> Iterator[None]:
        files = self._db.blobs.digests()
        while digests := list(itertools.islice(files, _PAGE)):
            asked = ", ".join("?" * len(digests))
            known = self._db.all(f"SELECT digest FROM blob WHERE digest IN ({asked})", digests)
            until = time.monotonic() + _STEP
            for digest in sorted(set(digests) - {row[0] for row in known}):
                tally.orphans += tally.unlink(digest) > 0
                if time.monotonic() > until:
                    yield
                    until = time.monotonic() + _STEP
            yield


class _Pictures:
    """Removes what was never accepted, the oldest first, until the budget is kept."""

    def __init__(self, database: Database, tally: _Tally, before: float, busy: frozenset[str]) -> None:
        self._db, self._tally, self._before, self._busy = database, tally, before, busy
        self._now = time.time()
        self._gone: set[str] = set()
        self._anchored: dict[str, bool] = {}

    def steps(self) -> Iterator[None]:
        todo = heapq.merge(self._oldest("candidate", "rowid", "job"), self._oldest("job", "number", "id"))
        more = True
        while more and self._over:
            until = time.monotonic() + _STEP
            with self._tally.writing():
                more = False
                for _, _, table, name, job in todo:
                    self._consider(table, name, job)
                    more = True
                    if not self._over or time.monotonic() > until:
                        break
            yield from self._tally.unlinking()

    @property
    def _over(self) -> bool:
        return 0 < self._tally.budget < self._tally.size

    def _oldest(self, table: str, number: str, job: str) -> Iterator[tuple[float, int, str, str, str]]:
        """The rows whose pixels are there, a page at a time. What they were then may have changed since."""
        last = (float("-inf"), 0)
        while rows := self._db.all(
            f"SELECT created, {number}, '{table}', id, {job} FROM {table} WHERE removed IS NULL"
            f" AND created < ? AND (created, {number}) > (?, ?) ORDER BY created, {number} LIMIT ?",
            (self._before, *last, _PAGE),
        ):
            last = rows[-1][:2]
            yield from rows

    def _consider(self, table: str, name: str, job: str) -> None:
        if job in self._busy or not self._finished(job):
            return
        if table == "candidate" and not self._accepted(name) and self._remove("candidate", name):
            self._tally.candidates += 1
        if self._over and self._bare(job) and self._remove("job", job):
            self._tally.jobs += 1

    def _finished(self, job: str) -> bool:
        (state,) = self._db.one("SELECT state FROM job WHERE id = ?", (job,)) or ("",)
        return state in FINAL_STATES

    def _accepted(self, candidate: str) -> bool:
        return self._db.one("SELECT 1 FROM version WHERE candidate = ? LIMIT 1", (candidate,)) is not None

    def _bare(self, job: str) -> bool:
        """Whether a job is old enough and none of its candidates has its picture any more."""
        (created,) = self._db.one("SELECT created FROM job WHERE id = ?", (job,))
        rows = self._db.all("SELECT id FROM candidate WHERE job = ? AND removed IS NULL", (job,))
        return created < self._before and all(f"candidate:{name}" in self._gone for (name,) in rows)

    def _remove(self, table: str, name: str) -> bool:
        """Give the pixels of a row up, unless that frees nothing, now or later."""
        holder = f"{table}:{name}"
        blobs = self._db.all("SELECT blob FROM holding WHERE holder = ?", (holder,))
        if holder in self._gone or all(self._is_anchored(blob) for (blob,) in blobs):
            return False
        self._gone.add(holder)
        self._tally.give_up(table, name, self._now)
        return True

    def _is_anchored(self, blob: str) -> bool:
        if blob not in self._anchored:
            self._anchored[blob] = bool(self._db.one(_ANCHORED, (blob,))[0])
        return self._anchored[blob]


class _Deletion:
    """Removes a project's rows, always those first that name others, so that what is left can be read."""

    def __init__(self, database: Database, tally: _Tally, project: str) -> None:
        self._db, self._tally, self._project = database, tally, project

    def steps(self) -> Iterator[None]:
        yield from self._each("document", "name", self._only_row)
        yield from self._each("trail", "document, version", self._only_row)
        yield from self._each("version", "id", self._version, "number DESC")  # children before parents
        yield from self._each("decision", "id", self._decision, "number")
        yield from self._each("job", "id", self._job, "number")
        for table, key in (("journal", "seq"), ("lesson", "number"), ("session", "id")):
            yield from self._each(table, key, self._only_row)
        with self._tally.writing():
            self._db.execute(
                "DELETE FROM answered WHERE substr(key, 1, length(?1) + 1) = ?1 || '/'", (self._project,)
            )
            self._db.execute("DELETE FROM project WHERE name = ?", (self._project,))
        yield

    def _each(self, table: str, key: str, remove: Callable[..., None], order: str = "") -> Iterator[None]:
        where = " AND ".join(f"{column} = ?" for column in ("project", *key.split(", ")))
        while rows := self._db.all(
            f"SELECT {key} FROM {table} WHERE project = ? ORDER BY {order or key} LIMIT ?",
            (self._project, _PAGE),
        ):
            until = time.monotonic() + _STEP
            with self._tally.writing():
                for row in rows:
                    remove(*row)
                    self._db.execute(f"DELETE FROM {table} WHERE {where}", (self._project, *row))
                    if time.monotonic() > until:
                        break
            yield from self._tally.unlinking()

    def _only_row(self, *_: object) -> None:
        pass

    def _version(self, _: str) -> None:
        self._db.execute("UPDATE project SET versions = versions - 1 WHERE name = ?", (self._project,))

    def _decision(self, decision: str) -> None:
        self._tally.release(f"decision:{decision}")

    def _job(self, job: str) -> None:
        candidates = self._db.all("SELECT id FROM candidate WHERE job = ?", (job,))
        for (candidate,) in candidates:
            self._tally.release(f"candidate:{candidate}")
            self._tally.release(f"thumbnail:{candidate}")
        self._tally.release(f"job:{job}")
        self._db.execute("DELETE FROM candidate WHERE job = ?", (job,))
        self._db.execute("DELETE FROM event WHERE job = ?", (job,))
        self._db.execute("DELETE FROM words WHERE rowid = (SELECT number FROM job WHERE id = ?)", (job,))
        self._db.execute(
            "UPDATE project SET jobs = jobs - 1, candidates = candidates - ? WHERE name = ?",
            (len(candidates), self._project),
        )
        self._tally.candidates += len(candidates)
        self._tally.jobs += 1
