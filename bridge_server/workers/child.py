# SPDX-License-Identifier: Apache-2.0
"""The main of a worker process: reads tasks on stdin, writes what comes of them on stdout.

The main thread computes, a reader thread hears of cancels. When stdin closes the daemon is gone, and the
process ends at once whatever it is doing: nobody could receive the result.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..canvas.describe import describe
from ..canvas.formats import as_array, as_bytes, format_of
from ..canvas.patches import grow
from ..canvas.thumbnails import thumbnail
from ..engines.base import Brief, Engine, Made
from ..engines.registry import load_engines
from ..protocol.errors import BridgeError, Cancelled, EngineFailed, Unsupported
from ..protocol.pixels import Pixels
from ..protocol.records import Placement
from ..protocol.work import (
    CancelTask,
    Ready,
    Task,
    TaskCandidate,
    TaskDraft,
    TaskEnded,
    TaskPreview,
    TaskProgress,
)
from .frames import HEADER, decode, encode

__all__ = ["serve"]

log = logging.getLogger(__name__)

#: See :class:`bridge_server.protocol.work.Task`.
STAGES = ("full", "draft", "drafted")

#: Added to the process's nice value: painting goes before computing.
_NICENESS = 5


class _Line:
    """The two pipes to the daemon. ``send`` is for the computing thread only."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def send(self, body: Any) -> None:
        self._outgoing.write(encode(body))
        self._outgoing.flush()

    def receive(self) -> Any | None:
        """The next message, or None when the daemon is gone."""
        header = self._incoming.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        (length,) = HEADER.unpack(header)
        payload = self._incoming.read(length)
        return decode(payload) if len(payload) == length else None


class _Inbox:
    """Tasks in order, and which of them nobody wants any more. Filled by a reader thread."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def _read(self) -> None:
        while True:
            message = self._line.receive()
            if message is None:
                os._exit(0)
            elif isinstance(message, CancelTask):
                self._cancelled.add(message.task)
            else:
                self._tasks.put(message)

    def next(self) -> Task:
        return self._tasks.get()

    def is_cancelled(self, task: str) -> bool:
        return task in self._cancelled

    def forget(self, task: str) -> None:
        self._cancelled.discard(task)


class _TaskReport:
    """What an engine says while it works on one task, put on the line. Of drafts only the end is told."""

    def __init__(self, task: Task, line: _Line, inbox: _Inbox) -> None:
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


def _run(engine: Engine, task: Task, line: _Line, inbox: _Inbox) -> None:
    report = _TaskReport(task, line, inbox)
    report.check()
    _check_stage(engine, task)
    started = time.perf_counter()
    for made in engine.generate(_brief(task), report):
        if task.stage == "draft":
            line.send(_draft(task, made))
        else:
            line.send(_candidate(task, made, time.perf_counter() - started))
        report.check()
        started = time.perf_counter()


def _end(task: Task, error: BridgeError | None) -> TaskEnded:
    if error is None:
        return TaskEnded(task.task)
    return TaskEnded(task.task, error.wire_code, error.message, error.hint)


def _attempt(engines: dict[str, Engine], task: Task, line: _Line, inbox: _Inbox) -> BridgeError | None:
    """Run one task; whatever goes wrong becomes an error that the artist can read."""
    engine = engines.get(task.engine)
    if engine is None:
        return Unsupported(f"This worker has no engine {task.engine!r}.")
    try:
        _run(engine, task, line, inbox)
    except BridgeError as error:
        return error
    except MemoryError:
        return EngineFailed("There is not enough memory for this request.", "Select a smaller area.")
    except Exception as error:
        log.exception("engine %s failed on task %s", task.engine, task.task)
        return EngineFailed(
            f"The engine {task.engine} failed unexpectedly ({type(error).__name__}).",
            "The daemon's log has the details.",
        )
    return None


def serve(engines: Iterable[Engine]) -> None:
    """Work until stdin closes.

    What an engine or a library prints would break the frames, so stdout is led to stderr.
    """
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s worker: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which ends the worker in order
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    by_name = {engine.info.name: engine for engine in engines}
    line = _Line(sys.stdin.buffer, outgoing)
    inbox = _Inbox(line)
    line.send(Ready([engine.info for engine in by_name.values()]))
    while True:
        task = inbox.next()
        error = _attempt(by_name, task, line, inbox)
        line.send(_end(task, error))
        inbox.forget(task.task)


if __name__ == "__main__":
    serve(load_engines())
