# SPDX-License-Identifier: Apache-2.0
"""Looking back: projects, their history, how candidates differ, and the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..protocol.errors import NotFound
from ..protocol.history import Compare, Comparison, GetInputs, History, HistoryPage, JobInputs
from ..protocol.projects import Follow, GetProject, ListProjects, ProjectInfo, ProjectList
from ..protocol.records import JobInfo
from ..protocol.report import GetReport, Report
from ..sessions.database import channel_of
from .deciding import measure
from .desk import Caller, Desk, Routes

__all__ = ["ROUTES"]

#: Settings that a comparison looks at.
_SETTINGS = (
    "verb", "engine", "engine_version", "model", "prompt", "negative_prompt", "strength", "amount",
    "parameters", "drafted",
)  # fmt: skip


async def _projects(desk: Desk, _caller: Caller, _request: ListProjects) -> ProjectList:
    return await desk.read(desk.memory.library.projects)


async def _project(desk: Desk, caller: Caller, request: GetProject) -> ProjectInfo:
    if request.project:
        return await desk.read(desk.memory.library.known, request.project)
    return await desk.read(desk.memory.library.project, caller.project)


async def _follow(desk: Desk, caller: Caller, request: Follow) -> ProjectInfo:
    info = await desk.read(desk.memory.library.project, caller.project)
    after = info.seq if request.after is None else request.after
    if after > info.seq or request.created not in (None, info.created):
        raise NotFound(
            f"The project {caller.project!r} was deleted and begun anew; it has had {info.seq} events.",
            "Forget what you have of it and follow with after 0.",
        )
    read = desk.memory.library.event_after
    if await desk.replay(caller, channel_of(caller.project), after, read, caller.project):
        return info
    # deleted meanwhile: of what was begun anew everything is told
    return replace(await desk.read(desk.memory.library.project, caller.project), seq=0)


async def _history(desk: Desk, caller: Caller, request: History) -> HistoryPage:
    return await desk.read(desk.memory.library.history, request, request.project or caller.project)


async def _inputs(desk: Desk, _caller: Caller, request: GetInputs) -> JobInputs:
    return await desk.read(desk.memory.library.inputs, request.job)


async def _compare(desk: Desk, _caller: Caller, request: Compare) -> Comparison:
    store = desk.memory.store
    first = await desk.read(store.candidate, request.first)
    second = await desk.read(store.candidate, request.second)
    found = await desk.clerk.differ(
        first.pixels,
        first.info.placement,
        second.pixels,
        second.info.placement,
        first.info.descriptor,
        second.info.descriptor,
    )
    jobs = [await desk.read(store.job, done.info.job) for done in (first, second)]
    return Comparison(
        first=first.info,
        second=second.info,
        settings=_differing(jobs[0], jobs[1])
        | ({} if first.info.seed == second.info.seed else {"seed": [first.info.seed, second.info.seed]}),
        words=found.words,
        overlap=found.overlap,
        changed=found.changed,
        difference=found.difference,
    )


def _differing(first: JobInfo, second: JobInfo) -> dict[str, list[Any]]:
    pairs = {name: [getattr(first, name), getattr(second, name)] for name in _SETTINGS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


async def _report(desk: Desk, caller: Caller, request: GetReport) -> Report:
    project = request.project or caller.project
    await desk.read(desk.memory.library.known, project)
    for decision in await desk.read(desk.memory.tree.unmeasured, project):
        await measure(desk, decision)  # the daemon ended before it could
    return (await desk.clerk.reckon(desk.data_dir, project)).report


ROUTES: Routes = {
    ListProjects: _projects,
    GetProject: _project,
    Follow: _follow,
    History: _history,
    GetInputs: _inputs,
    Compare: _compare,
    GetReport: _report,
}
