# SPDX-License-Identifier: GPL-3.0-or-later
"""From settings and pixels to a request."""

from __future__ import annotations

from typing import Any, Optional, Union

from bridge_server.protocol.messages import Expand, Fill, Refine, Vary
from bridge_server.protocol.records import Context, Placement
from bridge_server.protocol.regions import expand_region, region_for

from .model import Job, Look, Raw, Settings
from .pixels import full_coverage, to_wire

__all__ = ["changes", "region_of", "request_for"]

_REQUESTS: dict[str, type[Fill]] = {"fill": Fill, "vary": Vary, "refine": Refine}


def changes(job: Job, settings: Settings, heeded: list[str]) -> dict[str, Any]:
    """The settings that matter and are others now than when a job was asked for.

    Args:
        heeded: the settings that change what the job's engine makes for its verb.
    """
    names = {
        "prompt",
        "negative_prompt",
        "strength" if job.verb == "refine" else "",
        "amount" if job.verb == "vary" else "",
    }
    return {
        name: getattr(settings, name)
        for name in sorted(names - {""})
        if name in heeded and getattr(settings, name) != getattr(job, name)
    }


def request_for(
    job: Job, settings: Settings, region: Placement, raw: Raw, coverage: Optional[Raw]
) -> Union[Fill, Expand]:
    """The request of a job. Converts pixels: not for a UI thread."""
    picture = to_wire(raw)
    common: dict[str, Any] = {
        "engine": job.engine,
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "count": job.count,
        "seed": settings.seed,
        "strength": job.strength,
        "drafted": settings.drafted,
        "job": job.id,
        "document": job.document,
    }
    if job.verb == "expand":
        s = settings.sides
        grow = {"left": s.left, "right": s.right, "top": s.top, "bottom": s.bottom}
        return Expand(picture, region, **grow, **common)
    if job.verb == "vary":
        common["amount"] = job.amount
    mask = to_wire(coverage) if coverage is not None else full_coverage(region.width, region.height)
    return _REQUESTS[job.verb](picture, mask, region, **common)


def region_of(verb: str, look: Look, settings: Settings, context: Context) -> Placement:
    """The part of the canvas to send; without a selection it is about the whole canvas."""
    if verb == "expand":
        s = settings.sides
        return expand_region(
            look.width, look.height, context, left=s.left, right=s.right, top=s.top, bottom=s.bottom
        )
    selection = look.selection or Placement(0, 0, look.width, look.height)
    return region_for(selection, look.width, look.height, context)
