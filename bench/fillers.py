# SPDX-License-Identifier: Apache-2.0
"""The ways of filling a hole that are compared, all with the same shape of call."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_server.canvas.masks import bounds
from bridge_server.canvas.patches import composite
from bridge_server.engines.base import Brief, Engine
from bridge_server.engines.registry import load_engines
from bridge_server.protocol.records import Placement
from bridge_server.protocol.regions import region_for

__all__ = ["Filled", "Listener", "engine_named", "fill_by_engine", "fill_by_plain", "fill_by_telea"]

Picture = NDArray[np.uint8]


@dataclass
class Listener:
    """A report that notes when the first preview came, in seconds after it was made."""

    started: float = field(default_factory=time.perf_counter)
    first_preview: float | None = None

    def progress(self, *_: Any) -> None:
        pass

    def preview(self, *_: Any) -> None:
        if self.first_preview is None:
            self.first_preview = time.perf_counter() - self.started

    def check(self) -> None:
        pass


@dataclass(frozen=True)
class Filled:
    """Filled pictures, one for each seed, and the seconds they took together."""

    pictures: list[Picture]
    seconds: float
    recipes: list[dict[str, Any]] = field(default_factory=list)
    first_preview: float | None = None


def fill_by_telea(picture: Picture, hole: Picture) -> Filled:
    """OpenCV's inpainting after Telea (2004), radius 5."""
    import cv2  # noqa: PLC0415  # a third of a second

    started = time.perf_counter()
    result = cv2.inpaint(picture, hole, 5, cv2.INPAINT_TELEA)
    return Filled([result], time.perf_counter() - started)


def fill_by_plain(picture: Picture, hole: Picture, *, radius: int = 5, seed: int = 0) -> Filled:
    """pypatchmatch as its readme calls it, with the whole picture."""
    import patchmatch  # noqa: PLC0415  # loads a native library

    patchmatch.set_random_seed(seed)
    started = time.perf_counter()
    result = patchmatch.inpaint(picture, hole, patch_size=radius)
    return Filled([result], time.perf_counter() - started)


@cache
def engine_named(name: str = "patchmatch") -> Engine:
    """One of our engines, in this process."""
    return next(engine for engine in load_engines() if engine.info.name == name)


def fill_by_engine(
    picture: Picture, hole: Picture, seeds: Iterable[int] = (0,), *, verb: str = "fill", **brief: Any
) -> Filled:
    """Our engine as a client uses it: only the region goes in, the patch is laid over the picture."""
    engine = engine_named()
    selection = bounds(hole)
    if selection is None:
        raise ValueError("the hole is empty")
    listener = Listener()
    height, width = hole.shape
    place = Placement(selection.x0, selection.y0, selection.width, selection.height)
    region = region_for(place, width, height, engine.info.context)
    inside = slice(region.y, region.y + region.height), slice(region.x, region.x + region.width)
    asked = Brief(verb, picture[inside], hole[inside], tuple(seeds), **brief)
    made = sorted(engine.generate(asked, listener), key=lambda one: one.index)
    results = [composite(picture, one.pixels, region.x + one.x, region.y + one.y) for one in made]
    seconds = time.perf_counter() - listener.started
    return Filled(results, seconds, [dict(one.recipe) for one in made], listener.first_preview)
