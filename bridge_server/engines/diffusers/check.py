# SPDX-License-Identifier: Apache-2.0
"""Whether a model works: a program that loads it, takes one step, and says so in a line of JSON.

``python -m bridge_server.engines.diffusers.check ID --models FOLDER`` prints ``ok``, ``message``, ``hint``,
``seconds``, ``device`` and ``dtype``. It exits with 0 whenever it could say that.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.card import Card
from ...models.shelf import Shelf
from ...protocol.errors import BridgeError, Unsupported
from ...protocol.records import Steering
from ..base import Brief, GuidePicture
from .engine import DiffusersEngine
from .options import Options
from .residence import Residence

__all__ = ["check", "main"]


class _Silence:
    """A report that nobody hears."""

    def progress(self, index: int, done: float) -> None:
        """See :class:`bridge_server.engines.base.Report`."""

    def preview(self, index: int, x: int, y: int, width: int, height: int, pixels: NDArray[np.uint8]) -> None:
        """Likewise."""

    def check(self) -> None:
        """Likewise."""

    def steering(self) -> Steering:
        """Likewise."""
        return Steering()


def check(shelf: Shelf, card: Card, options: Options) -> dict[str, Any]:
    """Load a model, take one step with it, and tell how that went.

    What is no base model is put on the first base of its family.
    """
    base = card if card.role == "base" else _base_for(shelf, card)
    residence = Residence(shelf, options)
    side = base.side
    grey = np.full((side, side, 3), 128, np.uint8)
    guides: tuple[GuidePicture, ...] = ()
    if card.role in ("control", "style"):
        guides = (GuidePicture(card.kind or "style", grey),)
    parameters: dict[str, Any] = {"steps": 1}
    if card.role == "lora":
        parameters["loras"] = {card.id: 1.0}
    brief = Brief(
        verb="fill",
        picture=grey,
        mask=np.full((side, side), 255, np.uint8),
        seeds=(0,),
        prompt=card.word or "a tree",
        parameters=parameters,
        guides=guides,
    )
    started = time.perf_counter()
    list(DiffusersEngine(base, residence).generate(brief, _Silence()))
    device = residence.model(base).device
    return {
        "ok": True,
        "message": "It works." if card is base else f"It works with {base.id}.",
        "hint": "",
        "seconds": round(time.perf_counter() - started, 2),
        "device": device.name,
        "dtype": str(device.dtype).removeprefix("torch."),
    }


def _base_for(shelf: Shelf, card: Card) -> Card:
    for each in shelf.cards():
        if each.role == "base" and each.family == card.family:
            return each
    raise Unsupported(
        f"There is no model of the family {card.family} to try {card.id} with.",
        "Get one first; see 'bridge-server models'.",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the program; see the module."""
    parser = argparse.ArgumentParser(description="Load a model and take one step with it.")
    parser.add_argument("id")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--settings", default="{}")
    given = parser.parse_args(arguments)
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    shelf = Shelf(given.models)
    try:
        told = check(shelf, shelf.card(given.id), Options.of(json.loads(given.settings)))
    except BridgeError as error:
        told = {
            "ok": False,
            "message": error.message,
            "hint": error.hint,
            "seconds": 0.0,
            "device": "",
            "dtype": "",
        }
    print(json.dumps(told))  # noqa: T201 - that is what it is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
