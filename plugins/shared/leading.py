# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the course of what is being made: steer it, or take it now. UI thread only."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, Callable, Optional

from bridge_server.protocol.records import EngineInfo

from .conversation import Conversation
from .model import Job, Settings
from .parameters import differing, effective, kept_of
from .texts import _

__all__ = ["Leading"]

_WORDS_AND_AMOUNTS = ("prompt", "negative_prompt", "strength", "amount")

#: What the wire can change of a job while it is made; ``guidance`` is among an engine's own settings here.
_ON_THE_WAY = ("prompt", "negative_prompt", "strength", "guidance", "weights")


class Leading:
    """One window's way of doing it.

    Args:
        tell: says something to the artist.
        await_job: shows what comes of a new job.
    """

    def __init__(
        self, conversation: Conversation, tell: Callable[..., None], await_job: Callable[[Job], None]
    ) -> None:
        self._conversation, self._tell, self._await = conversation, tell, await_job

    # ---- another course -----------------------------------------------------------------------------

    def why_not_steer(self, job_id: str) -> str:
        """Why a job can't change its course, in words; empty: it can."""
        job = self._job(job_id)
        if job is None or job.finished or (job.request is None and not self._steerable(job)):
            return _("Only what is being made here can change its course.")
        why = self._why_not_now(job)
        if why:
            return why
        if len(job.candidates) >= job.count:
            return _("All of it is made already.")
        return "" if self._changes(job) else _("Change the words or the settings first.")

    def steer(self, job_id: str) -> None:
        """Go on with what is set now, from the next step on, or by asking anew for what is not made yet."""
        job = self._job(job_id)
        why = self.why_not_steer(job_id)
        if job is None or why:
            self._tell(why, bad=True)
            return
        changed = self._changes(job)
        if set(changed) <= self._steerable(job):
            self._conversation.requests.steer(job, changed)
        else:
            self._ask_anew(job, changed)

    def _job(self, job_id: str) -> Optional[Job]:
        return self._conversation.board.jobs.get(job_id)

    def _engine(self, job: Job) -> Optional[EngineInfo]:
        return next((e for e in self._conversation.engines if e.name == job.engine), None)

    def _why_not_now(self, job: Job) -> str:
        if self._conversation.state != "connected":
            return _("The daemon is not connected.")
        return _("What is begun of it is being finished already.") if job.finishing else ""

    def _steerable(self, job: Job) -> set[str]:
        """What the job's engine takes while it works."""
        engine = self._engine(job)
        if engine is None or job.state == "sending":
            return set()
        return {name for name in _ON_THE_WAY if name in engine.steers}

    def _changes(self, job: Job) -> dict[str, Any]:
        """What is set otherwise now than a job has it, as far as its engine heeds it.

        Of a job that can't be asked for anew, because another program did, only what it can be steered by:
        its other settings are that program's.
        """
        engine, settings = self._engine(job), self._conversation.settings
        if engine is None:
            return {}
        changed = _words_and_amounts(job, settings, engine.verbs.get(job.verb, []))
        changed |= _own_settings(job, settings, engine) | _weights(job, settings)
        if job.request is not None:
            return changed
        return {name: value for name, value in changed.items() if name in self._steerable(job)}

    def _ask_anew(self, job: Job, changed: dict[str, Any]) -> None:
        """Cancel the rest of a job and ask for as much of a new one."""
        engine, settings = self._engine(job), self._conversation.settings
        words = {name: changed.get(name, getattr(job, name)) for name in _WORDS_AND_AMOUNTS}
        common: dict[str, Any] = {
            "count": job.count - len(job.candidates),
            "parameters": differing(engine, kept_of(settings, engine)) if engine is not None else {},
        }
        weights = changed.get("weights", [guide.weight for guide in job.guides])
        new = replace(
            job,
            id=secrets.token_hex(8),
            state="sending",
            candidates=[],
            progress={},
            previews={},
            drafts=(0, 0),
            request=None,
            guides=[replace(guide, weight=weight) for guide, weight in zip(job.guides, weights)],
            **common,
            **words,
        )
        asked = job.request
        guides = [replace(guide, weight=weight) for guide, weight in zip(asked.guides, weights)]
        known = {name: value for name, value in words.items() if hasattr(asked, name)}
        seed = None if asked.seed is None else asked.seed + len(job.candidates)
        request = replace(asked, job=new.id, seed=seed, guides=guides, **common, **known)
        self._conversation.requests.cancel(job.id)
        self._await(new)
        self._conversation.requests.submit(new, lambda: request)

    # ---- take it now --------------------------------------------------------------------------------

    def can_finish(self, job_id: str) -> bool:
        """Whether a job's engine can take it now at all."""
        job = self._job(job_id)
        engine = self._engine(job) if job is not None else None
        return engine is not None and "finish" in engine.steers

    def why_not_finish(self, job_id: str) -> str:
        """Why a job can't be finished early, in words; empty: it can."""
        job = self._job(job_id)
        if job is None or job.finished:
            return _("Only what is being made can be finished early.")
        if not self.can_finish(job_id):
            return _("The engine can't do this.")
        why = self._why_not_now(job)
        if not why and job.state != "running":
            return _("It is not begun yet.")
        return why

    def finish(self, job_id: str) -> None:
        """Finish what is begun from what there is, and make no more."""
        job = self._job(job_id)
        why = self.why_not_finish(job_id)
        if job is None or why:
            self._tell(why, bad=True)
        else:
            self._conversation.requests.finish(job)


def _words_and_amounts(job: Job, settings: Settings, heeded: list[str]) -> dict[str, Any]:
    names = ["prompt", "negative_prompt"]
    names += {"refine": ["strength"], "vary": ["amount"]}.get(job.verb, [])
    return {
        name: getattr(settings, name)
        for name in names
        if name in heeded and getattr(settings, name) != getattr(job, name)
    }


def _own_settings(job: Job, settings: Settings, engine: EngineInfo) -> dict[str, Any]:
    """By name, with the value that holds now; they are among ``parameters`` in a request."""
    before, now = effective(engine, job.parameters), effective(engine, kept_of(settings, engine))
    return {name: value for name, value in now.items() if value != before[name]}


def _weights(job: Job, settings: Settings) -> dict[str, Any]:
    """Of the one guide that the panel can set; another kind would need another picture."""
    known = [guide.weight for guide in job.guides if guide.kind == settings.guide]
    changed = len(job.guides) == 1 and known not in ([], [settings.guide_weight])
    return {"weights": [settings.guide_weight]} if changed else {}
