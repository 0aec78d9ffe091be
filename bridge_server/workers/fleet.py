# SPDX-License-Identifier: Apache-2.0
"""The worker processes of all kinds of engines: a pool for each, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..protocol.errors import BridgeError
from ..protocol.records import EngineInfo, Steering
from ..protocol.work import TaskEnded
from .process import Work
from .supervisor import Supervisor

__all__ = ["Fleet"]

log = logging.getLogger(__name__)


class Fleet:
    """Pools by the kind of their engines.

    An engine named ``kind/model`` is of that pool, every other one of the first, whose engines come first.

    Args:
        pools: by kind.
        installed: whether what a pool needs is there. One that lacks it has no engines until it is looked
            for anew.
    """

    def __init__(
        self, pools: Mapping[str, Supervisor], installed: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._pools = dict(pools)
        self._installed = installed
        self._first = next(iter(self._pools))
        self._absent = {kind for kind in self._pools if not installed(kind)}
        self._broken: set[str] = set()

    @property
    def sizes(self) -> dict[str, int]:
        """How many tasks each pool can do at once."""
        return {kind: pool.size for kind, pool in self._pools.items()}

    @property
    def names(self) -> list[str]:
        """The living processes, for people."""
        return [name for pool in self._pools.values() for name in pool.names]

    def kind_of(self, engine: str) -> str:
        """The pool of an engine."""
        kind, slash, _ = engine.partition("/")
        return kind if slash and kind in self._pools else self._first

    async def engines(self, *, fresh: bool = False) -> list[EngineInfo]:
        """What the engines can do, the default first; ``fresh``: looked for anew.

        A pool that can't start has none, and is tried again with ``fresh`` only.

        Raises:
            BridgeError: no pool could start.
        """
        if fresh:
            self._absent = {kind for kind in self._pools if not self._installed(kind)}
        out = self._absent | (set[str]() if fresh else self._broken)
        asked = [kind for kind in self._pools if kind not in out]
        answers = await asyncio.gather(
            *(self._pools[kind].engines(fresh=fresh) for kind in asked), return_exceptions=True
        )
        found: list[EngineInfo] = []
        failed: dict[str, BridgeError] = {}
        for kind, answer in zip(asked, answers, strict=True):
            if isinstance(answer, BridgeError):
                failed[kind] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        if not found and failed:
            raise next(iter(failed.values()))
        for kind, error in failed.items():
            log.error("the engines of %s can't be used: %s", kind, error)
        self._broken = (self._broken - set(asked)) | set(failed)
        return found

    async def run(self, engine: str, task: Work, listener: Callable[[Any], None]) -> TaskEnded:
        """See :meth:`Supervisor.run`; all of the task is for one engine."""
        return await self._pool(engine).run(task, listener)

    def cancel(self, engine: str, task: str, grace: float) -> None:
        """See :meth:`Supervisor.cancel`."""
        self._pool(engine).cancel(task, grace)

    def steer(self, engine: str, task: str, steering: Steering) -> None:
        """See :meth:`Supervisor.steer`."""
        self._pool(engine).steer(task, steering)

    async def close(self) -> None:
        """End all processes and wait until they are gone."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _pool(self, engine: str) -> Supervisor:
        return self._pools[self.kind_of(engine)]
