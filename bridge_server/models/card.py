# SPDX-License-Identifier: Apache-2.0
"""What is known of a model. Read by a worker at each start, so only the standard library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..protocol.errors import BadRequest

__all__ = ["FAMILIES", "GUIDED", "KINDS", "ROLES", "Card", "check_id", "guides_of", "id_from"]

#: What a model can be to the engine; bases come first in every list.
ROLES = ("base", "control", "lora", "embedding", "style", "preview")

#: What a control can be shown.
KINDS = ("scribble", "lineart", "canny", "depth")

#: The families that have a short name; any other is called as its pipeline class, without ``Pipeline``.
FAMILIES = ("sd15", "sd2", "sdxl", "sd3", "flux")

#: Those that the engine leads by controls and styles.
GUIDED = ("sd15", "sd2", "sdxl")

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Card:
    """One model.

    Attributes:
        id: what it is called here.
        role: one of ``ROLES``.
        family: which models fit together: one of ``FAMILIES``, or the stem of the pipeline's class.
        title: its name for people.
        path: a folder in diffusers' format, or a ``.safetensors`` file; absolute once given out.
        config: of a single-file checkpoint: the folder with its configuration and tokenizers.
        kind: of a control: one of ``KINDS``.
        inpaints: whether it was made for filling masks.
        side: the side in pixels of the pictures that it was trained on.
        steps: how many it needs.
        guidance: how strongly the words lead; 0 or 1 means that they are not weighed against none.
        source: repository on the hub, or where the artist had it from.
        revision: commit in that repository.
        licence: as the source calls it.
        good_at: a few words.
        bytes: size of the weights.
        hash: SHA-256 in hex over the sorted ``name:sha256`` lines of its weight files.
        variant: ``fp16`` where the weight files are called ``*.fp16.safetensors``.
        word: of an embedding: what stands for it in a prompt.
        image_encoder: of a style: folder of the CLIP vision encoder.
    """

    id: str
    role: str
    family: str
    title: str
    path: str
    config: str = ""
    kind: str = ""
    inpaints: bool = False
    side: int = 512
    steps: int = 25
    guidance: float = 7.0
    source: str = ""
    revision: str = ""
    licence: str = ""
    good_at: str = ""
    bytes: int = 0
    hash: str = ""
    variant: str = ""
    word: str = ""
    image_encoder: str = ""

    @property
    def missing(self) -> bool:
        """Whether something it needs is no longer where it was."""
        return any(
            each and not Path(each).exists() for each in (self.path or ".", self.config, self.image_encoder)
        )


def guides_of(card: Card, cards: Sequence[Card]) -> list[str]:
    """The guides that a base model heeds with what else is on the shelf; nothing for any other."""
    if card.role != "base":
        return []
    helpers = [each for each in cards if each.family == card.family and card.family in GUIDED]
    kinds = sorted({each.kind for each in helpers if each.role == "control" and each.kind})
    return ["toward", *kinds, *(["style"] if any(each.role == "style" for each in helpers) else [])]


def check_id(text: str) -> str:
    """The id itself.

    Raises:
        BadRequest: it can't be one.
    """
    if _ID.fullmatch(text) is None:
        raise BadRequest(
            f"{text!r} can't be a model's id.",
            "Small letters, digits, dots, dashes and underscores; up to 64; a letter or digit first.",
        )
    return text


def id_from(name: str) -> str:
    """An id that looks like ``name``; empty if nothing in it can be in an id."""
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:64].rstrip("-._")
