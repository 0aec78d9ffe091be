# SPDX-License-Identifier: GPL-3.0-or-later
"""From settings and pixels to a request."""

from __future__ import annotations

from typing import Any, Optional, Union

from bridge_server.protocol.messages import Expand, Fill, Refine, Vary
from bridge_server.protocol.records import Context, EngineInfo, Guide, GuideInfo, Placement
from bridge_server.protocol.regions import expand_region, region_for

from .model import Job, Look, Raw, Settings
from .pixels import full_coverage, to_wire

__all__ = ["GUIDES", "guide_for", "guides_of", "region_of", "request_for"]

_REQUESTS: dict[str, type[Fill]] = {"fill": Fill, "vary": Vary, "refine": Refine}

#: The kinds of guide that a layer can be.
GUIDES: tuple[str, ...] = ("scribble", "lineart", "canny", "depth", "style")


def guides_of(engine: Optional[EngineInfo]) -> list[str]:
    """The kinds that an engine heeds."""
    return [kind for kind in GUIDES if engine is not None and kind in engine.guides]


def guide_for(verb: str, settings: Settings, engine: Optional[EngineInfo]) -> Optional[GuideInfo]:
    """The guide that is chosen, if the engine heeds it and it goes with the verb.

    Of an expand the layer covers the old canvas alone, so that only a style can be read from it.
    """
    kind = settings.guide
    if kind not in guides_of(engine) or (verb == "expand" and kind != "style"):
        return None
    return GuideInfo(kind, settings.guide_weight)


def request_for(
    job: Job,
    settings: Settings,
    region: Placement,
    raw: Raw,
    coverage: Optional[Raw],
    layer: Optional[Raw] = None,
) -> Union[Fill, Expand]:
    """The request of a job. Converts pixels: not for a UI thread.

    Args:
        job: with what it is made.
        settings: seed and sides.
        region: where the pixels lie.
        raw: what the engine sees.
        coverage: of the selection; None: everything.
        layer: the picture of the job's guide, if it has one.
    """
    picture = to_wire(raw)
    common: dict[str, Any] = {
        "engine": job.engine,
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "count": job.count,
        "seed": settings.seed,
        "strength": job.strength,
        "drafted": settings.drafted,
        "parameters": job.parameters,
        "job": job.id,
        "document": job.document,
    }
    if layer is not None:
        shape = picture if layer is raw else to_wire(layer)
        common["guides"] = [Guide(guide.kind, shape, guide.weight) for guide in job.guides]
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
