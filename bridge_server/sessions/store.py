# SPDX-License-Identifier: Apache-2.0
"""Jobs, candidates and their lasting events on disk."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

import msgspec

from ..protocol.codec import Event
from ..protocol.errors import Conflict, NotFound
from ..protocol.messages import FINAL_STATES, CandidateDone, Expand, Fill, JobState
from ..protocol.pixels import Pixels
from ..protocol.projects import ProjectJob
from ..protocol.records import CandidateInfo, EngineInfo, JobInfo, Steering
from ..protocol.steering import Steered
from ..protocol.tables import EVENTS
from .database import Database, Told, removed_error
from .requests import asked_in, packed, unpacked, without_data

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
    #: All that was changed since it was asked for.
    steering: Steering = field(default_factory=Steering)


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
            request = packed(asked, lambda pixels: self._db.keep(pixels, holder, record.project))
            row: dict[str, Any] = {
                "id": record.job,
                "session": record.session,
                "project": record.project,
                "verb": asked.op,
                "engine": record.engine.name,
                "engine_info": msgspec.msgpack.encode(record.engine),
                "request": request,
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

    def steer(self, job: str, change: Steering) -> list[Told]:
        """Add a change to what was changed before; None leaves as it was.

        Raises:
            NotFound: there is no such job.
            Conflict: it has ended already.
        """
        with self._db.writing():
            row = self._db.one("SELECT state, steering FROM job WHERE id = ?", (job,))
            if row is None:
                raise _no_job(job)
            state, before = row
            if state in FINAL_STATES:
                raise Conflict(f"The job {job!r} has ended already.", "Ask for a new one.")
            changed = {f.name: getattr(change, f.name) for f in fields(change)}
            known = _steering(before) or Steering()
            merged = replace(known, **{name: value for name, value in changed.items() if value is not None})
            merged = replace(merged, finish=known.finish or change.finish)
            self._db.execute(
                "UPDATE job SET steering = ? WHERE id = ?", (msgspec.msgpack.encode(merged), job)
            )
            return [self._append(job, Steered(job, merged))]

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
            raise _no_job(job)
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
            " host, drafts, plan, steering FROM job WHERE state IN ('queued', 'running') ORDER BY number"
        )
        return [self._record(row) for row in rows]

    def request(self, job: str) -> Fill | Expand:
        """What was asked for, with its pixels.

        Raises:
            NotFound: there is no such job, or its pixels are missing, damaged or removed.
        """
        row = self._db.one("SELECT verb, request, removed FROM job WHERE id = ?", (job,))
        if row is None:
            raise _no_job(job)
        verb, request, removed = row
        if removed is not None:
            raise removed_error(removed)
        return unpacked(verb, request, self._db.load)

    def event_after(self, job: str, after: int) -> Event | None:
        """A job's first lasting event with a number above ``after``, a candidate with its pixels.

        A candidate whose pixels are missing or damaged is left out: what else there is to tell still counts.
        """
        rows = self._db.execute(
            "SELECT seq, topic, body, candidate FROM event WHERE job = ? AND seq > ? ORDER BY seq",
            (job, after),
        )
        for seq, topic, body, candidate in rows:
            if candidate is None:
                return Event(topic, seq, msgspec.msgpack.decode(body, type=EVENTS[topic]))
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
            kept, removed = small, None  # outlives its picture
        else:
            kept = pixels
        return CandidateDone(
            msgspec.msgpack.decode(info, type=CandidateInfo), self._db.load_packed(kept, removed)
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

    def _append(self, job: str, body: JobState | CandidateDone | Steered) -> Told:
        numbered = self._db.one("UPDATE job SET seq = seq + 1 WHERE id = ? RETURNING seq", (job,))
        if numbered is None:
            raise NotFound(f"There is no job {job!r}.")
        (seq,) = numbered
        if isinstance(body, CandidateDone):
            self._db.execute(
                "INSERT INTO event (job, seq, candidate) VALUES (?, ?, ?)", (job, seq, body.info.candidate)
            )
            return Told(job, Event("job.candidate", seq, body))
        topic = "job.steered" if isinstance(body, Steered) else "job.state"
        row = (job, seq, msgspec.msgpack.encode(body), topic)
        self._db.execute("INSERT INTO event (job, seq, body, topic) VALUES (?, ?, ?, ?)", row)
        return Told(job, Event(topic, seq, body))

    def info(self, row: tuple[Any, ...]) -> JobInfo:
        """A job from a row of :data:`JOB_COLUMNS`."""
        job, verb, state, seq, session, project, engine, count, created, seed, request, *rest = row
        host, drafts, steering, *error = rest
        made_by = _MADE_BY.decode(engine)
        asked = asked_in(request)
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
            guides=asked.guides,
            steering=_steering(steering),
            error_code=code,
            error_message=message,
            error_hint=hint,
            candidates=self.candidates(job),
        )

    def _record(self, row: tuple[Any, ...]) -> JobRecord:
        job, session, project, verb, engine, request, seed, created, state, seq, restarts, *rest = row
        host, drafts, plan, steering = rest
        done = self._db.all("SELECT idx FROM candidate WHERE job = ?", (job,))
        return JobRecord(
            job=job,
            session=session,
            project=project,
            request=unpacked(verb, request, without_data),
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
            steering=_steering(steering) or Steering(),
        )


class _MadeBy(msgspec.Struct, gc=False):
    """What of an engine is shown in a list; read much faster so than as an EngineInfo."""

    name: str
    version: str
    model: str = ""
    model_hash: str = ""


_MADE_BY = msgspec.msgpack.Decoder(_MadeBy)
_INFO = msgspec.msgpack.Decoder(CandidateInfo)

#: What :meth:`Store.info` reads.
JOB_COLUMNS = (
    "id, verb, state, seq, session, project, engine_info, count, created, seed, request, host, drafts,"
    " steering, error_code, error_message, error_hint"
)


def _steering(packed: bytes | None) -> Steering | None:
    return None if packed is None else msgspec.msgpack.decode(packed, type=Steering)


def _no_job(job: str) -> NotFound:
    return NotFound(f"There is no job {job!r}.", "List the jobs to see which there are.")
