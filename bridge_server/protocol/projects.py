# SPDX-License-Identifier: Apache-2.0
"""Projects, which all hosts share: what there is, following one, moving one to another machine, cleaning up.

Times are seconds since 1970, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Optional

from .request import Request
from .versions import Head

__all__ = [
    "Collect",
    "Collected",
    "DeleteProject",
    "ExportProject",
    "Exported",
    "Follow",
    "GetProject",
    "ImportProject",
    "ListProjects",
    "ProjectDeleted",
    "ProjectInfo",
    "ProjectJob",
    "ProjectList",
]


@dataclass(frozen=True)
class ProjectInfo:
    """A project and what is in it. ``seq`` is the number of its latest lasting event, for ``follow``."""

    project: str
    seq: int
    created: float
    last_used: float
    jobs: int = 0
    candidates: int = 0
    versions: int = 0
    #: Bytes of its pictures; what other projects share counts in each.
    size: int = 0
    hosts: list[str] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)


@dataclass(frozen=True)
class ListProjects(Request["ProjectList"]):
    """Ask for the projects, the last used first. Hosts and heads are left out; see ``project``."""

    op: ClassVar[str] = "projects"


@dataclass(frozen=True)
class ProjectList:
    """Projects."""

    projects: list[ProjectInfo]


@dataclass(frozen=True)
class GetProject(Request["ProjectInfo"]):
    """Ask for one project; empty is the one said in ``hello``."""

    op: ClassVar[str] = "project"

    project: str = ""


@dataclass(frozen=True)
class Follow(Request["ProjectInfo"]):
    """Receive the events of the project said in ``hello``, beginning with those after number ``after``.

    None begins with what happens from now on. ``created`` is the project's, as it was told before: if another
    one has that name now, the answer is ``not_found``.
    """

    op: ClassVar[str] = "follow"

    after: Optional[int] = None
    created: Optional[float] = None


@dataclass(frozen=True)
class DeleteProject(Request["Collected"]):
    """Remove a project with everything in it, for good. Not while it has unfinished jobs."""

    op: ClassVar[str] = "delete_project"

    project: str


@dataclass(frozen=True)
class ExportProject(Request["Exported"]):
    """Write a project into one file on the daemon's machine, for ``import_project``."""

    op: ClassVar[str] = "export_project"

    path: str
    project: str = ""
    overwrite: bool = False


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: str
    size: int
    jobs: int
    candidates: int


@dataclass(frozen=True)
class ImportProject(Request["ProjectInfo"]):
    """Take an exported file in, as ``project`` (empty: under its own name). The name must be free."""

    op: ClassVar[str] = "import_project"

    path: str
    project: str = ""


@dataclass(frozen=True)
class Collect(Request["Collected"]):
    """Bring the store under its budget: remove pictures that were never accepted, the oldest first.

    Settings, decisions and descriptions stay. Also removes files that nothing refers to.
    """

    op: ClassVar[str] = "collect"

    #: Bytes of all pictures; None takes the configured budget, which 0 makes unlimited.
    budget: Optional[int] = None
    #: What is younger is kept, in seconds.
    keep: float = 86_400.0
    #: Only say what would be removed.
    dry_run: bool = False


@dataclass(frozen=True)
class Collected:
    """What was removed, and what is left."""

    #: Candidates and jobs whose pictures were removed.
    candidates: int
    jobs: int
    #: Files that nothing referred to.
    orphans: int
    freed: int
    #: Bytes of all pictures now, and what they may take; 0 is unlimited.
    size: int
    budget: int
    #: Bytes that can't be removed because they were accepted, are in use or too young, where over budget.
    over: int = 0


@dataclass(frozen=True)
class ProjectJob:
    """A job of the project was queued or has ended; ``watch`` it to see its candidates. Lasting."""

    project: str
    job: str
    verb: str
    state: str
    session: str
    host: str
    document: str = ""


@dataclass(frozen=True)
class ProjectDeleted:
    """The project is gone. Passing."""

    project: str
