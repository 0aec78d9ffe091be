# SPDX-License-Identifier: Apache-2.0
"""The engine that makes new things from words, with diffusion models of the artist's choice.

The only place that imports torch, and only once there is something to make: loading this package is light.
"""

from __future__ import annotations

import functools
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
    residence = _residence(models, Options.of(settings or {}))
    return [DiffusersEngine(card, residence) for card in residence.shelf.cards() if card.role == "base"]


@functools.cache
def _residence(models: Path, options: Options) -> Residence:
    """One for the process, so that two lists of engines don't keep two models in memory."""
    return Residence(Shelf(models), options)
