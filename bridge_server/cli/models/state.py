# SPDX-License-Identifier: Apache-2.0
"""How the diffusion engine is: installed, with models, offered by the daemon."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...models.extra import INSTALL, installed
from ...models.shelf import Shelf
from ..words import count_of, listed

__all__ = ["engine_state"]


def engine_state(folder: Path, engines: Iterable[str], *, started: bool = False) -> tuple[bool, str, str]:
    """Whether the diffusion engine is as it should be, how it is, and what to do.

    Args:
        folder: the data folder.
        engines: those that the daemon offers.
        started: whether the daemon has just been started.
    """
    bases = [card.id for card in Shelf(folder / "models").cards() if card.role == "base" and not card.missing]
    there = count_of(len(bases), "base model") if bases else "no base model"
    if not installed():
        return not bases, f"not installed (needed only for models), {there}", f"Install it: {INSTALL}"
    offered = set(engines)
    lacking = [each for each in bases if f"diffusers/{each}" not in offered]
    if not lacking:
        return True, f"installed, {there}{', offered by the daemon' if bases else ''}", ""
    detail = f"installed, {there}, but the daemon does not offer {listed(lacking)}"
    if started or len(lacking) < len(bases):
        return False, detail, f"See what is wrong: bridge-server models check {lacking[0]}"
    advice = "Stop the daemon: it started before the extra was installed (bridge-server stop)."
    return False, detail, advice
