# SPDX-License-Identifier: Apache-2.0
"""The engine that makes new things from words, with diffusion models of the artist's choice.

The only place that imports torch, and only once there is something to make: loading this package is light.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...models.shelf import Shelf
from .engine import DiffusersEngine
from .options import Options
from .residence import Residence

__all__ = ["DiffusersEngine", "load"]


def load(models: Path, settings: Mapping[str, Any] | None = None) -> list[DiffusersEngine]:
    """One engine for each base model in the folder ``models``; they share what is in memory.

    Raises:
        BadRequest: one of ``settings`` is unknown or wrong; see :class:`.options.Options`.
    """
    residence = Residence(Shelf(models), Options.of(settings or {}))
    return [DiffusersEngine(card, residence) for card in residence.shelf.cards() if card.role == "base"]
