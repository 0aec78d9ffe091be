# SPDX-License-Identifier: Apache-2.0
"""A worker process's end of the pipes: what it is told, in order, and an answer to each.

The main thread computes, a reader thread hears what is cancelled and steered. When stdin closes the daemon is
gone, and the process ends at once whatever it is doing: nobody could receive the result.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, NoReturn

from ..protocol.errors import BridgeError
from ..protocol.records import Steering
from ..protocol.work import CancelTask, Ready, SteerTask, TaskEnded
from .frames import HEADER, decode, encode

__all__ = ["Inbox", "Line", "open_line", "serve"]

log = logging.getLogger(__name__)

#: Added to the process's nice value: painting goes before computing.
_NICENESS = 5


class Line:
    """The two pipes to the daemon. ``send`` is for the computing thread only."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def send(self, body: Any) -> None:
        """Write one whole message."""
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


class Inbox:
    """Tasks in order, which of them nobody wants any more, how they are steered. A reader thread fills it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._steered: dict[str, Steering] = {}
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def _read(self) -> None:
        while True:
            message = self._line.receive()
            if message is None:
                os._exit(0)
            elif isinstance(message, CancelTask):
                self._cancelled.add(message.task)
            elif isinstance(message, SteerTask):
                self._steered[message.task] = message.steering
            else:
                self._tasks.put(message)

    def next(self) -> Any:
        """The next thing to do; waits for it."""
        return self._tasks.get()

    def is_cancelled(self, task: str) -> bool:
        """Whether the daemon wants no more of this."""
        return task in self._cancelled

    def steering(self, task: str) -> Steering | None:
        """How the task was steered since it was sent; None if it was not."""
        return self._steered.get(task)

    def forget(self, task: str) -> None:
        """The task is over."""
        self._cancelled.discard(task)
        self._steered.pop(task, None)


def open_line(who: str) -> Line:
    """Make this process a worker; ``who`` it is stands in the log.

    What an engine or a library prints would break the frames, so stdout is led to stderr.
    """
    # buffered, because a raw file may write a long frame only in part
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"%(levelname)s {who}: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which ends the worker in order
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    return Line(sys.stdin.buffer, outgoing)


def serve(
    line: Line,
    ready: Ready,
    do: Callable[[Any, Line, Inbox], None],
    blame: Callable[[Any, Exception], BridgeError],
) -> NoReturn:
    """Say READY, then do what comes until stdin closes.

    Args:
        line: to the daemon.
        ready: the first word.
        do: sends what comes of a task; any BridgeError that it raises is told as it is.
        blame: makes any other error one that the artist can read.
    """
    inbox = Inbox(line)
    line.send(ready)
    while True:
        task = inbox.next()
        line.send(_attempt(task, line, inbox, do, blame))
        inbox.forget(task.task)


def _attempt(
    task: Any,
    line: Line,
    inbox: Inbox,
    do: Callable[[Any, Line, Inbox], None],
    blame: Callable[[Any, Exception], BridgeError],
) -> TaskEnded:
    try:
        do(task, line, inbox)
    except BridgeError as error:
        return TaskEnded(task.task, error.wire_code, error.message, error.hint)
    except Exception as error:
        if not isinstance(error, MemoryError):
            log.exception("task %s failed", task.task)
        told = blame(task, error)
        return TaskEnded(task.task, told.wire_code, told.message, told.hint)
    return TaskEnded(task.task)
