# SPDX-License-Identifier: Apache-2.0
"""Families of models: how they are told from their configuration, and what each is used to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..protocol.errors import BadRequest, Unsupported
from .extra import INSTALL

__all__ = ["Habits", "check_family", "family_of", "family_of_width", "habits_of"]

#: Stem of the pipeline's class -> family. These all have an inpainting pipeline in diffusers.
_KNOWN = {
    "StableDiffusion": "sd15",
    "LatentConsistencyModel": "sd15",
    "StableDiffusionXL": "sdxl",
    "StableDiffusion3": "sd3",
    "Flux": "flux",
    "FluxFill": "flux",
    "QwenImage": "QwenImage",
    "ZImage": "ZImage",
}
_TASK = re.compile(r"(?:ControlNet)?(?:Img2Img|Inpaint|Inpainting)?Pipeline$")
_MOVING = re.compile(r"video|audio|music|speech|animate|wan|ltx|mochi|allegro|sana.?video", re.IGNORECASE)

_WIDTHS = {768: "sd15", 1024: "sd2", 2048: "sdxl"}

#: Some of these words are parts of others: "hyperreal" is not quick.
_QUICK = re.compile(r"turbo|lightning|schnell|(?<![a-z])(?:hyper|flash|dmd\d?)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Habits:
    """What pictures and settings a model is used to: side in pixels, steps, guidance."""

    side: int
    steps: int
    guidance: float


_USUAL = {
    "sd15": Habits(512, 25, 7.0),
    "sd2": Habits(768, 25, 7.0),
    "sdxl": Habits(1024, 25, 6.0),
    "sd3": Habits(1024, 28, 5.0),
    "flux": Habits(1024, 28, 3.5),
    "QwenImage": Habits(1024, 40, 4.0),
    "ZImage": Habits(1024, 28, 4.0),
}


def family_of(pipeline: str, width: int = 0) -> str:
    """The family of a pipeline's class; ``width`` is that of its UNet's cross-attention, 0 if unknown.

    Raises:
        Unsupported: it can neither fill nor change a picture.
    """
    stem = _TASK.sub("", pipeline)
    if stem in _KNOWN:
        family = _KNOWN[stem]
        return "sd2" if family == "sd15" and width == 1024 else family
    if not _changes_pictures(pipeline):
        what = "makes video or sound" if _MOVING.search(pipeline) else "can't fill or change a picture"
        raise Unsupported(
            f"This model ({pipeline}) {what}.",
            "Take one for which diffusers has an inpainting or image-to-image pipeline.",
        )
    return stem


def _changes_pictures(pipeline: str) -> bool:
    """Whether diffusers has an inpainting or an image-to-image pipeline for this kind of model."""
    try:
        from diffusers.pipelines import auto_pipeline as auto  # noqa: PLC0415 - brings torch; seldom needed
    except ImportError:
        raise Unsupported(
            f"Whether {pipeline} is of use can't be told without diffusers.",
            f"Install it: {INSTALL}",
        ) from None
    known: Any = auto
    image, fill = known.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, known.AUTO_INPAINT_PIPELINES_MAPPING
    return any(
        kind.__name__ == pipeline and (name in image or name in fill)
        for table in (known.AUTO_TEXT2IMAGE_PIPELINES_MAPPING, image, fill)
        for name, kind in table.items()
    )


def check_family(family: str, there: Iterable[str]) -> None:
    """Whether an artist's word can be a family: a known one, or one of ``there``; empty is none and fine.

    Raises:
        BadRequest: it can't.
    """
    known = dict.fromkeys([*_USUAL, *there])
    if family and family not in known:
        raise BadRequest(f"{family!r} is no family of models that is known here.", f"Use {', '.join(known)}.")


def family_of_width(width: int) -> str:
    """The family of something that goes into cross-attention of this width; empty if it tells none."""
    return _WIDTHS.get(width, "")


def habits_of(
    family: str, name: str = "", core: dict[str, Any] | None = None, vae: int = 8, scheduler: str = ""
) -> Habits:
    """What a model is used to, as far as its configuration says.

    Args:
        family: as ``family_of`` says.
        name: of its repository, folder or file; "turbo" in it means something.
        core: the configuration of its UNet or transformer.
        vae: how many pixels a side are one of its latents.
        scheduler: class of its scheduler.
    """
    core = core or {}
    usual = _USUAL.get(family, Habits(1024, 28, 4.0))
    side = usual.side
    if isinstance(core.get("sample_size"), int) and core["sample_size"] > 0:
        side = core["sample_size"] * vae
    steps, guidance = usual.steps, usual.guidance
    if core.get("time_cond_proj_dim"):
        steps, guidance = 4, 8.0  # guidance was distilled into the model: it costs nothing and is heeded
    elif scheduler == "LCMScheduler" or re.search(r"lcm", name, re.IGNORECASE):
        steps, guidance = 6, 1.0
    elif family == "flux" and core.get("in_channels") == 384:
        guidance = 30.0  # the one for inpainting was distilled with more
    elif family == "flux" and core.get("guidance_embeds") is False:
        steps, guidance = 4, 0.0
    elif _QUICK.search(name):
        steps, guidance = (9, 0.0) if family == "ZImage" else (4, 0.0)
    return Habits(side, steps, guidance)
