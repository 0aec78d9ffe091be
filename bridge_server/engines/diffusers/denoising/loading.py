# SPDX-License-Identifier: Apache-2.0
# pyright: basic, reportPrivateImportUsage=false, reportArgumentType=false, reportAttributeAccessIssue=false
"""Loading a model's weights and putting them where they work."""

from __future__ import annotations

import gc
import logging
from typing import Any

import diffusers
import torch
import transformers

from ....models.card import Card
from ....protocol.errors import BadRequest, Unsupported
from ..options import Options
from ..plan import offload_for
from .model import Model

__all__ = ["Device", "load_model"]

log = logging.getLogger(__name__)

_SINGLE_FILE = {
    "sd15": "StableDiffusion",
    "sd2": "StableDiffusion",
    "sdxl": "StableDiffusionXL",
    "sd3": "StableDiffusion3",
    "flux": "Flux",
}


class Device:
    """Where a model runs, in which dtype, and how much memory there is."""

    def __init__(self, options: Options, family: str) -> None:

        self.name = options.device if options.device != "auto" else _best_device()
        self.dtype: torch.dtype = _dtype(options.dtype, self.kind, family)
        self._reserve = options.vram_reserve * 1e9

    @property
    def kind(self) -> str:
        """``cuda`` (ROCm too), ``mps``, ``xpu`` or ``cpu``."""
        return self.name.split(":", maxsplit=1)[0]

    @property
    def free(self) -> float | None:
        """Bytes of the accelerator's memory that may be used; None on a processor."""
        if self.kind in ("cuda", "xpu"):
            there = getattr(torch, self.kind)
            # what torch holds without using it is free for us
            held = there.memory_reserved(self.name) - there.memory_allocated(self.name)
            return max(0.0, there.mem_get_info(self.name)[0] + held - self._reserve)
        if self.kind == "mps":
            used = torch.mps.current_allocated_memory()
            return max(0.0, torch.mps.recommended_max_memory() - used - self._reserve)
        return None

    def release(self) -> None:
        """Give memory that is no longer used back to the system."""
        gc.collect()
        if self.kind in ("cuda", "xpu", "mps"):
            getattr(torch, self.kind).empty_cache()


def load_model(card: Card, options: Options) -> Model:
    """The model of a card, ready to work.

    Raises whatever torch, diffusers and safetensors raise.
    """
    device = Device(options, card.family)
    _check_device(device.name)
    pipe = _settle(_load(card, device), card, device, options)
    log.info("loaded %s on %s, %s", card.id, device.name, device.dtype)
    model = Model(card, device, pipe, options)
    if options.previews:
        model.space.learn()
    return model


def _load(card: Card, device: Device) -> Any:
    """The pipeline of a card, in main memory."""
    diffusers.logging.set_verbosity_error()
    diffusers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    given: dict[str, Any] = {"dtype": device.dtype, "local_files_only": True}
    if card.family in ("sd15", "sd2"):
        # nothing is shown to anybody but the artist, and black pictures help nobody
        given |= {"safety_checker": None, "requires_safety_checker": False}
    if card.config:
        stem = _SINGLE_FILE.get(card.family)
        if stem is None:
            raise Unsupported(
                f"Single files of the family {card.family} can't be loaded.", "Add it as a diffusers folder."
            )
        inpaint = "FillPipeline" if card.family == "flux" else "InpaintPipeline"
        kind = inpaint if card.inpaints else "Img2ImgPipeline"
        return getattr(diffusers, stem + kind).from_single_file(card.path, config=card.config, **given)
    given["use_safetensors"] = True
    if card.variant:
        given["variant"] = card.variant
    if card.inpaints and card.family == "flux":  # which the Auto class does not know
        return diffusers.FluxFillPipeline.from_pretrained(card.path, **given)
    if card.inpaints:
        return diffusers.AutoPipelineForInpainting.from_pretrained(card.path, **given)
    return diffusers.AutoPipelineForImage2Image.from_pretrained(card.path, **given)


def _settle(pipe: Any, card: Card, device: Device, options: Options) -> Any:
    """Put a pipeline where it works, as the memory allows."""
    pipe.set_progress_bar_config(disable=True)
    denoiser = getattr(pipe, "unet", None) or pipe.transformer
    if options.quantise == "fp8":
        denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=device.dtype)
    sizes = [
        sum(p.numel() * p.element_size() for p in part.parameters())
        for part in pipe.components.values()
        if isinstance(part, torch.nn.Module)
    ]
    offload = options.offload
    if offload == "auto":
        offload = offload_for(sum(sizes), max(sizes), device.free)
    if device.kind == "cpu" or offload == "none":
        pipe.to(device.name)
    elif offload == "model":
        pipe.enable_model_cpu_offload(device=device.name)
    else:
        pipe.enable_sequential_cpu_offload(device=device.name)
    if options.compile:
        denoiser.compile_repeated_blocks(fullgraph=True)
    log.info("%s: %.1f GB, offload %s", card.id, sum(sizes) / 1e9, offload)
    return pipe


def _check_device(name: str) -> None:
    """Raise BadRequest unless torch can use the device."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BadRequest(
            f"The setting diffusers.device is {name!r}, which torch {torch.__version__} can't use here.",
            "Use 'auto', or install the build of torch for your GPU; see pytorch.org.",
        ) from error


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        return "xpu"
    return "cpu"


def _dtype(wanted: str, device: str, family: str) -> torch.dtype:
    by_name = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
    if wanted != "auto":
        return by_name[wanted]
    if device == "cpu":
        return torch.float32
    if device == "mps" or (device == "cuda" and not torch.cuda.is_bf16_supported()):
        return torch.float16
    return torch.float16 if family in ("sd15", "sd2", "sdxl") else torch.bfloat16
