# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of candidates that were seen lately; the daemon has them all."""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable, Optional

from bridge_server.protocol.messages import CandidateDone, Fetch
from bridge_server.protocol.pixels import Pixels

from .link import Failed, Link
from .model import Candidate, Job

__all__ = ["Pictures"]

#: Bytes that are kept at most, beside the latest picture.
LIMIT = 256_000_000


class Pictures:
    """The latest ones, up to a number of bytes; others are fetched.

    Args:
        changed: called when a thumbnail has come.
    """

    def __init__(self, link: Link, changed: Callable[[], None], limit: int = LIMIT) -> None:
        self._link, self._changed, self._limit = link, changed, limit
        self._kept: OrderedDict[str, Pixels] = OrderedDict()
        self._size = 0
        self._asked: set[str] = set()

    def get(self, candidate: str) -> Optional[Pixels]:
        """A candidate's pixels if they are here."""
        if candidate in self._kept:
            self._kept.move_to_end(candidate)
        return self._kept.get(candidate)

    def put(self, candidate: str, pixels: Pixels) -> None:
        """Keep pixels; those unseen for longest go."""
        self._forget(candidate)
        self._kept[candidate] = pixels
        self._size += len(pixels.data)
        while self._size > self._limit and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def fetch(self, candidate: str, then: Callable[[Pixels], None], failed: Failed) -> None:
        """A candidate's pixels, from the daemon if they are not here."""
        here = self.get(candidate)
        if here is not None:
            then(here)
            return

        def came(told: CandidateDone) -> None:
            self.put(candidate, told.pixels)
            then(told.pixels)

        self._link.ask(Fetch(candidate), came, failed)

    def fetch_thumbnails(self, job: Job) -> None:
        """Ask once for what is not here yet."""
        for candidate in job.candidates:
            if candidate.id not in self._asked:
                self._asked.add(candidate.id)
                self._fetch_thumbnail(candidate)

    def _fetch_thumbnail(self, candidate: Candidate) -> None:
        def came(told: CandidateDone) -> None:
            candidate.thumbnail = told.pixels
            self._changed()

        # without one (its pictures were removed to make room) the place stays plain
        self._link.ask(Fetch(candidate.id, thumbnail=True), came, lambda _: self._asked.discard(candidate.id))

    def _forget(self, candidate: str) -> None:
        gone = self._kept.pop(candidate, None)
        if gone is not None:
            self._size -= len(gone.data)
