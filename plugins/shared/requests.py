# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plugin asks the daemon to do, and to note. UI thread only; returns at once."""

from __future__ import annotations

import secrets
import time
from typing import Any, Callable, Optional, Union

from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.messages import Cancel, Expand, Fill, GetJob, Submitted
from bridge_server.protocol.records import JobInfo, Placement, Steering
from bridge_server.protocol.steering import Finish, Steer, Steered
from bridge_server.protocol.versions import Accept, Accepted, Go, Less, More, Reject, VersionInfo

from .bell import Bell
from .board import Board
from .link import Failed, Link
from .model import Candidate, Job
from .preferences import Preferences
from .words import explain

__all__ = ["Requests"]


class Requests:
    """Jobs and decisions.

    Args:
        trouble: told what went wrong beside the jobs.
    """

    def __init__(
        self, link: Link, board: Board, preferences: Preferences, bell: Bell, trouble: Failed
    ) -> None:
        self._link, self._board, self._preferences = link, board, preferences
        self._bell, self._trouble = bell, trouble

    def submit(self, job: Job, make: Callable[[], Union[Fill, Expand]]) -> None:
        """Ask for a job; ``make`` builds the request on the thread beside, with the job's id."""
        self._preferences.remember_prompt(job.prompt)
        self._bell.ring("prompts")
        self._begin(job)

        def made() -> Optional[Union[Fill, Expand]]:
            if job.unwanted:
                return None
            request = make()
            if job.unwanted:  # cancelled meanwhile
                return None
            job.request = request
            return request

        self._link.ask_made(
            made, lambda told: self._submitted(job, told), lambda error: self._failed(job, error)
        )

    def more(self, candidate: Candidate, engine: str, *, verb: str = "vary") -> Job:
        """Ask for variations of a candidate as if it were painted, or have it refined by what is set now.

        Variations keep the candidate's words; so does a refinement where none are set.
        """
        settings = self._preferences.settings
        job = self._again(candidate, verb, strength=settings.strength if verb == "refine" else 1.0)
        job.amount, job.engine = settings.amount if verb == "vary" else 0.0, engine
        if engine != candidate.job.engine:
            job.parameters, job.guides = {}, []
        if verb == "refine" and settings.prompt:
            job.prompt, job.negative_prompt = settings.prompt, settings.negative_prompt
        request = More(
            candidate.id,
            count=settings.count,
            amount=job.amount,
            seed=settings.seed,
            job=job.id,
            verb=verb,
            strength=job.strength,
            prompt=job.prompt,
            negative_prompt=job.negative_prompt,
            engine=engine,
        )
        return self._send(job, request)

    def less(self, candidate: Candidate) -> Job:
        """Ask for what is least like a candidate."""
        job = self._again(candidate, candidate.job.verb, strength=candidate.job.strength)
        settings = self._preferences.settings
        request = Less(candidate.id, count=settings.count, seed=settings.seed, job=job.id)
        return self._send(job, request)

    def cancel(self, job_id: str) -> None:
        """End a job; what it has made stays."""
        job = self._board.jobs.get(job_id)
        if job is None or job.finished:
            return
        if job.state == "sending":
            job.unwanted, job.state = True, "cancelled"
        self._link.ask(Cancel(job_id))
        self._ring_jobs()

    def steer(self, job: Job, changed: dict[str, Any]) -> None:
        """Let a job go on with other words, strength, guidance or weights."""
        if "prompt" in changed:
            self._preferences.remember_prompt(changed["prompt"])
            self._bell.ring("prompts")
        self._lead(Steer(job.id, **changed), Steering(**changed))

    def finish(self, job: Job) -> None:
        """Take what is begun of a job as it is, and let no more be made."""
        self._lead(Finish(job.id), Steering(finish=True))

    def _lead(self, request: Union[Steer, Finish], steering: Steering) -> None:
        """Show it as done at once; if it is refused, as the daemon has it."""

        def noted(told: Steered) -> None:
            self._board.note_steered(told)
            self._ring_jobs()

        def known(info: JobInfo) -> None:
            self._board.note_job(info)
            self._ring_jobs()

        def refused(error: BridgeError) -> None:
            job = self._board.jobs.get(request.job)
            if job is not None:
                job.finishing = False
            self._link.ask(GetJob(request.job), known)
            self._trouble(error)

        noted(Steered(request.job, steering))
        self._link.ask(request, noted, refused)

    def dismiss(self, job_id: str) -> None:
        """Say no more that a job has failed."""
        job = self._board.jobs.get(job_id)
        if job is not None:
            job.trouble = ""
            self._ring_jobs()

    def _again(self, candidate: Candidate, verb: str, *, strength: float) -> Job:
        of = candidate.job
        job = Job(
            secrets.token_hex(8),
            verb,
            "sending",
            self._preferences.settings.count,
            prompt=of.prompt,
            negative_prompt=of.negative_prompt,
            strength=strength,
        )
        job.document, job.canvas, job.engine, job.host = of.document, of.canvas, of.engine, of.host
        job.parameters, job.guides = dict(of.parameters), list(of.guides)
        self._begin(job)
        return job

    def _send(self, job: Job, request: Union[More, Less]) -> Job:
        self._link.ask(
            request, lambda told: self._submitted(job, told), lambda error: self._failed(job, error)
        )
        return job

    def _begin(self, job: Job) -> None:
        job.created = time.time()
        self._board.add(job)
        self._ring_jobs()

    def _submitted(self, job: Job, told: Submitted) -> None:
        job.position, job.seed = told.position, told.seed
        if job.unwanted:
            self._link.ask(Cancel(job.id))
            return
        if job.state == "sending":
            job.state = "queued"
        self._ring_jobs()

    def _failed(self, job: Job, error: BridgeError) -> None:
        if not job.finished:
            job.state, job.trouble, job.request = "failed", explain(error), None
        self._ring_jobs()

    # ---- deciding -----------------------------------------------------------------------------------

    def accept(
        self,
        candidate: Candidate,
        document: str,
        placement: Placement,
        canvas: tuple[int, int],
        then: Callable[[VersionInfo], None],
    ) -> None:
        """Tell that a candidate was placed; ``then`` gets the version that it is now."""
        candidate.decision = "accept"
        self._bell.ring("strip")

        def accepted(told: Accepted) -> None:
            self._board.note_version(told.version)
            self._bell.ring("strip")
            then(told.version)

        whole = Placement(0, 0, *canvas)
        request = Accept(candidate.id, document=document, placement=placement, canvas=whole)
        self._link.ask(request, accepted, self._trouble, always=True)

    def reject(self, candidate: Candidate) -> None:
        """Say no to a candidate; it stays in the history."""
        candidate.decision = "reject"
        self._bell.ring("strip")
        self._link.ask(Reject([candidate.id]), None, self._trouble)

    def go(self, document: str, version: str) -> None:
        """Tell which version a document shows after the artist's undo or redo."""
        self._link.ask(Go(version, document=document), None, self._trouble)

    def _ring_jobs(self) -> None:
        self._bell.ring("jobs")
        self._bell.ring("strip")
