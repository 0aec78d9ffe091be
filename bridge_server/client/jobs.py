# SPDX-License-Identifier: Apache-2.0
"""Which jobs a client follows and which of their events it has seen."""

from __future__ import annotations

import threading

from ..protocol.codec import Event
from ..protocol.messages import FINAL_STATES, CandidateDone, JobState

__all__ = ["JobLog"]


class JobLog:
    """Remembers the last lasting event of each unfinished job. Safe to use from several threads."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()

    def begin(self, job: str, after: int = 0) -> None:
        """Follow a job, as if its first ``after`` lasting events had been seen."""
        with self._lock:
            self._seen.setdefault(job, after)

    def end(self, job: str) -> None:
        """Follow a job no more."""
        with self._lock:
            self._seen.pop(job, None)

    def unfinished(self) -> dict[str, int]:
        """The jobs that have not ended, with the number of the last lasting event seen (0: none)."""
        with self._lock:
            return dict(self._seen)

    def is_news(self, event: Event) -> bool:
        """Note an event; False for a lasting one that was seen before (a replay may overlap)."""
        body = event.body
        if isinstance(body, CandidateDone):
            job = body.info.job
        elif isinstance(body, JobState):
            job = body.job
        else:
            return True
        with self._lock:
            if job not in self._seen or event.seq <= self._seen[job]:
                return False  # a job that is not followed has ended before, and this is a replay of it
            self._seen[job] = event.seq
            if isinstance(body, JobState) and body.state in FINAL_STATES:
                self._seen.pop(job, None)
        return True
