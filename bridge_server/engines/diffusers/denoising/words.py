# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""Prompts as a model reads them: long ones, weighted ones, remembered ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from compel import Compel, DiffusersTextualInversionManager, ReturnedEmbeddingsType
from compel.prompt_parser import Conjunction, FlattenedPrompt

from ..emphasis import unweighted, weighed

__all__ = ["Encoded", "Wording", "stacked"]

#: How many prompts are remembered.
_REMEMBERED = 64


@dataclass(frozen=True)
class Encoded:
    """One prompt: what its tokens mean (1, t, c) and what it means as a whole (1, c), where a model asks."""

    tokens: torch.Tensor
    pooled: torch.Tensor | None = None
    #: The tokens of no words, to fill up with where another prompt is longer; (1, t0, c).
    filler: torch.Tensor | None = None


class Wording:
    """Encodes prompts for one pipeline.

    Weights are written ``(red:1.3)`` or, as the library compel has it, ``(red)1.3``, ``red++``, ``red--``.
    The families ``sd15``, ``sd2`` and ``sdxl`` heed them and read prompts of any length; the others leave
    weights out and read as many words as their encoders hold.
    """

    def __init__(self, pipe: Any, family: str) -> None:
        self._pipe, self._family = pipe, family
        self._known: OrderedDict[tuple[str, bool], Encoded] = OrderedDict()
        self._readers: list[Any] = []

    @property
    def encodes(self) -> bool:
        """Whether prompts of this family are encoded here; else the pipeline does it."""
        return self._family in ("sd15", "sd2", "sdxl", "sd3", "flux")

    def forget(self) -> None:
        """What was encoded no longer holds: the encoders or their vocabulary changed."""
        self._known.clear()
        self._readers.clear()

    def encode(self, prompt: str, *, negative: bool = False) -> Encoded:
        """A prompt, encoded once."""
        key = (prompt, negative)
        if key not in self._known:
            with torch.inference_mode():
                self._known[key] = self._encode(prompt, negative=negative)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def length(self, prompt: str, negative: str) -> int:
        """How many tokens a candidate with these words takes; 0 where the pipeline encodes them."""
        if not self.encodes:
            return 0
        both = self.encode(prompt), self.encode(negative, negative=True)
        return max(each.tokens.shape[1] for each in both)

    def _encode(self, prompt: str, *, negative: bool) -> Encoded:
        pipe = self._pipe
        device = pipe._execution_device
        if self._family == "flux":
            tokens, pooled, _ = pipe.encode_prompt(unweighted(prompt), None, device=device)
            return Encoded(tokens, pooled)
        if self._family == "sd3":
            plain = unweighted(prompt)
            tokens, _, pooled, _ = pipe.encode_prompt(
                plain, None, None, device=device, do_classifier_free_guidance=False
            )
            return Encoded(tokens, pooled)
        encoded = self._read(prompt)
        zeros = getattr(pipe.config, "force_zeros_for_empty_prompt", False)
        if negative and not prompt and zeros:  # as diffusers does without a negative prompt
            nothing = torch.zeros_like(encoded.tokens)
            pooled = None if encoded.pooled is None else torch.zeros_like(encoded.pooled)
            return Encoded(nothing, pooled, nothing)
        return encoded

    def _read(self, prompt: str) -> Encoded:
        parts = [self._with_filler(reader, prompt) for reader in self._made_readers()]
        longest = max(tokens.shape[1] for tokens, _, _ in parts)
        tokens = torch.cat([_filled(tokens, filler, longest) for tokens, _, filler in parts], -1)
        filler = torch.cat([filler for _, _, filler in parts], -1)
        pooled = parts[-1][1]
        return Encoded(tokens, pooled, filler)

    @staticmethod
    def _with_filler(reader: Any, prompt: str) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        """Compel's own parser takes minutes for a few nested brackets, so it is not asked."""

        def read(words: list[tuple[str, float]]) -> torch.Tensor:
            return reader.build_conditioning_tensor_for_conjunction(Conjunction([FlattenedPrompt(words)]))[0]

        pooled = None
        if reader.requires_pooled:
            pooled = reader.conditioning_provider.get_pooled_embeddings(
                [unweighted(prompt)], device=reader.device
            )
        return read(weighed(prompt)), pooled, read([("", 1.0)])

    def _made_readers(self) -> list[Any]:
        if not self._readers:
            pipe = self._pipe
            common: dict[str, Any] = {
                "textual_inversion_manager": DiffusersTextualInversionManager(pipe),
                "truncate_long_prompts": False,
                "device": pipe._execution_device,
            }
            if self._family == "sdxl":
                inner = ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
                common["returned_embeddings_type"] = inner
                pairs = (
                    (pipe.tokenizer, pipe.text_encoder, False),
                    (pipe.tokenizer_2, pipe.text_encoder_2, True),
                )
                self._readers = [
                    Compel(tokenizer=tokenizer, text_encoder=encoder, requires_pooled=pooled, **common)
                    for tokenizer, encoder, pooled in pairs
                    if encoder is not None
                ]
            else:
                self._readers = [Compel(tokenizer=pipe.tokenizer, text_encoder=pipe.text_encoder, **common)]
        return self._readers


def stacked(prompts: Sequence[Encoded], longest: int = 0) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Several prompts as one batch, filled up to the longest (and to at least ``longest`` tokens)."""
    length = max(longest, *(each.tokens.shape[1] for each in prompts))
    tokens = torch.cat([_filled(each.tokens, each.filler, length) for each in prompts])
    pooled = [each.pooled for each in prompts if each.pooled is not None]
    return tokens, torch.cat(pooled) if pooled else None


def _filled(tokens: torch.Tensor, filler: torch.Tensor | None, length: int) -> torch.Tensor:
    missing = length - tokens.shape[1]
    if missing <= 0 or filler is None:
        return tokens
    times = -(-missing // filler.shape[1])
    return torch.cat([tokens, filler.repeat(1, times, 1)[:, :missing]], 1)
