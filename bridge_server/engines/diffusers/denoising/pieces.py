# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""What is on its way through a model: tasks, their candidates, and who waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from ....protocol.errors import BridgeError
from ....protocol.records import Steering
from ...base import Report
from .work import Work

__all__ = ["Audience", "Piece", "Task", "changes"]


@dataclass(eq=False)  # each is only itself
class Task:
    """A brief on its way: what is wanted of it by now, and who hears of it."""

    number: int
    work: Work
    report: Report
    steering: Steering = field(default_factory=Steering)
    over: bool = False

    @property
    def prompt(self) -> str:
        """The words that hold now."""
        return self.work.brief.prompt if self.steering.prompt is None else self.steering.prompt

    @property
    def negative(self) -> str:
        """The words to keep away from that hold now."""
        given = self.steering.negative_prompt
        return self.work.brief.negative_prompt if given is None else given

    @property
    def words(self) -> str:
        """All words that hold now."""
        return f"{self.prompt} {self.negative}"

    @property
    def guidance(self) -> float:
        """How closely the words are followed now."""
        given = self.steering.guidance
        return float(self.work.settings["guidance"] if given is None else given)

    @property
    def strength(self) -> float:
        """Of the first pass."""
        work = self.work
        if work.blank:
            return 1.0
        given = self.steering.strength
        return work.strength if given is None or work.brief.verb == "vary" else given

    @property
    def weights(self) -> list[float]:
        """Of the guides, in their order."""
        return self.steering.weights or [guide.weight for guide in self.work.brief.guides]


@dataclass(eq=False)
class Piece:
    """One candidate of a task. ``picture`` is what the last pass made of it, (1, 3, h, w) from 0 to 1."""

    task: Task
    index: int
    seed: int
    picture: torch.Tensor | None = None
    #: ``on`` its way, ``done``, ``gone`` (nobody wants it) or to be made ``again`` (at another strength).
    state: str = "on"
    #: Whether a step of it was ever taken, and what of its brief was changed how far on its way.
    begun: bool = False
    steered: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def begin(self) -> None:
        """It starts, from the beginning, with what its task wants by now."""
        self.begun, self.picture = True, None
        self.steered = []
        self.note(changes(Steering(), self.task.steering), 0.0)

    def note(self, changed: Mapping[str, Any], done: float) -> None:
        """For the record: so much was changed when so much of it was done."""
        if changed:
            self.steered.append({"done": round(done, 3), **changed})

    def generator(self) -> torch.Generator:
        """Its noise, from the start; on the processor, so that a seed means the same on every device."""
        return torch.Generator("cpu").manual_seed(self.seed)


def changes(before: Steering, now: Steering) -> dict[str, Any]:
    """What of the words, numbers and weights is another now."""
    names = ("prompt", "negative_prompt", "strength", "guidance", "weights")
    return {name: getattr(now, name) for name in names if getattr(now, name) != getattr(before, name)}


class Audience(Protocol):
    """Who waits for pieces."""

    def taken(self, piece: Piece, picture: torch.Tensor) -> None:
        """An artist takes a piece as it is now: (1, 3, h, w) from 0 to 1."""
        ...

    def ended(self, task: Task, error: BridgeError) -> None:
        """Nothing more of a task is wanted."""
        ...

    def reworded(self, task: Task) -> None:
        """A task has other words now.

        Raises:
            EngineFailed: they name an embedding that can't be used.
        """
        ...
