# SPDX-License-Identifier: Apache-2.0
"""Sends a job and stays with it to its end."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Protocol

from ..client import BridgeClient, ConnectionChanged
from ..protocol.errors import (
    BridgeError,
    Cancelled,
    ConnectionLost,
    DaemonStopping,
    error_from_wire,
)
from ..protocol.messages import (
    Cancel,
    CandidateDone,
    DaemonStops,
    DraftsProgress,
    JobProgress,
    JobState,
    Submitted,
)
from ..protocol.request import Submit

__all__ = ["Listener", "run_job"]

#: Seconds between looks at what no event tells, and those without a connection before giving up.
_LOOK, _PATIENCE = 0.1, 5.0


class Listener(Protocol):
    """Who wants to know how a job goes. An exception from it cancels the job."""

    def waiting(self, position: int) -> None:
        """It is in line; 1 is next."""
        ...

    def drafts(self, made: int, wanted: int) -> None:
        """So many of the drafts are made among which taste will choose."""
        ...

    def progress(self, index: int, done: float) -> None:
        """Candidate ``index`` is ``done`` (0 to 1)."""
        ...

    def candidate(self, made: CandidateDone) -> None:
        """Here is a candidate."""
        ...


def run_job(
    client: BridgeClient, request: Submit[Submitted], listener: Listener, limit: float | None = None
) -> None:
    """Send a job that has an id and return when it is done. If anything goes wrong here, it is cancelled.

    Args:
        client: connected.
        request: one that makes a job, with its ``job``.
        listener: told on this thread.
        limit: seconds after which to give up; None waits as long as the daemon is there.

    Raises:
        BridgeError: the daemon refused, the job failed or was cancelled, or the daemon is gone.
    """
    following = _Following(listener, client.send(request), limit)
    try:
        while not following.ended:
            following.take(client.wait(_LOOK))
    except BaseException as error:
        if not isinstance(error, (ConnectionLost, DaemonStopping)):
            with contextlib.suppress(BridgeError, FutureTimeout):
                client.send(Cancel(request.job)).result(2)
        raise


class _Following:
    """What is known of one job."""

    def __init__(self, listener: Listener, answer: Future[Submitted], limit: float | None) -> None:
        self.ended = False
        self._listener, self._answer, self._answered = listener, answer, False
        self._lost_at: float | None = None
        self._deadline = None if limit is None else time.monotonic() + limit

    def take(self, happening: object) -> None:
        """One event, or None when there was none for a while."""
        if not self._answered and self._answer.done():
            self._answered = True
            self._listener.waiting(self._answer.result().position)  # raises what the daemon said against it
        body = getattr(happening, "body", happening)
        if isinstance(body, JobProgress):
            self._listener.progress(body.index, body.done)
        elif isinstance(body, DraftsProgress):
            self._listener.drafts(body.made, body.wanted)
        elif isinstance(body, CandidateDone):
            self._listener.candidate(body)
        elif isinstance(body, JobState):
            self._changed(body)
        elif isinstance(body, DaemonStops):
            raise DaemonStopping(
                f"The daemon was stopped meanwhile: {body.reason}.", "Run the command again."
            )
        elif isinstance(body, ConnectionChanged):
            self._connection(body.state)
        self._look_at_the_clock()

    def _changed(self, state: JobState) -> None:
        if state.state == "done":
            self.ended = True
        elif state.state == "failed":
            raise error_from_wire(state.error_code, state.error_message, state.error_hint)
        elif state.state == "cancelled":
            raise Cancelled(f"The job was cancelled: {state.error_message}", state.error_hint)

    def _connection(self, state: str) -> None:
        if state == "connected":
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = time.monotonic()

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if self._lost_at is not None and now - self._lost_at > _PATIENCE:
            raise ConnectionLost(
                "The daemon is gone; it ended before this was done.",
                "Run the command again; daemon.log in the data folder may say why it ended.",
            )
        if self._deadline is not None and now > self._deadline:
            raise BridgeError("It took too long.", "The daemon's log may say why.", code="timeout")
