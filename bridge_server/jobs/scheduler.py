# SPDX-License-Identifier: Apache-2.0
"""Turns requests into jobs, jobs into tasks for workers, and what workers say into events."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from ..protocol.checks import check_job
from ..protocol.codec import Event
from ..protocol.errors import (
    BadRequest,
    BridgeError,
    Cancelled,
    Conflict,
    DaemonStopping,
    Interrupted,
    NotFound,
    TooBusy,
)
from ..protocol.messages import Expand, Fill, JobState, Submitted
from ..protocol.records import JobInfo
from ..protocol.steering import Finish, Steer, Steered
from ..protocol.work import Task, TaskCandidate, TaskEnded
from ..sessions.conversation import Sitting
from ..sessions.database import Told
from ..sessions.store import JobRecord, Store
from ..workers.fleet import Fleet
from .chooser import Chooser
from .dispatcher import Dispatcher, unexpected
from .live import Live
from .queue import Entry
from .steering import change_in
from .tasks import engine_for, raise_if_failed, task_for, without_pixels

__all__ = ["Scheduler"]

log = logging.getLogger(__name__)

#: How often a job may be taken up again after the daemon died while computing it.
_MAX_RESTARTS = 1

#: Random seeds leave room below for the candidates of a job and are easy to type again.
_SEED_STEP, _SEED_BITS = 64, 26


class Scheduler:
    """The one place that changes a job's state.

    Args:
        store: written to on ``writer``'s thread only.
        chooser: chooses among drafts.
        publish: called on the event loop with each event and its channel: a job's id or a project's.
    """

    def __init__(
        self,
        store: Store,
        writer: Executor,
        fleet: Fleet,
        chooser: Chooser,
        publish: Callable[[str, Event], None],
        *,
        max_pixels: int,
        max_queued: int,
    ) -> None:
        self._store, self._writer, self._fleet = store, writer, fleet
        self._chooser, self._publish = chooser, publish
        self._max_pixels, self._max_queued = max_pixels, max_queued
        self._live: dict[str, Live] = {}
        self._dispatcher = Dispatcher(fleet, self._live, self)
        self._submitting: dict[str, asyncio.Task[Submitted]] = {}
        self._stopping = False

    # ---- what clients ask --------------------------------------------------------------------------

    @property
    def counts(self) -> tuple[int, int]:
        """How many jobs wait and how many are being computed."""
        running = sum(1 for live in self._live.values() if live.state == "running")
        return len(self._live) - running, running

    @property
    def idle(self) -> bool:
        """True when there is nothing to do."""
        return not self._live and not self._submitting

    @property
    def busy(self) -> set[str]:
        """The jobs that wait or run."""
        return set(self._live)

    async def submit(self, request: Fill | Expand, by: Sitting) -> Submitted:
        """Write the job ``request.job`` down and put it in line. The same id again gives the same answer.

        Raises:
            BadRequest, Unsupported, NotFound: the request can't become a job.
            TooBusy, OutOfSpace, DaemonStopping, WorkerDied: not now.
        """
        job = request.job
        if job not in self._submitting:
            task = asyncio.create_task(self._submit(job, request, by))
            self._submitting[job] = task
            task.add_done_callback(lambda _: self._submitting.pop(job, None))
        return await asyncio.shield(self._submitting[job])

    async def knows(self, job: str) -> bool:
        """Whether there is such a job, or will be in a moment."""
        return job in self._submitting or await self._known(job) is not None

    async def cancel(self, job: str) -> None:
        """End a job now. Its finished candidates stay.

        Raises:
            NotFound: there is no such job.
        """
        live = self._live.get(job)
        if live is None:
            await self._write(self._store.job, job)
            return
        await self._finish(live, Cancelled("Cancelled."))

    async def steer(self, request: Steer | Finish) -> Steered:
        """Change what a job is made with, or finish it early. Asking twice to finish is no error.

        Raises:
            NotFound: there is no such job.
            Conflict: it has ended already.
            BadRequest, Unsupported: it can't be changed like this.
        """
        live = self._live.get(request.job)
        if live is None:
            known = (await self.job(request.job)).steering
            if isinstance(request, Finish) and known is not None and known.finish:
                return Steered(request.job, known)
            raise Conflict(f"The job {request.job!r} has ended already.", "Ask for a new one.")
        change = change_in(request, live.record)
        (told,) = await self._record(live, lambda: self._store.steer(request.job, change))
        live.record = replace(live.record, steering=told.event.body.steering)
        self._dispatcher.steer(live)
        if live.finishing:
            await self._take_now(live)
        return told.event.body

    async def job(self, job: str) -> JobInfo:
        """One job as it is now."""
        info = await self._write(self._store.job, job)
        return replace(info, position=self._dispatcher.positions().get(job, 0))

    async def jobs(self, session: str | None, limit: int) -> list[JobInfo]:
        """The newest jobs."""
        infos, places = await self._write(self._store.jobs, session, limit), self._dispatcher.positions()
        return [replace(info, position=places.get(info.job, 0)) for info in infos]

    async def session_gone(self, session: str) -> None:
        """A session's last connection dropped: end what only it wanted."""
        for live in list(self._live.values()):
            if live.record.session == session and live.record.request.if_gone == "cancel":
                await self._finish(live, Cancelled("The program that asked for this is gone."))

    # ---- life of the daemon ------------------------------------------------------------------------

    async def resume(self) -> None:
        """Take up what the last daemon left. Before the first client comes."""
        for record in await self._write(self._store.unfinished):
            live = self._admit(record)
            if live.finishing:
                await self._take_now(live)
            elif not live.left:  # it died between the last candidate and the word that this was all
                await self._finish(live, None)
            elif record.state == "running" and record.restarts >= _MAX_RESTARTS:
                error = Interrupted(
                    "The daemon ended twice while it was computing this.",
                    "Select a smaller area, or ask again.",
                )
                await self._finish(live, error)
            elif record.request.if_gone == "cancel":
                await self._finish(live, Cancelled("The program that asked for this is gone."))
            else:
                if record.state == "running":
                    await self._record(live, JobState(record.job, "queued", resumed=True))
                live.state = "queued"
                self._dispatcher.add(live)
                await self._take_place(live)
        self._dispatcher.pump()

    async def stop(self) -> None:
        """Take no more work, cut running steps off and finish writing. Unfinished jobs wait on disk."""
        self._stopping = True
        await asyncio.gather(*self._submitting.values(), return_exceptions=True)
        await self._dispatcher.stop()
        for live in list(self._live.values()):
            if live.state == "running":  # an orderly stop does not count against a job
                try:
                    await self._record(live, JobState(live.record.job, "queued"))
                except BridgeError as error:
                    log.warning("job %s: %s", live.record.job, error)

    # ---- submitting --------------------------------------------------------------------------------

    async def _submit(self, job: str, request: Fill | Expand, by: Sitting) -> Submitted:
        if self._stopping:
            raise DaemonStopping("The daemon is shutting down.", "Ask again when it is back.")
        known = await self._known(job)
        if known is not None:
            return known
        check_job(request, max_pixels=self._max_pixels)
        if len(self._live) >= self._max_queued:
            raise TooBusy(f"{len(self._live)} jobs are waiting already.", "Cancel some, or wait.")
        engine = engine_for(request, await self._fleet.engines())
        seed = secrets.randbits(_SEED_BITS) * _SEED_STEP if request.seed is None else request.seed
        drafts = await self._chooser.pool_size(request, engine, by.project)
        record = JobRecord(
            job, by.session, by.project, request, engine, seed, time.time(), host=by.host, drafts=drafts
        )
        live = self._admit(replace(record, request=without_pixels(request)))
        live.request = request
        try:
            await self._record(live, lambda: self._store.add_job(record))
        except BaseException:
            self._live.pop(job, None)
            raise
        log.info("job %s: %s, %d candidates, %s", job, request.op, request.count, engine.name)
        if live.state == "queued":  # a cancel can come before the end of writing
            self._dispatcher.add(live)
            await self._take_place(live)
            position = self._dispatcher.positions().get(job, 0)
            self._dispatcher.pump()
            if not live.running:
                live.request = None
        else:
            position = 0
        return Submitted(job, position, seed)

    async def _known(self, job: str) -> Submitted | None:
        try:
            info = await self.job(job)
        except NotFound:
            return None
        return Submitted(job, info.position, info.seed)

    def _admit(self, record: JobRecord) -> Live:
        if record.job in self._live:
            raise BadRequest(f"There is a job {record.job!r} already.", "Choose another id.")
        left = set(range(record.request.count)) - record.done_indices
        live = Live(record, record.state, record.seq, left, made=bool(record.done_indices))
        self._live[record.job] = live
        return live

    async def _take_place(self, live: Live) -> None:
        """Of a stream of live requests only the newest waits; what is being computed goes on to its end."""
        stream = live.record.request.live
        for other in list(self._live.values()) if stream else []:
            if other is live:
                break  # what comes after it is newer
            theirs = (other.record.session, other.record.request.live)
            if theirs == (live.record.session, stream) and not other.running:
                await self._finish(other, Cancelled("A newer picture took its place."))

    # ---- computing ---------------------------------------------------------------------------------

    async def prepare(self, live: Live) -> None:
        """See :class:`.dispatcher.Owner`."""
        try:
            if live.state == "queued":
                live.state = "running"
                await self._record(live, JobState(live.record.job, "running"))
            live.request = live.request or await self._write(self._store.request, live.record.job)
        except BridgeError as error:
            await self._finish(live, error)
        except Exception:
            log.exception("job %s can't be begun", live.record.job)
            await self._finish(live, unexpected())

    def task_for(self, live: Live, entry: Entry) -> Task | None:
        """See :class:`.dispatcher.Owner`."""
        if live.record.job not in self._live or live.request is None:
            return None  # it ended before there was anything to stop
        return task_for(live.record, live.request, entry)

    async def conclude(self, live: Live, entry: Entry, end: TaskEnded | BridgeError) -> None:
        """See :class:`.dispatcher.Owner`."""
        try:
            if live.finishing and not entry.drafts:
                live.left.difference_update(entry.indices)
            raise_if_failed(end, live.record.engine, missing=live.misses(entry))
            if entry.drafts and live.may_choose():
                await self._choose(live)
        except BridgeError as error:
            await self._finish(live, error)
        except Exception:
            log.exception("job %s failed unexpectedly", live.record.job)
            await self._finish(live, unexpected())

    async def left(self, live: Live) -> None:
        """See :class:`.dispatcher.Owner`."""
        if not live.running:
            live.request = None
        if not live.left:
            await self._finish(live, _nothing(live))

    async def _take_now(self, live: Live) -> None:
        """What is begun is finished, the rest is not made."""
        self._dispatcher.drop(live.record.job)
        live.give_up_waiting()
        if not live.left:
            await self._finish(live, _nothing(live))

    async def _choose(self, live: Live) -> None:
        """All drafts are made: let taste choose, write the choice down, and put the chosen in line."""
        plan = await self._chooser.choose(live.record, live.drafts)
        await self._write(self._store.set_plan, live.record.job, plan)
        live.record = replace(live.record, plan=plan)
        if live.record.job in self._live:
            self._dispatcher.add(live)

    async def hear(self, live: Live, message: Any) -> None:
        """See :class:`.dispatcher.Owner`. What can't be kept ends the job."""
        if live.record.job not in self._live:
            return
        try:
            await self._tell(live, message)
        except BridgeError as error:
            await self._finish(live, error)
        except Exception:
            log.exception("job %s: a message of its worker can't be kept", live.record.job)
            await self._finish(live, unexpected())

    async def _tell(self, live: Live, message: Any) -> None:
        if isinstance(message, TaskCandidate):
            info = live.candidate(message, secrets.token_hex(8), time.time())
            await self._record(
                live, lambda: self._store.add_candidate(info, message.pixels, message.thumbnail)
            )
            live.left.discard(message.index)
            live.made = True
        else:
            self._publish(live.record.job, live.passing(message))

    # ---- telling -----------------------------------------------------------------------------------

    async def _finish(self, live: Live, error: BridgeError | None) -> None:
        """End a job once; a second end is ignored."""
        job = live.record.job
        if self._live.pop(job, None) is None:
            return
        self._dispatcher.drop(job)
        self._dispatcher.cancel(live)
        if error is None:
            state = JobState(job, "done")
        else:
            name = "cancelled" if isinstance(error, Cancelled) else "failed"
            state = JobState(
                job, name, error_code=error.wire_code, error_message=error.message, error_hint=error.hint
            )
        live.state = state.state
        log.info("job %s: %s%s", job, state.state, f" ({error})" if error else "")
        try:
            await self._record(live, state)
        except Exception:
            # who waits must hear it, under a number not seen yet; the next start finds the job as it was
            log.exception("job %s: its end can't be written down", job)
            self._publish(job, Event("job.state", live.seq + 1, state))

    async def _record(self, live: Live, state: JobState | Callable[[], list[Told]]) -> list[Told]:
        """Write lasting events down, then announce them; they are returned. The first is the job's own."""
        async with live.writing:
            if isinstance(state, JobState):
                told = await self._write(self._store.set_state, state)
            else:
                told = await self._write(state)
            live.seq = told[0].event.seq
            for channel, event in told:
                self._publish(channel, event)
            return told

    async def _write(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *args)


def _nothing(live: Live) -> BridgeError | None:
    """The end of a job of which no more is to be made: an error only if there is nothing of it."""
    return None if live.made else Cancelled("It was to be finished before a picture of it was begun.")
