# SPDX-License-Identifier: Apache-2.0
"""What the daemon and a worker process say to each other.

A frame is a 4-byte little-endian length and a msgpack array ``[name, body]``; :data:`WORK` is the table of
names. A worker says :class:`Ready` once, then for each :class:`Task` any number of :class:`TaskProgress`,
:class:`TaskPreview`, :class:`TaskDraft` and :class:`TaskCandidate`, and ends it with exactly one
:class:`TaskEnded`. The tasks of a :class:`Together` are told and ended under their own names; those that have
not ended before it does end with it and in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from .errands import ERRANDS
from .pixels import Pixels
from .records import EngineInfo, Guide, Placement, Steering

__all__ = [
    "WORK",
    "CancelTask",
    "Ready",
    "SteerTask",
    "Task",
    "TaskCandidate",
    "TaskDraft",
    "TaskEnded",
    "TaskPreview",
    "TaskProgress",
    "Together",
]


@dataclass(frozen=True)
class Ready:
    """The worker has its engines; the first one is the default."""

    engines: list[EngineInfo]


@dataclass(frozen=True)
class Task:
    """Make the candidates ``indices`` (with ``seeds``, one each) of a job.

    ``mask`` is None for an expand, which has ``grow`` instead: left, right, top, bottom. Coordinates in the
    answers count from the picture's top left corner as it is given here, so an expand's can be negative.
    """

    task: str
    engine: str
    verb: str
    picture: Pixels
    mask: Optional[Pixels]
    indices: list[int]
    seeds: list[int]
    grow: list[int] = field(default_factory=list)
    prompt: str = ""
    negative_prompt: str = ""
    strength: float = 1.0
    amount: float = 0.5
    parameters: dict[str, Any] = field(default_factory=dict)
    #: ``full``; ``draft``: only a :class:`TaskDraft` each; ``drafted``: each candidate from its seed's draft.
    stage: str = "full"
    guides: list[Guide] = field(default_factory=list)
    #: What the artist has changed until now; the fields above stay as they were asked.
    steering: Steering = field(default_factory=Steering)


@dataclass(frozen=True)
class Together:
    """Do several full tasks of one batching engine at once. ``task`` is the name of all of them."""

    task: str
    tasks: list[Task]


@dataclass(frozen=True)
class CancelTask:
    """Stop this task at the next step. One of several together is named alone; the others go on."""

    task: str


@dataclass(frozen=True)
class SteerTask:
    """From the next step on, all that was changed since the task was asked for."""

    task: str
    steering: Steering


@dataclass(frozen=True)
class TaskProgress:
    """How far a candidate is, 0 to 1."""

    task: str
    index: int
    done: float


@dataclass(frozen=True)
class TaskPreview:
    """A candidate so far, to be stretched over ``placement``."""

    task: str
    index: int
    placement: Placement
    pixels: Pixels


@dataclass(frozen=True)
class TaskDraft:
    """What the candidate of a seed would look like."""

    task: str
    index: int
    seed: int
    descriptor: dict[str, float]


@dataclass(frozen=True)
class TaskCandidate:
    """A finished candidate. ``thumbnail`` is ``rgba8``, at most 96 pixels a side."""

    task: str
    index: int
    seed: int
    placement: Placement
    pixels: Pixels
    seconds: float
    thumbnail: Pixels
    descriptor: dict[str, float]
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskEnded:
    """The task is over; ``error_code`` is empty if it made all of its candidates."""

    task: str
    error_code: str = ""
    error_message: str = ""
    error_hint: str = ""


#: name -> type of body
WORK: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Ready, Task, Together, CancelTask, SteerTask, TaskProgress, TaskPreview, TaskDraft, TaskCandidate,
        TaskEnded, *ERRANDS,
    )
}  # fmt: skip
