# SPDX-License-Identifier: Apache-2.0
"""The engine itself: what it is asked, cut into islands, made, and put together as a patch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...canvas.colour import Tone, restore, visible, working
from ...canvas.masks import Box, bounds, islands
from ...canvas.patches import assemble
from ...canvas.pyramid import pull_push
from ...protocol.errors import BadRequest, Unsupported
from ...protocol.records import Context, EngineInfo, Placement
from ...protocol.regions import region_for
from ..base import Brief, Made, Report
from .library import VERSION
from .make import retexture_canvas, synthesise_canvas
from .plan import Canvas, prepare

__all__ = ["PatchMatchEngine"]

CONTEXT = Context(ratio=0.5, min_margin=64, min_side=256)
VERBS = ("fill", "vary", "refine")
RADII = range(2, 10)

#: Parts of a selection further apart than this many pixels are made on their own.
ISLAND_GAP = 64

#: Refine keeps the composition itself below this strength; above, the broad colours only guide a fill.
RETEXTURE_BELOW = 0.8

#: Refine fades in from the present picture below this strength.
FADE_BELOW = 0.2

#: Longest side of the draft, in pixels.
DRAFT_SIDE = 128


class PatchMatchEngine:
    """Copies and blends patches of the picture itself. Needs nothing but a processor.

    ``brief.parameters`` may hold ``patch_radius``, 2 to 9 (3): larger patches follow larger structures and
    take longer.
    """

    @property
    def info(self) -> EngineInfo:
        """What this engine can do."""
        return EngineInfo(
            name="patchmatch",
            version=VERSION,
            title="PatchMatch",
            verbs=["fill", "expand", "vary", "refine"],
            reads_prompt=False,
            steers=[],
            context=CONTEXT,
            description="Fills from the picture itself. No GPU, no download; it does not read prompts.",
            batches=False,
            cancel_grace=0.05,
        )

    def generate(self, brief: Brief, report: Report) -> Iterator[Made]:
        """Make one candidate for each seed; see :class:`bridge_server.engines.base.Engine`.

        Raises:
            BadRequest: nothing is selected, or a parameter is unknown or out of its range.
            Unsupported: the verb is none of this engine's.
            EngineFailed: nothing visible to copy from.
        """
        radius = _checked(brief)
        box = bounds(brief.mask)
        if box is None:
            raise BadRequest("Nothing is selected: the mask is empty.", "Mark an area first.")
        shown = visible(brief.picture)
        tone = Tone.of(brief.picture, shown, linear=brief.colorspace == "linear")
        parts = islands(brief.mask, ISLAND_GAP)
        for index, seed in enumerate(brief.seeds):
            report.check()
            _send_draft(brief, box, shown, tone, index, report)
            colours = np.zeros((box.height, box.width, 3), brief.picture.dtype)
            for number, island in enumerate(parts):
                report.progress(index, number / len(parts))
                part = _island(brief, island, shown, tone, radius, seed, index, report)
                colours[island.within(box).slices] = part
            report.check()
            report.progress(index, 1.0)
            patch = assemble(colours, brief.mask[box.slices])
            recipe = {"patch_radius": radius, "islands": len(parts)}
            yield Made(index, box.x0, box.y0, patch, recipe)


def _checked(brief: Brief) -> int:
    """The patch radius; see :meth:`PatchMatchEngine.generate` for what it raises."""
    if brief.verb not in VERBS:
        raise Unsupported(f"The engine patchmatch cannot {brief.verb}.", "Choose another engine.")
    unknown = sorted(set(brief.parameters) - {"patch_radius"})
    if unknown:
        raise BadRequest(
            f"parameters.{unknown[0]} is not known to the engine patchmatch.",
            "It takes patch_radius, 2 to 9.",
        )
    radius = brief.parameters.get("patch_radius", 3)
    if not isinstance(radius, int) or isinstance(radius, bool) or radius not in RADII:
        raise BadRequest(f"parameters.patch_radius is {radius!r}.", "Use a whole number from 2 to 9.")
    for name, value in (("amount", brief.amount), ("strength", brief.strength)):
        if not 0 <= value <= 1:
            raise BadRequest(f"{name} is {value!r}.", "Use a number from 0 to 1.")
    return radius


def _context(box: Box, mask: NDArray[np.uint8]) -> Box:
    place = Placement(box.x0, box.y0, box.width, box.height)
    region = region_for(place, mask.shape[1], mask.shape[0], CONTEXT)
    return Box(region.x, region.y, region.x + region.width, region.y + region.height)


def _send_draft(
    brief: Brief, box: Box, shown: NDArray[np.bool_], tone: Tone, index: int, report: Report
) -> None:
    """Show the selection filled smoothly from its surroundings, sampled on a coarse grid."""
    crop = _context(box, brief.mask)
    shrink = min(1.0, DRAFT_SIDE / max(crop.width, crop.height))
    rows = _sampled(crop.y0, crop.height, shrink)
    columns = _sampled(crop.x0, crop.width, shrink)
    grid = np.ix_(rows, columns)
    mask = brief.mask[grid]
    seen = shown[grid]
    present = working(brief.picture[grid], tone).astype(np.float32)
    draft = pull_push(present, (seen & (mask == 0)).astype(np.float32))
    if brief.verb != "fill":
        keep = 1 - (brief.amount if brief.verb == "vary" else brief.strength)
        weight = np.float32(keep) * seen[..., None].astype(np.float32)
        draft = present * weight + draft * (1 - weight)
    pixels = np.dstack([np.rint(draft).astype(np.uint8), mask])
    report.preview(index, crop.x0, crop.y0, crop.width, crop.height, pixels)


def _sampled(start: int, size: int, shrink: float) -> NDArray[np.intp]:
    count = max(1, round(size * shrink))
    return start + ((np.arange(count) + 0.5) * (size / count)).astype(np.intp)


def _island(
    brief: Brief, island: Box, shown: NDArray[np.bool_], tone: Tone, radius: int, seed: int,
    index: int, report: Report,
) -> NDArray[Any]:  # fmt: skip
    """The new colours of an island's bounds, in the picture's dtype."""
    if brief.verb == "refine" and brief.strength <= 0:
        return _present(brief, island)
    crop = _context(island, brief.mask)
    rng = np.random.default_rng([seed, 0])
    canvas = prepare(brief, crop, island, shown, tone, rng)
    inner = island.within(crop)

    def halfway(small: NDArray[np.uint8]) -> None:
        own = small[:, : -(-small.shape[1] * canvas.own_width // canvas.rgb.shape[1])]
        alpha = np.full((*own.shape[:2], 1), 255, np.uint8)
        report.preview(index, crop.x0, crop.y0, crop.width, crop.height, np.dstack([own, alpha]))

    report.check()
    made = None
    if brief.verb == "refine" and brief.strength < RETEXTURE_BELOW:
        made = retexture_canvas(canvas, inner, strength=brief.strength, seed=seed, report=report)
    if made is None:
        made = synthesise_canvas(canvas, inner, radius=radius, seed=seed, report=report, halfway=halfway)
    if brief.verb == "refine":
        made = _refined(canvas, inner, made, brief.strength)
    result = restore(made, tone, brief.picture.dtype)
    if brief.verb == "vary":
        # what a variation leaves alone keeps its exact values
        kept = ~canvas.hole[inner.slices]
        np.copyto(result, _present(brief, island), where=kept[..., None])
    return result


def _present(brief: Brief, island: Box) -> NDArray[Any]:
    """What the island holds now, as (h, w, 3)."""
    view = brief.picture[island.slices]
    colours = view[..., :3] if view.shape[2] >= 3 else view[..., :1]
    return np.array(np.broadcast_to(colours, (*colours.shape[:2], 3)))


def _refined(canvas: Canvas, inner: Box, made: NDArray[Any], strength: float) -> NDArray[Any]:
    """Fade in from the present at low strengths, so that the smallest strength changes least."""
    if strength >= FADE_BELOW:
        return made
    source = canvas.rgb if canvas.deep is None else canvas.deep
    present = source[inner.slices].astype(np.float32)
    mixed = present + (made - present) * np.float32(strength / FADE_BELOW)
    return np.rint(mixed).astype(np.uint8) if canvas.deep is None else mixed
