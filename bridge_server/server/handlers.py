# SPDX-License-Identifier: Apache-2.0
"""The router: which function answers which request."""

from __future__ import annotations

from typing import Any

from ..protocol.checks import check_change
from ..protocol.errors import TooBusy
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
    if isinstance(request, (Change, Submit)) and caller.project in desk.closing:
        raise TooBusy(f"The project {caller.project!r} is being deleted.", "Wait a moment, or use another.")
    if isinstance(request, Change):
        check_change(request)  # pyright: ignore[reportUnknownArgumentType]
    return await ROUTES[type(request)](desk, caller, request)
