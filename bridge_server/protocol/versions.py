# SPDX-License-Identifier: Apache-2.0
"""What the artist does with candidates: decisions, versions and the tree that they form.

An accepted candidate is a version; its parent is the version it was placed on. A document is one canvas of a
host, named by the host (empty: the project's only one); each has a head, the version that it shows. Times are
seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Optional

from .messages import Submitted
from .pixels import Pixels
from .records import Placement
from .request import Change, Request, Submit

__all__ = [
    "Accept",
    "Accepted",
    "DecisionInfo",
    "Decisions",
    "GetTree",
    "GetVersion",
    "Go",
    "Head",
    "Less",
    "Mark",
    "Modify",
    "More",
    "Moved",
    "Redo",
    "Reject",
    "Tree",
    "Undo",
    "VersionDone",
    "VersionInfo",
]


@dataclass(frozen=True)
class VersionInfo:
    """An accepted candidate."""

    version: str
    project: str
    document: str
    #: The version it was placed on; empty for the picture as it was before.
    parent: str
    candidate: str
    job: str
    verb: str
    prompt: str
    created: float
    session: str
    host: str
    #: Where it was placed on its document's canvas.
    placement: Placement
    name: str = ""
    starred: bool = False
    #: Whether the artist's own final pixels are kept with it.
    modified: bool = False


@dataclass(frozen=True)
class DecisionInfo:
    """What the artist said to one candidate.

    ``kind`` is ``accept``, ``reject``, ``modify``, ``more`` (like this) or ``less``.
    """

    decision: str
    project: str
    candidate: str
    kind: str
    session: str
    host: str
    created: float
    #: The version that an accept made or a modify is about.
    version: str = ""
    #: Of a modify, once measured: the share of the offered area (by its coverage) that the artist visibly
    #: changed or erased, and the mean colour difference where it was changed: CIE 1976 delta E in CIELAB
    #: under D65, visible from 2.3 on (see docs/measures.md). What was erased has no colour and is not in it.
    changed: Optional[float] = None
    difference: Optional[float] = None


@dataclass(frozen=True)
class Head:
    """Where a document stands in its project's tree."""

    project: str
    document: str
    #: Empty: before the first version.
    version: str = ""
    #: The versions to which undo and redo would lead; ``can_undo`` is False at the start of the tree.
    can_undo: bool = False
    undo_to: str = ""
    redo_to: str = ""


@dataclass(frozen=True)
class Accept(Change["Accepted"]):
    """Make a candidate a version on the head of ``document``, and the new head.

    ``placement`` says where it was placed if not where it was made, also on another host's canvas, whose
    bounds are ``canvas`` (for the shares in the report). With ``version``, a version of that candidate, the
    artist's final pixels of it come along.
    """

    op: ClassVar[str] = "accept"

    candidate: str
    document: str = ""
    placement: Optional[Placement] = None
    canvas: Optional[Placement] = None
    name: str = ""
    version: str = ""
    #: The head as the host knows it; if it stands elsewhere, nothing happens and a conflict is told.
    at: Optional[str] = None
    key: str = ""


@dataclass(frozen=True)
class Accepted:
    """The new version, and where the document stands now."""

    version: VersionInfo
    head: Head


@dataclass(frozen=True)
class Reject(Change["Decisions"]):
    """Say no to candidates."""

    op: ClassVar[str] = "reject"

    candidates: list[str]
    key: str = ""


@dataclass(frozen=True)
class Decisions:
    """What was decided."""

    decisions: list[DecisionInfo]


@dataclass(frozen=True)
class Modify(Change["DecisionInfo"]):
    """Keep what the artist made of an accepted version: the final pixels of its area.

    ``placement`` is where they lie on the document's canvas; they should cover the version's own placement.
    May be said again; the last one counts.
    """

    op: ClassVar[str] = "modify"

    version: str
    pixels: Pixels
    placement: Placement
    key: str = ""


@dataclass(frozen=True)
class More(Submit[Submitted]):
    """More like this one: a candidate varied or refined as if it were painted. Counts as a decision."""

    op: ClassVar[str] = "more"

    candidate: str
    count: int = 4
    #: Of ``vary``: 0 stays near, 1 goes far.
    amount: float = 0.4
    seed: Optional[int] = None
    priority: int = 0
    if_gone: str = "finish"
    job: str = ""
    #: ``vary`` or ``refine``.
    verb: str = "vary"
    #: Of ``refine``.
    strength: float = 0.5
    #: None and an empty engine: as the candidate was asked for.
    prompt: Optional[str] = None
    negative_prompt: Optional[str] = None
    engine: str = ""
    #: Of ``vary``: another candidate at the same place; ``amount`` is the way to it.
    toward: str = ""


@dataclass(frozen=True)
class Less(Submit[Submitted]):
    """Less like this one: its request again, choosing drafts far from it. Counts as a decision."""

    op: ClassVar[str] = "less"

    candidate: str
    count: int = 4
    seed: Optional[int] = None
    priority: int = 0
    if_gone: str = "finish"
    job: str = ""


@dataclass(frozen=True)
class Undo(Change["Moved"]):
    """Take the document's head back to its parent. At the start of the tree it stays there."""

    op: ClassVar[str] = "undo"

    document: str = ""
    #: The head as the host knows it; if it stands elsewhere, nothing happens and a conflict is told.
    at: Optional[str] = None
    key: str = ""


@dataclass(frozen=True)
class Redo(Change["Moved"]):
    """Lead the document's head to the child it was last taken back from. Without one it stays."""

    op: ClassVar[str] = "redo"

    document: str = ""
    #: The head as the host knows it; if it stands elsewhere, nothing happens and a conflict is told.
    at: Optional[str] = None
    key: str = ""


@dataclass(frozen=True)
class Go(Change["Moved"]):
    """Put the document's head on any version (empty: before the first); the next accept branches off."""

    op: ClassVar[str] = "go"

    version: str
    document: str = ""
    at: Optional[str] = None
    key: str = ""


@dataclass(frozen=True)
class Moved:
    """Where the document stands now, and the version that it shows (None: before the first)."""

    head: Head
    version: Optional[VersionInfo]


@dataclass(frozen=True)
class Mark(Change["VersionInfo"]):
    """Name or star a version; None leaves it as it is."""

    op: ClassVar[str] = "mark"

    version: str
    name: Optional[str] = None
    starred: Optional[bool] = None
    key: str = ""


@dataclass(frozen=True)
class GetTree(Request["Tree"]):
    """Ask for versions, newest first; ``before`` is the ``next`` of the page before."""

    op: ClassVar[str] = "tree"

    #: Only those of one document; None: of all.
    document: Optional[str] = None
    #: Only the way from this version to the start, itself first.
    path_of: str = ""
    project: str = ""
    before: int = 0
    limit: int = 200


@dataclass(frozen=True)
class Tree:
    """Versions, newest first. ``next`` is 0 on the last page."""

    versions: list[VersionInfo]
    next: int = 0


@dataclass(frozen=True)
class GetVersion(Request["VersionDone"]):
    """Ask for a version with its pixels: the artist's final ones if there are, else the offer.

    ``format`` and ``colorspace`` are as in :class:`.messages.Fetch`.
    """

    op: ClassVar[str] = "version"

    version: str
    format: str = ""
    colorspace: str = ""


@dataclass(frozen=True)
class VersionDone:
    """A version and its pixels, which lie at ``placement``."""

    info: VersionInfo
    placement: Placement
    pixels: Pixels
