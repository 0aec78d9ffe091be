# SPDX-License-Identifier: Apache-2.0
"""Leading a job while it waits or is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Optional

from .records import Steering
from .request import Request

__all__ = ["Finish", "Steer", "Steered"]


@dataclass(frozen=True)
class Steer(Request["Steered"]):
    """Change what a job is made with, from the next step on; None leaves as it is.

    What a job can heed stands in its engine's ``steers``. Candidates that are finished stay as they are.
    """

    op: ClassVar[str] = "steer"

    job: str
    prompt: Optional[str] = None
    negative_prompt: Optional[str] = None
    strength: Optional[float] = None
    #: How closely the words are followed, 0 to 50.
    guidance: Optional[float] = None
    #: 0 to 2, one for each of the request's guides.
    weights: Optional[list[float]] = None


@dataclass(frozen=True)
class Finish(Request["Steered"]):
    """Take it now: finish what is begun from its present state, and make no more.

    The job ends as done with the candidates that there are then, without any as cancelled.
    """

    op: ClassVar[str] = "finish"

    job: str


@dataclass(frozen=True)
class Steered:
    """All that was changed of a job until now. As an event: lasting."""

    job: str
    steering: Steering
