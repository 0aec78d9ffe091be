# SPDX-License-Identifier: Apache-2.0
"""The router: which function answers which request."""

from __future__ import annotations

from typing import Any

from ..protocol.checks import check_change
from ..protocol.request import Change, Request, Submit
from . import deciding, keeping, looking, tasting, working
from .desk import Caller, Desk, Routes

__all__ = ["ROUTES", "handle"]

ROUTES: Routes = {
    **working.ROUTES,
    **deciding.ROUTES,
    **looking.ROUTES,
    **keeping.ROUTES,
    **tasting.ROUTES,
}


async def handle(desk: Desk, caller: Caller, request: Request[Any]) -> Any:
    """Do what is asked and return the result; raises BridgeError."""
    answer = ROUTES[type(request)]
    if isinstance(request, Change):
        check_change(request)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(request, (Change, Submit)):
        async with desk.inside(caller.project):
            return await answer(desk, caller, request)
    return await answer(desk, caller, request)
