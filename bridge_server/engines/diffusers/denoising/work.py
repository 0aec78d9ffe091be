# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""A brief made ready for a model, and what the model made of it made ready for the artist."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from numpy.typing import NDArray

from ....canvas.blend import meet
from ....canvas.colour import Tone, exact, restore, visible
from ....canvas.masks import Box, dilate
from ....canvas.patches import assemble
from ....canvas.pyramid import pull_push
from ...base import Brief, GuidePicture, Made, present, selection_of
from ..plan import Pass, passes_for, strength_of
from .latents import resized

__all__ = ["Work", "as_tensor", "guide_colours"]

#: How far from the selection the colours count to which a candidate is matched, in pixels.
_RING = 24

#: Within how many pixels of the selection's border contents that do not meet are evened out.
_BAND = 10


@dataclass(frozen=True)
class Work:
    """One brief, with what all its candidates share.

    Attributes:
        brief: as it was asked.
        settings: the model's own parameters, complete.
        box: the selection's bounds in the region.
        colours: (H, W, 3) float32, 0 to 255 in sRGB: the region as it is.
        strength: of the first pass, as it was asked.
        blank: whether nothing can be seen where it is selected, so that there is nothing to keep.
        axes: along which the picture runs on beyond its borders.
    """

    brief: Brief
    settings: Mapping[str, Any]
    box: Box
    shown: NDArray[np.bool_]
    tone: Tone
    colours: NDArray[np.float32]
    strength: float
    blank: bool
    axes: str = ""

    @staticmethod
    def of(brief: Brief, settings: Mapping[str, Any]) -> Work:
        """A brief made ready.

        Raises:
            BadRequest: nothing is selected, or ``strength`` or ``amount`` is out of its range.
        """
        box = selection_of(brief)
        shown = visible(brief.picture)
        tone = Tone.of(brief.picture, shown, linear=brief.colorspace == "linear")
        selected = brief.mask > 0
        toward = any(guide.kind == "toward" for guide in brief.guides)
        strength = strength_of(brief.verb, brief.strength, brief.amount, toward=toward)
        blank = not shown[selected].any()
        axes = settings.get("tile") or ""
        colours = exact(brief.picture, tone)
        return Work(brief, settings, box, shown, tone, colours, strength, blank, axes)

    def base(self, strength: float) -> NDArray[np.float32]:
        """(H, W, 3), 0 to 255: what a run of that strength begins with.

        Where nothing can be seen, and of a fill that keeps nothing all that is selected, the surroundings run
        on smoothly: models take over some of what they begin with even at full strength.
        """
        known = self.shown
        if self.brief.verb == "fill" and strength >= 1:
            known = known & (self.brief.mask == 0)
        if known.all():
            return self.colours
        if not known.any():
            return np.full_like(self.colours, 127.5)
        around = pull_push(self.colours, known.astype(np.float32))
        return np.where(known[..., None], self.colours, around)

    def passes(self, side: int, multiple: int, strength: float) -> tuple[Pass, ...]:
        """The runs that make it."""
        height, width = self.brief.mask.shape
        return passes_for(width, height, side, multiple, strength)

    def picture(self, size: Pass) -> torch.Tensor:
        """(1, 3, h, w) from 0 to 1 at the size of a pass."""
        colours = as_tensor(self.base(size.strength) / 255)
        return self._fit(colours, size.width, size.height).clamp(0, 1)

    def coverage(self, size: Pass, factor: int) -> torch.Tensor:
        """(1, 1, h, w) from 0 to 1 at the size of a pass's latents: the most of what each latent covers."""
        mask = torch.from_numpy(self.brief.mask.astype(np.float32) / 255)[None, None]
        return F.adaptive_max_pool2d(
            self._enlarged(mask, size), (size.height // factor, size.width // factor)
        )

    def _enlarged(self, mask: torch.Tensor, size: Pass) -> torch.Tensor:
        """At least as large as the pass, so that pooling it down invents nothing."""
        height, width = max(size.height, mask.shape[2]), max(size.width, mask.shape[3])
        return F.interpolate(mask, size=(height, width)) if mask.shape[2:] != (height, width) else mask

    def hole(self, size: Pass) -> torch.Tensor:
        """(1, 1, h, w), 1 where anything is selected, at the size of a pass: for inpainting models."""
        mask = torch.from_numpy((self.brief.mask > 0).astype(np.float32))[None, None]
        return F.adaptive_max_pool2d(self._enlarged(mask, size), (size.height, size.width))

    def guide(self, guide: GuidePicture, size: Pass) -> torch.Tensor:
        """(1, 3, h, w) from 0 to 1: a guide's picture stretched over the pass."""
        return resized(as_tensor(guide_colours(guide)), size.width, size.height).clamp(0, 1)

    def preview(self, picture: torch.Tensor) -> tuple[Box, NDArray[np.uint8]]:
        """A small (3, h, w) picture of the region, 0 to 1, as a box of it and its (h, w, 4) pixels."""
        height, width = self.brief.mask.shape
        rows, columns = picture.shape[1], picture.shape[2]
        y0, y1 = self.box.y0 * rows // height, -(-self.box.y1 * rows // height)
        x0, x1 = self.box.x0 * columns // width, -(-self.box.x1 * columns // width)
        box = Box(
            x0 * width // columns, y0 * height // rows, -(-x1 * width // columns), -(-y1 * height // rows)
        )  # fmt: skip
        cut = (picture[:, y0:y1, x0:x1] * 255).round().byte().permute(1, 2, 0).numpy()
        down = ((np.arange(y0, y1) + 0.5) * height / rows).astype(np.intp).clip(0, height - 1)
        across = ((np.arange(x0, x1) + 0.5) * width / columns).astype(np.intp).clip(0, width - 1)
        return box, np.dstack([cut, self.brief.mask[np.ix_(down, across)]])

    def merged(self, picture: torch.Tensor, size: Pass, factor: int) -> torch.Tensor:
        """A finished pass as what the next one begins with: (1, 3, h, w) from 0 to 1.

        Around it are the true surroundings, not what the small picture made of them.
        """
        return self._fit(as_tensor(self._blended(picture, factor) / 255), size.width, size.height).clamp(0, 1)

    def _blended(self, picture: torch.Tensor, factor: int) -> NDArray[np.float32]:
        """A finished picture laid into the region, (H, W, 3) from 0 to 255, colours matched."""
        height, width = self.brief.mask.shape
        colours = (self._fit(picture, width, height).clamp(0, 1) * 255)[0].permute(1, 2, 0).numpy()
        selected = self.brief.mask > 0
        # latents that are selected in part were made anew as a whole
        reach = math.ceil(factor * max(height / picture.shape[2], width / picture.shape[3]))
        repainted = dilate(selected, reach)
        held = dilate(selected, reach + _RING) & ~repainted & self.shown
        return np.clip(meet(self.base(0), colours, selected, held, _BAND), 0, 255)

    def made(
        self, index: int, picture: torch.Tensor | None, recipe: Mapping[str, Any], *, factor: int = 8
    ) -> Made:
        """A finished picture as a candidate.

        Args:
            index: of the candidate.
            picture: (1, 3, h, w), 0 to 1, of the whole region; None for what there is now.
            recipe: for the record.
            factor: pixels of the picture for each latent, along a side.
        """
        brief, box = self.brief, self.box
        if picture is None:
            return Made(index, box.x0, box.y0, self._unchanged(), recipe)
        blended = self._blended(picture, factor)
        pixels = restore(blended[box.slices], self.tone, brief.picture.dtype)
        return Made(index, box.x0, box.y0, assemble(pixels, brief.mask[box.slices]), recipe)

    def _unchanged(self) -> NDArray[Any]:
        """The selection as it is; what can't be seen stays unseen."""
        view = self.brief.picture[self.box.slices]
        coverage = self.brief.mask[self.box.slices]
        if view.shape[2] == 4:
            coverage = np.where(view[..., 3] > 0, coverage, np.uint8(0))
        return assemble(present(self.brief, self.box), coverage)

    def _fit(self, picture: torch.Tensor, width: int, height: int) -> torch.Tensor:
        """Another size; what runs on beyond its borders goes on doing so."""
        if not self.axes or picture.shape[-2:] == (height, width):
            return resized(picture, width, height)
        across, down = (3 if axis in self.axes else 1 for axis in "xy")
        wide = resized(picture.repeat(1, 1, down, across), width * across, height * down)
        top, left = height * (down // 2), width * (across // 2)
        return wide[:, :, top : top + height, left : left + width]


def as_tensor(picture: NDArray[Any]) -> torch.Tensor:
    """(H, W, 3) as (1, 3, H, W) floats."""
    return torch.from_numpy(np.ascontiguousarray(picture, np.float32)).permute(2, 0, 1)[None]


def guide_colours(guide: GuidePicture) -> NDArray[np.float32]:
    """(H, W, 3) from 0 to 1 in sRGB, on white where it is transparent."""
    everywhere = np.ones(guide.picture.shape[:2], np.bool_)
    tone = Tone.of(guide.picture, everywhere, linear=guide.colorspace == "linear")
    colours = exact(guide.picture, tone) / np.float32(255)
    if guide.picture.shape[2] < 4:
        return colours
    white = np.iinfo(guide.picture.dtype).max if np.issubdtype(guide.picture.dtype, np.integer) else 1
    alpha = (guide.picture[..., 3:].astype(np.float32) / white).clip(0, 1)
    return colours * alpha + 1 - alpha
