# SPDX-License-Identifier: Apache-2.0
"""The measures of a collaboration. Formulas and their sources are in docs/measures.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Optional

from .request import Request

__all__ = ["GetReport", "Measures", "Rate", "Report", "Share", "Spread"]


@dataclass(frozen=True)
class Rate:
    """``count`` of ``of``: ``share``, and its 95 % interval ``low`` to ``high``; None where ``of`` is 0."""

    count: int
    of: int
    share: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None


@dataclass(frozen=True)
class Spread:
    """The median of ``n`` values and the quartiles ``low`` and ``high``; None where ``n`` is 0."""

    n: int
    median: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None


@dataclass(frozen=True)
class Measures:
    """All measures of a stretch of time: the whole project, one session, or one day.

    A decision counts in the stretch of who decided and when, also about an offer of another stretch.
    """

    #: The project's name, the session's id, or the date (UTC, ``2026-11-21``).
    label: str
    #: Where it was asked and decided; several are joined by ``", "``.
    host: str
    #: The first and the last thing that happened, seconds since 1970; 0 where nothing did.
    began: float
    ended: float
    #: What was asked for, also what failed or was cancelled, and the candidates that came of it.
    jobs: int
    offered: int
    #: Of the candidates of jobs about which anything was decided.
    accepted: Rate
    rejected: Rate
    #: Of the jobs about which anything was decided: those whose first candidate was accepted.
    first_accepted: Rate
    #: Seconds from a candidate's announcement to its first accept.
    time_to_accept: Spread
    #: Jobs at one place until something was accepted there.
    iterations: Spread
    #: Places where something was asked for and nothing accepted until now.
    left_open: int
    #: How different the candidates of one job look: the mean distance between their descriptions. 0 is the
    #: same, 1 as different as candidates of one job usually are.
    breadth: Spread
    #: How far the accepted candidate is from the first intent at its place: its description from that of the
    #: first offer (as in ``breadth``), and its prompt from the first prompt (0 same words, 1 none in common).
    divergence: Spread
    prompt_drift: Spread
    #: Of versions that the artist worked on: the share of the area visibly changed (0 to 1), and the mean
    #: colour difference there (0 to about 100).
    changed: Spread
    difference: Spread


@dataclass(frozen=True)
class Share:
    """Who made what is now visible in a document: shares of ``area`` pixels that sum to 1.

    ``machine`` was accepted as offered, ``both`` was offered and then changed by the artist, ``artist`` is
    the rest: what was there before or painted since. Without a known canvas, ``area`` is what versions cover.
    """

    document: str
    area: int
    canvas_known: bool
    machine: float
    both: float
    artist: float


@dataclass(frozen=True)
class GetReport(Request["Report"]):
    """Ask for the measures of a project."""

    op: ClassVar[str] = "report"

    project: str = ""


@dataclass(frozen=True)
class Report:
    """The measures of a project, of its sessions and of its days, oldest first."""

    project: str
    whole: Measures
    sessions: list[Measures] = field(default_factory=list)
    days: list[Measures] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    #: Versions on the longest way through the tree, and the points (versions, or a document's start) from
    #: which more than one way leads on.
    depth: int = 0
    branches: int = 0
