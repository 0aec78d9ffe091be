# SPDX-License-Identifier: Apache-2.0
# pyright: basic, reportPrivateImportUsage=false, reportArgumentType=false, reportAttributeAccessIssue=false
"""A model in memory, and what it wears: ControlNets, LoRAs, a style, embeddings, seamless padding."""

from __future__ import annotations

import contextlib
import copy
import logging
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

__all__ = ["Model"]

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
        self._with_controls: dict[tuple[str, ...], Any] = {}
        self._nets: dict[str, Any] = {}
        self._loras: dict[str, float] = {}
        self._known_loras: set[str] = set()
        self._style = ""
        self._embeddings: set[str] = set()
        self._padded = ""
        self._saving = False
        #: Once memory ran out: the most pixels, of all candidates together, to try at once; 0 for any.
        self.most_pixels = 0

    @property
    def denoiser(self) -> Any:
        """The network that does the work."""
        return getattr(self._pipe, "unet", None) or self._pipe.transformer

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

    def save_memory(self) -> bool:
        """Trade time for memory; False if that was done already."""
        if self._saving:
            return False
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
        key = tuple(card.id for card in controls)
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
        if card.id not in self._nets:
            given = {"variant": card.variant} if card.variant else {}
            with _fitting("control", card, self.card):
                net = diffusers.ControlNetModel.from_pretrained(
                    card.path, dtype=self.device.dtype, use_safetensors=True, local_files_only=True, **given
                )
            self._nets[card.id] = net.to(self.device.name)
        return self._nets[card.id]

    # ---- what it wears -----------------------------------------------------------------------------

    def wear_loras(self, wanted: Mapping[str, float], cards: Mapping[str, Card]) -> None:
        """Exactly these LoRAs, with these weights.

        Raises:
            EngineFailed: a file does not fit the model.
        """
        weights = {name: float(weight) for name, weight in wanted.items() if weight}
        if weights == self._loras:
            return
        self.words.forget()
        for name in weights.keys() - self._known_loras:
            path = Path(cards[name].path)
            with _fitting("LoRA", cards[name], self.card):
                self._pipe.load_lora_weights(
                    str(path.parent), weight_name=path.name, adapter_name=_plain(name)
                )
                if not any(_plain(name) in there for there in self._pipe.get_list_adapters().values()):
                    raise ValueError("nothing in it is for this network.")
            self._known_loras.add(name)
        if weights:
            self._pipe.enable_lora()
            self._pipe.set_adapters([_plain(name) for name in weights], list(weights.values()))
        elif self._known_loras:
            self._pipe.disable_lora()
        self._loras = weights

    def wear_style(self, card: Card | None) -> None:
        """Heed the style of a picture by this adapter, or none."""
        wanted = card.id if card else ""
        if wanted == self._style:
            return
        if self._style:
            self._pipe.unload_ip_adapter()
        self._style = ""
        if card is not None:
            with _fitting("style", card, self.card):
                self._load_style(card)
            self._style = card.id

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
            if card.word in prompt and card.id not in self._embeddings:
                with _fitting("embedding", card, self.card):
                    self._pipe.load_textual_inversion(card.path, token=card.word)
                self._embeddings.add(card.id)
                self.words.forget()

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


def _plain(name: str) -> str:
    """peft uses names of adapters as attributes: no dots."""
    return name.replace(".", "_")


@contextlib.contextmanager
def _fitting(what: str, card: Card, base: Card) -> Generator[None]:
    """What putting something on a model can raise, as something that the artist can read."""
    try:
        yield
    except Exception as error:
        raise EngineFailed(
            f"The {what} {card.id} does not fit the model {base.id}: {_first_line(error)}",
            "Leave it out, or choose a model of its family.",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
