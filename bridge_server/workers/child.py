# SPDX-License-Identifier: Apache-2.0
"""The main of a worker process: reads tasks on stdin, writes what comes of them on stdout.

See :mod:`bridge_server.workers.line` for how it hears and answers. Its arguments are the kind of engines
(``patchmatch`` without) and what those are loaded with.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from ..canvas.describe import describe
from ..canvas.formats import as_array, as_bytes, format_of
from ..canvas.patches import grow
from ..canvas.thumbnails import thumbnail
from ..engines.base import BatchingEngine, Brief, Engine, GuidePicture, Made
from ..engines.registry import load_engines
from ..protocol.errors import BridgeError, Cancelled, EngineFailed, Unsupported
from ..protocol.pixels import Pixels
from ..protocol.records import Placement, Steering
from ..protocol.work import (
    Ready,
    Task,
    TaskCandidate,
    TaskDraft,
    TaskEnded,
    TaskPreview,
    TaskProgress,
    Together,
)
from .line import Inbox, Line, open_line
from .line import serve as serve_line

__all__ = ["serve"]

#: See :class:`bridge_server.protocol.work.Task`.
STAGES = ("full", "draft", "drafted")


class _TaskReport:
    """What an engine says while it works on one task, put on the line. Of drafts only the end is told."""

    def __init__(self, task: Task, line: Line, inbox: Inbox) -> None:
        self._task, self._line, self._inbox = task, line, inbox

    def progress(self, index: int, done: float) -> None:
        if self._task.stage != "draft":
            self._line.send(TaskProgress(self._task.task, self._task.indices[index], done))

    def preview(self, index: int, x: int, y: int, width: int, height: int, pixels: NDArray[np.uint8]) -> None:
        if self._task.stage == "draft":
            return
        placement = _placement(self._task, x, y, width, height)
        payload = _to_pixels(pixels, "srgb")
        self._line.send(TaskPreview(self._task.task, self._task.indices[index], placement, payload))

    def check(self) -> None:
        if self._inbox.is_cancelled(self._task.task):
            raise Cancelled("Cancelled.")

    def steering(self) -> Steering:
        return self._inbox.steering(self._task.task) or self._task.steering


class _Shelf:
    """The engines by name. Each look is a new one: a model may have come, or become another, since."""

    def __init__(self, load: Callable[[], Sequence[Engine]]) -> None:
        self._load = load

    def ready(self) -> Ready:
        return Ready([engine.info for engine in self._load()])

    def find(self, name: str) -> Engine:
        for engine in self._load():
            if engine.info.name == name:
                return engine
        raise Unsupported(f"This worker has no engine {name!r}.")


def _to_array(pixels: Pixels) -> NDArray[Any]:
    return as_array(pixels.data, pixels.width, pixels.height, pixels.format)


def _to_pixels(array: NDArray[Any], colorspace: str) -> Pixels:
    height, width = array.shape[:2]
    return Pixels(width, height, format_of(array), as_bytes(array), colorspace)


def _brief(task: Task) -> Brief:
    picture = _to_array(task.picture)
    if task.mask is None:
        left, right, top, bottom = task.grow
        picture, mask = grow(picture, left=left, right=right, top=top, bottom=bottom)
    else:
        mask = _to_array(task.mask)[:, :, 0]
    return Brief(
        verb="fill" if task.verb == "expand" else task.verb,
        picture=picture,
        mask=mask,
        seeds=tuple(task.seeds),
        colorspace=task.picture.colorspace,
        prompt=task.prompt,
        negative_prompt=task.negative_prompt,
        strength=task.strength,
        amount=task.amount,
        parameters=task.parameters,
        stage=task.stage,
        guides=tuple(
            GuidePicture(
                guide.kind,
                _to_array(guide.picture),
                guide.picture.colorspace,
                guide.weight,
                guide.start,
                guide.end,
            )
            for guide in task.guides
        ),
    )


def _placement(task: Task, x: int, y: int, width: int, height: int) -> Placement:
    """A rectangle of the brief's picture, counted from the task's picture."""
    left, _, top, _ = task.grow or (0, 0, 0, 0)
    return Placement(x - left, y - top, width, height)


def _candidate(task: Task, made: Made, seconds: float) -> TaskCandidate:
    height, width = made.pixels.shape[:2]
    linear = task.picture.colorspace == "linear"
    return TaskCandidate(
        task=task.task,
        index=task.indices[made.index],
        seed=task.seeds[made.index],
        placement=_placement(task, made.x, made.y, width, height),
        pixels=_to_pixels(made.pixels, task.picture.colorspace),
        seconds=seconds,
        thumbnail=_to_pixels(thumbnail(made.pixels, linear=linear), "srgb"),
        descriptor=describe(made.pixels, linear=linear),
        recipe=dict(made.recipe),
    )


def _draft(task: Task, made: Made) -> TaskDraft:
    descriptor = describe(made.pixels, linear=task.picture.colorspace == "linear")
    return TaskDraft(task.task, task.indices[made.index], task.seeds[made.index], descriptor)


def _check_stage(engine: Engine, task: Task) -> None:
    if task.stage not in STAGES:
        raise Unsupported(f"This worker knows no stage {task.stage!r}.")
    if task.stage != "full" and task.verb not in engine.info.drafts:
        raise Unsupported(
            f"The engine {task.engine} makes no drafts for {task.verb}.",
            "Ask without drafts, or choose another engine.",
        )


def _do(shelf: _Shelf, work: Task | Together, line: Line, inbox: Inbox) -> None:
    if isinstance(work, Together):
        _run_together(shelf, work, line, inbox)
    else:
        _run(shelf, work, line, inbox)


def _run(shelf: _Shelf, task: Task, line: Line, inbox: Inbox) -> None:
    engine = shelf.find(task.engine)
    report = _TaskReport(task, line, inbox)
    report.check()
    _check_stage(engine, task)
    if engine.info.batches:
        _run_at_once(cast("BatchingEngine", engine), task, line, report)
        return
    started = time.perf_counter()
    for made in engine.generate(_brief(task), report):
        if task.stage == "draft":
            line.send(_draft(task, made))
        else:
            line.send(_candidate(task, made, time.perf_counter() - started))
        report.check()
        started = time.perf_counter()


def _run_at_once(engine: BatchingEngine, task: Task, line: Line, report: _TaskReport) -> None:
    """A batch of one task: its candidates are told as they come, not when all of them are there."""
    errors: list[BridgeError] = []
    started = time.perf_counter()

    def deliver(_: int, made: Made | BridgeError) -> None:
        if isinstance(made, BridgeError):
            errors.append(made)
        else:
            line.send(_candidate(task, made, time.perf_counter() - started))

    engine.generate_together([_brief(task)], [report], deliver)
    for error in errors:
        raise error


def _run_together(shelf: _Shelf, work: Together, line: Line, inbox: Inbox) -> None:
    """Each task ends under its own name with its last candidate or its error; the rest end with the whole."""
    engine = shelf.find(work.tasks[0].engine)
    if not engine.info.batches:
        raise Unsupported(f"The engine {engine.info.name} makes one thing at a time.")
    reports = [_TaskReport(task, line, inbox) for task in work.tasks]
    left = [len(task.seeds) for task in work.tasks]
    started = time.perf_counter()

    def deliver(number: int, made: Made | BridgeError) -> None:
        task = work.tasks[number]
        if isinstance(made, BridgeError):
            line.send(TaskEnded(task.task, made.wire_code, made.message, made.hint))
            return
        line.send(_candidate(task, made, time.perf_counter() - started))
        left[number] -= 1
        if left[number] == 0:
            line.send(TaskEnded(task.task))

    try:
        briefs = [_brief(task) for task in work.tasks]
        cast("BatchingEngine", engine).generate_together(briefs, reports, deliver)
    finally:
        for task in work.tasks:
            inbox.forget(task.task)


def _blame(work: Task | Together, error: Exception) -> BridgeError:
    if isinstance(error, MemoryError):
        return EngineFailed("There is not enough memory for this request.", "Select a smaller area.")
    engine = work.tasks[0].engine if isinstance(work, Together) else work.engine
    return EngineFailed(
        f"The engine {engine} failed unexpectedly ({type(error).__name__}).",
        "The daemon's log has the details.",
    )


def serve(load: Callable[[], Sequence[Engine]]) -> NoReturn:
    """Work until stdin closes, with the engines that ``load`` finds.

    It is asked before each task, so it must be quick: what an engine has in memory is not to hang on its
    object.
    """
    line = open_line("worker")
    shelf = _Shelf(load)
    serve_line(line, shelf.ready(), partial(_do, shelf), _blame)


def _main() -> NoReturn:
    parser = argparse.ArgumentParser(prog="bridge_server.workers.child")
    parser.add_argument("kind", nargs="?", default="patchmatch")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--settings", type=json.loads, default={})
    given = parser.parse_args()
    serve(partial(load_engines, given.kind, models=given.models, settings=given.settings))


if __name__ == "__main__":
    _main()
