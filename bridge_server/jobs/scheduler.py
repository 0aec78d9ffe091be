# SPDX-License-Identifier: Apache-2.0
"""Turns requests into jobs, jobs into tasks for workers, and what workers say into events."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from ..protocol.checks import check_job
from ..protocol.codec import Event
from ..protocol.errors import (
    BadRequest,
    BridgeError,
    Cancelled,
    DaemonStopping,
    Interrupted,
    NotFound,
    TooBusy,
)
from ..protocol.messages import Expand, Fill, JobState, Submitted
from ..protocol.records import EngineInfo, JobInfo
from ..protocol.work import TaskCandidate
from ..sessions.conversation import Sitting
from ..sessions.database import Told
from ..sessions.store import JobRecord, Store
from ..workers.supervisor import Supervisor
from .chooser import Chooser
from .live import Live
from .queue import Entry, TaskQueue
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
        supervisor: Supervisor,
        chooser: Chooser,
        publish: Callable[[str, Event], None],
        *,
        max_pixels: int,
        max_queued: int,
    ) -> None:
        self._store, self._writer, self._supervisor = store, writer, supervisor
        self._chooser, self._publish = chooser, publish
        self._max_pixels, self._max_queued = max_pixels, max_queued
        self._queue = TaskQueue()
        self._live: dict[str, Live] = {}
        self._submitting: dict[str, asyncio.Task[Submitted]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    # ---- what clients ask --------------------------------------------------------------------------

    @property
    def counts(self) -> tuple[int, int]:
        """How many jobs wait and how many are being computed."""
        running = sum(1 for live in self._live.values() if live.state == "running")
        return len(self._live) - running, running

    @property
    def workers(self) -> list[str]:
        """The living worker processes, for people."""
        return self._supervisor.names

    async def engines(self) -> list[EngineInfo]:
        """What the engines can do, the default first; starts a worker the first time.

        Raises:
            WorkerDied: no worker could be started.
        """
        return await self._supervisor.engines()

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

    async def job(self, job: str) -> JobInfo:
        """One job as it is now."""
        return self._placed(await self._write(self._store.job, job), self._queue.order())

    async def jobs(self, session: str | None, limit: int) -> list[JobInfo]:
        """The newest jobs."""
        order = self._queue.order()
        return [self._placed(info, order) for info in await self._write(self._store.jobs, session, limit)]

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
            if not live.left:  # it died between the last candidate and the word that this was all
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
                self._enqueue(live)
        self._pump()

    async def stop(self) -> None:
        """Take no more work, cut running steps off and finish writing. Unfinished jobs wait on disk."""
        self._stopping = True
        await asyncio.gather(*self._submitting.values(), return_exceptions=True)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
        engine = engine_for(request, await self.engines())
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
            self._enqueue(live)
            position = _position(job, self._queue.order())
            self._pump()
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
        live = Live(record, record.state, record.seq, left)
        self._live[record.job] = live
        return live

    def _enqueue(self, live: Live) -> None:
        for entry in live.entries(self._supervisor.size):
            self._queue.add(entry)

    # ---- computing ---------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Give waiting tasks to free workers. The set of tasks is the count of workers in use."""
        while not self._stopping and len(self._tasks) < self._supervisor.size:
            entry = self._queue.pop()
            if entry is None:
                return
            live = self._live[entry.job]
            name = f"{entry.job}:{'d' if entry.drafts else ''}{','.join(map(str, entry.indices))}"
            live.running.add(name)
            self._spawn(self._compute(live, entry, name))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._computed)

    def _computed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("computing a task failed", exc_info=task.exception())
        self._pump()

    async def _compute(self, live: Live, entry: Entry, name: str) -> None:
        """One task from its start to the end of what it leads to."""
        said: asyncio.Queue[Any] = asyncio.Queue()
        try:
            if live.state == "queued":
                live.state = "running"
                await self._record(live, JobState(live.record.job, "running"))
            request = live.request or await self._write(self._store.request, live.record.job)
            live.request = request
            if live.record.job not in self._live:  # cancelled before there was anything to stop
                return
            task = task_for(live.record, request, entry, name)
            writing = asyncio.create_task(self._hear(live, said))
            try:
                ended = await self._supervisor.run(task, said.put_nowait)
            finally:
                said.put_nowait(None)
                await writing
            raise_if_failed(ended, live.record.engine, missing=live.misses(entry))
            if entry.drafts and live.may_choose():
                await self._choose(live)
        except BridgeError as error:
            await self._finish(live, error)
        except Exception:
            log.exception("job %s failed unexpectedly", live.record.job)
            await self._finish(live, _unexpected())
        finally:
            live.running.discard(name)
            if not live.running:
                live.request = None
        if not live.left and live.record.job in self._live:
            await self._finish(live, None)

    async def _choose(self, live: Live) -> None:
        """All drafts are made: let taste choose, write the choice down, and put the chosen in line."""
        plan = await self._chooser.choose(live.record, live.drafts)
        await self._write(self._store.set_plan, live.record.job, plan)
        live.record = replace(live.record, plan=plan)
        if live.record.job in self._live:
            self._enqueue(live)

    async def _hear(self, live: Live, said: asyncio.Queue[Any]) -> None:
        """Pass on what a worker says, in its order, until None. What can't be kept ends the job."""
        while (message := await said.get()) is not None:
            if live.record.job not in self._live:
                continue
            try:
                await self._tell(live, message)
            except BridgeError as error:
                await self._finish(live, error)
            except Exception:
                log.exception("job %s: a message of its worker can't be kept", live.record.job)
                await self._finish(live, _unexpected())

    async def _tell(self, live: Live, message: Any) -> None:
        if isinstance(message, TaskCandidate):
            info = live.candidate(message, secrets.token_hex(8), time.time())
            await self._record(
                live, lambda: self._store.add_candidate(info, message.pixels, message.thumbnail)
            )
            live.left.discard(message.index)
        else:
            self._publish(live.record.job, live.passing(message))

    # ---- telling -----------------------------------------------------------------------------------

    async def _finish(self, live: Live, error: BridgeError | None) -> None:
        """End a job once; a second end is ignored."""
        job = live.record.job
        if self._live.pop(job, None) is None:
            return
        self._queue.drop(job)
        for task in live.running:
            self._supervisor.cancel(task, live.record.engine.cancel_grace)
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

    async def _record(self, live: Live, state: JobState | Callable[[], list[Told]]) -> None:
        """Write lasting events down, then announce them. The first is the job's own."""
        async with live.writing:
            if isinstance(state, JobState):
                told = await self._write(self._store.set_state, state)
            else:
                told = await self._write(state)
            live.seq = told[0].event.seq
            for channel, event in told:
                self._publish(channel, event)

    async def _write(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *args)

    def _placed(self, info: JobInfo, order: list[str]) -> JobInfo:
        return replace(info, position=_position(info.job, order))


def _position(job: str, order: list[str]) -> int:
    return order.index(job) + 1 if job in order else 0


def _unexpected() -> BridgeError:
    return BridgeError("The daemon failed unexpectedly on this job.", "Its log has the details.")
