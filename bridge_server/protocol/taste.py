# SPDX-License-Identifier: Apache-2.0
"""What the partner has learned of the artist's taste, and how the artist steers that.

Nothing is learned but from decisions, nothing is kept but on this machine, and all of it can be looked at,
corrected, switched off, forgotten and taken along.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .request import Change, Request

__all__ = [
    "Forget",
    "GetTaste",
    "Lesson",
    "LoadTaste",
    "SaveTaste",
    "SetTaste",
    "Suggest",
    "Suggestion",
    "TasteAxis",
    "TasteChanged",
    "TasteData",
    "TasteInfo",
    "TasteSettings",
]


@dataclass(frozen=True)
class TasteSettings:
    """How a project's taste is set."""

    on: bool = True
    #: Learn from this ``project`` or from ``all`` of them.
    scope: str = "project"
    #: The share of offers that taste does not choose, 0 to 1.
    exploration: float = 0.25
    #: Axis -> -1 to 1, the artist's own word on it: 1 is more, -1 is less, 0 is "does not matter".
    pins: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TasteAxis:
    """One thing that was learned.

    ``weight`` is the preference for one typical difference between candidates, in logits: with 1, the
    candidate that has it is chosen e times as often. ``certainty`` is the probability that its sign is right,
    0.5 to 1.
    """

    name: str
    words: str
    weight: float
    certainty: float
    pinned: Optional[float] = None


@dataclass(frozen=True)
class TasteInfo:
    """What was learned, in words (``summary``) and pictures (``liked``, ``disliked``: candidates)."""

    project: str
    settings: TasteSettings
    #: The choices it was learned from, and how many are needed before it acts.
    lessons: int
    needed: int
    #: Whether it chooses the next offers.
    active: bool
    summary: str
    axes: list[TasteAxis] = field(default_factory=list)
    liked: list[str] = field(default_factory=list)
    disliked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GetTaste(Request["TasteInfo"]):
    """Ask what was learned."""

    op: ClassVar[str] = "taste"

    project: str = ""


@dataclass(frozen=True)
class SetTaste(Change["TasteInfo"]):
    """Switch taste on or off, set its scope or its exploration, or correct it; None leaves as it is."""

    op: ClassVar[str] = "set_taste"

    on: Optional[bool] = None
    scope: Optional[str] = None
    exploration: Optional[float] = None
    #: Replaces all pins.
    pins: Optional[dict[str, float]] = None
    key: str = ""


@dataclass(frozen=True)
class Forget(Change["TasteInfo"]):
    """Learn nothing more from what was decided until now, and drop the pins and what was loaded."""

    op: ClassVar[str] = "forget_taste"

    key: str = ""


@dataclass(frozen=True)
class Lesson:
    """One choice: candidates that were offered at one place, by what they looked like.

    ``liked`` and ``disliked`` hold indices into ``offers``; the rest was passed over.
    """

    offers: list[dict[str, float]]
    liked: list[int]
    disliked: list[int]


@dataclass(frozen=True)
class TasteData:
    """A taste to take along."""

    format: str
    settings: TasteSettings
    lessons: list[Lesson]


@dataclass(frozen=True)
class SaveTaste(Request["TasteData"]):
    """Ask for what was learned, to be loaded elsewhere."""

    op: ClassVar[str] = "save_taste"

    project: str = ""


@dataclass(frozen=True)
class LoadTaste(Change["TasteInfo"]):
    """Add what was learned elsewhere to this project's taste, and take its settings over."""

    op: ClassVar[str] = "load_taste"

    data: TasteData
    key: str = ""


@dataclass(frozen=True)
class Suggest(Request["Suggestion"]):
    """Ask which settings to offer for a verb: those of what was accepted before. Nothing is set by this."""

    op: ClassVar[str] = "suggest"

    verb: str
    engine: str = ""


@dataclass(frozen=True)
class Suggestion:
    """Settings to offer; what is not in ``settings`` and ``parameters`` was never other than its default."""

    verb: str
    engine: str
    #: How many accepted candidates it stands on; with 0 the rest is empty.
    accepted: int
    settings: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TasteChanged:
    """The artist set, corrected or reset the project's taste. Lasting."""

    project: str
    settings: TasteSettings
