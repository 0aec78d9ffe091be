# SPDX-License-Identifier: Apache-2.0
"""What the artist decides about candidates, and where documents stand in the tree."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import Any

from ..jobs.steering import steered, steering_of
from ..protocol.checks import check_depth, check_modify, check_more
from ..protocol.errands import Overlaid
from ..protocol.errors import BadRequest, BridgeError
from ..protocol.messages import Expand, Fill, Refine, Submitted, Vary
from ..protocol.pixels import Pixels
from ..protocol.records import CandidateInfo, Guide, Placement
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
    laid = await _laid(desk, asked, info)
    guides = [guide for guide in asked.guides if guide.kind != "toward"]
    if request.toward:
        guides.append(Guide("toward", await _other(desk, caller, request.toward, asked, laid.region)))
    same = request.engine in ("", asked.engine)
    common: dict[str, Any] = {
        "engine": request.engine or asked.engine,
        "prompt": asked.prompt if request.prompt is None else request.prompt,
        "negative_prompt": asked.negative_prompt
        if request.negative_prompt is None
        else request.negative_prompt,
        "count": request.count,
        "seed": request.seed,
        # they are words of the engine that the candidate was asked of
        "parameters": asked.parameters if same else {},
        "guides": guides if same else [guide for guide in guides if guide.kind == "toward"],
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


async def _laid(desk: Desk, asked: Fill | Expand, info: CandidateInfo) -> Overlaid:
    """A candidate painted on the picture that was sent with a request."""
    offer = await desk.read(desk.memory.store.candidate, info.candidate)
    return await desk.clerk.overlay(asked.picture, asked.region, offer.pixels, info.placement)


async def _other(
    desk: Desk, caller: Caller, candidate: str, asked: Fill | Expand, region: Placement
) -> Pixels:
    """Another candidate, painted at the same place.

    Raises:
        NotFound: there is none of that name, or its pixels are gone.
        BadRequest: it is one of another project or document, or lies elsewhere.
    """
    await desk.read(desk.memory.conversation.check_own, candidate, desk.sitting(caller))
    info = await desk.read(desk.memory.store.candidate_info, candidate)
    laid = await _laid(desk, asked, info)
    if (await desk.scheduler.job(info.job)).document != asked.document or laid.region != region:
        raise BadRequest(
            f"The candidate {candidate[:80]!r} does not lie at the same place.",
            "Choose two that were made for the same area.",
        )
    return laid.picture


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
        live="",
    )
    return await _lean(desk, caller, request.candidate, again, "less")


async def _origin(desk: Desk, caller: Caller, request: More | Less) -> tuple[CandidateInfo, Fill | Expand]:
    """A candidate of the caller's project and the request that it comes from, as it was steered for it.

    With its pixels and engine.
    """
    check_more(request)
    await desk.read(desk.memory.conversation.check_own, request.candidate, desk.sitting(caller))
    info = await desk.read(desk.memory.store.candidate_info, request.candidate)
    asked = await desk.read(desk.memory.store.request, info.job)
    job = await desk.scheduler.job(info.job)
    steering = steering_of(info.recipe, len(asked.guides), job.steering)
    asked = replace(steered(asked, steering), engine=job.engine)
    if steering is not None and steering.guidance is not None:
        engines = {engine.name: engine for engine in await desk.fleet.engines()}
        settings = engines[job.engine].settings if job.engine in engines else []
        if any(setting.name == "guidance" for setting in settings):
            asked = replace(asked, parameters={**asked.parameters, "guidance": steering.guidance})
    return info, asked


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
