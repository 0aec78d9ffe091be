# SPDX-License-Identifier: Apache-2.0
"""Which engines there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .base import Engine

__all__ = ["load_engines"]


def load_engines(
    kind: str = "patchmatch", *, models: Path | None = None, settings: dict[str, Any] | None = None
) -> list[Engine]:
    """Every engine of a kind that can run here, the default first. Call it in a worker process only.

    It is quick after the first time, and what the engines loaded stays loaded.

    Args:
        kind: ``patchmatch`` or ``diffusers``.
        models: the folder with the weights, which ``diffusers`` needs.
        settings: of that kind, as in the config.
    """
    if kind == "patchmatch":
        from .patchmatch import PatchMatchEngine  # noqa: PLC0415 - a process needs the engines of its kind only

        return [PatchMatchEngine()]
    if kind == "diffusers" and models is not None:
        from .diffusers import load  # noqa: PLC0415

        return [*load(models, settings)]
    raise ValueError(f"no engines of the kind {kind!r} can be loaded from {models}")
