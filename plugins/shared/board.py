# SPDX-License-Identifier: GPL-3.0-or-later
"""All jobs and candidates that a plugin knows of in its project, kept up to date by what the daemon tells.

No connection and no host in here: messages in, state out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from bridge_server.protocol.errors import error_from_wire
from bridge_server.protocol.history import HistoryEntry
from bridge_server.protocol.messages import DraftsProgress, JobProgress, JobState, Preview
from bridge_server.protocol.records import CandidateInfo, JobInfo, Steering
from bridge_server.protocol.steering import Steered
from bridge_server.protocol.versions import DecisionInfo, VersionInfo

from .model import Candidate, Job
from .words import explain

__all__ = ["Board"]


class Board:
    """Jobs by id, candidates by id, versions by id."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.candidates: dict[str, Candidate] = {}
        self.versions: dict[str, VersionInfo] = {}

    def newest_first(self) -> list[Job]:
        """All jobs."""
        return sorted(self.jobs.values(), key=lambda job: job.created, reverse=True)

    def add(self, job: Job) -> None:
        """A job that this plugin asks for."""
        self.jobs[job.id] = job

    def note_entry(self, entry: HistoryEntry) -> Job:
        """A job of the project's history with what was decided about it."""
        job = self.note_job(entry.job)
        for decision in sorted(entry.decisions, key=lambda each: each.created):
            self.note_decision(decision)
        for version in sorted(entry.versions, key=lambda each: each.created):
            self.note_version(version)
        return job

    def note_job(self, info: JobInfo) -> Job:
        """What the daemon knows of a job; what only this plugin knows of it stays."""
        job = self.jobs.get(info.job)
        was_open = job is not None and not job.finished  # what failed before this start is no news
        if job is None:
            job = self.jobs[info.job] = Job(info.job, info.verb, info.state, info.count)
        job.verb, job.state, job.count = info.verb, info.state, info.count
        job.prompt, job.negative_prompt = info.prompt, info.negative_prompt
        job.strength, job.amount, job.seed = info.strength, info.amount, info.seed
        job.engine, job.document, job.host = info.engine, info.document, info.host
        job.created, job.position, job.drafted = info.created, info.position, info.drafts > 0 or info.drafted
        job.region = info.region
        job.parameters, job.guides = dict(info.parameters), list(info.guides)
        if info.steering is not None:
            _lead(job, info.steering)
        if was_open and info.error_code and info.state == "failed":
            job.trouble = explain(error_from_wire(info.error_code, info.error_message, info.error_hint))
        for candidate in info.candidates:
            self.note_candidate(candidate)
        if job.finished:
            self._end(job)
        return job

    def note_state(self, body: JobState) -> Optional[Job]:
        """A job's new state."""
        job = self.jobs.get(body.job)
        if job is None:
            return None
        job.state = body.state
        job.position = 0 if body.state != "queued" else job.position
        if body.state == "failed":
            job.trouble = explain(error_from_wire(body.error_code, body.error_message, body.error_hint))
        if job.finished:
            self._end(job)
        return job

    def note_progress(self, body: JobProgress) -> Optional[Job]:
        """How far a candidate is."""
        job = self.jobs.get(body.job)
        if job is not None and not job.finished:
            job.progress[body.index] = body.done
        return job

    def note_steered(self, body: Steered) -> Optional[Job]:
        """What a job is made with was changed, here or in another program."""
        job = self.jobs.get(body.job)
        if job is not None:
            _lead(job, body.steering)
        return job

    def note_drafts(self, body: DraftsProgress) -> Optional[Job]:
        """How many drafts there are."""
        job = self.jobs.get(body.job)
        if job is not None:
            job.drafts = (body.made, body.wanted)
        return job

    def note_preview(self, body: Preview) -> Optional[Job]:
        """What a candidate looks like so far."""
        job = self.jobs.get(body.job)
        made = job is not None and any(c.info.index == body.index for c in job.candidates)
        if job is None or job.finished or made:
            return None
        job.previews[body.index] = (body.placement, body.pixels)
        return job

    def note_candidate(self, info: CandidateInfo) -> Optional[Candidate]:
        """A finished candidate."""
        job = self.jobs.get(info.job)
        if job is None:
            return None
        known = self.candidates.get(info.candidate)
        if known is None:
            known = self.candidates[info.candidate] = Candidate(info, job)
            job.candidates.append(known)
            job.candidates.sort(key=lambda candidate: candidate.info.index)
        job.previews.pop(info.index, None)
        return known

    def note_decision(self, info: DecisionInfo) -> Optional[Candidate]:
        """What the artist said to a candidate, here or in another program."""
        candidate = self.candidates.get(info.candidate)
        if candidate is not None and info.kind in ("accept", "reject"):
            candidate.decision = info.kind
        return candidate

    def note_version(self, info: VersionInfo) -> Optional[Candidate]:
        """A candidate was accepted, here or in another program."""
        self.versions[info.version] = info
        candidate = self.candidates.get(info.candidate)
        if candidate is not None:
            candidate.decision, candidate.version = "accept", info.version
        return candidate

    def stand(self, version: str, *, stands: bool) -> None:
        """The artist's undo took a version off the canvas, or redo brought it back."""
        info = self.versions.get(version)
        candidate = self.candidates.get(info.candidate) if info is not None else None
        if candidate is not None:
            candidate.decision = "accept" if stands else ""

    def clear(self) -> None:
        """Another project begins."""
        self.jobs.clear()
        self.candidates.clear()
        self.versions.clear()

    @staticmethod
    def _end(job: Job) -> None:
        job.previews.clear()
        job.progress.clear()
        job.request = None
        job.drafts = (0, 0)
        job.position = 0


def _lead(job: Job, steering: Steering) -> None:
    """A job goes on with what is not None."""
    for name in ("prompt", "negative_prompt", "strength"):
        value = getattr(steering, name)
        if value is not None:
            setattr(job, name, value)
    if steering.guidance is not None:
        job.parameters = {**job.parameters, "guidance": steering.guidance}
    if steering.weights is not None:
        job.guides = [replace(guide, weight=each) for guide, each in zip(job.guides, steering.weights)]
    job.finishing = job.finishing or steering.finish
