# SPDX-License-Identifier: Apache-2.0
"""What the artist decides about candidates, and where documents stand in the tree."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import Any

from ..protocol.checks import check_depth, check_modify, check_more
from ..protocol.errors import BridgeError
from ..protocol.messages import Expand, Fill, Refine, Submitted, Vary
from ..protocol.records import CandidateInfo
from ..protocol.versions import (
    Accept,
    Accepted,
    DecisionInfo,
    Decisions,
    GetTree,
    GetVersion,
    Go,
    Less,
    Mark,
    Modify,
    More,
    Moved,
    Redo,
    Reject,
    Tree,
    Undo,
    VersionDone,
    VersionInfo,
)
from .desk import Caller, Desk, Routes
from .working import submit

__all__ = ["ROUTES", "measure"]

log = logging.getLogger(__name__)


async def _accept(desk: Desk, caller: Caller, request: Accept) -> Accepted:
    return await desk.change(desk.memory.conversation.accept, request, desk.sitting(caller))


async def _reject(desk: Desk, caller: Caller, request: Reject) -> Decisions:
    return await desk.change(desk.memory.conversation.reject, request, desk.sitting(caller))


async def _modify(desk: Desk, caller: Caller, request: Modify) -> DecisionInfo:
    check_modify(request, max_pixels=desk.max_pixels)
    decision = await desk.change(desk.memory.conversation.modify, request, desk.sitting(caller))
    if decision.changed is None:
        desk.spawn(measure(desk, decision))
    return decision


async def measure(desk: Desk, decision: DecisionInfo) -> None:
    """Find out how far the artist's final pixels are from the offer, and note it, once."""
    try:
        (current,) = await desk.read(desk.memory.tree.decisions, "id = ?", (decision.decision,))
        if current.changed is not None:
            return  # asked again, and the first answer did not know it yet
        offer = await desk.read(desk.memory.store.candidate, decision.candidate)
        version = await desk.read(desk.memory.tree.version, decision.version)
        place, final = await desk.read(desk.memory.tree.final, decision.decision)
        found = await desk.clerk.differ(offer.pixels, version.placement, final, place, final=True)
        noted = (decision.decision, found.changed, found.difference)
        desk.tell(await desk.read(desk.memory.conversation.measured, *noted))
    except BridgeError as error:
        log.warning("decision %s can't be measured now: %s", decision.decision, error)


async def _more(desk: Desk, caller: Caller, request: More) -> Submitted:
    info, asked = await _origin(desk, caller, request)
    offer = await desk.read(desk.memory.store.candidate, request.candidate)
    laid = await desk.clerk.overlay(asked.picture, asked.region, offer.pixels, info.placement)
    common: dict[str, Any] = {
        "engine": request.engine or asked.engine,
        "prompt": asked.prompt if request.prompt is None else request.prompt,
        "negative_prompt": asked.negative_prompt
        if request.negative_prompt is None
        else request.negative_prompt,
        "count": request.count,
        "seed": request.seed,
        # they are words of the engine that the candidate was asked of
        "parameters": asked.parameters if request.engine in ("", asked.engine) else {},
        "priority": request.priority,
        "if_gone": request.if_gone,
        "job": request.job or secrets.token_hex(8),
        "document": asked.document,
    }
    laid_out = (laid.picture, laid.mask, laid.region)
    again: Fill
    if request.verb == "refine":
        again = Refine(*laid_out, strength=request.strength, **common)
    else:
        again = Vary(*laid_out, amount=request.amount, **common)
    return await _lean(desk, caller, request.candidate, again, "more")


async def _less(desk: Desk, caller: Caller, request: Less) -> Submitted:
    _, asked = await _origin(desk, caller, request)
    again = replace(
        asked,
        count=request.count,
        seed=request.seed,
        priority=request.priority,
        if_gone=request.if_gone,
        job=request.job or secrets.token_hex(8),
        taste=None,
        drafted=False,
        unlike=request.candidate,
    )
    return await _lean(desk, caller, request.candidate, again, "less")


async def _origin(desk: Desk, caller: Caller, request: More | Less) -> tuple[CandidateInfo, Fill | Expand]:
    """A candidate of the caller's project and the request that it comes from, with its pixels and engine."""
    check_more(request)
    await desk.read(desk.memory.conversation.check_own, request.candidate, desk.sitting(caller))
    info = await desk.read(desk.memory.store.candidate_info, request.candidate)
    asked = await desk.read(desk.memory.store.request, info.job)
    return info, replace(asked, engine=(await desk.scheduler.job(info.job)).engine)


async def _lean(desk: Desk, caller: Caller, candidate: str, request: Fill | Expand, kind: str) -> Submitted:
    """Ask for pictures and note what the artist leaned to; once, however often it is asked."""
    submitted = await submit(desk, caller, request)
    await desk.change(desk.memory.conversation.lean, candidate, kind, request.job, desk.sitting(caller))
    return submitted


async def _undo(desk: Desk, caller: Caller, request: Undo) -> Moved:
    return await desk.change(desk.memory.conversation.undo, request, desk.sitting(caller))


async def _redo(desk: Desk, caller: Caller, request: Redo) -> Moved:
    return await desk.change(desk.memory.conversation.redo, request, desk.sitting(caller))


async def _go(desk: Desk, caller: Caller, request: Go) -> Moved:
    return await desk.change(desk.memory.conversation.go, request, desk.sitting(caller))


async def _mark(desk: Desk, caller: Caller, request: Mark) -> VersionInfo:
    return await desk.change(desk.memory.conversation.mark, request, desk.sitting(caller))


async def _tree(desk: Desk, caller: Caller, request: GetTree) -> Tree:
    return await desk.read(desk.memory.tree.tree, request, request.project or caller.project)


async def _version(desk: Desk, _caller: Caller, request: GetVersion) -> VersionDone:
    check_depth(request.format, request.colorspace)
    done = await desk.read(desk.memory.tree.pixels, request.version)
    return replace(done, pixels=await desk.converted(done.pixels, request.format, request.colorspace))


ROUTES: Routes = {
    Accept: _accept,
    Reject: _reject,
    Modify: _modify,
    More: _more,
    Less: _less,
    Undo: _undo,
    Redo: _redo,
    Go: _go,
    Mark: _mark,
    GetTree: _tree,
    GetVersion: _version,
}
