# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of candidates that were seen lately; the daemon has them all."""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable

from bridge_server.protocol.errors import Unsupported
from bridge_server.protocol.messages import CandidateDone, Fetch
from bridge_server.protocol.pixels import Pixels

from .link import Failed, Link
from .model import Candidate, Job
from .texts import _

__all__ = ["Pictures"]

#: Candidate, format, colour space.
Key = tuple[str, str, str]

#: Bytes that are kept at most, beside the latest picture.
LIMIT = 256_000_000


class Pictures:
    """The latest ones, up to a number of bytes; others are fetched.

    Args:
        changed: called when a thumbnail has come.
    """

    def __init__(self, link: Link, changed: Callable[[], None], limit: int = LIMIT) -> None:
        self._link, self._changed, self._limit = link, changed, limit
        self._kept: OrderedDict[Key, Pixels] = OrderedDict()
        self._size = 0
        self._asked: set[str] = set()

    def put(self, candidate: str, pixels: Pixels) -> None:
        """Keep pixels; those unseen for longest go."""
        key = (candidate, pixels.format, pixels.colorspace)
        self._forget(key)
        self._kept[key] = pixels
        self._size += len(pixels.data)
        while self._size > self._limit and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def has(self, candidate: str, kind: tuple[str, str]) -> bool:
        """Whether :meth:`fetch` needs no daemon for this."""
        return (candidate, *kind) in self._kept

    def fetch(
        self, candidate: str, kind: tuple[str, str], then: Callable[[Pixels], None], failed: Failed
    ) -> None:
        """A candidate's pixels, from the daemon if they are not here.

        Args:
            candidate: its name.
            kind: format and colour space that are wanted; the daemon converts.
            then: gets them, at once if they are here.
            failed: gets what went wrong.
        """
        here = self._kept.get((candidate, *kind))
        if here is not None:
            self._kept.move_to_end((candidate, *kind))
            then(here)
            return

        def came(told: CandidateDone) -> None:
            self.put(candidate, told.pixels)
            if (told.pixels.format, told.pixels.colorspace) == kind:
                then(told.pixels)
            else:
                update = "pip install -U bridge-server"
                failed(
                    Unsupported(
                        _("The daemon is older than this plugin. Update it: {command}").format(command=update)
                    )
                )

        self._link.ask(Fetch(candidate, format=kind[0], colorspace=kind[1]), came, failed)

    def fetch_thumbnails(self, job: Job) -> None:
        """Ask once for what is not here yet."""
        for candidate in job.candidates:
            if candidate.id not in self._asked:
                self._asked.add(candidate.id)
                self._fetch_thumbnail(candidate)

    def begin_anew(self) -> None:
        """Other candidates come: another project, or the same one again."""
        self._asked.clear()

    def _fetch_thumbnail(self, candidate: Candidate) -> None:
        def came(told: CandidateDone) -> None:
            candidate.thumbnail = told.pixels
            self._changed()

        # without one (its pictures were removed to make room) the place stays plain
        self._link.ask(
            Fetch(candidate.id, thumbnail=True), came, lambda _error: self._asked.discard(candidate.id)
        )

    def _forget(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._size -= len(gone.data)
