# SPDX-License-Identifier: Apache-2.0
# pyright: basic, reportPrivateImportUsage=false, reportArgumentType=false, reportAttributeAccessIssue=false
"""A model in memory, and what it wears: ControlNets, LoRAs, a style, embeddings, seamless padding."""

from __future__ import annotations

import contextlib
import copy
import logging
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from safetensors.torch import load_file
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from ....models.card import Card
from ....protocol.errors import EngineFailed
from ..abilities import SAMPLERS
from ..options import Options
from .latents import LatentSpace
from .words import Wording

if TYPE_CHECKING:
    from .loading import Device

__all__ = ["Model", "names"]

log = logging.getLogger(__name__)


class Model:
    """A base model and what was put on it. Used by one thread at a time.

    Args:
        card: what it is.
        device: where it works.
        pipe: its pipeline, on the device.
        options: as the artist wants models to be run.
    """

    def __init__(self, card: Card, device: Device, pipe: Any, options: Options) -> None:
        self.card, self.device, self.options = card, device, options
        self.space = LatentSpace(pipe)
        self.words = Wording(pipe, card.family)
        self._pipe = pipe
        self._sampling = copy.deepcopy(pipe.scheduler)
        self._with_controls: dict[tuple[Card, ...], Any] = {}
        self._nets: dict[Card, Any] = {}
        #: The weights that are on; None: something failed half-way.
        self._loras: dict[str, float] | None = {}
        self._known_loras: dict[str, Card] = {}
        self._style: Card | None = None
        self._embeddings: dict[str, Card] = {}
        #: None: parts came that do not know yet.
        self._padded: str | None = ""
        self._saving = False
        #: Once memory ran out: the most pixels, of all candidates together, to try at once; 0 for any.
        self.most_pixels = 0

    @property
    def denoiser(self) -> Any:
        """The network that does the work."""
        return getattr(self._pipe, "unet", None) or self._pipe.transformer

    @property
    def distilled(self) -> bool:
        """Whether the denoiser takes the guidance as an input, one for a whole run (LCM)."""
        return bool(self.denoiser.config.get("time_cond_proj_dim"))

    @property
    def multiple(self) -> int:
        """Sides that the pipeline can work on are multiples of this, in pixels."""
        return self.space.factor * 2

    @property
    def channels(self) -> int:
        """Of the latents."""
        return int(self._pipe.vae.config.latent_channels)

    @staticmethod
    def nets_of(pipe: Any) -> list[Any]:
        """The ControlNets of a pipeline."""
        both = getattr(pipe, "controlnet", None)
        return list(both.nets) if both is not None else []

    def sampler(self, name: str) -> Any:
        """A fresh scheduler: the model's own, or the one of that name."""
        if not name:
            return type(self._sampling).from_config(self._sampling.config)
        kind, changes = SAMPLERS[name]
        return getattr(diffusers, kind).from_config(self._sampling.config, **changes)

    @property
    def saves_memory(self) -> bool:
        """Whether pictures are decoded in tiles, which can be told from a whole one."""
        return self._saving

    def save_memory(self) -> bool:
        """Trade time for memory; False if that was done already."""
        if self._saving:
            return False
        self.space.forget()
        self._saving = True
        vae = self._pipe.vae
        for name in ("enable_slicing", "enable_tiling"):
            if hasattr(vae, name):
                getattr(vae, name)()
        return True

    def use_preview(self, card: Card | None) -> None:
        """Look at unfinished pictures by a tiny VAE."""
        if card is not None and not self.space.has_tiny:
            tiny = diffusers.AutoencoderTiny.from_pretrained(
                card.path, dtype=self.device.dtype, use_safetensors=True, local_files_only=True
            )
            self.space.use_tiny(tiny.to(self.device.name))

    def pipeline(self, controls: Sequence[Card]) -> Any:
        """The pipeline that heeds these ControlNets, in their order."""
        if not controls:
            return self._pipe
        key = tuple(controls)
        if key not in self._with_controls:
            nets = [self._net(card) for card in controls]
            auto = (
                diffusers.AutoPipelineForInpainting
                if self.card.inpaints
                else diffusers.AutoPipelineForImage2Image
            )
            both = diffusers.MultiControlNetModel(nets)
            pipe = auto.from_pipe(self._pipe, controlnet=both)
            pipe.set_progress_bar_config(disable=True)
            self._with_controls[key] = pipe
        return self._with_controls[key]

    def _net(self, card: Card) -> Any:
        if card not in self._nets:
            given = {"variant": card.variant} if card.variant else {}
            with _fitting("control", card, self.card):
                net = diffusers.ControlNetModel.from_pretrained(
                    card.path, dtype=self.device.dtype, use_safetensors=True, local_files_only=True, **given
                )
            self._nets[card] = net.to(self.device.name)
            self._padded = None
        return self._nets[card]

    # ---- what it wears -----------------------------------------------------------------------------

    def wear_loras(self, wanted: Mapping[str, float], cards: Mapping[str, Card]) -> None:
        """Exactly these LoRAs, with these weights.

        Raises:
            EngineFailed: a file does not fit the model.
        """
        weights = {name: float(weight) for name, weight in wanted.items() if weight}
        if weights == self._loras and all(self._known_loras[name] == cards[name] for name in weights):
            return
        self.words.forget()
        self._loras, self._padded = None, None
        for name in weights:
            if self._known_loras.get(name) != cards[name]:
                self._load_lora(cards[name])
        if weights:
            self._pipe.enable_lora()
            self._pipe.set_adapters([_plain(name) for name in weights], list(weights.values()))
        elif self._known_loras:
            self._pipe.disable_lora()
        self._loras = weights

    def _load_lora(self, card: Card) -> None:
        path, adapter = Path(card.path), _plain(card.id)
        if self._known_loras.pop(card.id, None) is not None:
            self._pipe.delete_adapters(adapter)
        try:
            with _fitting("LoRA", card, self.card):
                self._pipe.load_lora_weights(
                    str(path.parent), weight_name=path.name, adapter_name=adapter, use_safetensors=True,
                    local_files_only=True,
                )  # fmt: skip
                if adapter not in self._adapters():
                    raise ValueError("nothing in it is for this network.")
        except EngineFailed:
            if adapter in self._adapters():  # a part of it was put on
                self._pipe.delete_adapters(adapter)
            raise
        self._known_loras[card.id] = card

    def _adapters(self) -> set[str]:
        return {name for there in self._pipe.get_list_adapters().values() for name in there}

    def wear_style(self, card: Card | None) -> None:
        """Heed the style of a picture by this adapter, or none."""
        if card == self._style:
            return
        if self._style is not None:
            self._pipe.unload_ip_adapter()
        self._style = None
        if card is not None:
            with _fitting("style", card, self.card):
                self._load_style(card)
            self._style = card

    def _load_style(self, card: Card) -> None:
        encoder = CLIPVisionModelWithProjection.from_pretrained(
            card.image_encoder, dtype=self.device.dtype, use_safetensors=True, local_files_only=True
        )
        side = encoder.config.image_size
        processor = CLIPImageProcessor(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        )
        weights: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
        for name, tensor in load_file(card.path).items():
            part, _, rest = name.partition(".")
            weights[part][rest] = tensor
        self._pipe.register_modules(image_encoder=encoder.to(self.device.name), feature_extractor=processor)
        self._pipe.load_ip_adapter(weights, subfolder="", weight_name="")

    def style_features(self, picture: Any, *, guided: bool) -> list[torch.Tensor]:
        """What the style adapter sees in a PIL picture, for one candidate."""
        return self._pipe.prepare_ip_adapter_image_embeds([picture], None, self.device.name, 1, guided)

    def set_style_weight(self, weight: float) -> None:
        """How much the style counts from now on."""
        self._pipe.set_ip_adapter_scale(weight)

    def learn_words(self, prompt: str, embeddings: Sequence[Card]) -> None:
        """Load the embeddings whose words stand in a prompt."""
        for card in embeddings:
            if names(prompt, card.word) and self._embeddings.get(card.word) != card:
                if self._embeddings.pop(card.word, None) is not None:
                    self._forget_word(card.word)
                with _fitting("embedding", card, self.card):
                    self._load_word(card)
                self._embeddings[card.word] = card
                self.words.forget()

    def _load_word(self, card: Card) -> None:
        """Into the encoder that it is for; SDXL's have a part for each of the two."""
        weights = load_file(card.path)
        if "clip_g" not in weights:
            self._pipe.load_textual_inversion(weights, token=card.word)
            return
        pipe = self._pipe
        pairs = (
            ("clip_l", pipe.text_encoder, pipe.tokenizer),
            ("clip_g", pipe.text_encoder_2, pipe.tokenizer_2),
        )
        for key, encoder, tokenizer in pairs:
            pipe.load_textual_inversion(
                weights[key], token=card.word, text_encoder=encoder, tokenizer=tokenizer
            )

    def _forget_word(self, word: str) -> None:
        pipe = self._pipe
        pipe.unload_textual_inversion(word)
        if hasattr(pipe, "tokenizer_2"):
            pipe.unload_textual_inversion(word, text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2)

    def pad(self, axes: str) -> None:
        """Let pictures run on beyond their borders: ``x``, ``y``, ``xy``; empty for not at all."""
        if axes == self._padded:
            return
        for part in (self.denoiser, self._pipe.vae, *self._nets.values()):
            for conv in part.modules():
                if isinstance(conv, torch.nn.Conv2d):
                    conv.__dict__.pop("_conv_forward", None)
                    if axes and any(conv._reversed_padding_repeated_twice):
                        conv._conv_forward = _circular(conv, axes)
        self.space.forget()
        self._padded = axes


def _circular(conv: torch.nn.Conv2d, axes: str) -> Callable[..., torch.Tensor]:
    left, right, top, bottom = conv._reversed_padding_repeated_twice

    def forward(inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        wide = F.pad(inputs, (left, right, 0, 0), mode="circular" if "x" in axes else "constant")
        padded = F.pad(wide, (0, 0, top, bottom), mode="circular" if "y" in axes else "constant")
        return F.conv2d(padded, weight, bias, conv.stride, 0, conv.dilation, conv.groups)

    return forward


def names(prompt: str, word: str) -> bool:
    """Whether an embedding's word stands in a prompt, by itself."""
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt) is not None


def _plain(name: str) -> str:
    """peft uses names of adapters as attributes: no dots."""
    return name.replace(".", "_")


@contextlib.contextmanager
def _fitting(what: str, card: Card, base: Card) -> Generator[None]:
    """What putting something on a model can raise, as something that the artist can read."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise EngineFailed(
            f"The {what} {card.id} does not fit the model {base.id}: {_first_line(error)}",
            "Leave it out, or choose a model of its family.",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
