# SPDX-License-Identifier: Apache-2.0
"""What messages carry in both directions. Lengths are pixels, times seconds, ratios 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

__all__ = ["CandidateInfo", "Context", "EngineInfo", "JobInfo", "Placement"]


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
class EngineInfo:
    """What an engine can do, so that a client never offers what it would ignore."""

    name: str
    version: str
    title: str
    #: Each verb with the settings that change its result; a client greys out what is not named there.
    verbs: dict[str, list[str]]
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
    #: Place in line, 1 for next; 0 when it is not waiting.
    position: int = 0
    error_code: str = ""
    error_message: str = ""
    error_hint: str = ""
    candidates: list[CandidateInfo] = field(default_factory=list)
