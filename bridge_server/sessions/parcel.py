# SPDX-License-Identifier: Apache-2.0
"""A project's rows as they travel, checked as a stranger's and renamed where they would clash."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from ..protocol.messages import JobState
from ..protocol.pixels import BYTES_PER_PIXEL
from ..protocol.projects import ProjectJob
from ..protocol.records import CandidateInfo, EngineInfo, Placement, Steering
from ..protocol.tables import EVENTS
from ..protocol.taste import Lesson, TasteSettings
from .database import StoredPixels
from .requests import kept_in, unpacked, without_data
from .store import Chosen

__all__ = ["IDS", "Parcel", "Row", "columns"]

_Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.decode

#: What has ids of its own, by table; and the names under which messages speak of them.
IDS = ("job", "candidate", "version", "decision", "session")
_SPOKEN = {name: name for name in IDS} | {
    "parent": "version",
    "undo_to": "version",
    "redo_to": "version",
    "unlike": "candidate",
}


class Row(msgspec.Struct, array_like=True):
    """A row of a table; its fields are the columns.

    Attributes:
        ids: column -> whose id is in it.
        packed: columns with messages, which may speak of ids.
        types: column -> the type of the msgpack in it.
    """

    ids: ClassVar[Mapping[str, str]] = {}
    packed: ClassVar[tuple[str, ...]] = ()
    types: ClassVar[Mapping[str, Any]] = {}

    def check(self) -> None:
        """Raise ValueError unless what is packed in it can be read."""
        for column, expected in self.types.items():
            packed = getattr(self, column)
            if packed is not None:
                _unpack(packed, type=expected)

    def rename(self, project: str, ids: Mapping[str, Mapping[str, str]]) -> None:
        """Put new ids in the place of old ones, also in what is packed."""
        for column, kind in self.ids.items():
            value = getattr(self, column)
            setattr(self, column, ids[kind].get(value, value))
        for column in self.packed:
            packed = getattr(self, column)
            if packed is not None:
                setattr(self, column, _renamed(packed, project, ids))


class ProjectRow(Row):
    types = {"taste": TasteSettings}
    name: str
    created: float
    used: float
    seq: _Int
    taste: bytes | None
    forgotten: _Int


class SessionRow(Row):
    ids = {"id": "session"}
    id: str
    host: str
    client: str
    created: float


class JobRow(Row):
    ids = {"id": "job", "session": "session"}
    packed = ("request",)
    types = {"engine_info": EngineInfo, "plan": tuple[Chosen, ...], "steering": Steering}
    id: _Id
    session: str
    verb: Literal["fill", "expand", "vary", "refine"]
    engine: str
    engine_info: bytes
    request: bytes
    seed: _Int
    count: _Int
    priority: _Int
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    seq: _Int
    restarts: _Int
    created: float
    error_code: str
    error_message: str
    error_hint: str
    host: str
    document: str
    prompt: str
    drafts: _Int
    plan: bytes | None
    removed: float | None
    steering: bytes | None = None

    def check(self) -> None:
        super().check()
        unpacked(self.verb, self.request, without_data)


class CandidateRow(Row):
    ids = {"id": "candidate", "job": "job"}
    packed = ("info",)
    types = {"info": CandidateInfo, "pixels": StoredPixels, "thumbnail": StoredPixels}
    id: _Id
    job: str
    idx: _Int
    info: bytes
    pixels: bytes
    thumbnail: bytes | None
    created: float
    removed: float | None

    def check(self) -> None:
        super().check()
        info = _unpack(self.info, type=CandidateInfo)
        if (info.candidate, info.job, info.index) != (self.id, self.job, self.idx):
            raise ValueError(f"the candidate {self.id} calls itself {info.candidate[:80]!r}")


class EventRow(Row):
    ids = {"job": "job", "candidate": "candidate"}
    packed = ("body",)
    job: str
    seq: _Int
    body: bytes | None
    candidate: str | None
    topic: Literal["job.state", "job.steered"] = "job.state"

    def check(self) -> None:
        super().check()
        if self.body is not None:
            _unpack(self.body, type=EVENTS[self.topic])
        if (self.body is None) == (self.candidate is None):
            raise ValueError(f"an event of the job {self.job[:80]!r} tells nothing")


class VersionRow(Row):
    ids = {
        "id": "version",
        "parent": "version",
        "candidate": "candidate",
        "job": "job",
        "session": "session",
        "modified": "decision",
    }
    types = {"placement": Placement, "canvas": Placement}
    id: _Id
    document: str
    parent: str | None
    candidate: str
    job: str
    session: str
    host: str
    placement: bytes
    canvas: bytes | None
    name: str
    starred: bool | _Int
    modified: str | None
    created: float


class DecisionRow(Row):
    ids = {
        "id": "decision",
        "candidate": "candidate",
        "job": "job",
        "session": "session",
        "version": "version",
    }
    types = {"placement": Placement, "pixels": StoredPixels}
    number: _Int
    id: _Id
    candidate: str
    job: str
    kind: Literal["accept", "reject", "modify", "more", "less"]
    session: str
    host: str
    version: str
    placement: bytes | None
    pixels: bytes | None
    changed: float | None
    difference: float | None
    created: float

    def check(self) -> None:
        super().check()
        if self.kind == "modify" and (self.placement is None or self.pixels is None):
            raise ValueError(f"the decision {self.id} has lost its pixels")


class DocumentRow(Row):
    ids = {"head": "version"}
    name: str
    head: str


class TrailRow(Row):
    ids = {"version": "version", "next": "version"}
    document: str
    version: str
    next: str


class JournalRow(Row):
    packed = ("body",)
    seq: _Int
    topic: Literal["project.job", "project.decision", "project.version", "project.head", "project.taste"]
    body: bytes

    def check(self) -> None:
        super().check()
        _unpack(self.body, type=EVENTS[self.topic])


class LessonRow(Row):
    types = {"body": Lesson}
    body: bytes


class BlobRow(Row):
    digest: _Digest
    size: _Int


def columns(row: type[Row]) -> tuple[str, ...]:
    """The names of a row's columns, in order."""
    return row.__struct_fields__


class Parcel(msgspec.Struct):
    """A project on its way: its rows by table, in the order in which they are to be written."""

    project: list[ProjectRow]
    session: list[SessionRow]
    job: list[JobRow]
    candidate: list[CandidateRow]
    event: list[EventRow]
    version: list[VersionRow]
    decision: list[DecisionRow]
    document: list[DocumentRow]
    trail: list[TrailRow]
    journal: list[JournalRow]
    lesson: list[LessonRow]
    blob: list[BlobRow]

    @staticmethod
    def tables() -> dict[str, type[Row]]:
        """Table -> the type of its rows."""
        return {field.name: field.type.__args__[0] for field in msgspec.structs.fields(Parcel)}

    def check(self) -> None:
        """See to it that everything can be read back once it is written.

        Raises:
            ValueError: something can't.
        """
        if len(self.project) != 1:
            raise ValueError("it does not hold one project")
        self._check_packed()
        self._check_references()
        sizes = {row.digest: row.size for row in self.blob}
        for holder, kept in self.held():
            if kept.width < 1 or kept.height < 1 or kept.format not in BYTES_PER_PIXEL:
                raise ValueError(f"the pixels of {holder} have no shape")
            if sizes.get(kept.blob) != kept.width * kept.height * BYTES_PER_PIXEL[kept.format]:
                raise ValueError(f"the pixels of {holder} are missing or of the wrong size")

    def held(self) -> Iterator[tuple[str, StoredPixels]]:
        """Whoever holds pixels, and which."""
        for job in self.job:
            if job.removed is None:
                for kept in kept_in(job.request):
                    yield f"job:{job.id}", kept
        for each in self.candidate:
            if each.removed is None:
                yield f"candidate:{each.id}", _unpack(each.pixels, type=StoredPixels)
            if each.thumbnail is not None:
                yield f"thumbnail:{each.id}", _unpack(each.thumbnail, type=StoredPixels)
        for said in self.decision:
            if said.pixels is not None:
                yield f"decision:{said.id}", _unpack(said.pixels, type=StoredPixels)

    def end_unfinished(self) -> None:
        """What was still being made is not taken up elsewhere: it failed there, and says so."""
        for job in self.job:
            if job.state not in ("queued", "running"):
                continue
            error = ("interrupted", "The project was exported while this was being made.", "Ask again.")
            job.state = "failed"
            job.error_code, job.error_message, job.error_hint = error
            job.seq += 1
            self.event.append(EventRow(job.id, job.seq, _pack(JobState(job.id, job.state, *error)), None))
            project = self.project[0]
            project.seq += 1
            news = ProjectJob(project.name, job.id, job.verb, job.state, job.session, job.host, job.document)
            self.journal.append(JournalRow(project.seq, "project.job", _pack(news)))

    def rename(self, project: str, taken: Mapping[str, set[str]]) -> None:
        """Give the project another name, and fresh ids to whatever has one of those in ``taken``."""
        if project == self.project[0].name and not any(taken.values()):
            return
        ids = {kind: {name: secrets.token_hex(8) for name in names} for kind, names in taken.items()}
        self.project[0].name = project
        for table in self.tables():
            rows: list[Row] = getattr(self, table)
            for row in rows:
                row.rename(project, ids)

    def _check_packed(self) -> None:
        for table in self.tables():
            rows: list[Row] = getattr(self, table)
            for row in rows:
                row.check()

    def _check_references(self) -> None:
        jobs, made = {row.id for row in self.job}, {row.id: row.job for row in self.candidate}
        finals = {row.id for row in self.decision if row.kind == "modify"}
        versions: set[str] = set()
        told = [row.candidate for row in self.event if row.candidate is not None]
        sound = all(row.job in jobs for row in self.candidate) and all(row.job in jobs for row in self.event)
        sound = sound and all(each in made for each in told)
        for row in self.version:
            sound = sound and made.get(row.candidate) == row.job and row.modified in {None, *finals}
            sound = sound and (row.parent is None or row.parent in versions)
            versions.add(row.id)
        sound = sound and all(made.get(row.candidate) == row.job for row in self.decision)
        named = [row.version for row in self.decision] + [row.head for row in self.document]
        named += [name for row in self.trail for name in (row.version, row.next)]
        if not sound or not versions.issuperset(filter(None, named)):
            raise ValueError("it names jobs, candidates or versions that it does not have")


def _renamed(packed: bytes, project: str, ids: Mapping[str, Mapping[str, str]]) -> bytes:
    """A message with the new names. Names are only in its own fields, not in what those hold."""
    message: dict[str, Any] = _unpack(packed)
    if "project" in message:
        message["project"] = project
    for name, kind in _SPOKEN.items():
        if name in message:
            message[name] = ids[kind].get(message[name], message[name])
    return _pack(message)
