# SPDX-License-Identifier: Apache-2.0
"""Which jobs and which project a client follows, and which of their events it has seen."""

from __future__ import annotations

import threading
from typing import Optional

from ..protocol.codec import Event
from ..protocol.messages import FINAL_STATES, CandidateDone, JobState
from ..protocol.projects import ProjectDeleted
from ..protocol.steering import Steered

__all__ = ["SeenLog"]


class SeenLog:
    """Remembers the last lasting event of each unfinished job and of the project.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._followed: Optional[int] = None
        self._followed_before: Optional[int] = None
        self._created: Optional[float] = None
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

    def begin_following(self, after: Optional[int]) -> None:
        """Follow the project, as if its first ``after`` lasting events had been seen; None: from now on."""
        with self._lock:
            self._followed_before, self._followed = self._followed, -1 if after is None else after

    def refuse_following(self) -> None:
        """The daemon said no: what was followed before goes on."""
        with self._lock:
            self._followed = self._followed_before

    def follow_from(self, seq: int, created: float) -> None:
        """The daemon said from which number on it tells, and of which project; never goes back."""
        with self._lock:
            if self._followed is not None:
                self._followed = max(self._followed, seq)
                self._created = created or None

    @property
    def created(self) -> Optional[float]:
        """When the project that is followed was begun, if that is known."""
        with self._lock:
            return self._created

    @property
    def followed(self) -> Optional[int]:
        """The number of the project's last event seen; None if it is not followed, or no number is known."""
        with self._lock:
            return None if self._followed is None or self._followed < 0 else self._followed

    def is_news(self, event: Event) -> bool:
        """Note an event; False for a lasting one that was seen before (a replay may overlap)."""
        body = event.body
        if event.topic.startswith("project."):
            return self._is_news_of_the_project(event)
        if isinstance(body, CandidateDone):
            job = body.info.job
        elif isinstance(body, (JobState, Steered)):
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

    def _is_news_of_the_project(self, event: Event) -> bool:
        with self._lock:
            if self._followed is None:
                return False
            if isinstance(event.body, ProjectDeleted):
                self._followed, self._created = 0, None  # begun anew, it counts from 1
                return True
            if event.seq <= self._followed:
                return False
            self._followed = event.seq
        return True
