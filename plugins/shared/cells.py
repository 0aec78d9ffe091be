# SPDX-License-Identifier: GPL-3.0-or-later
"""The strip of candidates: those that are there and those that are being made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from bridge_server.protocol.pixels import Pixels

from .model import Candidate, Job

__all__ = ["Cell", "cells_of"]


@dataclass(frozen=True)
class Cell:
    """One place in the strip: a candidate, or one that is being made."""

    job: Job
    index: int
    candidate: Optional[Candidate]
    #: 8-bit RGBA, while it forms.
    preview: Optional[Pixels]
    done: float

    @property
    def key(self) -> str:
        """The same from the first sign of a candidate on."""
        return f"{self.job.id}/{self.index}"


def cells_of(job: Job) -> list[Cell]:
    """The places of one job, in order."""
    made = {candidate.info.index: candidate for candidate in job.candidates}
    wanted = range(job.count) if not job.finished else sorted(made)
    return [
        Cell(
            job,
            index,
            made.get(index),
            job.previews[index][1] if index in job.previews else None,
            1.0 if index in made else job.progress.get(index, 0.0),
        )
        for index in wanted
    ]
