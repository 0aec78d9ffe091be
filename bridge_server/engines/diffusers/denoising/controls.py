# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""Guides' pictures as ControlNets and style adapters want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from ....models.card import Card
from ...base import GuidePicture
from ..plan import Pass
from .work import Work, guide_colours

__all__ = ["control_picture", "nets_for", "style_picture"]

#: Canny's thresholds, those with which the usual ControlNets were trained.
_CANNY = (100, 200)


def nets_for(guides: Sequence[GuidePicture], controls: Mapping[str, Card]) -> list[Card]:
    """The ControlNets of the guides that have one, in their order; ``controls`` are all, by kind."""
    return [controls[guide.kind] for guide in guides if guide.kind in controls]


def control_picture(work: Work, place: int, size: Pass) -> torch.Tensor:
    """(1, 3, h, w) from 0 to 1: the guide at that place as its ControlNet wants it.

    Drawn lines are light on dark, so a dark drawing on light ground is turned; edges are found here.
    """
    kind = work.brief.guides[place].kind
    picture = work.guide(work.brief.guides[place], size)
    if kind in ("scribble", "lineart") and picture.mean() > 0.5:
        return 1 - picture
    if kind != "canny":
        return picture
    grey = (picture[0].mean(0) * 255).round().byte().numpy()
    edges = cv2.Canny(grey, *_CANNY).astype(np.float32) / 255
    return torch.from_numpy(edges).expand(1, 3, -1, -1).clone()


def style_picture(guide: GuidePicture) -> Any:
    """A guide as a PIL picture."""
    return Image.fromarray(np.rint(guide_colours(guide) * 255).clip(0, 255).astype(np.uint8))
