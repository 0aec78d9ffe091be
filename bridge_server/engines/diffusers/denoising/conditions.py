# SPDX-License-Identifier: Apache-2.0
# pyright: basic, reportOptionalMemberAccess=false
"""What the denoiser is told besides the picture: words, guidance, guides; at the start and on the way."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any

import torch

from ....models.card import Card
from ..plan import Pass
from .controls import control_picture, nets_for, style_picture
from .model import Model
from .pieces import Piece, Task
from .words import stacked

__all__ = ["Conditions"]


class _Guidance(float):
    """A guidance for each candidate of a batch; compared, the strongest counts."""

    def __new__(cls, values: list[float]) -> _Guidance:
        made = super().__new__(cls, max(values))
        made.values = torch.tensor(values)
        return made

    values: torch.Tensor

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, torch.Tensor):
            return float(self) * other
        return self.values.to(other).view(-1, *[1] * (other.ndim - 1)) * other


class Conditions:
    """The conditions of one run, a row for each piece.

    Args:
        model: dressed for the pieces.
        pieces: whose guides are of the same kinds and weights.
        size: the pass.
        controls: the ControlNets for the guides, by kind.
    """

    def __init__(self, model: Model, pieces: Sequence[Piece], size: Pass, controls: dict[str, Card]) -> None:
        self._model, self._pieces, self._size = model, pieces, size
        self._guides = pieces[0].task.work.brief.guides
        self._scales: list[float] = []
        self._rewritten: tuple[Any, ...] | None = None
        self._began = [piece.task.guidance for piece in pieces]
        self._length = 0
        self._places = [place for place, guide in enumerate(self._guides) if guide.kind in controls]
        self.pipe = model.pipeline(nets_for(self._guides, controls))

    def call(self) -> dict[str, Any]:
        """The arguments of the pipeline for all this."""
        return {"guidance_scale": self._guidance(), **self._words(), **self._guided()}

    def _guidance(self) -> float:
        values = self._guidances()
        return _Guidance(values) if len(set(values)) > 1 else values[0]

    def _guidances(self) -> list[float]:
        """One a row; a piece that left the run goes on as it began, so that it stays the same kind of run."""
        return [
            piece.task.guidance if piece.state == "on" else began
            for piece, began in zip(self._pieces, self._began, strict=True)
        ]

    def _words(self) -> dict[str, Any]:
        words = self._model.words
        if not words.encodes:
            return {
                "prompt": [piece.task.prompt for piece in self._pieces],
                "negative_prompt": [piece.task.negative for piece in self._pieces],
            }
        tokens, pooled, negative, negative_pooled = self._encoded()
        given = {"prompt_embeds": tokens, "pooled_prompt_embeds": pooled}
        if self._model.card.family != "flux":
            given |= {"negative_prompt_embeds": negative, "negative_pooled_prompt_embeds": negative_pooled}
        return {name: value for name, value in given.items() if value is not None}

    def _encoded(self) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor, torch.Tensor | None]:
        words = self._model.words
        wanted = [words.encode(piece.task.prompt) for piece in self._pieces]
        avoided = [words.encode(piece.task.negative, negative=True) for piece in self._pieces]
        self._length = max(each.tokens.shape[1] for each in (*wanted, *avoided))
        return *stacked(wanted, self._length), *stacked(avoided, self._length)

    def _guided(self) -> dict[str, Any]:
        """ControlNets' pictures and weights, and the style."""
        given: dict[str, Any] = {}
        weights = self._pieces[0].task.weights
        if places := self._places:
            self._scales = [weights[place] for place in places]
            given["control_image"] = [
                torch.cat([control_picture(piece.task.work, place, self._size) for piece in self._pieces])
                for place in places
            ]
            given["controlnet_conditioning_scale"] = self._scales  # read at each step
            given["control_guidance_start"] = [self._guides[place].start for place in places]
            given["control_guidance_end"] = [self._guides[place].end for place in places]
        for place, guide in enumerate(self._guides):
            if guide.kind == "style":
                self._model.set_style_weight(weights[place])
                guided = self._pieces[0].task.guidance > 1
                features = self._model.style_features(style_picture(guide), guided=guided)
                given["ip_adapter_image_embeds"] = [
                    _repeated(each, len(self._pieces), guided=guided) for each in features
                ]
        return given

    # ---- on the way --------------------------------------------------------------------------------

    def holds(self, task: Task) -> bool:
        """Whether a task's present words are as long as the run's: longer ones would lengthen all rows."""
        return self._model.words.length(task.prompt, task.negative) == self._length

    def heed(self, task: Task, *, words: bool) -> None:
        """Let what a task wants by now count from the next step on; ``words``: its words changed too."""
        self.pipe._guidance_scale = self._guidance()
        if words:
            self._rewritten = self._encoded()
        self._scales[:] = [task.weights[place] for place in self._places]
        for place, guide in enumerate(self._guides):
            if guide.kind == "style":
                self._model.set_style_weight(task.weights[place])

    @contextlib.contextmanager
    def listening(self) -> Generator[None]:
        """While the denoiser works, let it hear other words than it began with."""
        parts = [self._model.denoiser, *self._model.nets_of(self.pipe)]
        hooks = [part.register_forward_pre_hook(self._reworded, with_kwargs=True) for part in parts]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _reworded(self, part: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if getattr(part.config, "guidance_embeds", False) and "guidance" in kwargs:
            values = torch.tensor(self._guidances())
            kwargs["guidance"] = values.to(kwargs["guidance"])
        if self._rewritten is None:
            return args, kwargs
        tokens, pooled, negative, negative_pooled = self._rewritten
        rows = (args[0] if args else kwargs["hidden_states"]).shape[0]
        both = rows == 2 * len(self._pieces)
        if both:
            tokens = torch.cat([negative, tokens])
            pooled = None if pooled is None else torch.cat([negative_pooled, pooled])
        old = kwargs["encoder_hidden_states"]
        kwargs["encoder_hidden_states"] = tokens.to(old)
        if "pooled_projections" in kwargs:
            kwargs["pooled_projections"] = pooled.to(kwargs["pooled_projections"])
        if "text_embeds" in (kwargs.get("added_cond_kwargs") or {}):
            added = kwargs["added_cond_kwargs"]
            kwargs["added_cond_kwargs"] = added | {"text_embeds": pooled.to(added["text_embeds"])}
        return args, kwargs


def _repeated(features: torch.Tensor, times: int, *, guided: bool) -> torch.Tensor:
    """What a style adapter saw, for each candidate; with guidance the unguided ones come first."""
    parts = features.chunk(2) if guided else (features,)
    return torch.cat([part.repeat(times, *[1] * (part.ndim - 1)) for part in parts])
