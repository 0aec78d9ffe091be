# SPDX-License-Identifier: Apache-2.0
"""What a type cannot say about a request: ranges, sizes that must agree, names that must be known."""

from __future__ import annotations

import re
from typing import Union

from .errors import BadRequest, TooLarge
from .messages import MAX_COUNT, Expand, Fill, Vary
from .pixels import check_pixels

__all__ = ["check_job"]

_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_SEED = 2**63 - 1 - MAX_COUNT
_MAX_PROMPT = 20_000
_FAR = 2**31


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
    _check_range("count", request.count, 1, MAX_COUNT)
    _check_range("strength", request.strength, 0.0, 1.0)
    _check_range("priority", request.priority, -10, 10)
    if request.seed is not None:
        _check_range("seed", request.seed, 0, _MAX_SEED)
    if isinstance(request, Vary):
        _check_range("amount", request.amount, 0.0, 1.0)
    for name in ("prompt", "negative_prompt"):
        _check_range(f"{name} (its length)", len(getattr(request, name)), 0, _MAX_PROMPT)
    if request.if_gone not in ("finish", "cancel"):
        raise BadRequest(f"params.if_gone is {request.if_gone[:80]!r}.", "Use 'finish' or 'cancel'.")
    if request.job and not _JOB_ID.fullmatch(request.job):
        raise BadRequest(f"params.job is {request.job[:80]!r}.", "Use 1 to 64 letters, digits, '_' and '-'.")


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
