# SPDX-License-Identifier: Apache-2.0
"""What all handlers work with."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..jobs.clerk import Clerk
from ..jobs.scheduler import Scheduler
from ..protocol.codec import Event
from ..protocol.errors import TooBusy
from ..protocol.messages import EngineList
from ..protocol.pixels import Pixels
from ..protocol.request import Request
from ..sessions.conversation import Sitting
from ..sessions.database import Told
from ..sessions.memory import Memory
from ..workers.fleet import Fleet
from .hub import Hub, Watcher

__all__ = ["Caller", "Desk", "Routes"]


class Caller(Watcher, Protocol):
    """The connection that asks."""

    project: str
    host: str

    async def room(self) -> None:
        """Wait until the client has taken most of what was sent to it."""
        ...


@dataclass
class Desk:
    """The daemon's parts, and the ways in which handlers use them.

    ``memory`` is touched on ``writer``'s thread only. ``tidying`` is held by who moves or removes stored
    pictures, so that an export never meets a sweep.
    """

    scheduler: Scheduler
    fleet: Fleet
    clerk: Clerk
    memory: Memory
    writer: Executor
    hub: Hub
    max_pixels: int
    #: Bytes that all pictures may take; 0 is unlimited.
    budget: int
    data_dir: Path
    address: str
    request_stop: Callable[[str], None]
    started: float
    tidying: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: Projects that are being deleted: nothing new comes into them.
    closing: set[str] = field(default_factory=set[str])
    #: Which engines clients believe that there are; None: nobody has asked.
    engines_told: EngineList | None = None
    #: When the budget is next worth a look, in monotonic seconds.
    sweep_again: float = 0.0
    _inside: Counter[str] = field(default_factory=Counter[str])
    _left: asyncio.Event = field(default_factory=asyncio.Event)
    _errands: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    @asynccontextmanager
    async def inside(self, project: str) -> AsyncGenerator[None]:
        """Around all that brings something into a project.

        Raises:
            TooBusy: it is being deleted.
        """
        if project in self.closing:
            raise TooBusy(f"The project {project!r} is being deleted.", "Wait a moment, or use another.")
        self._inside[project] += 1
        try:
            yield
        finally:
            self._inside[project] -= 1
            self._left.set()

    async def emptied(self, project: str) -> None:
        """Wait until nobody is inside a project. Who is ``closing`` it sees to it that nobody enters."""
        while self._inside[project]:
            self._left.clear()
            await self._left.wait()
        del self._inside[project]

    async def read(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Look something up in the store."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.writer, lambda: call(*args, **options))

    async def converted(self, pixels: Pixels, layout: str, colorspace: str) -> Pixels:
        """Pixels in a format and colorspace, empty for their own. What is so already is passed on."""
        if layout in ("", pixels.format) and colorspace in ("", pixels.colorspace):
            return pixels
        return (await self.clerk.convert(pixels, layout, colorspace)).pixels

    async def change(self, call: Callable[..., tuple[Any, list[Told]]], *args: Any) -> Any:
        """Change something in the store, tell everyone, and return the result.

        What is written is told even if who asked is gone meanwhile.
        """
        return await asyncio.shield(self.spawn(self._change(call, *args)))

    async def _change(self, call: Callable[..., tuple[Any, list[Told]]], *args: Any) -> Any:
        result, told = await self.read(call, *args)
        self.tell(told)
        return result

    def tell(self, told: list[Told]) -> None:
        """Hand out what was written down."""
        for channel, event in told:
            self.hub.publish(channel, event)

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Do something on the side; owned until it is done."""
        task = asyncio.ensure_future(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task

    async def settle(self) -> None:
        """Wait for what is done on the side."""
        await asyncio.gather(*self._errands, return_exceptions=True)

    def sitting(self, caller: Caller) -> Sitting:
        """Who the caller is, for the record."""
        return Sitting(caller.session, caller.project, caller.host)

    async def replay(
        self, caller: Caller, channel: str, after: int, read: Callable[[str, int], Event | None], key: str
    ) -> bool:
        """Tell the lasting events after number ``after``, then what happens from now on; none is left out.

        One event at a time, as fast as the client takes them: candidates may be many and large.
        ``read(key, after)`` finds the next one. A project that is deleted meanwhile ends it: False.
        """
        state = self.hub.begin_catching_up(caller, channel)
        missing: Event | None = None
        try:
            while True:
                event = await self.read(read, key, after)
                if event is None and state.newest is missing:
                    event = missing  # told, and not to be read: the end of a job that could not be written
                if event is not None:
                    await caller.room()
                if state.over:
                    return False
                if event is not None:
                    self.hub.tell(caller, channel, event)
                    after, missing = event.seq, None
                elif self.hub.caught_up(caller, channel, after):
                    return True
                else:
                    missing = state.newest  # read once more, it may have come after the reading
        except BaseException:
            if not state.over:
                self.hub.stop_catching_up(caller, channel)
            raise


#: Type of a request -> what answers it.
Routes = dict[type[Request[Any]], Callable[[Desk, Caller, Any], Awaitable[Any]]]
