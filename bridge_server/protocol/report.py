# SPDX-License-Identifier: Apache-2.0
"""The measures of a collaboration. Formulas and their sources are in docs/measures.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Optional

from .request import Request

__all__ = ["GetReport", "Measures", "Rate", "Report", "Share", "Spread"]


@dataclass(frozen=True)
class Rate:
    """``count`` of ``of``; ``low`` to ``high`` is its 95 % interval, 0 to 1; None where ``of`` is 0."""

    count: int
    of: int
    share: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None


@dataclass(frozen=True)
class Spread:
    """The median of ``n`` values and the quartiles around it; None where ``n`` is 0."""

    n: int
    median: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None


@dataclass(frozen=True)
class Measures:
    """All measures of a stretch of time: the whole project, one session, or one day.

    ``label`` is the project's name, the session's id, or the date (UTC, ``2026-11-21``).
    """

    label: str
    host: str
    began: float
    ended: float
    jobs: int
    offered: int
    accepted: Rate
    rejected: Rate
    #: Of the jobs about which anything was decided: those whose first candidate was accepted.
    first_accepted: Rate
    #: Seconds from a candidate's announcement to its accept.
    time_to_accept: Spread
    #: Jobs at one place until something was accepted there.
    iterations: Spread
    #: How different the candidates of one job were: mean distance between their descriptions.
    breadth: Spread
    #: How far the accepted candidate is from the first intent: its description from the first offer's, and
    #: its prompt from the first prompt (0 same words, 1 none in common).
    divergence: Spread
    prompt_drift: Spread
    #: Of modified versions: the share of the area changed, and by how much there.
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
    #: Versions on the longest way through the tree, and versions with more than one child.
    depth: int = 0
    branches: int = 0
