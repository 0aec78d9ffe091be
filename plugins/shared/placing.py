# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepting: a candidate's pixels become part of the document, and the daemon is told."""

from __future__ import annotations

from typing import Any, Callable, Optional

from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement

from .conversation import Conversation
from .host import Gone, Host
from .model import Candidate, Job, Layer, Look, Sides
from .pixels import from_wire
from .texts import _
from .words import explain, layer_name, placed_words, verb_title

__all__ = ["Placing"]


class Placing:
    """Fetches, converts beside the user interface, places, tells; one candidate at a time."""

    def __init__(
        self,
        conversation: Conversation,
        host: Host,
        tell: Callable[..., None],
        placed: Callable[[Candidate], None],
    ) -> None:
        self._conversation, self._host, self._tell, self._placed = conversation, host, tell, placed
        self._busy = False

    def why_not(self, candidate: Candidate, look: Optional[Look]) -> str:
        """Why a candidate can't be placed now, in words; empty: it can."""
        if look is None:
            return _("Open or create a document first.")
        if look.trouble:
            return look.trouble
        if self._busy:
            return _("Another one is just being placed.")
        canvas = candidate.job.canvas
        if candidate.job.verb == "expand" and canvas not in ((0, 0), (look.width, look.height)):
            return _(
                "The canvas was {width} x {height} when this was asked for, and is not any more."
            ).format(width=canvas[0], height=canvas[1])
        if self._how(candidate, look) == "into" and look.not_into:
            return look.not_into
        return ""

    def begin(self, candidate: Candidate, look: Look) -> None:
        """Start; what comes of it is told."""
        how = self._how(candidate, look)
        wanted = [c for c in candidate.job.candidates if how == "group" or c is candidate]
        wanted.sort(key=lambda c: c is not candidate)  # the accepted one on top
        self._busy = True
        try:
            layout = self._host.layout(look.document)
        except Gone as gone:
            self._fail(str(gone))
            return
        fetched: dict[str, Pixels] = {}

        def came(one: Candidate, pixels: Pixels) -> None:
            fetched[one.id] = pixels
            if len(fetched) == len(wanted):
                self._conversation.make(
                    lambda: [
                        self._layer(c, from_wire(fetched[c.id], layout), visible=c is candidate)
                        for c in wanted
                    ],
                    lambda layers: self._place(candidate, look, how, layers),
                    self._failed,
                )

        kind = (layout.format, layout.colorspace)
        for one in wanted:
            self._conversation.pictures.fetch(
                one.id, kind, lambda pixels, one=one: came(one, pixels), self._failed
            )

    def _how(self, candidate: Candidate, look: Look) -> str:
        same = candidate.job.canvas in ((0, 0), (look.width, look.height))  # else it was cropped since
        if same and growth(candidate.info.placement, look):
            return "grow"
        return self._conversation.settings.place_as

    def _layer(self, candidate: Candidate, pixels: Any, *, visible: bool) -> Layer:
        job = candidate.job
        name = layer_name(job, candidate.info.index)
        return Layer(
            name, candidate.info.placement, pixels, facts_of(candidate, self._conversation.project), visible
        )

    def _place(self, candidate: Candidate, look: Look, how: str, layers: list[Layer]) -> None:
        above = self._conversation.settings.source == "layer"
        first, document = layers[0], look.document
        layer = ""
        try:
            if how == "grow":
                layer = self._host.grow(document, growth(first.placement, look), first)
            elif how == "into":
                self._host.place_into(document, first)
            elif how == "group":
                name = group_name(candidate.job)
                layer = self._host.place_group(document, name, layers, above_active=above)
            else:
                layer = self._host.place(document, first, above_active=above)
        except Gone as gone:
            self._fail(str(gone))
            return
        self._busy = False
        self._tell(placed_words(first.name, how, len(layers)))
        self._placed(candidate)
        self._conversation.requests.accept(
            candidate,
            document,
            first.placement,
            (look.width, look.height),
            lambda version: self._host.note_version(document, layer, version.version),
        )

    def _failed(self, error: BridgeError) -> None:
        self._fail(explain(error))

    def _fail(self, words: str) -> None:
        self._busy = False
        self._tell(words, bad=True)


def growth(placement: Placement, look: Look) -> Sides:
    """By how much a canvas must grow for a result that reaches beyond it."""
    return Sides(
        left=max(0, -placement.x),
        right=max(0, placement.x + placement.width - look.width),
        top=max(0, -placement.y),
        bottom=max(0, placement.y + placement.height - look.height),
    )


def group_name(job: Job) -> str:
    """What a group with all candidates of a job is called."""
    return " ".join(job.prompt.split())[:60] or verb_title(job.verb)


def facts_of(candidate: Candidate, project: str) -> dict[str, Any]:
    """What is recorded with a layer, to find its candidate again and to know how it was made."""
    job = candidate.job
    return {
        "candidate": candidate.id,
        "job": job.id,
        "project": project,
        "verb": job.verb,
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "strength": job.strength,
        "amount": job.amount,
        "seed": candidate.info.seed,
        "drafted": job.drafted,
        "engine": job.engine,
    }
