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
from ...canvas.pyramid import pull_push, shrink_known
from ...canvas.regions import context_box
from ...protocol.errors import BadRequest, EngineFailed
from ...protocol.messages import Context, EngineInfo
from ..base import Brief, Made, Report
from .library import VERSION, synthesise

__all__ = ["PatchMatchEngine"]

CONTEXT = Context(ratio=0.5, min_margin=64, min_side=256)


class PatchMatchEngine:
    """Copies and blends patches of the picture itself. Needs nothing but a processor."""

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
        """Make one candidate for each seed; see :class:`bridge_server.engines.base.Engine`."""
        box = bounds(brief.mask)
        if box is None:
            raise BadRequest("Nothing is selected.", "Mark an area first.")
        radius = brief.parameters.get("patch_radius", 5)
        shown = visible(brief.picture)
        tone = Tone.of(brief.picture, shown, linear=brief.colorspace == "linear")
        for index, seed in enumerate(brief.seeds):
            colours = np.zeros((box.height, box.width, 3), brief.picture.dtype)
            for island in islands(brief.mask, 64):
                report.check()
                self._island(brief, island, box, shown, tone, seed, radius, index, report, colours)
            report.progress(index, 1.0)
            patch = assemble(colours, brief.mask[box.slices])
            yield Made(index, box.x0, box.y0, patch, {"patch_radius": radius})

    def _island(
        self, brief: Brief, island: Box, box: Box, shown: NDArray[np.bool_], tone: Tone, seed: int,
        radius: int, index: int, report: Report, colours: NDArray[Any],
    ) -> None:  # fmt: skip
        height, width = brief.mask.shape
        crop = context_box(
            island,
            width,
            height,
            ratio=CONTEXT.ratio,
            min_margin=CONTEXT.min_margin,
            min_side=CONTEXT.min_side,
        )
        view = brief.picture[crop.slices]
        rgb = working(view, tone)
        hole = brief.mask[crop.slices] > 0
        seen = shown[crop.slices]
        excluded = ~seen & ~hole
        if not (seen & ~hole).any():
            raise EngineFailed("There is nothing visible around the selection to copy from.", "")
        values, known = shrink_known(rgb.astype(np.float32), (seen & ~hole).astype(np.float32), 2)
        draft = pull_push(values, known)
        small = np.concatenate([draft, np.full((*draft.shape[:2], 1), 255, np.float32)], axis=2)
        report.preview(index, crop.x0, crop.y0, crop.width, crop.height, small.astype(np.uint8))
        result = synthesise(rgb, hole, excluded if excluded.any() else None, radius=radius, seed=seed)
        inside = island.within(crop)
        local = island.within(box)
        colours[local.slices] = restore(result[inside.slices], tone, colours.dtype)
