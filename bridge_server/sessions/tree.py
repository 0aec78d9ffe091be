# SPDX-License-Identifier: Apache-2.0
"""Reading versions, heads and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..protocol.errors import NotFound
from ..protocol.pixels import Pixels
from ..protocol.records import Placement
from ..protocol.versions import DecisionInfo, GetTree, Head, Tree, VersionDone, VersionInfo
from .database import Database

__all__ = ["Piece", "TreeReader", "decision_of", "pack"]

pack = msgspec.msgpack.Encoder().encode

_MOST = 1000

_VERSION = (
    "SELECT v.number, v.id, v.project, v.document, v.parent, v.candidate, v.job, j.verb, j.prompt, v.created,"
    " v.session, v.host, v.placement, v.name, v.starred, v.modified FROM version v JOIN job j ON j.id = v.job"
)
_DECISION = (
    "SELECT id, project, candidate, kind, session, host, created, version, changed, difference FROM decision"
)

#: A version and those that it was made on.
_WAY = (
    "WITH RECURSIVE way (id) AS (SELECT ? UNION ALL SELECT version.parent FROM version"
    " JOIN way ON version.id = way.id WHERE version.parent IS NOT NULL)"
)


def decision_of(row: tuple[Any, ...]) -> DecisionInfo:
    """A decision from its row."""
    return DecisionInfo(*row)


@dataclass(frozen=True)
class Piece:
    """A version in a document: its place, a small picture of its coverage, how much the artist changed."""

    placement: Placement
    thumbnail: Pixels
    changed: float


class TreeReader:
    """What there is in the tree."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def version(self, version: str) -> VersionInfo:
        """One version.

        Raises:
            NotFound: there is none of that id.
        """
        found = self.versions("v.id = ?", (version,))
        if not found:
            raise NotFound(
                f"There is no version {version[:80]!r}.", "Ask for the tree to see which there are."
            )
        return found[0]

    def versions(self, where: str, values: Sequence[Any]) -> list[VersionInfo]:
        """The versions that fulfil a condition, in order of time."""
        rows = self._db.all(f"{_VERSION} WHERE {where} ORDER BY v.number", values)
        return [_version_of(row) for row in rows]

    def decisions(self, where: str, values: Sequence[Any]) -> list[DecisionInfo]:
        """The decisions that fulfil a condition, in order of time."""
        rows = self._db.all(f"{_DECISION} WHERE {where} ORDER BY number", values)
        return [decision_of(row) for row in rows]

    def decision_row(self, decision: str) -> tuple[Any, ...]:
        """One decision's row, for :func:`decision_of`."""
        return self._db.one(f"{_DECISION} WHERE id = ?", (decision,))

    def head(self, project: str, document: str) -> Head:
        """Where a document stands."""
        row = self._db.one("SELECT head FROM document WHERE project = ? AND name = ?", (project, document))
        version = row[0] if row else ""
        parent = self._db.one("SELECT parent FROM version WHERE id = ?", (version,)) if version else None
        onward = self._db.one(
            "SELECT next FROM trail WHERE project = ? AND document = ? AND version = ?",
            (project, document, version),
        )
        return Head(
            project,
            document,
            version,
            can_undo=bool(version),
            undo_to=(parent[0] or "") if parent else "",
            redo_to=onward[0] if onward else "",
        )

    def heads(self, project: str) -> list[Head]:
        """Where all documents of a project stand."""
        rows = self._db.all("SELECT name FROM document WHERE project = ? ORDER BY name", (project,))
        return [self.head(project, name) for (name,) in rows]

    def documents(self, project: str) -> list[tuple[str, list[Piece], Placement | None]]:
        """Each document's name, the versions that it shows (lowest first), and its canvas where known."""
        found: list[tuple[str, list[Piece], Placement | None]] = []
        for head in self.heads(project):
            canvas = self._db.one(
                "SELECT canvas FROM version WHERE project = ? AND document = ? AND canvas NOT NULL"
                " ORDER BY number DESC LIMIT 1",
                (project, head.document),
            )
            known = msgspec.msgpack.decode(canvas[0], type=Placement) if canvas else None
            found.append((head.document, self._pieces(head.version), known))
        return found

    def _pieces(self, version: str) -> list[Piece]:
        rows = self._db.all(
            f"{_WAY} SELECT v.placement, coalesce(c.thumbnail, c.pixels), d.changed FROM version v"
            " JOIN candidate c ON c.id = v.candidate LEFT JOIN decision d ON d.id = v.modified"
            " WHERE v.id IN (SELECT id FROM way) ORDER BY v.number",
            (version,),
        )
        return [
            Piece(
                msgspec.msgpack.decode(placement, type=Placement), self._coverage(thumbnail), changed or 0.0
            )
            for placement, thumbnail, changed in rows
        ]

    def _coverage(self, thumbnail: bytes) -> Pixels:
        """A small picture, or all of its place where it is lost."""
        try:
            return self._db.load_packed(thumbnail, None)
        except NotFound:
            return Pixels(1, 1, "gray8", b"\xff")

    def unmeasured(self, project: str) -> list[DecisionInfo]:
        """The modifies of which it is not known yet how far they went."""
        return self.decisions("project = ? AND kind = 'modify' AND changed IS NULL", (project,))

    def tree(self, request: GetTree, project: str) -> Tree:
        """A page of versions, newest first.

        Raises:
            NotFound: there is no version ``path_of``.
        """
        limit = max(1, min(request.limit, _MOST))
        where = "v.project = ?"
        values: list[Any] = [project]
        if request.before:
            where += " AND v.number < ?"
            values.append(request.before)
        if request.document is not None:
            where += " AND v.document = ?"
            values.append(request.document)
        if request.path_of:
            self.version(request.path_of)
            where += f" AND v.id IN ({_WAY} SELECT id FROM way)"
            values.append(request.path_of)
        rows = self._db.all(
            f"{_VERSION} WHERE {where} ORDER BY v.number DESC LIMIT ?",
            [*values, limit + 1],
        )
        more = rows[limit - 1][0] if len(rows) > limit else 0
        return Tree([_version_of(row) for row in rows[:limit]], more)

    def pixels(self, version: str) -> VersionDone:
        """A version with what is to be placed.

        Raises:
            NotFound: there is none of that id, or its pixels are missing or damaged.
        """
        info = self.version(version)
        if info.modified:
            decision, about = self._db.one(
                "SELECT d.id, d.version FROM version v JOIN decision d ON d.id = v.modified WHERE v.id = ?",
                (version,),
            )
            where, pixels = self.final(decision)
            return VersionDone(info, _moved(where, self.version(about).placement, info.placement), pixels)
        packed, removed = self._db.one(
            "SELECT pixels, removed FROM candidate WHERE id = ?", (info.candidate,)
        )
        return VersionDone(info, info.placement, self._db.load_packed(packed, removed))

    def final(self, decision: str) -> tuple[Placement, Pixels]:
        """The artist's own pixels of a modify, and where they lie.

        Raises:
            NotFound: they are missing or damaged.
        """
        placement, packed = self._db.one("SELECT placement, pixels FROM decision WHERE id = ?", (decision,))
        where = msgspec.msgpack.decode(placement, type=Placement)
        return where, self._db.load_packed(packed, None)


def _moved(place: Placement, start: Placement, end: Placement) -> Placement:
    """A place, taken along from one placement of a version to another."""
    return Placement(place.x + end.x - start.x, place.y + end.y - start.y, place.width, place.height)


def _version_of(row: tuple[Any, ...]) -> VersionInfo:
    _, version, project, document, parent, candidate, job, verb, prompt, created, *rest = row
    session, host, placement, name, starred, modified = rest
    return VersionInfo(
        version=version,
        project=project,
        document=document,
        parent=parent or "",
        candidate=candidate,
        job=job,
        verb=verb,
        prompt=prompt,
        created=created,
        session=session,
        host=host,
        placement=msgspec.msgpack.decode(placement, type=Placement),
        name=name,
        starred=bool(starred),
        modified=modified is not None,
    )
