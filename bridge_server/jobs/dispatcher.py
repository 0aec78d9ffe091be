# SPDX-License-Identifier: Apache-2.0
"""Gives waiting tasks to free workers, several together where they fit, and follows each to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..protocol.errors import BridgeError
from ..protocol.work import Task, TaskEnded, Together
from ..workers.fleet import Fleet
from .live import Live
from .queue import Entry, TaskQueue
from .together import MOST_TOGETHER, kin

__all__ = ["Dispatcher", "Owner", "unexpected"]

log = logging.getLogger(__name__)


class Owner(Protocol):
    """Who knows what becomes of a job. Nothing here raises."""

    async def prepare(self, live: Live) -> None:
        """The job's turn has come: announce it, have its pixels ready."""
        ...

    def task_for(self, live: Live, entry: Entry) -> Task | None:
        """What a worker has to know; None if nobody wants it any more."""
        ...

    async def hear(self, live: Live, message: Any) -> None:
        """A worker said something of it."""
        ...

    async def conclude(self, live: Live, entry: Entry, end: TaskEnded | BridgeError) -> None:
        """A task has ended; all that it said was heard."""
        ...

    async def left(self, live: Live) -> None:
        """A task of it is no longer with a worker, however it ended."""
        ...


@dataclass
class _Lane:
    """One pool of workers: who waits for it, and what it does. ``tasks`` is the count of workers in use."""

    size: int
    queue: TaskQueue = field(default_factory=TaskQueue)
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


class _Part:
    """A task at a worker, and what was said of it. Its end is the last; None: it is cut off."""

    def __init__(self, live: Live, entry: Entry, task: Task) -> None:
        self.live, self.entry, self.task = live, entry, task
        self.said: asyncio.Queue[Any] = asyncio.Queue()


class Dispatcher:
    """A line for each pool of the fleet, so that none waits for another.

    Args:
        fleet: the workers.
        lives: all jobs that are not over, by id.
        owner: is told how they go on.
    """

    def __init__(self, fleet: Fleet, lives: Mapping[str, Live], owner: Owner) -> None:
        self._fleet, self._lives, self._owner = fleet, lives, owner
        self._lanes = {kind: _Lane(size) for kind, size in fleet.sizes.items()}
        self._stopped = False

    def add(self, live: Live) -> None:
        """Put what is left of a job in line."""
        lane = self._lane(live)
        for entry in live.entries(lane.size):
            lane.queue.add(entry)

    def drop(self, job: str) -> None:
        """Take what waits of a job out."""
        for lane in self._lanes.values():
            lane.queue.drop(job)

    def positions(self) -> dict[str, int]:
        """The place of each job that waits in the line of its pool, 1 for next."""
        orders = [lane.queue.order() for lane in self._lanes.values()]
        return {job: place for order in orders for place, job in enumerate(order, start=1)}

    def pump(self) -> None:
        """Give waiting tasks to free workers."""
        for lane in self._lanes.values():
            while not self._stopped and len(lane.tasks) < lane.size:
                entry = lane.queue.pop()
                if entry is None:
                    break
                entries = [entry, *self._companions(lane.queue, entry)]
                for each in entries:
                    self._lives[each.job].running[each.name] = each
                self._spawn(lane, self._compute([(self._lives[each.job], each) for each in entries]))

    def cancel(self, live: Live) -> None:
        """Stop what is computed of a job."""
        for name in live.running:
            self._fleet.cancel(live.record.engine.name, name, live.record.engine.cancel_grace)

    def steer(self, live: Live) -> None:
        """Tell the workers what was changed of a job."""
        for name in live.running:
            self._fleet.steer(live.record.engine.name, name, live.record.steering)

    async def stop(self) -> None:
        """Begin nothing more, cut off what is computed, and finish writing what was said."""
        self._stopped = True
        tasks = [task for lane in self._lanes.values() for task in lane.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _lane(self, live: Live) -> _Lane:
        return self._lanes[self._fleet.kind_of(live.record.engine.name)]

    def _companions(self, queue: TaskQueue, first: Entry) -> Iterable[Entry]:
        """What else in line can be made in one batch with the first."""
        like = self._kin(first)
        if like is None:
            return []
        return queue.take(lambda entry: self._kin(entry) == like, MOST_TOGETHER - len(first.indices))

    def _kin(self, entry: Entry) -> tuple[Any, ...] | None:
        return None if entry.drafts or entry.alone else kin(self._lives[entry.job].record)

    def _spawn(self, lane: _Lane, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        lane.tasks.add(task)

        def done(_: asyncio.Task[None]) -> None:
            lane.tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                log.error("computing a task failed", exc_info=task.exception())
            self.pump()

        task.add_done_callback(done)

    async def _compute(self, entries: list[tuple[Live, Entry]]) -> None:
        """One call of a worker, from its start to the end of what it leads to."""
        try:
            for live, _ in entries:
                await self._owner.prepare(live)
            parts: list[_Part] = []
            for live, entry in entries:
                task = self._owner.task_for(live, entry)
                if task is not None:
                    parts.append(_Part(live, entry, task))
            if parts:
                await self._run(parts)
        finally:
            for live, entry in entries:
                await self._leave(live, entry)

    async def _run(self, parts: list[_Part]) -> None:
        said = {part.task.task: part.said for part in parts}
        tasks = [part.task for part in parts]
        work = tasks[0] if len(tasks) == 1 else Together(f"together:{tasks[0].task}", tasks)
        following = [asyncio.create_task(self._follow(part)) for part in parts]
        end: Any = None
        try:
            end = await self._fleet.run(
                tasks[0].engine, work, lambda message: said[message.task].put_nowait(message)
            )
        except BridgeError as error:
            end = error
        except Exception:
            log.exception("%s failed unexpectedly", work.task)
            end = unexpected()
        finally:
            whole = len(parts) > 1 and (isinstance(end, BridgeError) or bool(end and end.error_code))
            for part in parts:  # those that ended before do not listen any more
                part.said.put_nowait(_AGAIN if whole else end)
            await asyncio.gather(*following)

    async def _follow(self, part: _Part) -> None:
        """Pass on what a worker says, in its order, until the task's end."""
        while (message := await part.said.get()) is not None:
            if message is _AGAIN:
                self._put_back(part)
            elif isinstance(message, (TaskEnded, BridgeError)):
                await self._owner.conclude(part.live, part.entry, message)
            else:
                await self._owner.hear(part.live, message)
                continue
            await self._leave(part.live, part.entry)
            return

    def _put_back(self, part: _Part) -> None:
        """The whole failed, for one of them or for all: make this one alone, and see."""
        live = part.live
        indices = tuple(index for index in part.entry.indices if index in live.left)
        if live.record.job in self._lives and indices:
            log.warning("job %s: what was made together failed; it is made alone", live.record.job)
            self._lane(live).queue.add(replace(part.entry, indices=indices, alone=True))

    async def _leave(self, live: Live, entry: Entry) -> None:
        if live.running.get(entry.name) is entry:
            del live.running[entry.name]
            await self._owner.left(live)


_AGAIN = object()


def unexpected() -> BridgeError:
    """What is said of a bug."""
    return BridgeError("The daemon failed unexpectedly on this job.", "Its log has the details.")
