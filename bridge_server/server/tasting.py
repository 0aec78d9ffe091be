# SPDX-License-Identifier: Apache-2.0
"""What was learned of the artist's taste, shown, corrected, forgotten, taken along."""

from __future__ import annotations

from ..protocol.errors import Unsupported
from ..protocol.taste import (
    Forget,
    GetTaste,
    LoadTaste,
    SaveTaste,
    SetTaste,
    Suggest,
    Suggestion,
    TasteData,
    TasteInfo,
    TasteSettings,
)
from ..sessions.lessons import DATA_FORMAT, NEEDED
from .desk import Caller, Desk, Routes

__all__ = ["ROUTES"]


async def _taste(desk: Desk, caller: Caller, request: GetTaste) -> TasteInfo:
    return await _learned(desk, request.project or caller.project)


async def _set(desk: Desk, caller: Caller, request: SetTaste) -> TasteInfo:
    await desk.change(desk.memory.lessons.set, request, caller.project)
    return await _learned(desk, caller.project)


async def _forget(desk: Desk, caller: Caller, request: Forget) -> TasteInfo:
    await desk.change(desk.memory.lessons.forget, request, caller.project)
    return await _learned(desk, caller.project)


async def _save(desk: Desk, caller: Caller, request: SaveTaste) -> TasteData:
    return await desk.read(desk.memory.lessons.save, request.project or caller.project)


async def _load(desk: Desk, caller: Caller, request: LoadTaste) -> TasteInfo:
    if request.data.format != DATA_FORMAT:
        raise Unsupported(
            f"This taste is of the format {request.data.format[:80]!r}, this daemon reads {DATA_FORMAT!r}.",
            "Save it anew with a bridge-server of the same version.",
        )
    await desk.change(desk.memory.lessons.load, request, caller.project)
    return await _learned(desk, caller.project)


async def _suggest(desk: Desk, caller: Caller, request: Suggest) -> Suggestion:
    return await desk.read(desk.memory.lessons.suggest, request, caller.project)


async def _learned(desk: Desk, project: str) -> TasteInfo:
    studied = await desk.read(desk.memory.lessons.study, project)
    settings: TasteSettings = studied.settings
    found = await desk.clerk.learn(studied.lessons, settings.pins)

    def pictures(places: list[list[int]]) -> list[str]:
        """The candidates there; a loaded lesson has none."""
        return [studied.candidates[lesson][offer] for lesson, offer in places if studied.candidates[lesson]]

    return TasteInfo(
        project=project,
        settings=settings,
        lessons=len(studied.lessons),
        needed=NEEDED,
        active=studied.active,
        summary=found.summary,
        axes=found.axes,
        liked=pictures(found.liked),
        disliked=pictures(found.disliked),
    )


ROUTES: Routes = {
    GetTaste: _taste,
    SetTaste: _set,
    Forget: _forget,
    SaveTaste: _save,
    LoadTaste: _load,
    Suggest: _suggest,
}
