# SPDX-License-Identifier: Apache-2.0
"""Which engines there are."""

from __future__ import annotations

from .base import Engine
from .patchmatch import PatchMatchEngine

__all__ = ["load_engines"]


def load_engines() -> list[Engine]:
    """Every engine that can run here, the default first. Call it in a worker process only."""
    return [PatchMatchEngine()]
