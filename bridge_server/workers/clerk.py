# SPDX-License-Identifier: Apache-2.0
"""The main of the clerk's process: sums on pixels and decisions.

See :mod:`bridge_server.protocol.errands`. The clerk knows numpy and no engine, starts fast, and keeps nothing
from one errand to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canvas.compare import Patch, compare
from ..canvas.convert import converted
from ..canvas.formats import as_array, as_bytes, format_of, white_of
from ..canvas.overlay import overlay
from ..canvas.shares import Box, Layer, share_out
from ..protocol.checks import check_depth
from ..protocol.errands import (
    Choose,
    Chosen,
    Convert,
    Converted,
    Differ,
    Differs,
    Learn,
    Learned,
    Overlaid,
    Overlay,
    Reckon,
    Reckoned,
)
from ..protocol.errors import BadRequest, BridgeError, Cancelled, TooLarge, Unsupported
from ..protocol.pixels import Pixels, check_pixels
from ..protocol.records import Placement
from ..protocol.report import Share
from ..protocol.work import Ready
from ..sessions.library import all_of
from ..sessions.measures import measure
from ..sessions.tree import Piece
from ..taste.choose import choose
from ..taste.learn import learn
from ..taste.telling import telling
from ..taste.words import difference_in_words, known_axes, summary
from .line import Inbox, Line, open_line, serve

__all__ = ["answer"]

#: The daemon checks sizes against its own limit; this is what a frame's 32-bit length can hold at all.
_MOST_PIXELS = 2**28

#: A patch and a picture that lie apart may be laid over each other while the rectangle around both has at
#: most this many times their pixels.
_MOST_ROOM = 8


def answer(errand: Any) -> Any:
    """Do one errand.

    Raises:
        BadRequest: what was sent does not fit together; says what.
        TooLarge: the result would be out of proportion.
        Unsupported: this is no errand.
    """
    kind: type[Any] = type(errand)  # pyright: ignore[reportUnknownVariableType]
    do = _ERRANDS.get(kind)
    if do is None:
        raise Unsupported(f"The clerk does not know the errand {kind.__name__}.")
    return do(errand)


def _learn(errand: Learn) -> Learned:
    posterior = learn(errand.lessons, errand.pins)
    axes = known_axes(posterior)
    liked, disliked = telling(errand.lessons, posterior)
    return Learned(errand.task, axes, summary(axes), liked, disliked)


def _choose(errand: Choose) -> Chosen:
    if errand.count < 1:
        raise BadRequest(f"count is {errand.count}.", "Choose at least 1 draft.")
    if not 0 <= errand.exploration <= 1:
        raise BadRequest(f"exploration is {errand.exploration}.", "Use a share from 0 to 1.")
    choices = choose(
        errand.drafts,
        errand.count,
        errand.seed,
        learn(errand.lessons, errand.pins),
        errand.exploration,
        errand.unlike,
    )
    return Chosen(errand.task, [each.index for each in choices], [each.offered for each in choices])


def _differ(errand: Differ) -> Differs:
    found = compare(
        _patch(errand.first, errand.first_at, "first"),
        _patch(errand.second, errand.second_at, "second"),
        final=errand.final,
    )
    words = difference_in_words(errand.first_descriptor, errand.second_descriptor)
    return Differs(errand.task, found.overlap, found.changed, found.difference, words)


def _reckon(errand: Reckon) -> Reckoned:
    found = all_of(Path(errand.folder), errand.project)
    report = measure(errand.project, found.jobs, found.decisions, found.versions)
    shares = [_share(name, pieces, canvas) for name, pieces, canvas in found.documents if pieces]
    return Reckoned(errand.task, replace(report, shares=shares))


def _share(document: str, pieces: list[Piece], canvas: Placement | None) -> Share:
    layers = [_layer(piece, f"pieces[{number}]") for number, piece in enumerate(pieces)]
    found = share_out(layers, None if canvas is None else _box(canvas, "canvas"))
    return Share(document, found.area, canvas is not None, found.machine, found.both, found.artist)


def _overlay(errand: Overlay) -> Overlaid:
    picture, patch = (
        _patch(errand.picture, errand.region, "picture"),
        _patch(errand.patch, errand.placement, "patch"),
    )
    _check_room(errand.region, errand.placement)
    laid = overlay(picture, patch)
    height, width = laid.mask.shape
    return Overlaid(
        errand.task,
        _pixels(laid.pixels, errand.picture.colorspace),
        Placement(laid.x, laid.y, width, height),
        _pixels(laid.mask, "srgb"),
    )


def _convert(errand: Convert) -> Converted:
    check_depth(errand.format, errand.colorspace)
    pixels = errand.pixels
    colorspace = errand.colorspace or pixels.colorspace
    result = converted(
        _array(pixels, "pixels"),
        errand.format or pixels.format,
        linear=pixels.colorspace == "linear",
        to_linear=colorspace == "linear",
    )
    return Converted(errand.task, _pixels(result, colorspace))


_ERRANDS: dict[type[Any], Callable[[Any], Any]] = {
    Learn: _learn,
    Choose: _choose,
    Differ: _differ,
    Overlay: _overlay,
    Convert: _convert,
    Reckon: _reckon,
}


def _array(pixels: Pixels, where: str) -> NDArray[Any]:
    check_pixels(pixels, max_pixels=_MOST_PIXELS, where=where)
    return as_array(pixels.data, pixels.width, pixels.height, pixels.format)


def _pixels(array: NDArray[Any], colorspace: str) -> Pixels:
    height, width = array.shape[:2]
    return Pixels(width, height, format_of(array), as_bytes(array), colorspace)


def _patch(pixels: Pixels, at: Placement, where: str) -> Patch:
    array = _array(pixels, where)
    if (at.width, at.height) != (pixels.width, pixels.height):
        raise BadRequest(
            f"{where} has {pixels.width} x {pixels.height} pixels but its place {at.width} x {at.height}.",
            "Both must be the same.",
        )
    return Patch(array, at.x, at.y, pixels.colorspace == "linear")


def _check_room(region: Placement, placement: Placement) -> None:
    width = max(p.x + p.width for p in (region, placement)) - min(region.x, placement.x)
    height = max(p.y + p.height for p in (region, placement)) - min(region.y, placement.y)
    own = region.width * region.height + placement.width * placement.height
    if width * height > min(_MOST_PIXELS, _MOST_ROOM * own):
        raise TooLarge(
            f"The picture and the patch lie so far apart that {width} x {height} pixels are around them.",
            "Place the patch nearer to its picture.",
        )


def _box(placement: Placement, where: str) -> Box:
    if placement.width < 1 or placement.height < 1:
        raise BadRequest(
            f"{where} is {placement.width} x {placement.height} pixels.", "Both sides must be at least 1."
        )
    return Box(placement.x, placement.y, placement.width, placement.height)


def _layer(piece: Piece, where: str) -> Layer:
    small = _array(piece.thumbnail, f"{where}.thumbnail")
    coverage = np.ones(small.shape[:2], np.float32)
    if small.shape[2] == 4:
        share = small[..., 3].astype(np.float32) / np.float32(white_of(small.dtype))
        coverage = np.clip(np.nan_to_num(share, nan=0.0), 0, 1)
    return Layer(_box(piece.placement, f"{where}.placement"), coverage, piece.changed)


def _do(errand: Any, line: Line, inbox: Inbox) -> None:
    if inbox.is_cancelled(errand.task):
        raise Cancelled("Cancelled.")
    line.send(answer(errand))


def _blame(errand: Any, error: Exception) -> BridgeError:
    if isinstance(error, MemoryError):
        return TooLarge("There is not enough memory for this.", "Use a smaller area.")
    return BridgeError(
        f"The errand {type(errand).__name__} failed unexpectedly ({type(error).__name__}).",
        "The daemon's log has the details.",
    )


if __name__ == "__main__":
    serve(open_line("clerk"), Ready([]), _do, _blame)
