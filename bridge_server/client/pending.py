# SPDX-License-Identifier: Apache-2.0
"""Requests that were asked and not answered yet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Optional

from websockets.sync.client import ClientConnection

from ..protocol.codec import failure_from_frame, result_from_frame
from ..protocol.errors import BridgeError
from ..protocol.request import Request

__all__ = ["Pending", "settle", "settle_from"]

log = logging.getLogger(__name__)


@dataclass
class Pending:
    """A request and the future of its answer."""

    request: Request[Any]
    future: Future[Any]
    #: The connection it was sent on; on each it is sent once.
    sent: Optional[ClientConnection] = None


def settle_from(pending: Pending, frame: Mapping[str, Any]) -> None:
    """Settle with a reply or a failure; one of a shape that this copy can't read is a failure too."""
    try:
        if frame["kind"] == "failure":
            settle(pending.future, error=failure_from_frame(frame))
        else:
            settle(pending.future, result=result_from_frame(pending.request.op, frame))
    except (BridgeError, KeyError, TypeError, AttributeError):
        log.exception("an answer to %s was not understood", pending.request.op)
        error = BridgeError("The daemon's answer was not understood.", "Update the plugin and the daemon.")
        settle(pending.future, error=error)


def settle(future: Future[Any], result: Any = None, error: Optional[BridgeError] = None) -> None:
    """Give a future its result or its error; one that was cancelled needs neither."""
    if not future.set_running_or_notify_cancel():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
