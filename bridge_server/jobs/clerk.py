# SPDX-License-Identifier: Apache-2.0
"""The daemon's clerk: errands one after another in a process of their own."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

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
from ..protocol.errors import BridgeError, DaemonStopping, WorkerDied, error_from_wire
from ..protocol.pixels import Pixels
from ..protocol.records import Placement
from ..protocol.taste import Lesson
from ..workers.supervisor import Supervisor

__all__ = ["Clerk"]

log = logging.getLogger(__name__)

A = TypeVar("A")


class Clerk:
    """Does errands. Each method's arguments are the errand's fields, its result is the errand's answer.

    Every method raises BridgeError with the clerk's words if the errand can't be done, WorkerDied if the
    process ended on it twice, and DaemonStopping after :meth:`close`. Whoever waits for an answer may be
    cancelled: an errand that has begun is still done, so that its answer is not taken for the next one's.

    Args:
        command: the program of the clerk's process and its arguments.
        ready_timeout: seconds that the process may take to say READY.
        idle_exit: seconds after which the idle process is ended.
    """

    def __init__(
        self, command: Sequence[str], *, ready_timeout: float = 60.0, idle_exit: float = 300.0
    ) -> None:
        self._supervisor = Supervisor(command, size=1, ready_timeout=ready_timeout, idle_exit=idle_exit)
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._current: asyncio.Task[Any] | None = None
        self._closed = False

    @property
    def names(self) -> list[str]:
        """The living process, for people."""
        return self._supervisor.names

    async def learn(self, lessons: list[Lesson], pins: dict[str, float]) -> Learned:
        """What the lessons, oldest first, teach."""
        return await self._ask(lambda name: Learn(name, lessons, pins), Learned)

    async def choose(
        self,
        drafts: list[dict[str, float]],
        count: int,
        seed: int,
        lessons: list[Lesson],
        pins: dict[str, float],
        exploration: float,
        unlike: dict[str, float] | None = None,
    ) -> Chosen:
        """Which of the drafts to show."""
        return await self._ask(
            lambda name: Choose(name, drafts, count, seed, lessons, pins, exploration, unlike), Chosen
        )

    async def differ(
        self,
        first: Pixels,
        first_at: Placement,
        second: Pixels,
        second_at: Placement,
        first_descriptor: dict[str, float] | None = None,
        second_descriptor: dict[str, float] | None = None,
        *,
        final: bool = False,
    ) -> Differs:
        """How the second patch differs from the first; in words too if both are described."""
        described = (first_descriptor or {}, second_descriptor or {}, final)
        return await self._ask(
            lambda name: Differ(name, first, first_at, second, second_at, *described), Differs
        )

    async def overlay(
        self, picture: Pixels, region: Placement, patch: Pixels, placement: Placement
    ) -> Overlaid:
        """The picture with the patch on it."""
        return await self._ask(lambda name: Overlay(name, picture, region, patch, placement), Overlaid)

    async def convert(self, pixels: Pixels, layout: str, colorspace: str) -> Converted:
        """The pixels in another format and colorspace."""
        return await self._ask(lambda name: Convert(name, pixels, layout, colorspace), Converted)

    async def reckon(self, folder: Path, project: str) -> Reckoned:
        """How the work in a project went."""
        return await self._ask(lambda name: Reckon(name, str(folder), project), Reckoned)

    async def close(self) -> None:
        """End the process; errands that wait or are being done fail."""
        self._closed = True
        if self._current is not None:
            self._current.cancel()
            await asyncio.wait({self._current})
        await self._supervisor.close()

    async def _ask(self, errand: Callable[[str], Any], kind: type[A]) -> A:
        await self._turn.acquire()
        # a task of its own, which the caller's cancellation does not reach
        current = self._current = asyncio.create_task(self._do(errand, kind), name="errand")
        current.add_done_callback(self._done)
        try:
            return await asyncio.shield(current)
        except asyncio.CancelledError:
            asked = asyncio.current_task()
            if current.cancelled() and asked is not None and not asked.cancelling():
                raise _stopping() from None  # by close(), not by who cancelled the caller
            raise

    def _done(self, current: asyncio.Task[Any]) -> None:
        self._current = None
        self._turn.release()
        if not current.cancelled():
            current.exception()  # counts as looked at: nobody may be waiting for it any more

    async def _do(self, errand: Callable[[str], Any], kind: type[A]) -> A:
        for last in (False, True):
            if self._closed:
                raise _stopping()
            try:
                return await self._attempt(errand(f"errand-{next(self._numbers)}"), kind)
            except WorkerDied:
                if last:
                    raise
                log.warning("the clerk died; trying once more")
        raise AssertionError

    async def _attempt(self, errand: Any, kind: type[A]) -> A:
        answers: list[Any] = []
        ended = await self._supervisor.run(errand, answers.append)
        if ended.error_code:
            raise error_from_wire(ended.error_code, ended.error_message, ended.error_hint)
        if len(answers) != 1 or not isinstance(answers[0], kind):
            raise BridgeError(f"The clerk has no answer to the errand {type(errand).__name__}.")
        return answers[0]


def _stopping() -> DaemonStopping:
    return DaemonStopping("The daemon is shutting down.")
