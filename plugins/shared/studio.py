# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist can do in one window of a host: ask, look, decide. UI thread only.

Nothing here raises to a button: what goes wrong becomes :attr:`Studio.message`.
"""

from __future__ import annotations

import secrets
from typing import Any, Callable, Optional

from bridge_server.protocol.records import Context, EngineInfo, Placement

from .asking import GUIDES, guide_for, region_of, request_for
from .bell import Bell
from .cells import Cell, cells_of
from .conversation import Conversation
from .host import Gone, Host
from .leading import Leading
from .model import Candidate, Job, Look, Raw, Settings, Shown
from .parameters import differing, kept_of, without
from .placing import Placing
from .showing import Showing
from .texts import _
from .undone import Undone

__all__ = ["Studio"]


class Studio:
    """One window's view of the conversation.

    Topics of :meth:`listen` are those of the conversation, and ``look``, ``shown`` and ``message``.
    """

    def __init__(self, conversation: Conversation, host: Host) -> None:
        self.conversation, self.host = conversation, host
        self.look: Optional[Look] = None
        self.message, self.message_bad = "", False
        self._bell = Bell()
        self._showing = Showing(conversation, host, self.tell, self._ring)
        self._undone = Undone(conversation, host)
        self._placing = Placing(conversation, host, self.tell, self._placed)
        self._leading = Leading(conversation, self.tell, self._await)
        self._leave = conversation.listen(self._hear)

    def listen(self, hear: Callable[[str], None]) -> Callable[[], None]:
        """Be told of topics that changed; the function that is returned ends it."""
        return self._bell.listen(hear)

    def close(self) -> None:
        """The window is closed."""
        self._leave()

    def refresh(self) -> None:
        """Look at the host again."""
        look = self.host.look()
        if look != self.look:
            changed = (look.document if look else "") != (self.look.document if self.look else "")
            self.look = look
            if self.message_bad:
                self.tell("")  # its reason may be gone
            if changed:
                self.conversation.learn_about(look.document if look else "")
                self._showing.turn_to(look)
            self._ring("look")
        if look is not None and self._undone.attend(look.document):
            self.tell("")
            self._ring("strip")

    def change(self, **settings: Any) -> None:
        """Set some of the settings."""
        self.conversation.change(settings)

    def tell(self, message: str, *, bad: bool = False) -> None:
        """Say something below the buttons."""
        self.message, self.message_bad = message, bad
        self._ring("message")

    # ---- asking -------------------------------------------------------------------------------------

    def why_not(self, verb: str) -> str:
        """Why a verb can't be asked for now, in words; empty: it can."""
        why = self._why_not_engine(verb)
        look = self.look
        if why:
            return why
        if look is None or look.trouble:
            return look.trouble if look else _("Open or create a document first.")
        if verb == "fill" and look.selection is None:
            return _("Select an area first.")
        if verb == "expand" and not self.settings.sides:
            return _("Say first by how many pixels the canvas shall grow.")
        return self._why_not_layer(verb, look) or self._too_large(verb, look)

    def _why_not_layer(self, verb: str, look: Look) -> str:
        if look.layer:
            return ""
        if self.settings.source == "layer":
            return _("Choose a layer first.")
        guided = guide_for(verb, self.settings, self.conversation.engine) is not None
        return _("Choose the layer first that is the guide.") if guided else ""

    def _why_not_engine(self, verb: str) -> str:
        if self.conversation.state != "connected":
            return _("The daemon is not connected.")
        engine = self.conversation.engine
        if engine is None:
            return _("No engine is known yet.")
        if verb not in engine.verbs:
            return _("The engine {engine} can't do this.").format(engine=engine.title)
        return ""

    def ask(self, verb: str) -> None:
        """Read what is needed of the document and ask for candidates."""
        self.refresh()
        why = self.why_not(verb)
        look, engine = self.look, self.conversation.engine
        if why or look is None or engine is None:
            self.tell(why, bad=True)
            return
        job, region = self._job(verb, look, engine), self._region(verb, look)
        settings = self.settings
        try:
            raw = self.host.read(look.document, region, settings.source)
            layer = self._read_guide(job, look, region, raw)
            masked = look.selection is not None and verb != "expand"
            coverage = self.host.coverage(look.document, region) if masked else None
        except Gone as gone:
            self.tell(str(gone), bad=True)
            return
        self._await(job)
        self.tell("")
        self.conversation.requests.submit(
            job, lambda: request_for(job, settings, region, raw, coverage, layer)
        )

    def _job(self, verb: str, look: Look, engine: EngineInfo) -> Job:
        settings = self.settings
        guide = guide_for(verb, settings, engine)
        return Job(
            secrets.token_hex(8),
            verb,
            "sending",
            settings.count,
            prompt=settings.prompt,
            negative_prompt=settings.negative_prompt,
            strength=settings.strength if verb == "refine" else 1.0,
            amount=settings.amount if verb == "vary" else 0.0,
            engine=engine.name,
            document=look.document,
            canvas=(look.width, look.height),
            parameters=differing(engine, kept_of(settings, engine)),
            guides=[guide] if guide is not None else [],
        )

    def _read_guide(self, job: Job, look: Look, region: Placement, raw: Raw) -> Optional[Raw]:
        """The active layer alone, if it is to be a guide."""
        if not job.guides or self.settings.source == "layer":
            return raw if job.guides else None
        return self.host.read(look.document, region, "layer")

    def _region(self, verb: str, look: Look) -> Placement:
        engine = self.conversation.engine
        return region_of(verb, look, self.settings, engine.context if engine is not None else Context())

    def _too_large(self, verb: str, look: Look) -> str:
        limit = self.conversation.most_pixels
        region = self._region(verb, look)
        width, height = region.width, region.height
        if verb == "expand":
            s = self.settings.sides
            width, height = width + s.left + s.right, height + s.top + s.bottom
        if limit and width * height > limit:
            return _("This is more than the daemon takes at once ({size} megapixels). Select less.").format(
                size=round(limit / 1e6)
            )
        return ""

    @property
    def settings(self) -> Settings:
        """What is set in the panel."""
        return self.conversation.settings

    # ---- jobs ---------------------------------------------------------------------------------------

    def cells(self) -> list[Cell]:
        """The strip: the newest request first, its candidates in order."""
        document = self.look.document if self.look else ""
        return [
            cell
            for job in self.conversation.board.newest_first()
            if self.settings.whole_project or (document and job.document == document)
            for cell in cells_of(job)
        ]

    def queue(self) -> list[Job]:
        """What is not finished, the next first, and what failed."""
        jobs = sorted(self.conversation.board.jobs.values(), key=lambda job: job.created)
        return [job for job in jobs if not job.finished] + [job for job in jobs if job.trouble]

    def cancel(self, job_id: str) -> None:
        """End one job; its finished candidates stay."""
        self.conversation.requests.cancel(job_id)

    def cancel_all(self) -> None:
        """End all jobs of this document."""
        for job in self.queue():
            if self.look is not None and job.document == self.look.document:
                self.cancel(job.id)

    def dismiss(self, job_id: str) -> None:
        """Take a failed job out of the queue."""
        self.conversation.requests.dismiss(job_id)

    def why_not_steer(self, job_id: str) -> str:
        """Why a job can't change its course, in words; empty: it can."""
        return self._leading.why_not_steer(job_id)

    def steer(self, job_id: str) -> None:
        """Go on with what is set now."""
        self._leading.steer(job_id)

    def can_finish(self, job_id: str) -> bool:
        """Whether a job's engine can take it now at all."""
        return self._leading.can_finish(job_id)

    def why_not_finish(self, job_id: str) -> str:
        """Why a job can't be finished early, in words; empty: it can."""
        return self._leading.why_not_finish(job_id)

    def finish(self, job_id: str) -> None:
        """Take it now: finish what is begun from what there is, and make no more."""
        self._leading.finish(job_id)

    # ---- looking ------------------------------------------------------------------------------------

    @property
    def selected(self) -> Optional[Candidate]:
        """The candidate that the artist has chosen in the strip."""
        return self._showing.selected

    @property
    def comparing(self) -> bool:
        """Whether the canvas is shown as it is, for as long as the artist wants."""
        return self._showing.comparing

    @property
    def shown(self) -> Optional[Shown]:
        """What is to be seen over the canvas now."""
        return self._showing.shown(self.look)

    def select(self, candidate_id: str) -> None:
        """Show a candidate over the canvas as soon as it is here; empty shows none."""
        self._showing.select(candidate_id, self.look)

    def select_next(self, step: int = 1) -> None:
        """Show the candidate that is so many places further in the strip."""
        ids = [cell.candidate.id for cell in self.cells() if cell.candidate is not None]
        if not ids:
            self.tell(_("There is no candidate yet."), bad=True)
        elif self.selected is None or self.selected.id not in ids:
            self.select(ids[0 if step > 0 else -1])
        else:
            self.select(ids[(ids.index(self.selected.id) + step) % len(ids)])

    def compare(self, on: bool) -> None:  # noqa: FBT001  held or let go
        """Show the canvas as it is for as long as this is on."""
        self._showing.comparing = on
        self._ring("shown")

    # ---- deciding -----------------------------------------------------------------------------------

    def why_not_do(self, action: str) -> str:
        """Why the selected candidate can't be treated so, in words; empty: it can."""
        selected = self.selected
        if selected is None:
            return _("Click a candidate first.")
        if action == "accept":
            return self._placing.why_not(selected, self.look)
        if action in ("more", "less", "refine") and self.conversation.state != "connected":
            return _("The daemon is not connected.")
        engine = self.conversation.engine
        verbs = engine.verbs if engine is not None else {}
        needed = {"more": "vary", "refine": "refine"}
        if needed.get(action, "") not in {"", *verbs}:
            return _("The engine can't do this.")
        if action == "reject" and selected.decision == "reject":
            return _("This one is rejected already.")
        return ""

    def do(self, action: str) -> None:
        """Accept, reject, more, less, refine or copy."""
        why = self.why_not_do(action)
        selected, look = self.selected, self.look
        if why or selected is None:
            self.tell(why, bad=True)
            return
        self.tell("")
        if action == "accept" and look is not None:
            self._placing.begin(selected, look)
        elif action == "reject":
            self._reject(selected)
        elif action == "copy":
            self._copy(selected)
        elif action == "less":
            self._await(self.conversation.requests.less(selected))
        else:
            self._more(selected, "vary" if action == "more" else "refine")

    def _reject(self, selected: Candidate) -> None:
        self.conversation.requests.reject(selected)
        left = [c for c in selected.job.candidates if not c.decision]
        after = [c for c in left if c.info.index > selected.info.index]
        self.select((after or left)[0].id if left else "")

    def _copy(self, selected: Candidate) -> None:
        job = selected.job
        copied: dict[str, Any] = {"prompt": job.prompt, "negative_prompt": job.negative_prompt}
        copied |= {"engine": job.engine, "seed": selected.info.seed, "drafted": job.drafted}
        copied["parameters"] = {**without(self.settings, job.engine), job.engine: dict(job.parameters)}
        guided = len(job.guides) == 1 and job.guides[0].kind in GUIDES
        copied["guide"] = job.guides[0].kind if guided else ""
        if guided:
            copied["guide_weight"] = job.guides[0].weight
        if job.verb == "refine":
            copied["strength"] = job.strength
        if job.verb == "vary":
            copied["amount"] = job.amount
        self.change(**copied)
        words = _("The settings of this candidate are set, with its seed.")
        anew = _("The guide will be read from the active layer.")
        self.tell(f"{words} {anew}" if guided else words)

    def _more(self, selected: Candidate, verb: str) -> None:
        engine = self.conversation.engine
        if engine is not None:
            self._await(self.conversation.requests.more(selected, engine.name, verb=verb))

    def _await(self, job: Job) -> None:
        self._showing.wait_for(job, self.look)

    def _placed(self, candidate: Candidate) -> None:
        if self.selected is candidate:
            self.select("")

    # ---- what is heard ------------------------------------------------------------------------------

    def _hear(self, topic: str) -> None:
        if topic == "trouble":
            self.tell(self.conversation.trouble, bad=True)
            return
        if topic == "connection" and self.look is not None:
            self.conversation.learn_about(self.look.document)
        if topic == "strip":
            if self._showing.follow(self.look):
                return
            self._ring("shown")
        self._ring(topic)

    def _ring(self, *topics: str) -> None:
        for topic in topics:
            self._bell.ring(topic)
