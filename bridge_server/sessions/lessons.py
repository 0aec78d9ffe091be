# SPDX-License-Identifier: Apache-2.0
"""What taste learns from: a project's decisions, read as lessons. What was learned is not kept, only this.

A lesson is one place on one document until something is accepted there: all its candidates, which of them
were liked (accepted, more like this), which disliked (rejected, less like this), and which only passed over.
The last word on a candidate counts.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ..protocol.messages import Expand, Fill, Refine, Vary
from ..protocol.records import CandidateInfo, JobInfo
from ..protocol.taste import (
    Forget,
    Lesson,
    LoadTaste,
    SetTaste,
    Suggest,
    Suggestion,
    TasteChanged,
    TasteData,
    TasteSettings,
)
from .database import Database, Told
from .store import JOB_COLUMNS, Store

__all__ = ["DATA_FORMAT", "NEEDED", "Lessons", "Studied"]

#: How :class:`TasteData` calls itself.
DATA_FORMAT = "bridge-taste-1"

#: Lessons that are needed before taste chooses anything.
NEEDED = 3

#: The most lessons that count, the latest ones, and the decisions that are looked at for them.
_MOST_LESSONS, _MOST_DECISIONS = 200, 800

#: Accepted candidates that settings are suggested from.
_RECENT = 20

_OPINION = {"accept": 1, "more": 1, "reject": -1, "less": -1}


@dataclass(frozen=True)
class Studied:
    """A project's lessons, oldest first, with the candidates behind the offers (empty for loaded ones)."""

    settings: TasteSettings
    lessons: list[Lesson]
    candidates: list[list[str]]

    @property
    def active(self) -> bool:
        """Whether taste chooses."""
        return self.settings.on and (len(self.lessons) >= NEEDED or any(self.settings.pins.values()))


class Lessons:
    """The lessons and the settings of all projects' taste."""

    def __init__(self, database: Database, store: Store) -> None:
        self._db, self._store = database, store

    def settings(self, project: str) -> TasteSettings:
        """How a project's taste is set."""
        row = self._db.one("SELECT taste FROM project WHERE name = ?", (project,))
        if row is None or row[0] is None:
            return TasteSettings()
        return msgspec.msgpack.decode(row[0], type=TasteSettings)

    def study(self, project: str) -> Studied:
        """What there is to learn from for a project."""
        settings = self.settings(project)
        scope = None if settings.scope == "all" else project
        pairs = [*self._loaded(project), *self._decided(project, scope)][-_MOST_LESSONS:]
        return Studied(settings, [lesson for lesson, _ in pairs], [names for _, names in pairs])

    def save(self, project: str) -> TasteData:
        """A project's taste, to take along."""
        studied = self.study(project)
        return TasteData(DATA_FORMAT, studied.settings, studied.lessons)

    def set(self, request: SetTaste, project: str) -> tuple[TasteSettings, list[Told]]:
        """Change what the request names."""
        names = ("on", "scope", "exploration", "pins")
        given = {name: value for name in names if (value := getattr(request, name)) is not None}
        return self._change(request, project, lambda: replace(self.settings(project), **given))

    def forget(self, request: Forget, project: str) -> tuple[TasteSettings, list[Told]]:
        """Begin anew; the decisions themselves stay."""

        def change() -> TasteSettings:
            self._db.execute(
                "UPDATE project SET forgotten = (SELECT coalesce(max(number), 0) FROM decision)"
                " WHERE name = ?",
                (project,),
            )
            self._db.execute("DELETE FROM lesson WHERE project = ?", (project,))
            return replace(self.settings(project), pins={})

        return self._change(request, project, change)

    def load(self, request: LoadTaste, project: str) -> tuple[TasteSettings, list[Told]]:
        """Add lessons from elsewhere, before the project's own."""

        def change() -> TasteSettings:
            known = {msgspec.msgpack.encode(lesson) for lesson in self.study(project).lessons}
            for lesson in request.data.lessons[-_MOST_LESSONS:]:
                packed = msgspec.msgpack.encode(lesson)
                if packed in known:  # the same file again, or one that was saved here
                    continue
                self._db.execute("INSERT INTO lesson (project, body) VALUES (?, ?)", (project, packed))
            return request.data.settings

        return self._change(request, project, change)

    def suggest(self, request: Suggest, project: str) -> Suggestion:
        """The settings of what was accepted of late: numbers by their median, the rest the commonest."""
        scope = "" if self.settings(project).scope == "all" else " AND v.project = ?"
        values = [request.verb, *([project] if scope else [])]
        named = " AND j.engine = ?" if request.engine else ""
        columns = ", ".join(f"j.{column}" for column in JOB_COLUMNS.split(", "))
        rows = self._db.all(
            f"SELECT {columns} FROM version v JOIN job j ON j.id = v.job"
            f" WHERE j.verb = ?{scope}{named} ORDER BY v.number DESC LIMIT ?",
            [*values, *([request.engine] if named else []), _RECENT],
        )
        jobs = [self._store.info(row) for row in rows]
        if not jobs:
            return Suggestion(request.verb, request.engine, 0)
        settings = {
            name: _typical([getattr(job, name) for job in jobs])
            for name in ("count", "strength", *(["amount"] if request.verb == "vary" else []))
        }
        settings = {name: value for name, value in settings.items() if value != _default(request.verb, name)}
        names = {name for job in jobs for name in job.parameters}
        parameters = {name: _typical_parameter(jobs, name) for name in sorted(names)}
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return Suggestion(request.verb, request.engine, len(jobs), settings, parameters)

    # ---- details -----------------------------------------------------------------------------------

    def _change(
        self, request: SetTaste | Forget | LoadTaste, project: str, change: Callable[[], TasteSettings]
    ) -> tuple[TasteSettings, list[Told]]:
        def write() -> tuple[TasteSettings, list[Told]]:
            self._db.ensure_project(project)
            settings = change()
            packed = msgspec.msgpack.encode(settings)
            self._db.execute("UPDATE project SET taste = ? WHERE name = ?", (packed, project))
            return settings, [self._db.journal(project, "project.taste", TasteChanged(project, settings))]

        return self._db.once(request, project, TasteSettings, write)

    def _loaded(self, project: str) -> list[tuple[Lesson, list[str]]]:
        rows = self._db.all(
            "SELECT body FROM lesson WHERE project = ? ORDER BY number DESC LIMIT ?", (project, _MOST_LESSONS)
        )
        return [(msgspec.msgpack.decode(body, type=Lesson), []) for (body,) in reversed(rows)]

    def _decided(self, project: str, scope: str | None) -> list[tuple[Lesson, list[str]]]:
        """The lessons of the latest decisions of a project, or of all, but for what it has forgotten."""
        row = self._db.one("SELECT forgotten FROM project WHERE name = ?", (project,))
        forgotten = row[0] if row else 0
        jobs = self._jobs(scope, forgotten)
        opinions, settled = self._opinions(list(jobs), forgotten)
        found: list[tuple[Lesson, list[str]]] = []
        open_: defaultdict[Any, list[str]] = defaultdict(list)
        offers: dict[str, list[CandidateInfo]] = {}
        for job, canvas in jobs.items():
            offers[job] = self._store.candidates(job)
            place = (*canvas, offers[job][0].placement)
            open_[place].append(job)
            if job in settled:
                found.append(_lesson(open_.pop(place), offers, opinions))
        found += [_lesson(left, offers, opinions) for left in open_.values()]
        return [pair for pair in found if _teaches(pair[0])]

    def _jobs(self, project: str | None, forgotten: int) -> dict[str, tuple[Any, ...]]:
        """The jobs that the latest decisions are about, oldest first, and the canvas of each."""
        scope, values = ("", []) if project is None else (" AND d.project = ?", [project])
        rows = self._db.all(
            "SELECT j.id, j.project, j.document, j.verb = 'expand' FROM job j WHERE j.id IN"
            " (SELECT d.job FROM decision d JOIN project p ON p.name = d.project"
            f"  WHERE d.number > max(p.forgotten, ?){scope} ORDER BY d.number DESC LIMIT ?)"
            " ORDER BY j.number",
            [forgotten, *values, _MOST_DECISIONS],
        )
        return {job: tuple(canvas) for job, *canvas in rows}

    def _opinions(self, jobs: list[str], forgotten: int) -> tuple[dict[str, dict[str, int]], set[str]]:
        """Job -> candidate -> what the last word on it says; and the jobs of which one was accepted."""
        opinions: dict[str, dict[str, int]] = {job: {} for job in jobs}
        settled: set[str] = set()
        rows = self._db.all(
            "SELECT d.job, d.candidate, d.kind FROM decision d JOIN project p ON p.name = d.project"
            " WHERE d.job IN (SELECT value FROM json_each(?)) AND d.number > max(p.forgotten, ?)"
            " ORDER BY d.number",
            (json.dumps(jobs), forgotten),
        )
        for job, candidate, kind in rows:
            if kind in _OPINION:
                opinions[job][candidate] = _OPINION[kind]
            if kind == "accept":
                settled.add(job)
        return opinions, settled


def _lesson(
    jobs: Iterable[str], made: dict[str, list[CandidateInfo]], opinions: dict[str, dict[str, int]]
) -> tuple[Lesson, list[str]]:
    """The lesson of the jobs at one place, and its candidates."""
    offers = [info for job in jobs for info in made[job] if info.descriptor]
    said = [opinions[info.job].get(info.candidate, 0) for info in offers]
    return Lesson(
        [info.descriptor for info in offers],
        [index for index, word in enumerate(said) if word > 0],
        [index for index, word in enumerate(said) if word < 0],
    ), [info.candidate for info in offers]


def _teaches(lesson: Lesson) -> bool:
    """Whether anything was preferred to anything else."""
    most = len(lesson.offers)
    return 0 < len(lesson.liked) < most or 0 < len(lesson.disliked) < most


def _typical(values: list[Any]) -> Any:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        whole = all(isinstance(value, int) for value in values)
        return statistics.median_low(values) if whole else statistics.median(values)
    commonest = Counter(msgspec.msgpack.encode(value) for value in values).most_common(1)[0][0]
    return msgspec.msgpack.decode(commonest)


def _typical_parameter(jobs: list[JobInfo], name: str) -> Any:
    """What is typical of a parameter, or None where most jobs did not give it."""
    given = [job.parameters[name] for job in jobs if name in job.parameters]
    return _typical(given) if 2 * len(given) > len(jobs) else None


def _default(verb: str, name: str) -> Any:
    cls = {"fill": Fill, "expand": Expand, "vary": Vary, "refine": Refine}.get(verb, Fill)
    return getattr(cls, name, None)
