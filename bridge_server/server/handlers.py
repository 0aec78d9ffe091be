# SPDX-License-Identifier: Apache-2.0
"""What each op does. One method an op; the table below is the router."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from .. import __version__
from ..jobs.scheduler import Scheduler
from ..protocol.errors import BridgeError
from ..protocol.messages import (
    Ack,
    Cancel,
    CandidateDone,
    DaemonStatus,
    Echo,
    EngineList,
    Engines,
    Expand,
    Fetch,
    Fill,
    GetJob,
    JobList,
    ListJobs,
    Refine,
    Status,
    Stop,
    Submitted,
    Vary,
    Watch,
)
from ..protocol.pixels import check_pixels
from ..protocol.records import JobInfo
from ..protocol.request import Request
from ..sessions.store import Store
from .hub import Hub, Watcher

__all__ = ["Caller", "Handlers"]


class Caller(Watcher, Protocol):
    """The connection that asks."""

    project: str

    async def room(self) -> None:
        """Wait until the client has taken most of what was sent to it."""
        ...


@dataclass
class Handlers:
    """The daemon's abilities, as clients call them."""

    scheduler: Scheduler
    store: Store
    writer: Executor
    hub: Hub
    max_pixels: int
    data_dir: Path
    address: str
    request_stop: Callable[[str], None]
    started: float

    async def handle(self, caller: Caller, request: Request[Any]) -> Any:
        """Do what is asked and return the result; raises BridgeError."""
        return await _ROUTES[type(request)](self, caller, request)

    async def status(self, _caller: Caller, _request: Status) -> DaemonStatus:
        """How the daemon is."""
        queued, running = self.scheduler.counts
        return DaemonStatus(
            version=__version__,
            pid=os.getpid(),
            address=self.address,
            data_dir=str(self.data_dir),
            uptime=time.monotonic() - self.started,
            connections=len(self.hub.connected),
            queued=queued,
            running=running,
            workers=self.scheduler.workers,
        )

    async def engines(self, _caller: Caller, _request: Engines) -> EngineList:
        """What the engines can do."""
        return EngineList(await self.scheduler.engines())

    async def echo(self, _caller: Caller, request: Echo) -> Echo:
        """The same pixels back."""
        check_pixels(request.pixels, max_pixels=self.max_pixels, where="params.pixels")
        return request

    async def submit(self, caller: Caller, request: Fill | Expand) -> Submitted:
        """A new job, watched by who asks for it."""
        job = request.job or secrets.token_hex(8)
        if request.job and await self.scheduler.knows(job):  # asked again after a lost connection
            submitted = await self.scheduler.submit(request, caller.session, caller.project)
            await self._replay(caller, job, 0)
            return submitted
        self.hub.watch(caller, job)
        try:
            return await self.scheduler.submit(replace(request, job=job), caller.session, caller.project)
        except BridgeError:
            self.hub.unwatch(caller, job)
            raise

    async def cancel(self, _caller: Caller, request: Cancel) -> Ack:
        """End a job."""
        await self.scheduler.cancel(request.job)
        return Ack()

    async def job(self, _caller: Caller, request: GetJob) -> JobInfo:
        """One job."""
        return await self.scheduler.job(request.job)

    async def jobs(self, caller: Caller, request: ListJobs) -> JobList:
        """The newest jobs."""
        session = None if request.every_session else caller.session
        return JobList(await self.scheduler.jobs(session, max(1, min(request.limit, 500))))

    async def fetch(self, _caller: Caller, request: Fetch) -> CandidateDone:
        """A finished candidate."""
        return await self._read(self.store.candidate, request.candidate)

    async def watch(self, caller: Caller, request: Watch) -> JobInfo:
        """A job's events, the missed ones first."""
        info = await self.scheduler.job(request.job)
        await self._replay(caller, request.job, request.after)
        return info

    async def stop(self, _caller: Caller, _request: Stop) -> Ack:
        """The end of the daemon."""
        self.request_stop("a client asked for it")
        return Ack()

    async def _replay(self, caller: Caller, job: str, after: int) -> None:
        """Tell the lasting events after number ``after``, then what happens from now on; none is left out.

        One event at a time, as fast as the client takes them: candidates may be many and large.
        """
        self.hub.begin_catching_up(caller, job)
        try:
            while True:
                event = await self._read(self.store.event_after, job, after)
                if event is not None:
                    await caller.room()
                    self.hub.tell(caller, job, event)
                    after = event.seq
                elif self.hub.caught_up(caller, job, after):
                    return
        except BaseException:
            self.hub.stop_catching_up(caller, job)
            raise

    async def _read(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.writer, call, *args)


_ROUTES: dict[type[Request[Any]], Callable[[Handlers, Caller, Any], Awaitable[Any]]] = {
    Status: Handlers.status,
    Engines: Handlers.engines,
    Echo: Handlers.echo,
    Fill: Handlers.submit,
    Expand: Handlers.submit,
    Vary: Handlers.submit,
    Refine: Handlers.submit,
    Cancel: Handlers.cancel,
    GetJob: Handlers.job,
    ListJobs: Handlers.jobs,
    Fetch: Handlers.fetch,
    Watch: Handlers.watch,
    Stop: Handlers.stop,
}
