# SPDX-License-Identifier: Apache-2.0
"""The picture commands: read, send the region, lay each candidate over the picture, write."""

from __future__ import annotations

import argparse
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..client import BridgeClient
from ..protocol.errors import BadRequest, BridgeError, Cancelled
from ..protocol.messages import CandidateDone, Engines
from . import exits
from .arguments import Asked, asked_from
from .connect import connected, data_folder
from .follow import run_job
from .pictures import (
    Picture,
    alters_everything,
    check_output,
    grown,
    numbered,
    paste,
    read_mask,
    read_picture,
    write_picture,
)
from .plan import check_guides, engine_named, outline, region_of, remarks, request_for
from .show import Bars, Screen
from .words import made_line

__all__ = ["Outcome", "Prepared", "perform", "prepare", "verb"]

_JPEG = "JPEG changes every pixel a little, outside the selection too; PNG, WebP and TIFF keep each byte."

#: Seconds for the engines to answer; the first time, a worker starts for it.
_ENGINES_TIMEOUT = 90.0


@dataclass(frozen=True)
class Prepared:
    """Everything that can be known to be right before the daemon is asked."""

    asked: Asked
    picture: Picture
    mask: NDArray[np.uint8] | None
    outputs: list[Path]
    guides: list[Picture] = field(default_factory=list[Picture])


@dataclass(frozen=True)
class Written:
    """A candidate that is in a file."""

    index: int
    file: str
    seed: int
    candidate: str
    seconds: float


@dataclass
class Outcome:
    """What a picture command did, and while it runs, what it has done so far."""

    verb: str
    engine: str = ""
    job: str = ""
    warnings: list[str] = field(default_factory=list[str])
    written: list[Written] = field(default_factory=list[Written])
    seconds: float = 0.0

    def record(self) -> dict[str, object]:
        """For ``--json``: parallel lists in the candidates' order."""
        done = sorted(self.written, key=lambda each: each.index)
        return {
            "verb": self.verb,
            "engine": self.engine,
            "job": self.job,
            "files": [each.file for each in done],
            "seeds": [each.seed for each in done],
            "candidates": [each.candidate for each in done],
            "candidate_seconds": [round(each.seconds, 3) for each in done],
            "seconds": round(self.seconds, 3),
            "warnings": self.warnings,
        }


def verb(given: argparse.Namespace) -> int:
    """Run ``fill``, ``expand``, ``vary`` or ``refine`` and return the exit code."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    asked = asked_from(given)
    outcome = Outcome(asked.verb)
    try:
        prepared = prepare(asked)
    except BridgeError as error:
        screen.fail(error, **_so_far(outcome))
        return exits.USAGE
    try:
        with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
            perform(prepared, client, screen, outcome)
    except BridgeError as error:
        screen.fail(error, **_so_far(outcome))
        return exits.FAILED
    except KeyboardInterrupt:
        screen.fail(Cancelled("Cancelled."), **_so_far(outcome))
        return exits.INTERRUPTED
    screen.result(outcome.record())
    return exits.OK


def _spare_inputs(output: Path, asked: Asked) -> None:
    for source in (asked.image, asked.mask, *(path for _, path, _ in asked.guides)):
        if source is not None and output.exists() and output.samefile(source):
            raise BadRequest(f"{output} is what was given; writing it would lose it.", "Choose another OUT.")


def prepare(asked: Asked) -> Prepared:
    """Read the files and see that the results can be written.

    Raises:
        BridgeError: a file is missing or unfit; nothing was sent or written.
    """
    picture = read_picture(asked.image)
    mask = None if asked.mask is None else read_mask(asked.mask, (picture.width, picture.height))
    guides = [read_picture(path) for _, path, _ in asked.guides]
    check_guides(asked, picture, guides)
    outputs = numbered(asked.output, asked.count)
    for output in outputs:
        _spare_inputs(output, asked)
        check_output(output, outline(asked, picture))
    return Prepared(asked, picture, mask, outputs, guides)


def perform(
    prepared: Prepared, client: BridgeClient, screen: Screen, outcome: Outcome, *, keep_bars: bool = False
) -> None:
    """Ask the daemon and write each candidate as soon as it is there.

    Args:
        prepared: what to ask for.
        client: connected.
        screen: gets warnings, progress and a line for each file.
        outcome: filled in as it goes, so that it holds on failure too.
        keep_bars: leave the progress bars standing at the end.

    Raises:
        BridgeError: refused, failed, or the disk is full. Files that were written stay.
    """
    asked, started = prepared.asked, time.monotonic()
    engine = engine_named(asked.engine, client.call(Engines(), _ENGINES_TIMEOUT).engines)
    outcome.engine, outcome.job = engine.name, secrets.token_hex(8)
    for remark in remarks(asked, engine):
        outcome.warnings.append(remark)
        screen.warn(remark)
    if alters_everything(asked.output):
        screen.note(_JPEG)
    region = region_of(asked, prepared.picture, prepared.mask, engine.context)
    request = request_for(asked, prepared.picture, prepared.mask, region, outcome.job, prepared.guides)
    with screen.bars(asked.count, keep=keep_bars) as bars:
        run_job(client, request, _Writer(prepared, screen, bars, outcome))
    outcome.seconds = time.monotonic() - started


class _Writer:
    """Turns candidates into files; see :class:`bridge_server.cli.follow.Listener`."""

    def __init__(self, prepared: Prepared, screen: Screen, bars: Bars, outcome: Outcome) -> None:
        self._prepared, self._screen, self._bars, self._outcome = prepared, screen, bars, outcome
        self._base: Picture | None = None

    def waiting(self, position: int) -> None:
        self._bars.waiting(position)

    def drafts(self, made: int, wanted: int) -> None:
        self._bars.drafts(made, wanted)

    def progress(self, index: int, done: float) -> None:
        self._bars.set(index, done)

    def candidate(self, made: CandidateDone) -> None:
        if self._base is None:
            self._base = _canvas(self._prepared)
        left, _, top, _ = self._prepared.asked.sides
        info, path = made.info, self._prepared.outputs[made.info.index]
        result = paste(self._base, made.pixels, info.placement.x + left, info.placement.y + top)
        write_picture(path, result)
        written = Written(info.index, str(path), info.seed, info.candidate, info.seconds)
        self._outcome.written.append(written)
        self._bars.set(info.index, 1.0, f"seed {info.seed}")
        self._screen.line(f"{path}  {made_line(info)}")


def _canvas(prepared: Prepared) -> Picture:
    """What the candidates are laid over."""
    left, right, top, bottom = prepared.asked.sides
    if not any(prepared.asked.sides):
        return prepared.picture
    return grown(prepared.picture, left=left, right=right, top=top, bottom=bottom)


def _so_far(outcome: Outcome) -> dict[str, object]:
    """What a failed command still did."""
    record = outcome.record()
    return {name: record[name] for name in ("job", "files", "warnings")}
