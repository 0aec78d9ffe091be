# SPDX-License-Identifier: Apache-2.0
"""From what was asked, and the pixels, to the request that is sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canvas.masks import bounds
from ..protocol.errors import BadRequest, NotFound
from ..protocol.messages import Expand, Fill, Refine, Vary
from ..protocol.records import Context, EngineInfo, Guide, Placement
from ..protocol.regions import expand_region, region_for
from .arguments import Asked
from .pictures import Picture, to_pixels

__all__ = ["check_guides", "engine_named", "outline", "region_of", "remarks", "request_for"]

Mask = NDArray[np.uint8]


def engine_named(name: str, engines: Sequence[EngineInfo]) -> EngineInfo:
    """The engine of that name; the first one if the name is empty.

    Raises:
        NotFound: there is none, with the names that there are.
    """
    for engine in engines:
        if name in {"", engine.name}:
            return engine
    known = ", ".join(engine.name for engine in engines)
    raise NotFound(f"There is no engine {name!r}.", f"Use one of: {known}.")


def remarks(asked: Asked, engine: EngineInfo) -> list[str]:
    """What was asked for and changes nothing with this engine."""
    heeded = engine.verbs.get(asked.verb, [])
    said: list[str] = []
    words = {"prompt": asked.prompt, "negative_prompt": asked.negative_prompt}
    if any(given and name not in heeded for name, given in words.items()):
        said.append(f"The engine {engine.name} does not read prompts: the words change nothing.")
    if asked.strength is not None and "strength" not in heeded:
        said.append(f"The engine {engine.name} has no strength for {asked.verb}: --strength changes nothing.")
    return said


def outline(asked: Asked, picture: Picture) -> Picture:
    """A picture of the result's size and depth that takes no memory, to check where it can be written."""
    left, right, top, bottom = asked.sides
    rows, columns, channels = picture.array.shape
    size = (rows + top + bottom, columns + left + right, channels)
    return replace(picture, array=np.broadcast_to(picture.array.dtype.type(0), size))


def region_of(asked: Asked, picture: Picture, mask: Mask | None, context: Context) -> Placement:
    """The part of the picture that the engine has to see."""
    if asked.verb == "expand":
        left, right, top, bottom = asked.sides
        return expand_region(
            picture.width, picture.height, context, left=left, right=right, top=top, bottom=bottom
        )
    box = None if mask is None else bounds(mask)
    if box is None:
        return Placement(0, 0, picture.width, picture.height)
    selection = Placement(box.x0, box.y0, box.width, box.height)
    return region_for(selection, picture.width, picture.height, context)


def check_guides(asked: Asked, picture: Picture, guides: Sequence[Picture]) -> None:
    """Raise BadRequest unless each of the pictures that guide lies over the result; a style may be any."""
    result = outline(asked, picture)
    for (kind, path, _), each in zip(asked.guides, guides, strict=True):
        if kind != "style" and each.array.shape[:2] != result.array.shape[:2]:
            raise BadRequest(
                f"The guide {path} is {each.width} x {each.height} pixels, the result {result.width} x "
                f"{result.height}.",
                "Both must have the same size.",
            )


def _guides(asked: Asked, guides: Sequence[Picture], region: Placement) -> list[Guide]:
    """What guides, as far as it lies over the region, which an expand makes larger."""
    left, right, top, bottom = asked.sides
    rows = slice(region.y, region.y + region.height + top + bottom)
    columns = slice(region.x, region.x + region.width + left + right)
    made: list[Guide] = []
    for (kind, _, weight), each in zip(asked.guides, guides, strict=True):
        array = each.array if kind == "style" else each.array[rows, columns]
        made.append(Guide(kind, to_pixels(array, each.colorspace), weight))
    return made


def request_for(
    asked: Asked,
    picture: Picture,
    mask: Mask | None,
    region: Placement,
    job: str,
    guides: Sequence[Picture] = (),
) -> Fill | Expand:
    """The request for a region of the picture. Without a mask all of it is selected.

    The job ends when this program does: nobody else knows where its result belongs.
    """
    rows = slice(region.y, region.y + region.height)
    columns = slice(region.x, region.x + region.width)
    common: dict[str, Any] = {
        "picture": to_pixels(picture.array[rows, columns], picture.colorspace),
        "region": region,
        "engine": asked.engine,
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt,
        "count": asked.count,
        "seed": asked.seed,
        "parameters": asked.parameters,
        "if_gone": "cancel",
        "job": job,
        "taste": asked.taste,
        "drafted": asked.drafted,
        "guides": _guides(asked, guides, region),
    }
    if asked.strength is not None:
        common["strength"] = asked.strength
    if asked.verb == "expand":
        left, right, top, bottom = asked.sides
        return Expand(**common, left=left, right=right, top=top, bottom=bottom)
    chosen = np.full((region.height, region.width), 255, np.uint8) if mask is None else mask[rows, columns]
    common["mask"] = to_pixels(chosen)
    if asked.verb == "vary":
        if asked.amount is not None:
            common["amount"] = asked.amount
        return Vary(**common)
    return Refine(**common) if asked.verb == "refine" else Fill(**common)
