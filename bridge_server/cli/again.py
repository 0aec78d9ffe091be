# SPDX-License-Identifier: Apache-2.0
"""What works on a candidate's pixels: ``more``, ``less`` and ``fetch``."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

import numpy as np

from ..canvas.formats import as_array
from ..client import BridgeClient
from ..protocol.errors import BadRequest, BridgeError, Cancelled, NotFound
from ..protocol.messages import CandidateDone, Fetch
from ..protocol.pixels import Pixels
from ..protocol.records import Placement
from ..protocol.versions import GetTree, GetVersion, Less, More
from . import exits
from .connect import connected, data_folder
from .follow import run_job
from .pictures import Picture, check_output, grown, numbered, paste, read_picture, write_picture
from .show import Bars, Screen
from .words import made_line

__all__ = ["fetch", "laid", "less", "more", "patch_of"]

#: Seconds for a large picture to come.
_TIMEOUT = 120.0


def more(given: argparse.Namespace) -> int:
    """Ask for variations of a candidate and stay until they are there."""
    request = More(
        given.candidate, given.count, given.amount, given.seed, if_gone="cancel", job=secrets.token_hex(8)
    )
    return _again(given, request)


def less(given: argparse.Namespace) -> int:
    """Ask again, away from a candidate, and stay until they are there."""
    request = Less(given.candidate, given.count, given.seed, if_gone="cancel", job=secrets.token_hex(8))
    return _again(given, request)


def _again(given: argparse.Namespace, request: More | Less) -> int:
    screen = Screen(as_json=given.json, quiet=given.quiet)
    try:
        base = _base(given)
        files = numbered(given.output, given.count) if given.output else []
        for file in files:
            _check(file, base, given.onto)
    except BridgeError as error:
        screen.fail(error)
        return exits.USAGE
    taken = _Taken(screen, base, files)
    try:
        with (
            connected(data_folder(given.data_dir), screen.note, project=given.project) as client,
            screen.bars(given.count) as taken.bars,
        ):
            run_job(client, request, taken)
    except BridgeError as error:
        screen.fail(error, **taken.record(request.job))
        return exits.FAILED
    except KeyboardInterrupt:
        screen.fail(Cancelled("Cancelled."), **taken.record(request.job))
        return exits.INTERRUPTED
    screen.result(taken.record(request.job))
    return exits.OK


class _Taken:
    """Takes candidates as they come; see :class:`bridge_server.cli.follow.Listener`."""

    def __init__(self, screen: Screen, base: Picture | None, files: list[Path]) -> None:
        self.bars = Bars(0)
        self._screen, self._base, self._files = screen, base, files
        self._made: dict[int, CandidateDone] = {}

    def waiting(self, position: int) -> None:
        self.bars.waiting(position)

    def drafts(self, made: int, wanted: int) -> None:
        self.bars.drafts(made, wanted)

    def progress(self, index: int, done: float) -> None:
        self.bars.set(index, done)

    def candidate(self, made: CandidateDone) -> None:
        info = made.info
        told = made_line(info)
        if self._files:
            file = self._files[info.index]
            write_picture(file, laid(self._base, made.pixels, info.placement))
            told = f"{file}  {told}"
        self._made[info.index] = made
        self.bars.set(info.index, 1.0, f"seed {info.seed}")
        self._screen.line(told)

    def record(self, job: str) -> dict[str, object]:
        """For ``--json``: parallel lists in the candidates' order."""
        done = [self._made[index].info for index in sorted(self._made)]
        return {
            "job": job,
            "candidates": [info.candidate for info in done],
            "seeds": [info.seed for info in done],
            "files": [str(self._files[info.index]) for info in done if self._files],
        }


def fetch(given: argparse.Namespace) -> int:
    """Write the pixels of a candidate or a version into a file."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    try:
        base = _base(given)
        _check(given.output, base, given.onto)
    except BridgeError as error:
        screen.fail(error)
        return exits.USAGE
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        layers = _layers(given.id, client, whole=base is not None)
    place, pixels = layers[-1]
    try:
        result = base
        for where, layer in layers:
            result = laid(result, layer, where)
        write_picture(given.output, result or patch_of(pixels))
    except BridgeError as error:
        screen.fail(error)
        return exits.USAGE
    box = [place.x, place.y, place.width, place.height]
    screen.result({"file": str(given.output), "id": given.id, "placement": box, "format": pixels.format})
    screen.line(f"{given.output}  {place.width} x {place.height} pixels, made for {place.x}, {place.y}")
    return exits.OK


def _layers(name: str, client: BridgeClient, *, whole: bool) -> list[tuple[Placement, Pixels]]:
    """What to lay on, the topmost last: a candidate or, if none is of that id, a version.

    The ``whole`` of a version is all that it was made on too, from the first one on.
    """
    try:
        made = client.call(Fetch(name), _TIMEOUT)
    except NotFound as unknown:
        try:
            version = client.call(GetVersion(name), _TIMEOUT)
        except NotFound as error:
            # the longer story is about the one that exists: its pixels were removed
            told = [each for each in (unknown, error) if not each.message.startswith("There is no ")]
            raise (told or [_unknown(name)])[0] from None
        if not whole:
            return [(version.placement, version.pixels)]
        way = client.call(GetTree(path_of=name, project=version.info.project, limit=1000)).versions
        done = [client.call(GetVersion(each.version), _TIMEOUT) for each in reversed(way)]
        return [(each.placement, each.pixels) for each in done]
    return [(made.info.placement, made.pixels)]


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"There is no candidate and no version {name[:80]!r}.",
        "'bridge-server history' shows which there are.",
    )


def _base(given: argparse.Namespace) -> Picture | None:
    """The picture to lay something over; None for the pixels alone.

    Raises:
        BridgeError: it can't be read, or OUT would be written over it.
    """
    if given.onto is None:
        return None
    if given.output is None:
        raise BadRequest("--onto without -o writes nothing.", "Say with -o where the result goes.")
    return read_picture(given.onto)


def _check(output: Path, base: Picture | None, onto: Path | None) -> None:
    if onto is not None and output.exists() and output.samefile(onto):
        raise BadRequest(f"{output} is what was given; writing it would lose it.", "Choose another OUT.")
    # its depth is not known yet without a base; what is checked then is the ending and the folder
    check_output(output, base or Picture(np.zeros((1, 1, 4), np.uint8)))


def patch_of(pixels: Pixels) -> Picture:
    """Pixels as they came, in a picture of their own."""
    array = as_array(pixels.data, pixels.width, pixels.height, pixels.format)
    return Picture(array, pixels.colorspace)


def laid(base: Picture | None, pixels: Pixels, place: Placement) -> Picture:
    """Pixels laid over ``base``, which grows where they reach over its edge; alone without one.

    Raises:
        BadRequest: they lie elsewhere, or have another depth.
    """
    patch = patch_of(pixels)
    if base is None:
        return patch
    if patch.array.dtype != base.array.dtype:
        raise BadRequest(
            f"It was made in {patch.array.dtype}, the picture to lay it over is in {base.array.dtype}.",
            "Give the picture that was asked about, or leave --onto away.",
        )
    if not (-pixels.width <= place.x <= base.width and -pixels.height <= place.y <= base.height):
        raise BadRequest(
            f"It was made for {place.x}, {place.y}, outside of this {base.width} x {base.height} picture.",
            "Give the picture that was asked about, or leave --onto away.",
        )
    left, top = max(0, -place.x), max(0, -place.y)
    right = max(0, place.x + pixels.width - base.width)
    bottom = max(0, place.y + pixels.height - base.height)
    wide = grown(base, left=left, right=right, top=top, bottom=bottom)
    return paste(wide, pixels, place.x + left, place.y + top)
