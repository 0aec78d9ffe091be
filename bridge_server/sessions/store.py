# SPDX-License-Identifier: Apache-2.0
"""Jobs, candidates and their lasting events on disk. One thread at a time, never the event loop's."""

from __future__ import annotations

import dataclasses
import errno
import logging
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..protocol.codec import Event
from ..protocol.errors import BadRequest, NotFound, OutOfSpace
from ..protocol.messages import CandidateDone, Expand, Fill, JobState, Vary
from ..protocol.pixels import Pixels
from ..protocol.records import CandidateInfo, EngineInfo, JobInfo
from ..protocol.tables import OPS
from .blobs import Blobs
from .migrations import migrate

__all__ = ["JobRecord", "Store"]

log = logging.getLogger(__name__)

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class JobRecord:
    """A job with what it takes to compute it. The pixels of ``request`` may be left out (data empty)."""

    job: str
    session: str
    project: str
    request: Fill | Expand
    engine: EngineInfo
    seed: int
    created: float
    state: str = "queued"
    seq: int = 0
    restarts: int = 0
    done_indices: frozenset[int] = frozenset()


class _StoredPixels(msgspec.Struct):
    """Pixels whose data lies in a blob."""

    width: int
    height: int
    format: str
    colorspace: str
    blob: str


class Store:
    """The daemon's memory in ``folder``.

    Raises:
        BadRequest: the database is damaged.
        Unsupported: it was written by a newer version.
        OutOfSpace: from every method that writes, when the disk is full; nothing was written then.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._blobs = Blobs(folder / "blobs")
        path = folder / "bridge.sqlite3"
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # told means on disk, also after a power cut
            self._db.execute("PRAGMA foreign_keys = ON")
            migrate(self._db)
        except BaseException as error:
            self._db.close()
            if not isinstance(error, sqlite3.DatabaseError):
                raise
            raise BadRequest(
                f"The database {path} can't be used: {error}.",
                "Move the data folder aside to begin anew, or bring it back from a backup.",
            ) from error

    def close(self) -> None:
        """Finish writing."""
        self._db.close()

    # ---- writing ---------------------------------------------------------------------------------

    def add_session(self, session: str, project: str, host: str, client: str) -> None:
        """Remember a sitting; a returning one keeps its first record."""
        with self._writing():
            self._db.execute(
                "INSERT OR IGNORE INTO session VALUES (?, ?, ?, ?, ?)",
                (session, project, host, client, time.time()),
            )

    def add_job(self, record: JobRecord) -> Event:
        """Write a new job and its inputs down; returns its first lasting event."""
        with self._writing():
            plain = _request_map(record.request)
            plain["picture"] = self._keep(record.request.picture)
            if isinstance(record.request, Fill):
                plain["mask"] = self._keep(record.request.mask)
            self._db.execute(
                "INSERT INTO job (id, session, project, verb, engine, engine_info, request, seed, count,"
                " priority, state, seq, restarts, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
                (
                    record.job,
                    record.session,
                    record.project,
                    record.request.op,
                    record.engine.name,
                    msgspec.msgpack.encode(record.engine),
                    msgspec.msgpack.encode(plain),
                    record.seed,
                    record.request.count,
                    record.request.priority,
                    record.state,
                    record.created,
                ),
            )
            return self._append(record.job, JobState(record.job, record.state))

    def set_state(self, state: JobState) -> Event:
        """Change a job's state and write the event that tells of it."""
        with self._writing():
            self._db.execute(
                "UPDATE job SET state = ?, error_code = ?, error_message = ?, error_hint = ?,"
                " restarts = restarts + ? WHERE id = ?",
                (
                    state.state,
                    state.error_code,
                    state.error_message,
                    state.error_hint,
                    int(state.resumed),
                    state.job,
                ),
            )
            return self._append(state.job, state)

    def add_candidate(self, info: CandidateInfo, pixels: Pixels) -> Event:
        """Keep a finished candidate; when this returns it is on disk and may be announced."""
        with self._writing():
            kept = self._keep(pixels)
            self._db.execute(
                "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?)",
                (
                    info.candidate,
                    info.job,
                    info.index,
                    msgspec.msgpack.encode(info),
                    msgspec.msgpack.encode(kept),
                    time.time(),
                ),
            )
            return self._append(info.job, CandidateDone(info, pixels))

    # ---- reading ---------------------------------------------------------------------------------

    def job(self, job: str) -> JobInfo:
        """One job with its candidates.

        Raises:
            NotFound: there is no such job.
        """
        row = self._db.execute(
            f"SELECT {_JOB_COLUMNS} FROM job WHERE id = ?",  # noqa: S608 - constants
            (job,),
        ).fetchone()
        if row is None:
            raise NotFound(f"There is no job {job!r}.", "List the jobs to see which there are.")
        return self._info(row)

    def jobs(self, session: str | None, limit: int) -> list[JobInfo]:
        """The newest jobs of a session, or of all."""
        where, values = ("WHERE session = ?", [session]) if session is not None else ("", [])
        rows = self._db.execute(
            f"SELECT {_JOB_COLUMNS} FROM job {where} ORDER BY number DESC LIMIT ?",  # noqa: S608 - constants
            [*values, limit],
        ).fetchall()
        return [self._info(row) for row in rows]

    def unfinished(self) -> list[JobRecord]:
        """The jobs that were queued or running when the last daemon ended, oldest first, without pixels."""
        rows = self._db.execute(
            "SELECT id, session, project, verb, engine_info, request, seed, created, state, seq, restarts"
            " FROM job WHERE state IN ('queued', 'running') ORDER BY number"
        ).fetchall()
        return [self._record(row) for row in rows]

    def request(self, job: str) -> Fill | Expand:
        """What was asked for, with its pixels.

        Raises:
            NotFound: the pixels are missing or damaged.
        """
        verb, packed = self._db.execute("SELECT verb, request FROM job WHERE id = ?", (job,)).fetchone()
        return _request(verb, packed, self._load)

    def event_after(self, job: str, after: int) -> Event | None:
        """A job's first lasting event with a number above ``after``, a candidate with its pixels.

        A candidate whose pixels are missing or damaged is left out: what else there is to tell still counts.
        """
        rows = self._db.execute(
            "SELECT seq, body, candidate FROM event WHERE job = ? AND seq > ? ORDER BY seq", (job, after)
        )
        for seq, body, candidate in rows:
            if candidate is None:
                return Event("job.state", seq, msgspec.msgpack.decode(body, type=JobState))
            try:
                return Event("job.candidate", seq, self.candidate(candidate))
            except NotFound as error:
                log.warning("job %s: %s", job, error)
        return None

    def candidate(self, candidate: str) -> CandidateDone:
        """A finished candidate.

        Raises:
            NotFound: there is no such candidate.
        """
        row = self._db.execute("SELECT info, pixels FROM candidate WHERE id = ?", (candidate,)).fetchone()
        if row is None:
            raise NotFound(f"There is no candidate {candidate!r}.", "It may have been removed.")
        info = msgspec.msgpack.decode(row[0], type=CandidateInfo)
        return CandidateDone(info, self._load(msgspec.msgpack.decode(row[1], type=_StoredPixels)))

    # ---- details ---------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if _means_no_space(error):
                raise OutOfSpace(
                    "The disk that holds the bridge's data is full.",
                    "Make room, or start the daemon with another --data-dir.",
                ) from error
            raise

    def _append(self, job: str, body: JobState | CandidateDone) -> Event:
        numbered = self._db.execute(
            "UPDATE job SET seq = seq + 1 WHERE id = ? RETURNING seq", (job,)
        ).fetchone()
        if numbered is None:
            raise NotFound(f"There is no job {job!r}.")
        (seq,) = numbered
        if isinstance(body, CandidateDone):
            row, topic = (job, seq, None, body.info.candidate), "job.candidate"
        else:
            row, topic = (job, seq, msgspec.msgpack.encode(body), None), "job.state"
        self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", row)
        return Event(topic, seq, body)

    def _keep(self, pixels: Pixels) -> _StoredPixels:
        blob = self._blobs.put(pixels.data)
        return _StoredPixels(pixels.width, pixels.height, pixels.format, pixels.colorspace, blob)

    def _load(self, kept: _StoredPixels) -> Pixels:
        return Pixels(kept.width, kept.height, kept.format, self._blobs.get(kept.blob), kept.colorspace)

    def _info(self, row: tuple[Any, ...]) -> JobInfo:
        job, verb, state, seq, session, project, engine, count, created, seed, request, *error = row
        made = self._db.execute("SELECT info FROM candidate WHERE job = ? ORDER BY idx", (job,)).fetchall()
        made_by = msgspec.msgpack.decode(engine, type=EngineInfo)
        asked = _request(verb, request, _without_data)
        code, message, hint = error
        return JobInfo(
            job=job,
            verb=verb,
            state=state,
            seq=seq,
            session=session,
            project=project,
            engine=made_by.name,
            count=count,
            created=created,
            engine_version=made_by.version,
            model=made_by.model,
            model_hash=made_by.model_hash,
            seed=seed,
            prompt=asked.prompt,
            negative_prompt=asked.negative_prompt,
            strength=asked.strength,
            amount=asked.amount if isinstance(asked, Vary) else 0.0,
            parameters=asked.parameters,
            region=asked.region,
            error_code=code,
            error_message=message,
            error_hint=hint,
            candidates=[msgspec.msgpack.decode(info, type=CandidateInfo) for (info,) in made],
        )

    def _record(self, row: tuple[Any, ...]) -> JobRecord:
        job, session, project, verb, engine, request, seed, created, state, seq, restarts = row
        done = self._db.execute("SELECT idx FROM candidate WHERE job = ?", (job,)).fetchall()
        return JobRecord(
            job=job,
            session=session,
            project=project,
            request=_request(verb, request, _without_data),
            engine=msgspec.msgpack.decode(engine, type=EngineInfo),
            seed=seed,
            created=created,
            state=state,
            seq=seq,
            restarts=restarts,
            done_indices=frozenset(index for (index,) in done),
        )


_JOB_COLUMNS = (
    "id, verb, state, seq, session, project, engine_info, count, created, seed, request,"
    " error_code, error_message, error_hint"
)


def _request(verb: str, packed: bytes, load: Callable[[_StoredPixels], Pixels]) -> Fill | Expand:
    plain = msgspec.msgpack.decode(packed)
    for name in ("picture", "mask"):
        if name in plain:
            plain[name] = load(msgspec.convert(plain[name], _StoredPixels))
    return msgspec.convert(plain, OPS[verb][0])


def _without_data(kept: _StoredPixels) -> Pixels:
    return Pixels(kept.width, kept.height, kept.format, b"", kept.colorspace)


def _request_map(request: Fill | Expand) -> dict[str, Any]:
    return {f.name: getattr(request, f.name) for f in dataclasses.fields(request)}


def _means_no_space(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _NO_SPACE
    return isinstance(error, sqlite3.OperationalError) and "full" in str(error)
