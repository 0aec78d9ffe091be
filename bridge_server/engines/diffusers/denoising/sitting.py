# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""Some briefs that came together: put together as batches, made pass by pass, and handed over."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch

from ....models.card import Card
from ....protocol.errors import BridgeError, EngineFailed
from ...base import Brief, Deliver, Report
from ..abilities import ALGORITHM, helpers
from ..plan import Pass, batch_for
from ..residence import Residence
from .controls import nets_for
from .course import Course
from .model import Model, names
from .pieces import Piece, Task
from .work import Work

__all__ = ["Sitting"]

log = logging.getLogger(__name__)


class Sitting:
    """The work on some briefs that came together."""

    def __init__(self, residence: Residence, model: Model, cards: list[Card], deliver: Deliver) -> None:
        self._residence, self._model, self._cards, self._deliver = residence, model, cards, deliver
        self._waiting: list[Piece] = []

    def admit(self, number: int, brief: Brief, report: Report, settings: Mapping[str, Any]) -> None:
        """Take a brief in, with its complete settings; what is wrong with it is told at once."""
        try:
            work = Work.of(brief, settings)
        except BridgeError as error:
            self._deliver(number, error)
            return
        task = Task(number, work, report, report.steering())
        self._waiting += [Piece(task, index, seed) for index, seed in enumerate(brief.seeds)]

    def work(self) -> None:
        """Until nothing waits."""
        while self._waiting:
            self._listen()
            if not self._waiting:
                return
            first = self._waiting[0].task
            if first.strength <= 0:
                piece = self._waiting.pop(0)
                self._deliver(first.number, first.work.made(piece.index, None, {"unchanged": True}))
            else:
                self._next_batch(first)

    def _listen(self) -> None:
        """Hear what is wanted by now of all that waits: it may be another batch, or nothing any more."""
        for task in self._tasks():
            try:
                task.report.check()
                task.steering = task.report.steering()
                self.reworded(task)
            except BridgeError as error:
                self.ended(task, error)
            if task.steering.finish:  # what was begun is finished, as far as it got
                self._waiting = [each for each in self._waiting if each.task is not task or each.begun]

    def _tasks(self) -> list[Task]:
        return list(dict.fromkeys(piece.task for piece in self._waiting))

    def _next_batch(self, first: Task) -> None:
        passes = self._passes(first)
        key = self._key(first)
        area = max(each.area for each in passes)
        most = batch_for(area, self._model.device.free, self._model.options.max_batch)
        if self._model.most_pixels:  # more than that did not fit before
            most = max(1, min(most, self._model.most_pixels // area))
        fitting = {task for task in self._tasks() if task is first or self._key(task) == key}
        batch = [piece for piece in self._waiting if piece.task in fitting][:most]
        self._waiting = [piece for piece in self._waiting if piece not in batch]
        try:
            made = self._attempt(batch, passes)
        except BridgeError as error:
            for piece in batch:  # what all of them want can't be had
                piece.state = "done" if piece.state == "done" else "gone"
                self.ended(piece.task, error)
            return
        for piece in batch:
            if made and piece.state == "on":
                assert piece.picture is not None  # noqa: S101 - a run leaves one behind
                self.taken(piece, piece.picture)
        again = [piece for piece in batch if piece.state == "again"]
        for piece in again:
            piece.state = "on"
        self._waiting = again + self._waiting

    def _passes(self, task: Task) -> tuple[Pass, ...]:
        return task.work.passes(self._model.card.side, self._model.multiple, task.strength)

    def _key(self, task: Task) -> tuple[Any, ...]:
        """What tasks must have in common to be made in one batch."""
        settings = tuple(
            (name, str(value)) for name, value in sorted(task.work.settings.items()) if name != "guidance"
        )
        guides = tuple(
            (
                guide.kind,
                guide.start,
                guide.end,
                weight,
                guide.picture.tobytes() if guide.kind == "style" else b"",
            )
            for guide, weight in zip(task.work.brief.guides, task.weights, strict=True)
        )
        # rows are filled up to the longest prompt, which must not change the others' pictures
        length = self._model.words.length(task.prompt, task.negative) if len(self._tasks()) > 1 else 0
        guidance = task.guidance if self._model.distilled else task.guidance > 1
        return self._passes(task), settings, guides, guidance, length

    def _attempt(self, batch: list[Piece], passes: tuple[Pass, ...]) -> bool:
        """One batch; False if it has to be tried again in smaller ones.

        Raises:
            EngineFailed: there is not enough memory for a single candidate.
        """
        for piece in batch:
            piece.begin()
        self._dress(batch[0].task)
        try:
            self._run(batch, passes)
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            log.warning("out of memory with %d candidates of %s", len(batch), passes[-1])
        else:
            return True
        self._model.device.release()
        waiting = [piece for piece in batch if piece.state == "on"]
        if len(batch) == 1 and not self._model.save_memory():
            self._residence.clear()
            raise EngineFailed(
                f"There is not enough memory for {passes[-1].width} x {passes[-1].height} pixels "
                f"with the model {self._model.card.id}.",
                "Select a smaller area, choose a smaller model, or close programs that use the GPU.",
            )
        self._model.most_pixels = passes[-1].area * max(1, len(batch) // 2)
        self._waiting = waiting + self._waiting
        return False

    def _run(self, batch: list[Piece], passes: tuple[Pass, ...]) -> None:
        costs = [each.area * each.strength for each in passes]
        begin = 0.0
        for size, cost in zip(passes, costs, strict=True):
            on = [piece for piece in batch if piece.state == "on"]
            share = cost / sum(costs)
            if on:
                Course(
                    self._model, on, size, self._controls(on[0].task), self, begin=begin, share=share
                ).run()  # fmt: skip
            begin += share

    def _controls(self, task: Task) -> dict[str, Card]:
        kinds = {guide.kind for guide in task.work.brief.guides}
        nets = helpers(self._model.card, self._cards, "control")
        return {card.kind: card for card in reversed(nets) if card.kind in kinds}

    def _dress(self, task: Task) -> None:
        """Let the model wear what a task wants."""
        model, settings = self._model, task.work.settings
        card = model.card
        previews = helpers(card, self._cards, "preview")
        model.use_preview(previews[0] if previews else None)
        model.wear_loras(settings.get("loras") or {}, {each.id: each for each in self._cards})
        model.wear_style(self._style(task))
        model.pipeline(nets_for(task.work.brief.guides, self._controls(task)))
        model.pad(task.work.axes)  # last: it is for all that is there by now

    def _style(self, task: Task) -> Card | None:
        styled = any(guide.kind == "style" for guide in task.work.brief.guides)
        return helpers(self._model.card, self._cards, "style")[0] if styled else None

    def _worn(self, task: Task) -> dict[str, str]:
        """What besides the model has a part in a picture, and the hash of its weights."""
        worn = {card.id: card.hash for card in self._controls(task).values()}
        if (style := self._style(task)) is not None:
            worn[style.id] = style.hash
        loras = task.work.settings.get("loras") or {}
        worn |= {each.id: each.hash for each in self._cards if loras.get(each.id)}
        embeddings = helpers(self._model.card, self._cards, "embedding")
        return worn | {each.id: each.hash for each in embeddings if names(task.words, each.word)}

    # ---- the audience of a course ------------------------------------------------------------------

    def taken(self, piece: Piece, picture: torch.Tensor) -> None:
        """Hand a candidate over."""
        piece.state = "done"
        factor = self._model.space.factor
        made = piece.task.work.made(piece.index, picture, self._recipe(piece), factor=factor)
        piece.task.report.progress(piece.index, 1.0)
        self._deliver(piece.task.number, made)

    def ended(self, task: Task, error: BridgeError) -> None:
        """Nothing more of a task."""
        self._drop(task)
        if not task.over:
            task.over = True
            self._deliver(task.number, error)

    def reworded(self, task: Task) -> None:
        """Learn the embeddings that a task's words name."""
        self._model.learn_words(task.words, helpers(self._model.card, self._cards, "embedding"))

    def _drop(self, task: Task) -> None:
        self._waiting = [piece for piece in self._waiting if piece.task is not task]

    def _recipe(self, piece: Piece) -> dict[str, Any]:
        """What a candidate was made with, for the record."""
        task, model = piece.task, self._model
        settings = task.work.settings
        recipe: dict[str, Any] = {
            "algorithm": ALGORITHM,
            "model": model.card.source or model.card.id,
            "steps": settings["steps"],
            "guidance": task.guidance,
            "passes": [[each.width, each.height, each.strength] for each in self._passes(task)],
            "dtype": str(model.device.dtype).removeprefix("torch."),
            "device": model.device.kind,
        }
        recipe |= {name: settings[name] for name in ("sampler", "tile", "loras") if settings.get(name)}
        if worn := self._worn(task):
            recipe["with"] = worn
        if model.options.quantise:
            recipe["quantise"] = model.options.quantise
        if model.saves_memory:
            recipe["vae_tiles"] = True
        if piece.steered:
            recipe["steered"] = list(piece.steered)
        if task.steering.finish:
            recipe["finished_early"] = True
        return recipe


def _out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or ("memory" in said and "alloc" in said)
