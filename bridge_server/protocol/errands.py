# SPDX-License-Identifier: Apache-2.0
"""What the daemon has computed for itself: small sums on pixels and decisions, done by the clerk.

The clerk is a process of its own that knows numpy and no engine, so that an errand never waits for a picture.
Each errand has one answer, followed by a ``TaskEnded`` as any task.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from .pixels import Pixels
from .records import Placement
from .report import Report
from .taste import Lesson, TasteAxis

__all__ = [
    "ERRANDS",
    "Choose",
    "Chosen",
    "Convert",
    "Converted",
    "Differ",
    "Differs",
    "Learn",
    "Learned",
    "Overlaid",
    "Overlay",
    "Reckon",
    "Reckoned",
]


@dataclass(frozen=True)
class Learn:
    """Say what the lessons teach. ``pins`` are the artist's own words: axis -> -1 to 1."""

    task: str
    lessons: list[Lesson]
    pins: dict[str, float]


@dataclass(frozen=True)
class Learned:
    """What was learned; ``liked`` and ``disliked`` are [lesson, offer], the most telling first."""

    task: str
    axes: list[TasteAxis]
    summary: str
    liked: list[list[int]]
    disliked: list[list[int]]


@dataclass(frozen=True)
class Choose:
    """Choose ``count`` of the drafts to show.

    ``unlike`` is what to stay away from. ``seed`` decides where ``exploration`` falls when it is not a whole
    number of offers.
    """

    task: str
    drafts: list[dict[str, float]]
    count: int
    seed: int
    lessons: list[Lesson]
    pins: dict[str, float]
    exploration: float
    unlike: Optional[dict[str, float]] = None


@dataclass(frozen=True)
class Chosen:
    """Which drafts, the first to be shown first, and why each: ``near``, ``far`` or ``surprise``."""

    task: str
    indices: list[int]
    offered: list[str]


@dataclass(frozen=True)
class Differ:
    """Measure how two patches on one canvas differ, where both cover it."""

    task: str
    first: Pixels
    first_at: Placement
    second: Pixels
    second_at: Placement
    #: What they look like; with both, the answer has words.
    first_descriptor: dict[str, float] = field(default_factory=dict)
    second_descriptor: dict[str, float] = field(default_factory=dict)
    #: The second is what the artist made of the first: what is gone from it was erased.
    final: bool = False


@dataclass(frozen=True)
class Differs:
    """See :class:`bridge_server.protocol.history.Comparison`."""

    task: str
    overlap: float
    changed: float
    difference: float
    words: list[str]


@dataclass(frozen=True)
class Overlay:
    """Lay a patch over a picture; the result covers both."""

    task: str
    picture: Pixels
    region: Placement
    patch: Pixels
    placement: Placement


@dataclass(frozen=True)
class Overlaid:
    """The picture with the patch, where it lies, and the patch's coverage as a mask of the same size."""

    task: str
    picture: Pixels
    region: Placement
    mask: Pixels


@dataclass(frozen=True)
class Convert:
    """Bring pixels into another depth; an empty ``format`` or ``colorspace`` stays as it is."""

    task: str
    pixels: Pixels
    format: str
    colorspace: str


@dataclass(frozen=True)
class Converted:
    """The pixels as they were wanted."""

    task: str
    pixels: Pixels


@dataclass(frozen=True)
class Reckon:
    """Measure how the work in a project of the data folder went; the clerk reads it beside the daemon."""

    task: str
    folder: str
    project: str


@dataclass(frozen=True)
class Reckoned:
    """The measures."""

    task: str
    report: Report


#: Every errand and every answer.
ERRANDS: tuple[type[Any], ...] = (
    Learn, Learned, Choose, Chosen, Differ, Differs, Overlay, Overlaid, Convert, Converted,
    Reckon, Reckoned,
)  # fmt: skip
