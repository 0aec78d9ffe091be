# SPDX-License-Identifier: Apache-2.0
"""Moving whole projects, deleting them, and keeping the store within its budget."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from ..protocol.checks import check_project_name
from ..protocol.codec import Event
from ..protocol.errors import BadRequest, BridgeError, TooBusy
from ..protocol.projects import (
    Collect,
    Collected,
    DeleteProject,
    Exported,
    ExportProject,
    ImportProject,
    ProjectDeleted,
    ProjectInfo,
)
from ..sessions.archive import admit, export_project, read_parcel
from ..sessions.database import channel_of
from ..sessions.sweeper import Sweep
from .desk import Caller, Desk, Routes

__all__ = ["ROUTES", "keep_within_budget"]

log = logging.getLogger(__name__)

#: Seconds until it is tried again, where not enough could be removed.
_PAUSE = 600.0

#: How much of the budget is filled after an automatic sweep.
_FILLED = 0.9


async def _export(desk: Desk, caller: Caller, request: ExportProject) -> Exported:
    project = request.project or caller.project
    await desk.read(desk.memory.library.known, project)
    path = _absolute(request.path)
    if path.resolve().is_relative_to(desk.data_dir.resolve()):
        raise BadRequest(f"{path} lies in the daemon's own data folder.", "Choose another place.")
    async with desk.tidying:
        return await asyncio.to_thread(
            export_project, desk.data_dir, project, path, overwrite=request.overwrite
        )


async def _import(desk: Desk, _caller: Caller, request: ImportProject) -> ProjectInfo:
    if request.project:
        check_project_name(request.project)
    async with desk.tidying:
        blobs = desk.memory.database.blobs
        parcel = await asyncio.to_thread(read_parcel, blobs, _absolute(request.path))
        name = await desk.read(admit, desk.memory.database, parcel, request.project)
    return await desk.read(desk.memory.library.project, name)


def _absolute(path: str) -> Path:
    if not Path(path).is_absolute():
        raise BadRequest(f"params.path is {path!r}.", "Use an absolute path on the daemon's machine.")
    return Path(path)


async def _delete(desk: Desk, _caller: Caller, request: DeleteProject) -> Collected:
    await desk.read(desk.memory.library.known, request.project)
    if request.project in desk.closing:
        raise TooBusy(f"The project {request.project!r} is being deleted already.", "Wait a moment.")
    desk.closing.add(request.project)
    try:
        await desk.emptied(request.project)
        async with desk.tidying:
            sweep = await desk.read(desk.memory.sweeper.begin_delete, request.project)
            collected = await _sweep(desk, sweep)
    finally:
        desk.closing.discard(request.project)
    gone = Event("project.deleted", 0, ProjectDeleted(request.project))
    desk.hub.publish(channel_of(request.project), gone)
    return collected


async def _collect(desk: Desk, _caller: Caller, request: Collect) -> Collected:
    if request.budget is not None and request.budget < 0:
        raise BadRequest(f"params.budget is {request.budget}.", "Use bytes; 0 is unlimited.")
    if not request.keep >= 0:
        raise BadRequest(f"params.keep is {request.keep}.", "Use seconds.")
    return await _tidy(desk, request)


async def keep_within_budget(desk: Desk) -> None:
    """Remove what may go if the store has outgrown its budget, and say so."""
    if not desk.budget or desk.memory.database.size <= desk.budget or desk.tidying.locked():
        return
    if time.monotonic() < desk.sweep_again:
        return
    try:
        # a little more than needed, so that not every job's end is a sweep
        if (await _tidy(desk, Collect(budget=max(1, int(_FILLED * desk.budget))))).over:
            desk.sweep_again = time.monotonic() + _PAUSE
    except BridgeError as error:
        log.warning("the store can't be brought within its budget: %s", error)


async def _tidy(desk: Desk, request: Collect) -> Collected:
    budget = desk.budget if request.budget is None else request.budget
    async with desk.tidying:
        sweep = await desk.read(desk.memory.sweeper.begin, request, budget, desk.scheduler.busy)
        collected = await _sweep(desk, sweep)
    if not request.dry_run and (collected.candidates or collected.jobs):
        log.info(
            "removed %d candidates' and %d jobs' pictures, %d bytes; %d are left",
            collected.candidates, collected.jobs, collected.freed, collected.size,
        )  # fmt: skip
        desk.hub.broadcast(Event("store.collected", 0, collected))
    return collected


async def _sweep(desk: Desk, sweep: Sweep) -> Collected:
    """Step by step, so that what is being made can be written down in between."""
    while await desk.read(desk.memory.sweeper.step, sweep):
        pass
    return sweep.result


ROUTES: Routes = {
    ExportProject: _export,
    ImportProject: _import,
    DeleteProject: _delete,
    Collect: _collect,
}
