# SPDX-License-Identifier: Apache-2.0
"""What a single ``.safetensors`` file is, told from the names and shapes in it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..protocol.errors import Unsupported
from .families import family_of_width

__all__ = ["Single", "told"]

_LORA = re.compile(r"lora_(?:down|up|A|B)|[._]lora\.|\.hada_w|\.lokr_w")
_INTO_LORA = re.compile(r"lora_down|lora_A|lora\.down|\.down\.weight")
_ACROSS = re.compile(r"attn2.*to_[kv]")
_OWN = re.compile(r"(?:attn|attention)[._](?:to_[kqv]|qkv)")
_SELF = re.compile(r"self_attn")
_QWEN = re.compile(r"(?:img|txt)_(?:mod|mlp)")
_LDM_IN = "model.diffusion_model.input_blocks.0.0.weight"
_TEXT = ("cond_stage_model.", "conditioner.", "text_encoders.", "text_encoder")

#: Blocks by whose name a LoRA's family is known, and families by the width of what attends to itself.
_BLOCKS = {
    "single_blocks": "flux",
    "single_transformer_blocks": "flux",
    "double_blocks": "flux",
    "joint_blocks": "sd3",
    "lora_te2_": "sdxl",
    "text_encoder_2.": "sdxl",
}
_OWN_WIDTHS = {1536: "sd3", 2432: "sd3", 3840: "ZImage"}

#: Most words that one embedding stands for; more rows is something else.
_MOST_VECTORS = 256


@dataclass(frozen=True)
class Single:
    """What was told; ``family`` is empty where the shapes don't say. ``quick``: distilled to few steps."""

    role: str
    family: str
    inpaints: bool = False
    quick: bool = False
    word: str = ""


def told(shapes: dict[str, tuple[int, ...]], name: str) -> Single:
    """What a file is.

    Args:
        shapes: the tensors in it.
        name: of the file, without its ending; an embedding is called so unless it says otherwise.

    Raises:
        Unsupported: nothing that the engine could use by itself.
    """
    if _has(shapes, "image_proj.") and _has(shapes, "ip_adapter."):
        return Single("style", family_of_width(_width(shapes, re.compile(r"to_k_ip"))))
    if any(_LORA.search(key) for key in shapes):
        return Single("lora", _lora_family(shapes))
    embedding = _embedding(shapes, name)
    if embedding is not None:
        return embedding
    return _checkpoint(shapes, name)


def _has(shapes: dict[str, tuple[int, ...]], *starts: str) -> bool:
    return any(key.startswith(starts) for key in shapes)


def _holds(shapes: dict[str, tuple[int, ...]], part: str) -> bool:
    return any(part in key for key in shapes)


def _width(shapes: dict[str, tuple[int, ...]], pattern: re.Pattern[str]) -> int:
    """Inputs of the first matrix whose name matches; 0 if there is none."""
    return next((shape[1] for key, shape in shapes.items() if pattern.search(key) and len(shape) >= 2), 0)


def _lora_family(shapes: dict[str, tuple[int, ...]]) -> str:
    for part, family in _BLOCKS.items():
        if _holds(shapes, part):
            return family
    inward = {key: shape for key, shape in shapes.items() if _INTO_LORA.search(key)}
    across = family_of_width(_width(inward, _ACROSS))
    if across:
        return across
    own = _width(inward, _OWN)
    if any(_QWEN.search(key) for key in shapes) and own == 3072:
        return "QwenImage"
    if _has(shapes, "lora_te_", "text_encoder."):
        return family_of_width(own or _width(inward, _SELF))
    return _OWN_WIDTHS.get(own, "")


def _embedding(shapes: dict[str, tuple[int, ...]], name: str) -> Single | None:
    if set(shapes) == {"clip_l", "clip_g"}:
        return Single("embedding", "sdxl", word=name)
    if len(shapes) != 1:
        return None
    ((key, shape),) = shapes.items()
    rows = shape[0] if len(shape) == 2 else 1
    if len(shape) not in {1, 2} or not 0 < rows <= _MOST_VECTORS:
        return None
    word = name if key == "emb_params" or "." in key else key
    return Single("embedding", {768: "sd15", 1024: "sd2"}.get(shape[-1], ""), word=word)


def _checkpoint(shapes: dict[str, tuple[int, ...]], name: str) -> Single:
    first = shapes.get(_LDM_IN, ())
    inpaints, quick = len(first) > 1 and first[1] == 9, False
    if _holds(shapes, "double_blocks."):
        family = "flux"
        inpaints = any(key.endswith("img_in.weight") and shape[-1] == 384 for key, shape in shapes.items())
        quick = not _holds(shapes, "guidance_in.")
    elif _holds(shapes, "joint_blocks."):
        family = "sd3"
    elif not first:
        raise Unsupported(f"{name} is no model that can be used by itself{_guess(shapes)}.", _HINT)
    elif _has(shapes, "conditioner.embedders.1"):
        family = "sdxl"
    else:
        family = "sd2" if _has(shapes, "cond_stage_model.model.") else "sd15"
    if not _has(shapes, *_TEXT):
        raise Unsupported(f"{name} holds only a part of a model: nothing in it reads words.", _HINT)
    return Single("base", family, inpaints, quick)


_HINT = (
    "Taken are whole checkpoints, LoRAs, embeddings and IP-Adapters; everything else as a diffusers folder."
)


def _guess(shapes: dict[str, tuple[int, ...]]) -> str:
    if _holds(shapes, "input_hint_block") or _has(shapes, "control_model.", "controlnet_cond_embedding."):
        return " (it looks like a ControlNet: take it as a diffusers folder with its config.json)"
    if _has(shapes, "encoder.", "decoder.", "first_stage_model."):
        return " (it looks like a VAE)"
    return ""
