# SPDX-License-Identifier: Apache-2.0
"""What clients ask about jobs and about the daemon itself."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import replace

from .. import __version__
from ..protocol.checks import check_depth
from ..protocol.codec import Event
from ..protocol.errors import BridgeError
from ..protocol.messages import (
    FINAL_STATES,
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
from ..protocol.steering import Finish, Steer, Steered
from .desk import Caller, Desk, Routes

__all__ = ["ROUTES", "submit"]


async def _status(desk: Desk, _caller: Caller, _request: Status) -> DaemonStatus:
    queued, running = desk.scheduler.counts
    return DaemonStatus(
        version=__version__,
        pid=os.getpid(),
        address=desk.address,
        data_dir=str(desk.data_dir),
        uptime=time.monotonic() - desk.started,
        connections=len(desk.hub.connected),
        queued=queued,
        running=running,
        workers=desk.fleet.names,
    )


async def _engines(desk: Desk, _caller: Caller, request: Engines) -> EngineList:
    found = EngineList(await desk.fleet.engines(fresh=request.fresh))
    if desk.engines_told not in (None, found):
        desk.hub.broadcast(Event("daemon.engines", 0, found))
    desk.engines_told = found
    return found


async def _echo(desk: Desk, _caller: Caller, request: Echo) -> Echo:
    check_pixels(request.pixels, max_pixels=desk.max_pixels, where="params.pixels")
    return request


async def submit(desk: Desk, caller: Caller, request: Fill | Expand) -> Submitted:
    """A new job, watched by who asks for it."""
    job = request.job or secrets.token_hex(8)
    by = desk.sitting(caller)
    if request.job and await desk.scheduler.knows(job):  # asked again after a lost connection
        submitted = await desk.scheduler.submit(request, by)
        await desk.replay(caller, job, 0, desk.memory.store.event_after, job)
        return submitted
    desk.hub.watch(caller, job)
    try:
        return await desk.scheduler.submit(replace(request, job=job), by)
    except BridgeError:
        desk.hub.unwatch(caller, job)
        raise


async def _cancel(desk: Desk, _caller: Caller, request: Cancel) -> Ack:
    await desk.scheduler.cancel(request.job)
    return Ack()


async def _steer(desk: Desk, _caller: Caller, request: Steer | Finish) -> Steered:
    return await desk.scheduler.steer(request)


async def _job(desk: Desk, _caller: Caller, request: GetJob) -> JobInfo:
    return await desk.scheduler.job(request.job)


async def _jobs(desk: Desk, caller: Caller, request: ListJobs) -> JobList:
    session = None if request.every_session else caller.session
    return JobList(await desk.scheduler.jobs(session, max(1, min(request.limit, 500))))


async def _fetch(desk: Desk, _caller: Caller, request: Fetch) -> CandidateDone:
    check_depth(request.format, request.colorspace)
    done = await desk.read(desk.memory.store.candidate, request.candidate, thumbnail=request.thumbnail)
    if request.thumbnail:
        return done
    return replace(done, pixels=await desk.converted(done.pixels, request.format, request.colorspace))


async def _watch(desk: Desk, caller: Caller, request: Watch) -> JobInfo:
    info = await desk.scheduler.job(request.job)
    await desk.replay(caller, request.job, request.after, desk.memory.store.event_after, request.job)
    if info.state in FINAL_STATES:
        desk.hub.unwatch(caller, request.job)
    return info


async def _stop(desk: Desk, _caller: Caller, _request: Stop) -> Ack:
    desk.request_stop("a client asked for it")
    return Ack()


ROUTES: Routes = {
    Status: _status,
    Engines: _engines,
    Echo: _echo,
    Fill: submit,
    Expand: submit,
    Vary: submit,
    Refine: submit,
    Cancel: _cancel,
    Steer: _steer,
    Finish: _steer,
    GetJob: _job,
    ListJobs: _jobs,
    Fetch: _fetch,
    Watch: _watch,
    Stop: _stop,
}
