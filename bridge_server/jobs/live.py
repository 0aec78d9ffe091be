# SPDX-License-Identifier: Apache-2.0
"""A job that is not over yet, as the scheduler holds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ..protocol.codec import Event
from ..protocol.messages import DraftsProgress, Expand, Fill, JobProgress, Preview
from ..protocol.records import CandidateInfo, Placement
from ..protocol.work import TaskCandidate, TaskDraft, TaskPreview, TaskProgress
from ..sessions.store import JobRecord
from .queue import Entry

__all__ = ["Live"]


@dataclass
class Live:
    """One job: what is known of it, and what is left to make."""

    record: JobRecord
    state: str
    seq: int
    left: set[int]
    #: The request with its pixels, while they are needed; a job that waits leaves them on disk.
    request: Fill | Expand | None = None
    #: What workers do for it now, by name.
    running: dict[str, Entry] = field(default_factory=dict[str, Entry])
    #: Whether it has a candidate.
    made: bool = False
    #: What the drafts that are made look like, by index, until the choice among them is written down.
    drafts: dict[int, dict[str, float]] = field(default_factory=dict[int, dict[str, float]])
    choosing: bool = False
    #: What workers said and is still being written down; kept in order.
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def entries(self, workers: int) -> list[Entry]:
        """What has to be done next: all drafts, dealt out to so many workers, or all candidates left."""
        record, left = self.record, sorted(self.left)
        drafting = record.drafts > 0 and record.plan is None
        if drafting:
            dealt = [tuple(range(number, record.drafts, workers)) for number in range(workers)]
            parts = [part for part in dealt if part]
        else:
            parts = [tuple(left)] if record.engine.batches else [(index,) for index in left]
        return [Entry(record.job, record.session, record.request.priority, part, drafting) for part in parts]

    def give_up_waiting(self) -> None:
        """Leave undone what no worker has begun to make."""
        begun = [entry for entry in self.running.values() if not entry.drafts]
        self.left.intersection_update(index for entry in begun for index in entry.indices)

    @property
    def finishing(self) -> bool:
        """Whether what is there now is enough."""
        return self.record.steering.finish

    def may_choose(self) -> bool:
        """True once, when every draft is made; their tasks can all end after that."""
        ready = len(self.drafts) == self.record.drafts and not self.choosing
        self.choosing = self.choosing or ready
        return ready

    def misses(self, entry: Entry) -> bool:
        """Whether any picture of an entry was not made."""
        if entry.drafts:
            return not self.drafts.keys() >= set(entry.indices)
        return bool(self.left.intersection(entry.indices))

    def on_canvas(self, place: Placement) -> Placement:
        """A place in the job's region, in the coordinates of its canvas."""
        region = self.record.request.region
        return Placement(place.x + region.x, place.y + region.y, place.width, place.height)

    def candidate(self, made: TaskCandidate, name: str, created: float) -> CandidateInfo:
        """The record of a candidate that a worker has made."""
        plan = self.record.plan
        return CandidateInfo(
            candidate=name,
            job=self.record.job,
            index=made.index,
            seed=made.seed,
            placement=self.on_canvas(made.placement),
            seconds=made.seconds,
            recipe=made.recipe,
            created=created,
            offered="" if plan is None else plan[made.index].offered,
            descriptor=made.descriptor,
        )

    def passing(self, message: TaskDraft | TaskProgress | TaskPreview) -> Event:
        """What a worker says on the way, as it is told; a draft is noted."""
        job = self.record.job
        if isinstance(message, TaskDraft):
            self.drafts[message.index] = message.descriptor
            made = DraftsProgress(job, len(self.drafts), self.record.drafts)
            return Event("job.drafts", self.seq, made)
        if isinstance(message, TaskProgress):
            return Event("job.progress", self.seq, JobProgress(job, message.index, message.done))
        placement = self.on_canvas(message.placement)
        return Event("job.preview", self.seq, Preview(job, message.index, placement, message.pixels))
