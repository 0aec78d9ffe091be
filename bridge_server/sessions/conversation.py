# SPDX-License-Identifier: Apache-2.0
"""What the artist decided: accept, reject, modify, and the tree of versions that comes of it.

Every change is one transaction, is written to the project's journal, and happens once however often it is
asked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import msgspec

from ..protocol.errors import BadRequest, Conflict, NotFound
from ..protocol.records import CandidateInfo, Placement
from ..protocol.request import Change
from ..protocol.versions import (
    Accept,
    Accepted,
    DecisionInfo,
    Decisions,
    Go,
    Head,
    Mark,
    Modify,
    Moved,
    Redo,
    Reject,
    Undo,
    VersionInfo,
)
from .database import Database, Told, removed_error
from .tree import TreeReader, decision_of, pack

__all__ = ["Conversation", "Sitting"]

R = TypeVar("R")


@dataclass(frozen=True)
class Sitting:
    """Who decides: a session of a host in a project."""

    session: str
    project: str
    host: str


@dataclass(frozen=True)
class Lean(Change[DecisionInfo]):
    """More, or less, like a candidate: what the wire's ``more`` and ``less`` do beside making a job."""

    op: ClassVar[str] = "lean"

    candidate: str
    kind: str
    key: str


class Conversation:
    """The decisions of all projects.

    Every method may raise NotFound (no such candidate or version), BadRequest (it belongs to another project)
    and OutOfSpace; nothing has changed then.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._tree = TreeReader(database)

    # ---- decisions ---------------------------------------------------------------------------------

    def accept(self, request: Accept, by: Sitting) -> tuple[Accepted, list[Told]]:
        """A candidate becomes a version on its document's head, and the new head."""
        return self._change(request, by, Accepted, lambda: self._accept(request, by))

    def reject(self, request: Reject, by: Sitting) -> tuple[Decisions, list[Told]]:
        """No to candidates."""

        def change() -> tuple[Decisions, list[Told]]:
            made = [self._decide(name, "reject", by) for name in request.candidates]
            return Decisions([info for info, _ in made]), [told for _, told in made]

        return self._change(request, by, Decisions, change)

    def lean(self, candidate: str, kind: str, key: str, by: Sitting) -> tuple[DecisionInfo, list[Told]]:
        """More, or less, like a candidate; once for each ``key``."""

        def change() -> tuple[DecisionInfo, list[Told]]:
            info, told = self._decide(candidate, kind, by)
            return info, [told]

        return self._db.once(Lean(candidate, kind, f"{kind}:{key}"), by.project, DecisionInfo, change)

    def check_own(self, candidate: str, by: Sitting) -> str:
        """The job of a candidate that one may decide about."""
        row = self._db.one(
            "SELECT j.project, j.id FROM candidate c JOIN job j ON j.id = c.job WHERE c.id = ?", (candidate,)
        )
        if row is None:
            raise NotFound(f"There is no candidate {candidate[:80]!r}.", "Look it up in the history.")
        project, job = row
        if project != by.project:
            raise BadRequest(
                f"The candidate {candidate} belongs to the project {project!r}, this is {by.project!r}.",
                "Work in that project (--project), or export and import it.",
            )
        return job

    def modify(self, request: Modify, by: Sitting) -> tuple[DecisionInfo, list[Told]]:
        """Keep the artist's final pixels of a version."""
        return self._change(request, by, DecisionInfo, lambda: self._modify(request, by))

    def measured(self, decision: str, changed: float, difference: float) -> list[Told]:
        """Note how far the final work is from the offer, once."""
        with self._db.writing():
            done = self._db.execute(
                "UPDATE decision SET changed = ?, difference = ? WHERE id = ? AND changed IS NULL",
                (changed, difference, decision),
            )
            if not done.rowcount:
                return []
            rows = self._tree.decisions("id = ?", (decision,))
            return [self._db.journal(info.project, "project.decision", info) for info in rows]

    # ---- the tree ----------------------------------------------------------------------------------

    def undo(self, request: Undo, by: Sitting) -> tuple[Moved, list[Told]]:
        """The document's head goes back to its parent."""

        def change() -> tuple[Moved, list[Told]]:
            head = self._expected(request, by)
            return self._move(by, request.document, head.undo_to if head.can_undo else head.version)

        return self._change(request, by, Moved, change)

    def redo(self, request: Redo, by: Sitting) -> tuple[Moved, list[Told]]:
        """The document's head goes to where it was last taken back from."""

        def change() -> tuple[Moved, list[Told]]:
            head = self._expected(request, by)
            return self._move(by, request.document, head.redo_to or head.version)

        return self._change(request, by, Moved, change)

    def go(self, request: Go, by: Sitting) -> tuple[Moved, list[Told]]:
        """The document's head goes to any version of the project."""

        def change() -> tuple[Moved, list[Told]]:
            self._expected(request, by)
            if request.version:
                self._own_version(request.version, by)
            return self._move(by, request.document, request.version)

        return self._change(request, by, Moved, change)

    def mark(self, request: Mark, by: Sitting) -> tuple[VersionInfo, list[Told]]:
        """Name or star a version."""
        return self._change(request, by, VersionInfo, lambda: self._mark(request, by))

    # ---- details -----------------------------------------------------------------------------------

    def _change(
        self, request: Change[Any], by: Sitting, answer: type[R], change: Callable[[], tuple[R, list[Told]]]
    ) -> tuple[R, list[Told]]:
        return self._db.once(request, by.project, answer, change)

    def _accept(self, request: Accept, by: Sitting) -> tuple[Accepted, list[Told]]:
        version = secrets.token_hex(8)
        _, decided = self._decide(request.candidate, "accept", by, version)
        packed, removed = self._db.one(
            "SELECT info, removed FROM candidate WHERE id = ?", (request.candidate,)
        )
        if removed is not None:
            raise removed_error(removed)
        info = msgspec.msgpack.decode(packed, type=CandidateInfo)
        place = request.placement or info.placement
        if (place.width, place.height) != (info.placement.width, info.placement.height):
            raise BadRequest(
                f"params.placement is {place.width} x {place.height}, the candidate is "
                f"{info.placement.width} x {info.placement.height}.",
                "A candidate is placed as large as it is.",
            )
        before = self._expected(request, by).version
        self._db.execute(
            "INSERT INTO version (id, project, document, parent, candidate, job, session, host, placement,"
            " canvas, name, modified, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                version,
                by.project,
                request.document,
                before or None,
                request.candidate,
                info.job,
                by.session,
                by.host,
                pack(place),
                None if request.canvas is None else pack(request.canvas),
                request.name,
                self._final_of(request, by),
                time.time(),
            ),
        )
        self._db.execute("UPDATE project SET versions = versions + 1 WHERE name = ?", (by.project,))
        self._note_words(info.job)
        made = self._tree.version(version)
        told = [decided, self._db.journal(by.project, "project.version", made)]
        moved, head_told = self._move(by, request.document, version)
        return Accepted(made, moved.head), [*told, *head_told]

    def _final_of(self, request: Accept, by: Sitting) -> str | None:
        """The decision that brought the final pixels which an accept takes over, if any."""
        if not request.version:
            return None
        if self._own_version(request.version, by).candidate != request.candidate:
            raise BadRequest(
                f"The version {request.version} is not one of the candidate {request.candidate}.",
                "Name the candidate that its record names.",
            )
        (decision,) = self._db.one("SELECT modified FROM version WHERE id = ?", (request.version,))
        return decision

    def _decide(
        self,
        candidate: str,
        kind: str,
        by: Sitting,
        version: str = "",
        final: tuple[Placement, bytes] | None = None,
        decision: str = "",
    ) -> tuple[DecisionInfo, Told]:
        job = self.check_own(candidate, by)
        placement, pixels = (None, None) if final is None else (pack(final[0]), final[1])
        decision = decision or secrets.token_hex(8)
        self._db.execute(
            "INSERT INTO decision (id, project, candidate, job, kind, session, host, version, placement,"
            " pixels, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                decision, by.project, candidate, job, kind, by.session, by.host, version, placement, pixels,
                time.time(),
            ),
        )  # fmt: skip
        info = decision_of(self._tree.decision_row(decision))
        return info, self._db.journal(by.project, "project.decision", info)

    def _modify(self, request: Modify, by: Sitting) -> tuple[DecisionInfo, list[Told]]:
        version = self._own_version(request.version, by)
        decision = secrets.token_hex(8)
        kept = self._db.keep(request.pixels, f"decision:{decision}", by.project)
        final = (request.placement, pack(kept))
        info, decided = self._decide(
            version.candidate, "modify", by, version.version, final=final, decision=decision
        )
        self._db.execute("UPDATE version SET modified = ? WHERE id = ?", (decision, version.version))
        changed = self._tree.version(version.version)
        return info, [decided, self._db.journal(by.project, "project.version", changed)]

    def _mark(self, request: Mark, by: Sitting) -> tuple[VersionInfo, list[Told]]:
        version = self._own_version(request.version, by)
        self._db.execute(
            "UPDATE version SET name = coalesce(?, name), starred = coalesce(?, starred) WHERE id = ?",
            (request.name, request.starred, version.version),
        )
        self._note_words(version.job)
        info = self._tree.version(version.version)
        return info, [self._db.journal(by.project, "project.version", info)]

    def _move(self, by: Sitting, document: str, version: str) -> tuple[Moved, list[Told]]:
        """Put the head on a version and remember the way there, so that redo finds back."""
        self._db.ensure_project(by.project)
        before = self._tree.head(by.project, document)
        info = self._tree.version(version) if version else None
        if before.version == version:
            return Moved(before, info), []
        if before.can_undo:
            self._leave_trail(by.project, document, before.undo_to, before.version)
        if info is not None:
            self._leave_trail(by.project, document, info.parent, version)
        self._db.execute(
            "INSERT INTO document VALUES (?1, ?2, ?3) ON CONFLICT (project, name) DO UPDATE SET head = ?3",
            (by.project, document, version),
        )
        head = self._tree.head(by.project, document)
        return Moved(head, info), [self._db.journal(by.project, "project.head", head)]

    def _expected(self, request: Accept | Undo | Redo | Go, by: Sitting) -> Head:
        """The document's head; Conflict if it is not where the host believes it to be."""
        head = self._tree.head(by.project, request.document)
        if request.at is not None and request.at != head.version:
            raise Conflict(
                f"The document stands at {head.version or 'the start'}, not at {request.at or 'the start'}.",
                "Another program has moved it: take its step over, then ask again.",
            )
        return head

    def _leave_trail(self, project: str, document: str, version: str, next_: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO trail VALUES (?, ?, ?, ?)", (project, document, version, next_)
        )

    def _own_version(self, version: str, by: Sitting) -> VersionInfo:
        info = self._tree.version(version)
        if info.project != by.project:
            raise BadRequest(
                f"The version {version} belongs to the project {info.project!r}, this is {by.project!r}.",
                "Work in that project (--project).",
            )
        return info

    def _note_words(self, job: str) -> None:
        """Let a job be found by the names of its versions too."""
        number, request = self._db.one("SELECT number, request FROM job WHERE id = ?", (job,))
        asked = msgspec.msgpack.decode(request)
        names = [row[0] for row in self._db.all("SELECT name FROM version WHERE job = ?", (job,))]
        text = "\n".join([asked["prompt"], asked["negative_prompt"], *names])
        self._db.execute("UPDATE words SET text = ? WHERE rowid = ?", (text, number))
