# SPDX-License-Identifier: Apache-2.0
"""Whether taste has a say in a job, and its say: which drafts become candidates."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from ..protocol.errors import BridgeError, NotFound
from ..protocol.messages import Expand, Fill
from ..protocol.records import EngineInfo
from ..sessions.lessons import Lessons
from ..sessions.store import Chosen, JobRecord, Store
from .clerk import Clerk

__all__ = ["Chooser"]

log = logging.getLogger(__name__)

#: Drafts for each candidate wanted, and the fewest and the most for one job.
_EACH, _FEWEST, _MOST = 6, 12, 32


class Chooser:
    """Chooses among drafts.

    Args:
        store: read on ``writer``'s thread only, as ``lessons``.
        clerk: does the sums.
    """

    def __init__(self, store: Store, lessons: Lessons, writer: Executor, clerk: Clerk) -> None:
        self._store, self._lessons, self._writer, self._clerk = store, lessons, writer, clerk

    async def pool_size(self, request: Fill | Expand, engine: EngineInfo, project: str) -> int:
        """How many drafts to make for a job; 0 where its candidates are those of its seeds, as asked.

        Raises:
            NotFound: there is no candidate ``unlike``.
        """
        if request.drafted or request.op not in engine.drafts:
            return 0
        if request.unlike:
            await self._read(self._store.candidate_info, request.unlike)
        elif request.live or not (
            _wants(request) and (await self._read(self._lessons.study, project)).active
        ):
            return 0
        return min(max(_EACH * request.count, _FEWEST), _MOST)

    async def choose(self, record: JobRecord, drafts: Mapping[int, dict[str, float]]) -> tuple[Chosen, ...]:
        """The drafts to make in full, the first to be shown first. ``drafts``: what each index looks like."""
        request, studied = record.request, await self._read(self._lessons.study, record.project)
        has_a_say = _wants(request) and studied.active
        try:
            unlike = None
            if request.unlike:
                unlike = (await self._read(self._store.candidate_info, request.unlike)).descriptor
            chosen = await self._clerk.choose(
                drafts=[drafts[index] for index in sorted(drafts)],
                count=request.count,
                seed=record.seed,
                lessons=studied.lessons if has_a_say else [],
                pins=studied.settings.pins if has_a_say else {},
                exploration=studied.settings.exploration if has_a_say else 0.0,
                unlike=unlike,
            )
        except NotFound as error:
            log.warning("job %s: %s", record.job, error)
        except BridgeError:
            log.exception("job %s: no choice by taste, the first drafts are taken", record.job)
        else:
            return tuple(
                Chosen(record.seed + index, offered)
                for index, offered in zip(chosen.indices, chosen.offered, strict=True)
            )
        return tuple(Chosen(record.seed + index, "") for index in range(request.count))

    async def _read(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *args)


def _wants(request: Fill | Expand) -> bool:
    """Whether a request lets taste have a say: one with a seed asks for the pictures of that seed."""
    return request.seed is None if request.taste is None else request.taste
