# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepting: a candidate's pixels become part of the document, and the daemon is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional

from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from bridge_server.protocol.versions import VersionInfo

from .conversation import Conversation
from .host import Gone, Host
from .model import Candidate, Job, Layer, Layout, Look, Raw, Sides
from .pixels import from_wire
from .texts import _
from .words import explain, layer_name, placed_words, verb_title

__all__ = ["Placing", "moved"]


@dataclass(frozen=True)
class Attempt:
    """One accept on its way. What the artist does meanwhile must not send it elsewhere."""

    candidate: Candidate
    look: Look
    #: ``layer``, ``into``, ``group`` or ``grow``.
    how: str
    above_active: bool
    project: str
    layout: Layout
    #: Where it goes now, see :func:`moved`.
    placement: Placement


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
        self._attempt: Optional[Attempt] = None

    def why_not(self, candidate: Candidate, look: Optional[Look]) -> str:
        """Why a candidate can't be placed now, in words; empty: it can."""
        if look is None or look.trouble:
            return look.trouble if look else _("Open or create a document first.")
        if self._attempt is not None:
            return _("Another one is just being placed.")
        return self._why_not_now(candidate, look)

    def _why_not_now(self, candidate: Candidate, look: Look) -> str:
        try:
            layout, grown = self._host.layout(look.document), self._host.grown(look.document)
        except Gone as gone:
            return str(gone)
        if not _fits(candidate, look, grown):
            return _("The canvas has another size than when this was asked for.")
        if self._how(candidate, look) == "into" and look.not_into:
            return look.not_into
        kind = (layout.format, layout.colorspace)
        if self._conversation.state != "connected" and not self._conversation.pictures.has(
            candidate.id, kind
        ):
            return _("The daemon is not connected.")
        return ""

    def begin(self, candidate: Candidate, look: Look) -> None:
        """Start; what comes of it is told."""
        conversation, document = self._conversation, look.document
        try:
            attempt = self._attempt = Attempt(
                candidate,
                look,
                self._how(candidate, look),
                conversation.settings.source == "layer",
                conversation.project,
                self._host.layout(document),
                moved(candidate, self._host.grown(document)),
            )
        except Gone as gone:
            self._tell(str(gone), bad=True)
            return
        wanted = [c for c in candidate.job.candidates if attempt.how == "group" or c is candidate]
        wanted.sort(key=lambda c: c is not candidate)  # the accepted one on top
        fetched: dict[str, Pixels] = {}

        def failed(error: BridgeError) -> None:
            self._fail(attempt, explain(error))

        def came(one: Candidate, pixels: Pixels) -> None:
            fetched[one.id] = pixels
            if len(fetched) == len(wanted):
                conversation.make(
                    lambda: [_layer(attempt, c, from_wire(fetched[c.id], attempt.layout)) for c in wanted],
                    lambda layers: self._place(attempt, layers),
                    failed,
                )

        kind = (attempt.layout.format, attempt.layout.colorspace)
        for one in wanted:
            conversation.pictures.fetch(one.id, kind, lambda pixels, one=one: came(one, pixels), failed)

    def _how(self, candidate: Candidate, look: Look) -> str:
        grows = _reaches_out(candidate) and growth(candidate.info.placement, look.width, look.height)
        return "grow" if grows else self._conversation.settings.place_as

    def _place(self, attempt: Attempt, layers: list[Layer]) -> None:
        if attempt is not self._attempt:
            return
        try:
            self._check(attempt)
            layer = self._put(attempt, layers)
        except Gone as gone:
            self._fail(attempt, str(gone))
            return
        except Exception as error:  # whatever the host says, the next accept must work
            self._fail(attempt, str(error))
            raise
        self._attempt = None
        self._tell(placed_words(layers[0].name, attempt.how, len(layers)))
        self._placed(attempt.candidate)
        look = attempt.look
        self._conversation.requests.accept(
            attempt.candidate,
            look.document,
            attempt.placement,
            (look.width, look.height),
            lambda version: self._note(look.document, layer, version),
        )

    def _check(self, attempt: Attempt) -> None:
        """What was true at the click must be true now."""
        look = attempt.look
        if self._conversation.project != attempt.project:
            raise Gone(_("The project was changed meanwhile. Accept again."))
        if self._host.size(look.document) != (look.width, look.height):
            raise Gone(_("The canvas was changed meanwhile. Accept again."))
        if attempt.how == "into" or attempt.above_active:
            now = self._host.look()
            if now is None or (now.document, now.layer) != (look.document, look.layer):
                raise Gone(_("Another layer was chosen meanwhile. Accept again."))

    def _put(self, attempt: Attempt, layers: list[Layer]) -> str:
        host, document, above = self._host, attempt.look.document, attempt.above_active
        first = layers[0]
        if attempt.how == "grow":
            sides = growth(first.placement, attempt.look.width, attempt.look.height)
            facts = {**first.facts, "grown": [time.time(), sides.left, sides.top]}
            return host.grow(document, sides, replace(first, facts=facts))
        if attempt.how == "into":
            return host.place_into(document, first)
        if attempt.how == "group":
            return host.place_group(document, group_name(attempt.candidate.job), layers, above_active=above)
        return host.place(document, first, above_active=above)

    def _note(self, document: str, layer: str, version: VersionInfo) -> None:
        """The version is known now; if the artist has undone the accept meanwhile, the daemon hears of it."""
        self._host.note_version(document, layer, version.version)
        try:
            stands = version.version in self._host.standing(document)
        except Gone:
            return  # closed: it was placed, and may have been saved
        if not stands:
            self._conversation.requests.go(document, version.parent)

    def _fail(self, attempt: Attempt, words: str) -> None:
        if attempt is self._attempt:
            self._attempt = None
            self._tell(words, bad=True)


def _layer(attempt: Attempt, candidate: Candidate, pixels: Raw) -> Layer:
    """A candidate as a layer; of a group's, only the accepted one is visible."""
    return Layer(
        layer_name(candidate.job, candidate.info.index),
        attempt.placement,
        pixels,
        facts_of(candidate, attempt.project),
        candidate is attempt.candidate,
    )


def moved(candidate: Candidate, grown: list[tuple[float, int, int]]) -> Placement:
    """Where a candidate belongs: the canvas may have grown to the left or the top since it was asked for."""
    since = [(left, top) for when, left, top in grown if when > candidate.job.created]
    at = candidate.info.placement
    return replace(at, x=at.x + sum(left for left, _top in since), y=at.y + sum(top for _left, top in since))


def _reaches_out(candidate: Candidate) -> bool:
    """Whether it was made to reach beyond the canvas."""
    canvas = candidate.job.canvas
    beyond = canvas != (0, 0) and bool(growth(candidate.info.placement, *canvas))
    return candidate.job.verb == "expand" or beyond


def _fits(candidate: Candidate, look: Look, grown: list[tuple[float, int, int]]) -> bool:
    """Whether the canvas is as it was, for one that grows it."""
    if not _reaches_out(candidate):
        return True
    job, at = candidate.job, candidate.info.placement
    if job.canvas != (0, 0):
        return job.canvas == (look.width, look.height)
    # asked for before this start: the region ended where the canvas ended on the sides that grow
    if job.region is None or any(when > job.created for when, _left, _top in grown):
        return not grown
    right, bottom = job.region.x + job.region.width, job.region.y + job.region.height
    wide = at.x + at.width <= right or look.width == right
    return wide and (at.y + at.height <= bottom or look.height == bottom)


def growth(placement: Placement, width: int, height: int) -> Sides:
    """By how much a canvas must grow for a result that reaches beyond it."""
    return Sides(
        left=max(0, -placement.x),
        right=max(0, placement.x + placement.width - width),
        top=max(0, -placement.y),
        bottom=max(0, placement.y + placement.height - height),
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
        "parameters": job.parameters,
        "guides": [{"kind": guide.kind, "weight": guide.weight} for guide in job.guides],
    }
