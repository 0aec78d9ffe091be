# SPDX-License-Identifier: Apache-2.0
"""The engine itself: what it is asked, cut into islands, made, and put together as a patch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...canvas.colour import Tone, restore, visible, working
from ...canvas.masks import Box
from ...canvas.patches import assemble
from ...canvas.pyramid import pull_push
from ...protocol.errors import BadRequest, Unsupported
from ...protocol.records import EngineInfo
from ..base import Brief, Made, Report, present, selection_of
from .drafts import draft_halvings
from .library import VERSION
from .make import synthesise_canvas, way_of
from .parts import CONTEXT, Earlier, Part, context_of, parts_of
from .plan import prepare
from .refine import refine_canvas

__all__ = ["PatchMatchEngine"]

VERBS = ("fill", "vary", "refine")

#: Those of them that can be drafted; a refined picture differs from its neighbours by too little to choose.
DRAFTED = ("fill", "vary")

RADII = range(2, 10)

#: Which version of this code made a picture; raised whenever the same request gives other pixels.
ALGORITHM = 2

#: Longest side of the draft, in pixels.
DRAFT_SIDE = 128


class PatchMatchEngine:
    """Copies and blends patches of the picture itself. Needs nothing but a processor.

    ``brief.parameters`` may hold ``patch_radius``, 2 to 9 (3): larger patches follow larger structures and
    take longer. The version is that of this package's algorithm and, after the plus, that of the library: the
    same version, request and seed give the same pixels.
    """

    @property
    def info(self) -> EngineInfo:
        """What this engine can do."""
        return EngineInfo(
            name="patchmatch",
            version=f"{ALGORITHM}+pypatchmatch-{VERSION}",
            title="PatchMatch",
            verbs={"fill": [], "expand": [], "vary": ["amount"], "refine": ["strength"]},
            steers=[],
            context=CONTEXT,
            description="Fills from the picture itself. No GPU, no download; it does not read prompts.",
            batches=False,
            cancel_grace=0.05,
            drafts=["fill", "expand", "vary"],
        )

    def generate(self, brief: Brief, report: Report) -> Iterator[Made]:
        """Make one candidate for each seed; see :class:`bridge_server.engines.base.Engine`.

        Raises:
            BadRequest: nothing is selected, or a parameter is unknown or out of its range.
            Unsupported: the verb is none of this engine's, or can't be drafted.
            EngineFailed: nothing visible to copy from.
        """
        radius = _checked(brief)
        box = selection_of(brief)
        shown = visible(brief.picture)
        tone = Tone.of(brief.picture, shown, linear=brief.colorspace == "linear")
        job = _Job(brief, box, shown, tone, radius, parts_of(brief.mask, shown, brief.verb))
        for index, seed in enumerate(brief.seeds):
            report.check()
            if brief.stage != "draft":
                _send_draft(brief, box, shown, tone, index, report)
            report.progress(index, 0.0)
            colours, recipe = _candidate(job, seed, index, report)
            report.check()
            report.progress(index, 1.0)
            yield Made(index, box.x0, box.y0, assemble(colours, brief.mask[box.slices]), recipe)


@dataclass(frozen=True)
class _Job:
    """A brief and what all its candidates share."""

    brief: Brief
    box: Box
    shown: NDArray[np.bool_]
    tone: Tone
    radius: int
    parts: list[Part]


class _Steps:
    """Passes the steps of one part on to the report, as a share of the whole candidate."""

    def __init__(self, job: _Job, part: Part, index: int, start: float, share: float, report: Report) -> None:
        self._job, self._part, self._index = job, part, index
        self._start, self._share, self._report = start, share, report
        self._last = start

    def tick(self, done: float) -> None:
        """See :class:`.make.Steps`."""
        self._report.check()
        value = self._start + self._share * done
        if value > self._last:
            self._last = value
            self._report.progress(self._index, value)

    def halfway(self, small: NDArray[np.uint8], times: int) -> None:
        """See :class:`.make.Steps`; shows what lies around the part, where it is selected."""
        if self._job.brief.stage == "draft":
            return
        crop, step = self._part.crop, 2**times
        target = self._part.target.within(crop)
        rows = slice(target.y0 // step, -(-target.y1 // step))
        columns = slice(target.x0 // step, -(-target.x1 // step))
        box = Box(
            crop.x0 + columns.start * step, crop.y0 + rows.start * step,
            min(crop.x0 + columns.stop * step, crop.x1), min(crop.y0 + rows.stop * step, crop.y1),
        )  # fmt: skip
        grid = np.ix_(*_grid(box, small[rows, columns].shape[0], small[rows, columns].shape[1]))
        pixels = np.dstack([small[rows, columns], self._job.brief.mask[grid]])
        self._report.preview(self._index, box.x0, box.y0, box.width, box.height, pixels)


def _candidate(job: _Job, seed: int, index: int, report: Report) -> tuple[NDArray[Any], dict[str, Any]]:
    """The colours of the selection's bounds in the picture's dtype, and the recipe."""
    colours = np.zeros((job.box.height, job.box.width, 3), job.brief.picture.dtype)
    whole = sum(part.target.area for part in job.parts)
    earlier = Earlier(*job.brief.mask.shape) if any(part.chained for part in job.parts) else None
    ways: Counter[tuple[tuple[str, Any], ...]] = Counter()
    done = 0
    for number, part in enumerate(job.parts):
        steps = _Steps(job, part, index, done / whole, part.target.area / whole, report)
        # parts that see each other must not search alike
        own_seed = seed + number if part.chained else seed
        made, way = _part(job, part, own_seed, steps, earlier)
        colours[part.target.within(job.box).slices] = made
        ways[tuple(way.items())] += 1
        done += part.target.area
    recipe = {
        "algorithm": ALGORITHM,
        "patch_radius": job.radius,
        "parts": len(job.parts),
        "ways": [{**dict(way), "parts": count} for way, count in ways.items()],
    }
    if job.brief.stage != "full":
        recipe["drafted"] = True
    return colours, recipe


def _checked(brief: Brief) -> int:
    """The patch radius; see :meth:`PatchMatchEngine.generate` for what it raises."""
    if brief.verb not in VERBS:
        raise Unsupported(f"The engine patchmatch cannot {brief.verb}.", "Choose another engine.")
    if brief.stage != "full" and brief.verb not in DRAFTED:
        raise Unsupported(f"The engine patchmatch cannot draft a {brief.verb}.", "Ask without drafts.")
    unknown = sorted(set(brief.parameters) - {"patch_radius"})
    if unknown:
        raise BadRequest(
            f"parameters.{unknown[0]} is not known to the engine patchmatch.",
            "It takes patch_radius, 2 to 9.",
        )
    radius = brief.parameters.get("patch_radius", 3)
    if not isinstance(radius, int) or isinstance(radius, bool) or radius not in RADII:
        raise BadRequest(f"parameters.patch_radius is {radius!r}.", "Use a whole number from 2 to 9.")
    return radius


def _send_draft(
    brief: Brief, box: Box, shown: NDArray[np.bool_], tone: Tone, index: int, report: Report
) -> None:
    """Show the selection filled smoothly from its surroundings, sampled on a coarse grid."""
    crop = context_of(box, brief.mask)
    shrink = min(1.0, DRAFT_SIDE / max(crop.width, crop.height))
    sizes = (max(1, round(size * shrink)) for size in (crop.height, crop.width))
    grid = np.ix_(*_grid(crop, *sizes))
    mask = brief.mask[grid]
    seen = shown[grid]
    present = working(brief.picture[grid], tone).astype(np.float32)
    around = (seen & (mask == 0)).astype(np.float32)
    # where all is selected there is no surface to go by
    draft = pull_push(present, around) if around.any() else present
    if brief.verb != "fill":
        keep = 1 - (brief.amount if brief.verb == "vary" else brief.strength)
        weight = np.float32(keep) * seen[..., None].astype(np.float32)
        draft = present * weight + draft * (1 - weight)
    pixels = np.dstack([np.rint(draft).astype(np.uint8), mask])
    report.preview(index, crop.x0, crop.y0, crop.width, crop.height, pixels)


def _grid(box: Box, height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows and columns that stand for a box on a grid of that size."""
    rows = box.y0 + ((np.arange(height) + 0.5) * (box.height / height)).astype(np.intp)
    columns = box.x0 + ((np.arange(width) + 0.5) * (box.width / width)).astype(np.intp)
    return rows, columns


def _part(
    job: _Job, part: Part, seed: int, steps: _Steps, earlier: Earlier | None
) -> tuple[NDArray[Any], dict[str, Any]]:
    """The new colours of a part's target, in the picture's dtype, and the way they were made."""
    brief, target = job.brief, part.target
    unchanged = brief.verb == "refine" and brief.strength <= 0
    if unchanged and job.shown[target.slices][brief.mask[target.slices] > 0].all():
        return present(brief, target), {"way": "none"}
    steps.tick(0.0)
    canvas = prepare(brief, part.crop, target, job.shown, job.tone, np.random.default_rng([seed, 0]))
    if earlier is not None and part.chained:
        canvas = replace(earlier.onto(canvas, part.crop), side=part.side)
    inner = target.within(part.crop)
    hole = canvas.hole[inner.slices]
    if brief.verb == "refine" and not unchanged:
        pixels, way = refine_canvas(canvas, inner, job.radius, brief.strength, seed, steps)
    else:
        least = draft_halvings(canvas) if brief.stage != "full" else 0
        result = synthesise_canvas(canvas, inner, radius=job.radius, seed=seed, steps=steps, least=least)
        pixels, way = result.pixels, way_of(result)
    if earlier is not None and part.chained:
        earlier.add(target, pixels, hole)
    colours = restore(pixels, job.tone, brief.picture.dtype)
    if brief.verb == "vary" or unchanged:
        # what is left alone keeps its exact values
        np.copyto(colours, present(brief, target), where=~hole[..., None])
    return colours, {**way, "mirrored": canvas.mirrored, "side": canvas.side}
