# SPDX-License-Identifier: GPL-3.0-or-later
"""What is laid over the canvas: a preview as a job forms, then its first candidate, then what is clicked."""

from __future__ import annotations

from typing import Callable, Optional, Union

from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.pixels import Pixels

from .conversation import Conversation
from .host import Gone, Host
from .model import Candidate, Job, Layout, Look, Raw, Shown
from .pixels import from_wire
from .placing import moved
from .words import explain

__all__ = ["Showing"]

#: What can be shown as it is.
PLAIN = ("rgba8", "srgb")


class Showing:
    """One window's choice. Each document has a job of its own that is waited for.

    Args:
        tell: says something to the artist.
        ring: tells of topics that changed.
    """

    def __init__(
        self, conversation: Conversation, host: Host, tell: Callable[..., None], ring: Callable[..., None]
    ) -> None:
        self._conversation, self._host, self._tell, self._ring = conversation, host, tell, ring
        self.selected: Optional[Candidate] = None
        self.comparing = False
        self._ready: Optional[tuple[Candidate, Union[Raw, Pixels]]] = None
        self._awaited: dict[str, str] = {}  # document -> job

    def shown(self, look: Optional[Look]) -> Optional[Shown]:
        """What is to be seen over the document in front now."""
        if self.comparing or look is None:
            return None
        if self.selected is None:
            job = self._awaited_job(look)
            if job is None or not job.previews:
                return None
            placement, preview = job.previews[min(job.previews)]
            return Shown(look.document, placement, preview)
        if self._ready is None:
            return None
        candidate, pixels = self._ready  # the one before, until the selected one has come
        try:
            placement = moved(candidate, self._host.grown(look.document))
        except Gone:
            return None
        return Shown(look.document, placement, pixels, candidate.id)

    def select(self, candidate_id: str, look: Optional[Look]) -> None:
        """Show a candidate as soon as it is here; empty shows none."""
        candidate = self._conversation.board.candidates.get(candidate_id)
        self.selected = candidate
        self._ready = None if candidate is None else self._ready
        if look is not None:
            self._awaited.pop(look.document, None)
        if candidate is not None and look is not None:
            try:
                self._fetch(candidate, self._host.layout(look.document))
            except Gone as gone:
                self._tell(str(gone), bad=True)
        self._ring("strip", "shown")

    def wait_for(self, job: Job, look: Optional[Look]) -> None:
        """Show what comes of a job, from its first preview on, unless the artist chooses something else."""
        self.select("", look)
        if look is not None:
            self._awaited[look.document] = job.id

    def turn_to(self, look: Optional[Look]) -> None:
        """Another document is in front."""
        self.selected = self._ready = None
        self._ring("strip", "shown")
        self.follow(look)

    def follow(self, look: Optional[Look]) -> bool:
        """Candidates have come or gone. True if one was selected that was waited for."""
        if self.selected is not None and self.selected.id not in self._conversation.board.candidates:
            self.selected = self._ready = None
        job = self._awaited_job(look)
        if job is None or not job.candidates:
            return False
        self.select(job.candidates[0].id, look)
        return True

    def _awaited_job(self, look: Optional[Look]) -> Optional[Job]:
        return self._conversation.board.jobs.get(self._awaited.get(look.document if look else "", ""))

    def _fetch(self, candidate: Candidate, layout: Layout) -> None:
        def ready(pixels: Union[Raw, Pixels]) -> None:
            if self.selected is candidate:  # the artist may have gone on meanwhile
                self._ready = (candidate, pixels)
                self._ring("shown")

        def failed(error: BridgeError) -> None:
            if self.selected is candidate:
                self._ready = None
                self._tell(explain(error), bad=True)
                self._ring("shown")

        def came(pixels: Pixels) -> None:
            self._conversation.make(lambda: from_wire(pixels, layout), ready, failed)

        pictures = self._conversation.pictures
        if layout.plain:
            pictures.fetch(candidate.id, PLAIN, ready, failed)
        else:
            pictures.fetch(candidate.id, (layout.format, layout.colorspace), came, failed)
