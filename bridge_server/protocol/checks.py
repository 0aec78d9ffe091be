# SPDX-License-Identifier: Apache-2.0
"""What a type cannot say about a request: ranges, sizes that must agree, names that must be known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Optional, Union

from .descriptor import AXES
from .errors import BadRequest, TooLarge
from .messages import MAX_COUNT, MAX_SEED, Expand, Fill, Vary
from .pixels import COLORSPACES, RGBA_FORMATS, check_pixels
from .records import Guide, Placement
from .request import Change
from .steering import Steer
from .taste import Lesson, LoadTaste, SetTaste, TasteSettings
from .versions import Accept, Go, Less, Mark, Modify, More, Redo, Reject, Undo

__all__ = [
    "check_change",
    "check_depth",
    "check_document",
    "check_job",
    "check_modify",
    "check_more",
    "check_names",
    "check_pins",
    "check_project_name",
    "check_steer",
    "check_taste",
]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_PROMPT = 20_000
_MAX_GUIDES, _MAX_WEIGHT, _MAX_GUIDANCE = 8, 2.0, 50.0
_MAX_PROJECT_NAME = 80
_MAX_NAME = 200
_MAX_REJECTED = 1000
_FAR = 2**31
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AXES = {axis.name for axis in AXES}


def check_job(request: Union[Fill, Expand], *, max_pixels: int) -> None:
    """Raise BadRequest (or TooLarge), naming the field, unless the request can become a job.

    Args:
        request: any of the verbs.
        max_pixels: the most pixels of a picture, and of the grown region of an expand.
    """
    check_pixels(request.picture, max_pixels=max_pixels, where="params.picture")
    _check_region(request)
    if isinstance(request, Expand):
        _check_sides(request, max_pixels)
    else:
        _check_mask(request, max_pixels)
    _check_range("strength", request.strength, 0.0, 1.0)
    if isinstance(request, Vary):
        _check_range("amount", request.amount, 0.0, 1.0)
    _check_words(request)
    _check_submit(request)
    check_document(request.document)
    _check_guides(request, max_pixels)
    for name in ("unlike", "live"):
        _check_id(name, getattr(request, name))


def check_steer(request: Steer, guides: int) -> None:
    """Raise BadRequest, naming the field, unless a job with so many guides can be steered like this."""
    _check_words(request)
    if request.strength is not None:
        _check_range("strength", request.strength, 0.0, 1.0)
    if request.guidance is not None:
        _check_range("guidance", request.guidance, 0.0, _MAX_GUIDANCE)
    if request.weights is not None:
        if len(request.weights) != guides:
            raise BadRequest(
                f"params.weights has {len(request.weights)} values; the job has {guides} guides.",
                "Send one for each guide, in their order.",
            )
        for number, weight in enumerate(request.weights):
            _check_range(f"weights[{number}]", weight, 0.0, _MAX_WEIGHT)


def check_more(request: Union[More, Less]) -> None:
    """Raise BadRequest, naming the field, unless the request can become a job."""
    if isinstance(request, More):
        _check_range("amount", request.amount, 0.0, 1.0)
        _check_range("strength", request.strength, 0.0, 1.0)
        _check_words(request)
        if request.verb not in ("vary", "refine"):
            raise BadRequest(f"params.verb is {request.verb!r}.", "Use 'vary' or 'refine'.")
        if request.toward and request.verb != "vary":
            raise BadRequest("Only a vary goes toward another candidate.", "Leave toward out, or vary.")
    _check_submit(request)


def check_change(request: Change[Any]) -> None:
    """Raise BadRequest, naming the field, unless the key and the small fields of a change are in order.

    Of a :class:`Modify` the pixels remain, for :func:`check_modify`.
    """
    _check_id("key", request.key)
    if isinstance(request, (Accept, Undo, Redo, Go)):
        check_document(request.document)
    if isinstance(request, (Accept, Mark)):
        check_names(request.name)
    if isinstance(request, Accept):
        _check_placement("placement", request.placement)
        _check_placement("canvas", request.canvas)
    if isinstance(request, Modify):
        _check_placement("placement", request.placement)
    if isinstance(request, SetTaste):
        check_taste(request)
    if isinstance(request, LoadTaste):
        check_taste(request.data.settings, where="data.settings.")
        for lesson in request.data.lessons:
            _check_lesson(lesson)
    if isinstance(request, Reject):
        _check_range("candidates (their number)", len(request.candidates), 1, _MAX_REJECTED)


def check_modify(request: Modify, *, max_pixels: int) -> None:
    """Raise BadRequest (or TooLarge) unless the pixels are well-formed and of their placement's size."""
    check_pixels(request.pixels, max_pixels=max_pixels, where="params.pixels")
    placement, pixels = request.placement, request.pixels
    if (placement.width, placement.height) != (pixels.width, pixels.height):
        raise BadRequest(
            f"params.placement is {placement.width} x {placement.height}, params.pixels is "
            f"{pixels.width} x {pixels.height}.",
            "Send the pixels as they lie on the canvas, not scaled.",
        )


def check_depth(layout: str, colorspace: str) -> None:
    """Raise BadRequest unless pixels can be had in this format and colorspace; empty is as they are kept."""
    for name, value, known in (("format", layout, RGBA_FORMATS), ("colorspace", colorspace, COLORSPACES)):
        if value and value not in known:
            raise BadRequest(
                f"params.{name} is {value[:80]!r}.", f"Use one of {', '.join(known)}, or leave it empty."
            )


def check_project_name(name: str, where: str = "project") -> None:
    """Raise BadRequest unless a project can have this name; ``where`` is the field."""
    if not 1 <= len(name) <= _MAX_PROJECT_NAME:
        raise BadRequest(f"params.{where} (its length) is {len(name)}.", f"Use 1 to {_MAX_PROJECT_NAME}.")
    if not name.isprintable() or "/" in name or "\\" in name:
        raise BadRequest(
            f"params.{where} is {name!r}.", "Use no slashes, line breaks and control characters."
        )
    if name != name.strip() or name in (".", ".."):
        raise BadRequest(
            f"params.{where} is {name!r}.", "Use a name that is not '.' or '..', without spaces at its ends."
        )


def check_document(name: str, where: str = "document") -> None:
    """Raise BadRequest unless a host's document can be told by this name; ``where`` is the field."""
    _check_range(f"{where} (its length)", len(name), 0, _MAX_NAME)
    if _CONTROL.search(name):
        raise BadRequest(f"params.{where} is {name!r}.", "Use no line breaks and control characters.")


def check_names(*names: Optional[str]) -> None:
    """Raise BadRequest unless versions can have these names; None is no name."""
    for name in names:
        _check_range("name (its length)", len(name or ""), 0, _MAX_NAME)
        if _CONTROL.search(name or ""):
            raise BadRequest(f"params.name is {name!r}.", "Use no line breaks and control characters.")


def check_taste(settings: Union[SetTaste, TasteSettings], where: str = "") -> None:
    """Raise BadRequest unless taste can be set so; ``where`` leads to the fields, None sets nothing."""
    if settings.scope not in (None, "project", "all"):
        raise BadRequest(f"params.{where}scope is {settings.scope[:80]!r}.", "Use 'project' or 'all'.")
    if settings.exploration is not None:
        _check_range(f"{where}exploration", settings.exploration, 0.0, 1.0)
    check_pins(settings.pins or {}, f"{where}pins")


def check_pins(pins: Mapping[str, float], where: str = "pins") -> None:
    """Raise BadRequest unless every pin is on an axis that there is and from -1 to 1."""
    for name, value in pins.items():
        if name not in _AXES:
            raise BadRequest(f"params.{where} names {name[:80]!r}.", f"Use {', '.join(sorted(_AXES))}.")
        _check_range(f"{where}.{name}", value, -1.0, 1.0)


def _check_lesson(lesson: Lesson) -> None:
    most = len(lesson.offers)
    for index in [*lesson.liked, *lesson.disliked]:
        if not 0 <= index < most:
            raise BadRequest(f"params.data.lessons names offer {index} of {most}.", "Save the taste anew.")
    for offer in lesson.offers:
        for name, value in offer.items():
            if not math.isfinite(value):
                raise BadRequest(f"params.data.lessons has {name[:80]} {value}.", "Save the taste anew.")


def _check_submit(request: Union[Fill, Expand, More, Less]) -> None:
    _check_range("count", request.count, 1, MAX_COUNT)
    _check_range("priority", request.priority, -10, 10)
    if request.seed is not None:
        _check_range("seed", request.seed, 0, MAX_SEED)
    if request.if_gone not in ("finish", "cancel"):
        raise BadRequest(f"params.if_gone is {request.if_gone[:80]!r}.", "Use 'finish' or 'cancel'.")
    _check_id("job", request.job)


def _check_guides(request: Union[Fill, Expand], max_pixels: int) -> None:
    _check_range("guides (their number)", len(request.guides), 0, _MAX_GUIDES)
    for number, guide in enumerate(request.guides):
        where = f"guides[{number}]"
        check_pixels(guide.picture, max_pixels=max_pixels, where=f"params.{where}.picture")
        _check_range(f"{where}.weight", guide.weight, 0.0, _MAX_WEIGHT)
        _check_range(f"{where}.start", guide.start, 0.0, 1.0)
        _check_range(f"{where}.end", guide.end, 0.0, 1.0)
        if guide.start >= guide.end:
            raise BadRequest(f"params.{where} ends before it starts.", "Let start be less than end.")
    _check_toward(request, [guide for guide in request.guides if guide.kind == "toward"])


def _check_toward(request: Union[Fill, Expand], toward: list[Guide]) -> None:
    if toward and not isinstance(request, Vary):
        raise BadRequest(f"A {request.op} has no guide 'toward'.", "Vary, or leave it out.")
    if len(toward) > 1:
        raise BadRequest(f"params.guides has {len(toward)} 'toward'.", "Send at most one.")
    region = (request.region.width, request.region.height)
    for guide in toward:
        if (guide.picture.width, guide.picture.height) != region:
            raise BadRequest(
                f"The guide 'toward' is {guide.picture.width} x {guide.picture.height}, params.region is "
                f"{region[0]} x {region[1]}.",
                "Send another picture of the same region.",
            )


def _check_words(request: Union[Fill, Expand, Steer, More]) -> None:
    for name, words in (("prompt", request.prompt), ("negative prompt", request.negative_prompt)):
        if words is not None and len(words) > _MAX_PROMPT:
            raise BadRequest(f"The {name} is {len(words)} characters long.", f"Use at most {_MAX_PROMPT}.")


def _check_id(name: str, value: str) -> None:
    if value and not _ID.fullmatch(value):
        raise BadRequest(f"params.{name} is {value[:80]!r}.", "Use 1 to 64 letters, digits, '_' and '-'.")


def _check_placement(name: str, place: Optional[Placement]) -> None:
    if place is not None:
        for side in ("x", "y"):
            _check_range(f"{name}.{side}", getattr(place, side), -_FAR, _FAR)
        for side in ("width", "height"):
            _check_range(f"{name}.{side}", getattr(place, side), 1, _FAR)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN too
        raise BadRequest(f"params.{name} is {value}.", f"Use {low} to {high}.")


def _check_region(request: Union[Fill, Expand]) -> None:
    region, picture = request.region, request.picture
    if (region.width, region.height) != (picture.width, picture.height):
        raise BadRequest(
            f"params.region is {region.width} x {region.height}, params.picture is "
            f"{picture.width} x {picture.height}.",
            "Both describe the same pixels; send the same size.",
        )
    for name in ("x", "y"):
        _check_range(f"region.{name}", getattr(region, name), -_FAR, _FAR)


def _check_mask(request: Fill, max_pixels: int) -> None:
    mask, picture = request.mask, request.picture
    check_pixels(mask, max_pixels=max_pixels, where="params.mask")
    if mask.format != "gray8":
        raise BadRequest(f"params.mask.format is {mask.format!r}.", "A mask is gray8.")
    if (mask.width, mask.height) != (picture.width, picture.height):
        raise BadRequest(
            f"params.mask is {mask.width} x {mask.height}, params.picture is "
            f"{picture.width} x {picture.height}.",
            "Send a mask of the picture's size.",
        )
    if mask.data.count(0) == len(mask.data):
        raise BadRequest("Nothing is selected: params.mask is 0 everywhere.", "Select an area first.")


def _check_sides(request: Expand, max_pixels: int) -> None:
    sides = {name: getattr(request, name) for name in ("left", "right", "top", "bottom")}
    for name, value in sides.items():
        _check_range(name, value, 0, _FAR)
    if not any(sides.values()):
        raise BadRequest("An expand grows no side.", "Give at least one of left, right, top and bottom.")
    width = request.region.width + request.left + request.right
    height = request.region.height + request.top + request.bottom
    if width * height > max_pixels:
        raise TooLarge(
            f"The grown region would be {width} x {height} pixels; the limit is {max_pixels}.",
            "Expand by less, or in several steps.",
        )
