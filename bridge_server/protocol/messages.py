# SPDX-License-Identifier: Apache-2.0
"""Making pictures: what a client and the daemon say to each other about engines and jobs.

A frame is one msgpack map with a ``kind``:

* ``request`` (``id``, ``op``, ``params``) from the client,
* ``reply`` (``id``, ``result``) or ``failure`` (``id``, ``error``) from the daemon, exactly one a request,
* ``event`` (``topic``, ``seq``, ``body``) from the daemon.

How a job is led while it is made is in :mod:`.steering`, the conversation about what was made in
:mod:`.versions`, :mod:`.history`, :mod:`.projects`, :mod:`.taste` and :mod:`.report`; :mod:`.tables` lists
all messages, each defined once, and both ends decode by it. Lengths are pixels, times are seconds, ratios run
from 0 to 1 unless a field says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .pixels import Pixels
from .records import CandidateInfo, EngineInfo, Guide, JobInfo, Placement
from .request import Request, Submit

__all__ = [
    "FINAL_STATES",
    "MAX_COUNT",
    "MAX_SEED",
    "PROTOCOL_VERSION",
    "VERBS",
    "Ack",
    "Cancel",
    "CandidateDone",
    "DaemonStatus",
    "DaemonStops",
    "DraftsProgress",
    "Echo",
    "EngineList",
    "Engines",
    "Expand",
    "Fetch",
    "Fill",
    "GetJob",
    "Hello",
    "JobList",
    "JobProgress",
    "JobState",
    "ListJobs",
    "Preview",
    "Refine",
    "Status",
    "Stop",
    "Submitted",
    "Vary",
    "Watch",
    "Welcome",
]

#: Raised by one when a change would break an older peer.
PROTOCOL_VERSION = 1

#: The states that a job does not leave any more.
FINAL_STATES: tuple[str, ...] = ("done", "failed", "cancelled")

VERBS: tuple[str, ...] = ("fill", "expand", "vary", "refine")

#: The most candidates that one request may ask for.
MAX_COUNT = 16

#: The largest seed that a request may give; it leaves room for those of its drafts.
MAX_SEED = 2**63 - 65


# ---- requests ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello(Request["Welcome"]):
    """The first request on a connection. ``session`` returns to an earlier sitting."""

    op: ClassVar[str] = "hello"

    protocol: int
    token: str
    client: str
    host: str = ""
    project: str = "default"
    session: str = ""


@dataclass(frozen=True)
class Welcome:
    """The daemon's answer to ``hello``."""

    protocol: int
    version: str
    session: str
    #: Bytes of one message and pixels of one picture that the daemon accepts at most.
    max_message: int
    max_pixels: int


@dataclass(frozen=True)
class Status(Request["DaemonStatus"]):
    """Ask how the daemon is."""

    op: ClassVar[str] = "status"


@dataclass(frozen=True)
class DaemonStatus:
    """How the daemon is."""

    version: str
    pid: int
    address: str
    data_dir: str
    uptime: float
    connections: int
    queued: int
    running: int
    workers: list[str]


@dataclass(frozen=True)
class Engines(Request["EngineList"]):
    """Ask what the engines can do. Starts a worker if none runs."""

    op: ClassVar[str] = "engines"

    #: Look for them anew: a model was added or removed.
    fresh: bool = False


@dataclass(frozen=True)
class EngineList:
    """All engines; the first one is the default. Also the event that they are others now."""

    engines: list[EngineInfo]


@dataclass(frozen=True)
class Echo(Request["Echo"]):
    """Send pixels there and back, to measure the bridge itself."""

    op: ClassVar[str] = "echo"

    pixels: Pixels


@dataclass(frozen=True)
class Fill(Submit["Submitted"]):
    """Fill a selection from its surroundings, with or without words.

    ``picture`` is the region's visible pixels, ``mask`` (``gray8``, same size) the coverage of the
    selection in it, and ``region`` where both lie on the canvas. The other verbs extend this one.
    """

    op: ClassVar[str] = "fill"

    picture: Pixels
    mask: Pixels
    region: Placement
    engine: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    count: int = 1
    #: Candidate i gets ``seed + i``. None lets the daemon choose, and tell in the candidate.
    seed: Optional[int] = None
    strength: float = 1.0
    #: Engine-specific values, named in the engine's documentation.
    parameters: dict[str, Any] = field(default_factory=dict)
    #: Higher goes first; -10 to 10.
    priority: int = 0
    #: What becomes of the job when its session's last connection drops: ``finish`` or ``cancel``.
    if_gone: str = "finish"
    #: The job's id, 1 to 64 of ``A-Z a-z 0-9 _ -``, chosen by the client so that asking again after a lost
    #: connection makes no second job. Empty lets the daemon choose.
    job: str = ""
    #: The artist's document on which this is asked; heads, undo and redo are a document's own.
    document: str = ""
    #: Whether to choose among drafts by taste. None: as the project is set, unless a seed is given.
    taste: Optional[bool] = None
    #: Make each candidate from its draft, as after a choice by taste: brings such a candidate back.
    drafted: bool = False
    #: A candidate: choose among drafts those least like it.
    unlike: str = ""
    guides: list[Guide] = field(default_factory=list)
    #: A stream of this session's requests of which only the newest counts, named as jobs are; empty: none.
    live: str = ""


@dataclass(frozen=True)
class Expand(Submit["Submitted"]):
    """Grow the canvas by pixels on any side and fill what is new.

    ``picture`` is the part of the canvas that the engine should see and ``region`` where it lies; it must
    touch each side of the canvas that grows. ``left`` .. ``bottom`` say by how much. The result's
    placement is in the coordinates of the old canvas.
    """

    op: ClassVar[str] = "expand"

    picture: Pixels
    region: Placement
    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0
    engine: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    count: int = 1
    seed: Optional[int] = None
    strength: float = 1.0
    parameters: dict[str, Any] = field(default_factory=dict)
    priority: int = 0
    if_gone: str = "finish"
    job: str = ""
    document: str = ""
    taste: Optional[bool] = None
    drafted: bool = False
    unlike: str = ""
    guides: list[Guide] = field(default_factory=list)
    live: str = ""


@dataclass(frozen=True)
class Vary(Fill):
    """More like what is in the selection now; ``amount`` 0 stays near, 1 goes far."""

    op: ClassVar[str] = "vary"

    amount: float = 0.5


@dataclass(frozen=True)
class Refine(Fill):
    """Keep the composition of what is in the selection and change it by ``strength``."""

    op: ClassVar[str] = "refine"

    strength: float = 0.5


@dataclass(frozen=True)
class Submitted:
    """A job is written down and will be worked on. ``position`` is its place in line, 1 for next."""

    job: str
    position: int
    seed: int


@dataclass(frozen=True)
class Cancel(Request["Ack"]):
    """End one job. Finished candidates stay. Ending a job that has ended already is no error."""

    op: ClassVar[str] = "cancel"

    job: str


@dataclass(frozen=True)
class Ack:
    """It is done."""


@dataclass(frozen=True)
class GetJob(Request["JobInfo"]):
    """Ask for one job."""

    op: ClassVar[str] = "job"

    job: str


@dataclass(frozen=True)
class ListJobs(Request["JobList"]):
    """Ask for the jobs of this session (or of every session), newest first."""

    op: ClassVar[str] = "jobs"

    every_session: bool = False
    limit: int = 50


@dataclass(frozen=True)
class JobList:
    """Jobs, newest first."""

    jobs: list[JobInfo]


@dataclass(frozen=True)
class Fetch(Request["CandidateDone"]):
    """Ask for a finished candidate's pixels; the answer is a :class:`CandidateDone`.

    A ``thumbnail`` is 8-bit RGBA, at most 96 pixels a side, to be stretched over the placement.
    ``format`` (``rgba8``, ``rgba16``, ``rgbaf32``) and ``colorspace`` are those that the pixels should come
    in, empty for as they are kept; a thumbnail stays what it is.
    """

    op: ClassVar[str] = "fetch"

    candidate: str
    thumbnail: bool = False
    format: str = ""
    colorspace: str = ""


@dataclass(frozen=True)
class Watch(Request["JobInfo"]):
    """Receive a job's events, beginning with the lasting ones after number ``after``.

    The session that submits a job watches it from the start; this is for a client that returns and for
    one that looks on.
    """

    op: ClassVar[str] = "watch"

    job: str
    after: int = 0


@dataclass(frozen=True)
class Stop(Request["Ack"]):
    """End the daemon: running steps are cut off, queued jobs wait for the next start."""

    op: ClassVar[str] = "stop"


# ---- events --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobState:
    """A job changed its state. Lasting. State and error are as in :class:`JobInfo`."""

    job: str
    state: str
    error_code: str = ""
    error_message: str = ""
    error_hint: str = ""
    #: True if the daemon ended while it was computing this job and has now taken it up again.
    resumed: bool = False


@dataclass(frozen=True)
class JobProgress:
    """How far candidate ``index`` is, 0 to 1. Passing: not repeated to a client that returns."""

    job: str
    index: int
    done: float


@dataclass(frozen=True)
class Preview:
    """What candidate ``index`` looks like so far: ``pixels`` stretched over ``placement``. Passing."""

    job: str
    index: int
    placement: Placement
    pixels: Pixels


@dataclass(frozen=True)
class DraftsProgress:
    """So many of the drafts among which taste will choose are made. Passing."""

    job: str
    made: int
    wanted: int


@dataclass(frozen=True)
class CandidateDone:
    """A candidate exists and is on disk. Lasting.

    ``pixels`` has the depth of the request's picture, RGBA, its alpha the selection's coverage.
    """

    info: CandidateInfo
    pixels: Pixels


@dataclass(frozen=True)
class DaemonStops:
    """The daemon is going down. Jobs that were queued are taken up at its next start."""

    reason: str
