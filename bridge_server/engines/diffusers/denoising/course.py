# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""Some candidates on their way through the model together, and the conversation about them on the way."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import torch

from ....models.card import Card
from ....protocol.errors import BridgeError
from ..plan import Pass, schedule
from .conditions import Conditions
from .model import Model
from .pieces import Audience, Piece, Task, changes
from .tap import Tap

__all__ = ["Course"]

#: The share of the time that previews may take.
_PREVIEW_SHARE = 0.05


class _Over(Exception):
    """Nothing of a run is wanted any more."""


class Course:
    """One pass of some pieces that fit together.

    Args:
        model: dressed for them.
        pieces: of one or more tasks with equal settings.
        size: the pass.
        controls: the ControlNets for the guides, by kind.
        audience: hears of what is taken or let go before the end.
        begin: how much of the whole way was done before this pass, 0 to 1, and ``share`` how much it is.
    """

    def __init__(
        self,
        model: Model,
        pieces: Sequence[Piece],
        size: Pass,
        controls: dict[str, Card],
        audience: Audience,
        *,
        begin: float,
        share: float,
    ) -> None:
        self._model, self._pieces, self._size = model, list(pieces), size
        self._audience, self._begin, self._share = audience, begin, share
        self._latents: torch.Tensor | None = None
        self._conditions = Conditions(model, self._pieces, size, controls)
        self._looking, self._started = 0.0, time.perf_counter()

    def run(self) -> None:
        """Take the pieces as far as they get; what is still ``on`` afterwards has its picture."""
        tap, pipe = self._tap(), self._conditions.pipe
        pipe.scheduler, tap.pipe = tap.scheduler, pipe
        try:
            with torch.inference_mode(), self._conditions.listening():
                pipe(**self._call(pipe))
        except _Over:
            pass
        finally:
            pipe.scheduler = self._model.sampler("")  # lets go of this run's pictures
            pipe.maybe_free_model_hooks()
        for place, piece in enumerate(self._pieces):
            self._check(piece.task)
            if piece.state == "on" and self._latents is not None:
                piece.picture = self._decoded(place, self._latents)

    # ---- what the pipeline is given ----------------------------------------------------------------

    def _tap(self) -> Tap:
        model, size, space = self._model, self._size, self._model.space
        work = self._pieces[0].task.work
        coverage = torch.cat([piece.task.work.coverage(size, space.factor) for piece in self._pieces])
        height, width = size.height // space.factor, size.width // space.factor

        def noise() -> torch.Tensor:
            shape = (1, model.channels, height, width)
            return torch.cat([torch.randn(shape, generator=piece.generator()) for piece in self._pieces])

        return Tap(
            model.sampler(work.settings.get("sampler") or ""),
            space,
            (size.width, size.height),
            coverage.to(model.device.name),
            original=lambda: torch.cat([space.encode(self._start(piece) * 2 - 1) for piece in self._pieces]),
            noise=noise,
            toward=self._toward(),
            after_step=self._after_step,
        )

    def _call(self, pipe: Any) -> dict[str, Any]:
        """The arguments of the pipeline, those that it knows."""
        steps = int(self._pieces[0].task.work.settings["steps"])
        total, strength = schedule(steps, self._size.strength, _most_steps(pipe.scheduler))
        given: dict[str, Any] = {
            "image": torch.cat([self._start(piece) for piece in self._pieces]),
            "width": self._size.width,
            "height": self._size.height,
            "strength": strength,
            "num_inference_steps": total,
            "generator": [piece.generator() for piece in self._pieces],
            "output_type": "latent",
            **self._conditions.call(),
        }
        if self._model.card.inpaints:
            given["mask_image"] = torch.cat([piece.task.work.hole(self._size) for piece in self._pieces])
        known = inspect.signature(pipe.__call__).parameters
        return {name: value for name, value in given.items() if name in known}

    def _start(self, piece: Piece) -> torch.Tensor:
        """What a piece begins with, (1, 3, h, w) from 0 to 1."""
        if piece.picture is None:
            return piece.task.work.picture(self._size)
        return piece.task.work.merged(piece.picture, self._size, self._model.space.factor)

    def _toward(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        aims: list[torch.Tensor] = []
        for piece in self._pieces:
            guides = [guide for guide in piece.task.work.brief.guides if guide.kind == "toward"]
            if not guides or piece.picture is not None:
                return None
            aim = piece.task.work.guide(guides[0], self._size)
            with torch.inference_mode():
                aims.append(self._model.space.encode(aim * 2 - 1))
        return torch.cat(aims), torch.tensor([piece.task.work.brief.amount for piece in self._pieces])

    # ---- the conversation --------------------------------------------------------------------------

    def _after_step(
        self, taken: int, total: int, latents: torch.Tensor, clean: Callable[[], torch.Tensor]
    ) -> None:
        self._latents = latents
        done = self._begin + self._share * taken / total
        for task in self._tasks():
            self._check(task)
            if not task.over:
                self._heed(task, done)
        if any(piece.state == "on" and piece.task.steering.finish for piece in self._pieces):
            self._hand_over(clean())
        for piece in self._pieces:
            if piece.state == "on":
                piece.task.report.progress(piece.index, min(done, 1.0))
        if all(piece.state != "on" for piece in self._pieces):
            raise _Over
        if taken < total:
            self._show(clean)

    def _tasks(self) -> Iterator[Task]:
        yield from dict.fromkeys(piece.task for piece in self._pieces if piece.state == "on")

    def _check(self, task: Task) -> None:
        """Let go of what nobody wants any more."""
        try:
            task.report.check()
        except BridgeError as error:
            self._let_go(task, error)

    def _let_go(self, task: Task, error: BridgeError) -> None:
        for piece in self._on(task):
            piece.state = "gone"
        self._audience.ended(task, error)

    def _on(self, task: Task) -> list[Piece]:
        return [piece for piece in self._pieces if piece.task is task and piece.state == "on"]

    def _heed(self, task: Task, done: float) -> None:
        """Do what the artist has changed since the last step."""
        before, now = (task.guidance, task.strength), task.report.steering()
        changed = changes(task.steering, now)
        task.steering = now
        if not changed or now.finish:  # what there is is taken as it is
            return
        words = bool(changed.keys() & {"prompt", "negative_prompt"}) and self._model.words.encodes
        try:
            if words:
                self._audience.reworded(task)
        except BridgeError as error:
            self._let_go(task, error)
            return
        anew = self._starts_anew(task, before, changed, words=words)
        for piece in self._on(task):
            piece.note(changed, done)
            piece.state = "again" if anew else "on"
        if not anew:
            self._conditions.heed(task, words=words)

    def _starts_anew(
        self, task: Task, before: tuple[float, float], changed: Collection[str], *, words: bool
    ) -> bool:
        """Whether a change asks for another start, for another kind of run, or for one of its own."""
        if task.strength != before[1]:
            return True
        if self._model.card.family != "flux" and (before[0] > 1) != (task.guidance > 1):
            return True
        if all(piece.task is task for piece in self._pieces):
            return False
        # the others' pictures must stay what they are alone
        return "weights" in changed or (words and not self._conditions.holds(task))

    def _hand_over(self, clean: torch.Tensor) -> None:
        """Give the artist who asked for it what there is now."""
        for place, piece in enumerate(self._pieces):
            if piece.state == "on" and piece.task.steering.finish:
                piece.state = "done"
                self._audience.taken(piece, self._decoded(place, clean))

    def _show(self, clean: Callable[[], torch.Tensor]) -> None:
        """Previews, as long as they take little of the time."""
        now = time.perf_counter()
        if not self._model.options.previews or self._looking > _PREVIEW_SHARE * (now - self._started):
            return
        for piece, picture in zip(self._pieces, self._model.space.look(clean()), strict=True):
            if piece.state == "on":
                box, pixels = piece.task.work.preview(picture)
                piece.task.report.preview(piece.index, box.x0, box.y0, box.width, box.height, pixels)
        self._looking += time.perf_counter() - now

    def _decoded(self, place: int, latents: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self._model.space.decode(latents[place : place + 1])


def _most_steps(scheduler: Any) -> int:
    """Into how many steps a sampler can divide the way; LCM was distilled from few."""
    config = scheduler.config
    return int(config.get("original_inference_steps") or config.num_train_timesteps)
