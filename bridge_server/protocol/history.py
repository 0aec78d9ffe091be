# SPDX-License-Identifier: Apache-2.0
"""Looking back: search, the inputs of a job, how two candidates differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .pixels import Pixels
from .records import CandidateInfo, Guide, JobInfo, Placement
from .request import Request
from .versions import DecisionInfo, VersionInfo

__all__ = [
    "Compare",
    "Comparison",
    "GetInputs",
    "History",
    "HistoryEntry",
    "HistoryPage",
    "JobInputs",
]


@dataclass(frozen=True)
class History(Request["HistoryPage"]):
    """Search a project's jobs, newest first. What is empty or None does not restrict."""

    op: ClassVar[str] = "history"

    #: Words, all of which occur in the prompts or in a version's name, each as it begins.
    text: str = ""
    host: str = ""
    verb: str = ""
    engine: str = ""
    document: Optional[str] = None
    since: Optional[float] = None
    until: Optional[float] = None
    #: Only jobs with an accepted, or with a starred, candidate.
    accepted: bool = False
    starred: bool = False
    project: str = ""
    before: int = 0
    limit: int = 20


@dataclass(frozen=True)
class HistoryEntry:
    """A job with everything that was decided about its candidates."""

    job: JobInfo
    decisions: list[DecisionInfo] = field(default_factory=list)
    versions: list[VersionInfo] = field(default_factory=list)


@dataclass(frozen=True)
class HistoryPage:
    """A page of the history. ``next`` goes into the next request's ``before``; it is 0 on the last page."""

    entries: list[HistoryEntry]
    next: int = 0


@dataclass(frozen=True)
class GetInputs(Request["JobInputs"]):
    """Ask for the pixels that a job was given, to ask for the same again."""

    op: ClassVar[str] = "inputs"

    job: str


@dataclass(frozen=True)
class JobInputs:
    """The inputs of a job. An expand has no mask but ``grow``: left, right, top, bottom."""

    job: str
    region: Placement
    picture: Pixels
    mask: Optional[Pixels] = None
    grow: list[int] = field(default_factory=list)
    guides: list[Guide] = field(default_factory=list)


@dataclass(frozen=True)
class Compare(Request["Comparison"]):
    """Ask how two candidates of any jobs differ."""

    op: ClassVar[str] = "compare"

    first: str
    second: str


@dataclass(frozen=True)
class Comparison:
    """How the second candidate differs from the first."""

    first: CandidateInfo
    second: CandidateInfo
    #: Setting -> the value of the first and of the second, where they differ.
    settings: dict[str, list[Any]]
    #: In words: "warmer, smoother".
    words: list[str]
    #: The share of the smaller one's area in which both lie; how much of that differs visibly, and by how
    #: much there (as in :class:`DecisionInfo`).
    overlap: float
    changed: float
    difference: float
