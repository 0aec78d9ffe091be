# SPDX-License-Identifier: Apache-2.0
"""Jobs, candidates and their lasting events on disk."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..protocol.codec import Event
from ..protocol.errors import NotFound
from ..protocol.messages import FINAL_STATES, CandidateDone, Expand, Fill, JobState
from ..protocol.pixels import Pixels
from ..protocol.projects import ProjectJob
from ..protocol.records import CandidateInfo, EngineInfo, JobInfo, Placement
from ..protocol.tables import OPS
from .database import Database, StoredPixels, Told, removed_error

__all__ = ["JOB_COLUMNS", "Chosen", "JobRecord", "Store"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """One draft that taste chose, and why: ``near``, ``far`` or ``surprise``."""

    seed: int
    offered: str


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
    host: str = ""
    #: How many drafts to choose the candidates from; 0: none. ``plan`` is the choice, once it is made.
    drafts: int = 0
    plan: tuple[Chosen, ...] | None = None


class Store:
    """The jobs of all projects.

    What writes returns whom to tell of it; it may raise OutOfSpace, and has written nothing then.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    # ---- writing ---------------------------------------------------------------------------------

    def add_session(self, session: str, project: str, host: str, client: str) -> None:
        """Remember a sitting; a returning one keeps its first record."""
        with self._db.writing():
            self._db.execute(
                "INSERT OR IGNORE INTO session VALUES (?, ?, ?, ?, ?)",
                (session, project, host, client, time.time()),
            )

    def add_job(self, record: JobRecord) -> list[Told]:
        """Write a new job and its inputs down."""
        asked, holder = record.request, f"job:{record.job}"
        with self._db.writing():
            self._db.ensure_project(record.project)
            plain = _request_map(asked)
            plain["picture"] = self._db.keep(asked.picture, holder, record.project)
            if isinstance(asked, Fill):
                plain["mask"] = self._db.keep(asked.mask, holder, record.project)
            row: dict[str, Any] = {
                "id": record.job,
                "session": record.session,
                "project": record.project,
                "verb": asked.op,
                "engine": record.engine.name,
                "engine_info": msgspec.msgpack.encode(record.engine),
                "request": msgspec.msgpack.encode(plain),
                "seed": record.seed,
                "count": asked.count,
                "priority": asked.priority,
                "state": record.state,
                "seq": 0,
                "restarts": 0,
                "created": record.created,
                "host": record.host,
                "document": asked.document,
                "prompt": asked.prompt,
                "drafts": record.drafts,
            }
            number = self._db.execute(
                f"INSERT INTO job ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                list(row.values()),
            ).lastrowid
            words = f"{asked.prompt}\n{asked.negative_prompt}"
            self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, words))
            self._db.execute("UPDATE project SET jobs = jobs + 1 WHERE name = ?", (record.project,))
            return self._state_told(JobState(record.job, record.state))

    def set_plan(self, job: str, plan: tuple[Chosen, ...]) -> None:
        """Write down which drafts taste chose, before any of them is made in full."""
        with self._db.writing():
            self._db.execute("UPDATE job SET plan = ? WHERE id = ?", (msgspec.msgpack.encode(plan), job))

    def set_state(self, state: JobState) -> list[Told]:
        """Change a job's state and write the events that tell of it."""
        with self._db.writing():
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
            return self._state_told(state)

    def add_candidate(self, info: CandidateInfo, pixels: Pixels, thumbnail: Pixels) -> list[Told]:
        """Keep a finished candidate; when this returns it is on disk and may be announced."""
        holder = f"candidate:{info.candidate}"
        with self._db.writing():
            (project,) = self._db.one("SELECT project FROM job WHERE id = ?", (info.job,)) or ("",)
            self._db.execute(
                "INSERT INTO candidate (id, job, idx, info, pixels, thumbnail, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    info.candidate,
                    info.job,
                    info.index,
                    msgspec.msgpack.encode(info),
                    msgspec.msgpack.encode(self._db.keep(pixels, holder, project)),
                    msgspec.msgpack.encode(self._db.keep(thumbnail, f"thumbnail:{info.candidate}", project)),
                    info.created,
                ),
            )
            self._db.execute("UPDATE project SET candidates = candidates + 1 WHERE name = ?", (project,))
            return [self._append(info.job, CandidateDone(info, pixels))]

    # ---- reading ---------------------------------------------------------------------------------

    def job(self, job: str) -> JobInfo:
        """One job with its candidates.

        Raises:
            NotFound: there is no such job.
        """
        row = self._db.one(f"SELECT {JOB_COLUMNS} FROM job WHERE id = ?", (job,))
        if row is None:
            raise NotFound(f"There is no job {job!r}.", "List the jobs to see which there are.")
        return self.info(row)

    def jobs(self, session: str | None, limit: int) -> list[JobInfo]:
        """The newest jobs of a session, or of all."""
        where, values = ("WHERE session = ?", [session]) if session is not None else ("", [])
        rows = self._db.all(
            f"SELECT {JOB_COLUMNS} FROM job {where} ORDER BY number DESC LIMIT ?",
            [*values, limit],
        )
        return [self.info(row) for row in rows]

    def unfinished(self) -> list[JobRecord]:
        """The jobs that were queued or running when the last daemon ended, oldest first, without pixels."""
        rows = self._db.all(
            "SELECT id, session, project, verb, engine_info, request, seed, created, state, seq, restarts,"
            " host, drafts, plan FROM job WHERE state IN ('queued', 'running') ORDER BY number"
        )
        return [self._record(row) for row in rows]

    def request(self, job: str) -> Fill | Expand:
        """What was asked for, with its pixels.

        Raises:
            NotFound: there is no such job, or its pixels are missing, damaged or removed.
        """
        row = self._db.one("SELECT verb, request, removed FROM job WHERE id = ?", (job,))
        if row is None:
            raise NotFound(f"There is no job {job!r}.", "List the jobs to see which there are.")
        verb, packed, removed = row
        if removed is not None:
            raise removed_error(removed)
        return _request(verb, packed, self._db.load)

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

    def candidate(self, candidate: str, *, thumbnail: bool = False) -> CandidateDone:
        """A finished candidate, in full or as a small picture (in full where none was made).

        Raises:
            NotFound: there is no such candidate, or its pixels are missing, damaged or removed.
        """
        row = self._db.one(
            "SELECT info, pixels, thumbnail, removed FROM candidate WHERE id = ?", (candidate,)
        )
        if row is None:
            raise NotFound(f"There is no candidate {candidate!r}.", "It may have been removed.")
        info, pixels, small, removed = row
        if thumbnail and small is not None:
            packed, removed = small, None  # outlives its picture
        else:
            packed = pixels
        return CandidateDone(
            msgspec.msgpack.decode(info, type=CandidateInfo), self._db.load_packed(packed, removed)
        )

    def candidate_info(self, candidate: str) -> CandidateInfo:
        """A finished candidate without its pixels.

        Raises:
            NotFound: there is no such candidate.
        """
        row = self._db.one("SELECT info FROM candidate WHERE id = ?", (candidate,))
        if row is None:
            raise NotFound(f"There is no candidate {candidate[:80]!r}.", "Look it up in the history.")
        return msgspec.msgpack.decode(row[0], type=CandidateInfo)

    def candidates(self, job: str) -> list[CandidateInfo]:
        """The finished candidates of a job, by index."""
        rows = self._db.all("SELECT info FROM candidate WHERE job = ? ORDER BY idx", (job,))
        return [_INFO.decode(info) for (info,) in rows]

    # ---- details ---------------------------------------------------------------------------------

    def _state_told(self, state: JobState) -> list[Told]:
        """Number and keep the news of a state: for who watches the job, beginning and end for its project."""
        told = [self._append(state.job, state)]
        if state.state in FINAL_STATES or (state.state == "queued" and told[0].event.seq == 1):
            project, *rest = self._db.one(
                "SELECT project, verb, session, host, document FROM job WHERE id = ?", (state.job,)
            )
            verb, session, host, document = rest
            news = ProjectJob(project, state.job, verb, state.state, session, host, document)
            told.append(self._db.journal(project, "project.job", news))
        return told

    def _append(self, job: str, body: JobState | CandidateDone) -> Told:
        numbered = self._db.one("UPDATE job SET seq = seq + 1 WHERE id = ? RETURNING seq", (job,))
        if numbered is None:
            raise NotFound(f"There is no job {job!r}.")
        (seq,) = numbered
        if isinstance(body, CandidateDone):
            row, topic = (job, seq, None, body.info.candidate), "job.candidate"
        else:
            row, topic = (job, seq, msgspec.msgpack.encode(body), None), "job.state"
        self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", row)
        return Told(job, Event(topic, seq, body))

    def info(self, row: tuple[Any, ...]) -> JobInfo:
        """A job from a row of :data:`JOB_COLUMNS`."""
        job, verb, state, seq, session, project, engine, count, created, seed, request, *rest = row
        host, drafts, *error = rest
        made_by = _MADE_BY.decode(engine)
        asked = _ASKED.decode(request)
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
            amount=asked.amount,
            parameters=asked.parameters,
            region=asked.region,
            host=host,
            document=asked.document,
            drafts=drafts,
            drafted=asked.drafted or drafts > 0,
            unlike=asked.unlike,
            error_code=code,
            error_message=message,
            error_hint=hint,
            candidates=self.candidates(job),
        )

    def _record(self, row: tuple[Any, ...]) -> JobRecord:
        job, session, project, verb, engine, request, seed, created, state, seq, restarts, *rest = row
        host, drafts, plan = rest
        done = self._db.all("SELECT idx FROM candidate WHERE job = ?", (job,))
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
            host=host,
            drafts=drafts,
            plan=None if plan is None else msgspec.msgpack.decode(plan, type=tuple[Chosen, ...]),
        )


class _Asked(msgspec.Struct, gc=False):
    """What of a request is shown in a list; a page of them is read much faster so than as requests."""

    region: Placement
    prompt: str
    negative_prompt: str
    strength: float
    parameters: dict[str, Any]
    amount: float = 0.0
    document: str = ""
    drafted: bool = False
    unlike: str = ""


class _MadeBy(msgspec.Struct, gc=False):
    """The same of an engine."""

    name: str
    version: str
    model: str = ""
    model_hash: str = ""


_ASKED, _MADE_BY = msgspec.msgpack.Decoder(_Asked), msgspec.msgpack.Decoder(_MadeBy)
_INFO = msgspec.msgpack.Decoder(CandidateInfo)

#: What :meth:`Store.info` reads.
JOB_COLUMNS = (
    "id, verb, state, seq, session, project, engine_info, count, created, seed, request, host, drafts,"
    " error_code, error_message, error_hint"
)


def _request(verb: str, packed: bytes, load: Callable[[StoredPixels], Pixels]) -> Fill | Expand:
    plain = msgspec.msgpack.decode(packed)
    for name in ("picture", "mask"):
        if name in plain:
            plain[name] = load(msgspec.convert(plain[name], StoredPixels))
    return msgspec.convert(plain, OPS[verb][0])


def _without_data(kept: StoredPixels) -> Pixels:
    return Pixels(kept.width, kept.height, kept.format, b"", kept.colorspace)


def _request_map(request: Fill | Expand) -> dict[str, Any]:
    return {f.name: getattr(request, f.name) for f in dataclasses.fields(request)}
