# SPDX-License-Identifier: Apache-2.0
"""What messages carry in both directions. Lengths are pixels, times seconds, ratios 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from .pixels import Pixels

__all__ = [
    "CandidateInfo",
    "Context",
    "EngineInfo",
    "Guide",
    "GuideInfo",
    "JobInfo",
    "Placement",
    "Setting",
    "Steering",
]


@dataclass(frozen=True)
class Placement:
    """Where a rectangle of pixels lies on a canvas. ``x`` and ``y`` may be negative for expand."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Context:
    """How much surrounding an engine wants to see; :func:`bridge_server.client.region_for` applies it.

    The region is the selection's bounds grown on each side by ``max(min_margin, ratio * longest side)``
    and at least ``min_side`` on each axis, cut at the canvas.
    """

    ratio: float = 0.5
    min_margin: int = 64
    min_side: int = 256


@dataclass(frozen=True)
class Guide:
    """A picture that leads an engine besides the words; which kinds it heeds stands in its ``EngineInfo``.

    ``scribble``, ``lineart``, ``canny`` and ``depth`` lie over the region (over the grown one, of an expand)
    and are stretched to it; of ``canny`` the engine finds the edges itself. ``style`` is any picture.
    ``toward`` is another picture of the region, for ``vary``: ``amount`` is the way to it.
    """

    kind: str
    picture: Pixels
    #: 0 to 2.
    weight: float = 1.0
    #: The share of the steps between which it is heeded.
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class GuideInfo:
    """A guide without its picture."""

    kind: str
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class Steering:
    """What an artist changed since a job was asked for; None is as it was asked."""

    prompt: Optional[str] = None
    negative_prompt: Optional[str] = None
    strength: Optional[float] = None
    guidance: Optional[float] = None
    #: One for each guide, in their order.
    weights: Optional[list[float]] = None
    #: Finish from the present state.
    finish: bool = False


@dataclass(frozen=True)
class Setting:
    """One of an engine's own ``parameters``, for a client that shows it.

    ``kind`` is ``integer``, ``number``, ``choice``, ``text`` or ``weights`` (a map of some ``choices`` to
    numbers). ``low`` and ``high`` bound numbers.
    """

    name: str
    title: str
    kind: str
    default: Any = None
    low: Optional[float] = None
    high: Optional[float] = None
    choices: list[str] = field(default_factory=list)
    description: str = ""


@dataclass(frozen=True)
class EngineInfo:
    """What an engine can do, so that a client never offers what it would ignore."""

    name: str
    version: str
    title: str
    #: Each verb with the settings that change its result; a client greys out what is not named there.
    verbs: dict[str, list[str]]
    #: What of a :class:`Steering` it heeds from the next step on.
    steers: list[str]
    context: Context
    description: str = ""
    #: True if one call makes all candidates of a job together (a GPU batch), false if each is its own task.
    batches: bool = False
    #: Seconds between a cancel and the end of the process if the engine has not stopped by itself.
    cancel_grace: float = 5.0
    model: str = ""
    model_hash: str = ""
    #: The verbs for which it can make cheap drafts, among which taste chooses.
    drafts: list[str] = field(default_factory=list)
    #: The kinds of :class:`Guide` that it heeds, and its own ``parameters``.
    guides: list[str] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)


@dataclass(frozen=True)
class CandidateInfo:
    """One finished result, without its pixels."""

    candidate: str
    job: str
    index: int
    seed: int
    placement: Placement
    seconds: float
    #: What the engine chose by itself for this candidate, recorded with it.
    recipe: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0
    #: Why it is offered: empty (as asked), ``near`` (to what was chosen before), ``far`` (from what it should
    #: be unlike) or ``surprise`` (for the sake of variety).
    offered: str = ""
    #: What it looks like, in numbers; see :mod:`bridge_server.canvas.describe`.
    descriptor: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class JobInfo:
    """A job and its finished candidates.

    ``state`` is ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``; ``seq`` is the number of
    its latest lasting event, to be given to ``watch``.
    """

    job: str
    verb: str
    state: str
    seq: int
    session: str
    project: str
    engine: str
    count: int
    created: float
    #: With what it is made, so that it can be asked for again: all but the pixels.
    engine_version: str = ""
    model: str = ""
    model_hash: str = ""
    seed: int = 0
    prompt: str = ""
    negative_prompt: str = ""
    strength: float = 1.0
    amount: float = 0.0
    parameters: dict[str, Any] = field(default_factory=dict)
    region: Optional[Placement] = None
    host: str = ""
    document: str = ""
    #: How many drafts taste chose the candidates from; 0: none, candidate i has seed + i.
    drafts: int = 0
    #: Whether candidates are made from drafts, and away from which candidate they were chosen.
    drafted: bool = False
    unlike: str = ""
    #: What led it besides words; the pictures are among its inputs.
    guides: list[GuideInfo] = field(default_factory=list)
    #: What was changed while it waited or was made; None if nothing was.
    steering: Optional[Steering] = None
    #: Place in line, 1 for next; 0 when it is not waiting.
    position: int = 0
    error_code: str = ""
    error_message: str = ""
    error_hint: str = ""
    candidates: list[CandidateInfo] = field(default_factory=list)
