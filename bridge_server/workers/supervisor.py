# SPDX-License-Identifier: Apache-2.0
"""Keeps the worker processes of one kind: starts them when needed, replaces the dead, ends the idle."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from ..protocol.errors import Cancelled
from ..protocol.records import EngineInfo, Steering
from ..protocol.work import TaskEnded, Together
from .process import ONE_THREAD, Work, WorkerProcess

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)


class Supervisor:
    """Runs at most ``size`` tasks at once, each in a process of its own.

    Args:
        command: the program of a worker and its arguments.
        size: how many processes at most.
        ready_timeout: seconds that a worker may take to say READY.
        idle_exit: seconds after which an idle process is ended.
        name: what the processes are called, besides their number.
        environment: added to the daemon's own.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: int,
        ready_timeout: float = 60.0,
        idle_exit: float = 300.0,
        name: str = "worker",
        environment: Mapping[str, str] = ONE_THREAD,
    ) -> None:
        self.size = size
        self._command, self._name, self._environment = list(command), name, environment
        self._ready_timeout = ready_timeout
        self._idle_exit = idle_exit
        self._numbers = itertools.count(1)
        self._idle: deque[WorkerProcess] = deque()
        self._running: dict[str, WorkerProcess | None] = {}
        #: Of several tasks together, those that have not ended, and what they run as.
        self._parts: dict[str, str] = {}
        #: Seconds of grace by the name of what was cancelled, and what was steered; until it ends.
        self._cancelled: dict[str, float] = {}
        self._steered: dict[str, Steering] = {}
        self._timers: dict[WorkerProcess, asyncio.TimerHandle] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._spare: asyncio.Task[WorkerProcess] | None = None
        self._engines: list[EngineInfo] | None = None
        self._describing = asyncio.Lock()

    @property
    def free(self) -> int:
        """How many more tasks can run now."""
        return self.size - len(self._running)

    @property
    def names(self) -> list[str]:
        """The living processes, for people."""
        busy = [worker for worker in self._running.values() if worker is not None]
        return [f"{w.name} (pid {w.pid}, busy)" for w in busy] + [
            f"{w.name} (pid {w.pid}, idle)" for w in self._idle
        ]

    async def engines(self, *, fresh: bool = False) -> list[EngineInfo]:
        """What the engines can do; starts a worker the first time, and for a ``fresh`` look.

        Raises:
            WorkerDied: no worker could be started.
        """
        async with self._describing:
            if self._engines is None:
                self._rest(await self._start())
            elif fresh:
                await (await self._start()).kill()  # the others may be busy, or have their models loaded
        assert self._engines is not None  # noqa: S101 - every started worker tells them
        return self._engines

    async def run(self, task: Work, listener: Callable[[Any], None]) -> TaskEnded:
        """Do a task, or several together, in a process. The caller sees to it that one is ``free``.

        Raises:
            WorkerDied: the process ended before the task did, of several together also because one that was
                cancelled did not stop.
            Cancelled: by :meth:`cancel`, whether the engine stopped by itself or was killed.
        """
        parts = [each.task for each in task.tasks] if isinstance(task, Together) else []
        names = [task.task, *parts]
        self._parts |= dict.fromkeys(parts, task.task)
        self._running[task.task] = None
        worker: WorkerProcess | None = None

        def hear(message: Any) -> None:
            if isinstance(message, TaskEnded):
                self._parts.pop(message.task, None)
            listener(message)

        try:
            worker = await self._obtain()
            self._running[task.task] = worker
            self._raise_if_cancelled(task.task)
            self._say_again(names, worker)
            return await worker.run(task, hear)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                self._raise_if_cancelled(task.task)
            raise
        finally:
            for name in names:
                for known in (self._parts, self._cancelled, self._steered):
                    known.pop(name, None)
            del self._running[task.task]
            if worker is not None:
                self._rest(worker)

    def cancel(self, task: str, grace: float) -> None:
        """Ask a running task to stop; after ``grace`` seconds its process is killed and replaced.

        One of several together can be named alone; it takes the others along only if it is killed.
        """
        if not self._is_on(task) or task in self._cancelled:
            return
        self._cancelled[task] = grace
        worker = self._worker_of(task)
        if worker is not None:
            self._stop(task, worker)

    def steer(self, task: str, steering: Steering) -> None:
        """Tell a running task all that was changed; nothing happens if it is over."""
        if not self._is_on(task):
            return
        self._steered[task] = steering
        worker = self._worker_of(task)
        if worker is not None:
            worker.steer(task, steering)

    async def close(self) -> None:
        """End all processes and wait until they are gone."""
        for timer in self._timers.values():
            timer.cancel()
        chores: list[asyncio.Task[Any]] = [*self._chores, *([self._spare] if self._spare else [])]
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        workers = [*self._idle, *(w for w in self._running.values() if w is not None)]
        self._idle.clear()
        await asyncio.gather(*(worker.kill() for worker in workers))

    async def _start(self) -> WorkerProcess:
        worker = await WorkerProcess.start(
            f"{self._name}-{next(self._numbers)}", self._command, self._ready_timeout, self._environment
        )
        self._engines = worker.ready.result().engines
        log.info("%s is ready (pid %d)", worker.name, worker.pid)
        return worker

    def _raise_if_cancelled(self, task: str) -> None:
        if task in self._cancelled:
            raise Cancelled("Cancelled.")

    def _is_on(self, task: str) -> bool:
        return task in self._running or task in self._parts

    def _worker_of(self, task: str) -> WorkerProcess | None:
        return self._running[self._parts.get(task, task)]

    def _stop(self, task: str, worker: WorkerProcess) -> None:
        worker.cancel(task)
        loop = asyncio.get_running_loop()
        loop.call_later(self._cancelled[task], self._kill_if_still_on, task, worker)

    def _say_again(self, names: Sequence[str], worker: WorkerProcess) -> None:
        """What was cancelled and steered while the process was not there yet."""
        for name in names:
            if name in self._cancelled:
                self._stop(name, worker)
            if name in self._steered:
                worker.steer(name, self._steered[name])

    def _take_idle(self) -> WorkerProcess | None:
        while self._idle:
            worker = self._idle.pop()
            self._timers.pop(worker).cancel()
            if worker.alive:
                return worker
        return None

    def _rest(self, worker: WorkerProcess) -> None:
        """Keep a living worker for the next task, for a while."""
        if not worker.alive:
            log.warning("%s (pid %d) has ended", worker.name, worker.pid)
            self._chore(worker.kill())  # reaps it
            return
        self._idle.append(worker)
        loop = asyncio.get_running_loop()
        self._timers[worker] = loop.call_later(self._idle_exit, self._retire, worker)

    def _retire(self, worker: WorkerProcess) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            del self._timers[worker]
            self._chore(worker.kill())

    def _kill_if_still_on(self, task: str, worker: WorkerProcess) -> None:
        if self._is_on(task) and self._worker_of(task) is worker:
            self._chore(self._kill_and_replace(worker))

    async def _kill_and_replace(self, worker: WorkerProcess) -> None:
        """After a cancel the artist asks again soon: have a process waiting."""
        await worker.kill()
        if self._idle or self._spare is not None or self.free == 0:
            return
        spare = self._spare = asyncio.create_task(self._start(), name="spare worker")
        await asyncio.wait({spare})
        if self._spare is spare:  # no task has taken it meanwhile
            self._spare = None
            self._rest(spare.result())

    async def _obtain(self) -> WorkerProcess:
        """An idle process, the spare one that is being started, or a new one; never more than ``size``."""
        worker = self._take_idle()
        if worker is None and self._spare is not None:
            spare, self._spare = self._spare, None
            return await spare
        return worker or await self._start()

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        chore = asyncio.create_task(work)
        self._chores.add(chore)
        chore.add_done_callback(self._chore_done)

    def _chore_done(self, chore: asyncio.Task[None]) -> None:
        self._chores.discard(chore)
        if not chore.cancelled() and chore.exception() is not None:
            log.error("a worker's chore failed", exc_info=chore.exception())
