# SPDX-License-Identifier: Apache-2.0
"""What a model can do, read from its card and from what else lies on the shelf. No torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

from ...models.card import FAMILIES, GUIDED, Card, guides_of
from ...protocol.errors import BadRequest, Unsupported
from ...protocol.records import Context, EngineInfo, Setting

__all__ = ["ALGORITHM", "SAMPLERS", "checked_settings", "describe", "helpers"]

#: Which version of this code made a picture; raised whenever the same request gives other pixels.
ALGORITHM = 1

#: name -> diffusers' scheduler and what it is made with.
SAMPLERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler a": ("EulerAncestralDiscreteScheduler", {}),
    "dpm++ 2m": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}

_MAX_STEPS = 150
_MAX_GUIDANCE = 50.0


def helpers(card: Card, cards: Iterable[Card], role: str) -> list[Card]:
    """The cards of a role that go with a base model."""
    return [each for each in cards if each.role == role and each.family == card.family]


def describe(card: Card, cards: Iterable[Card], *, batches: bool = True) -> EngineInfo:
    """What clients are told of a base model.

    Args:
        card: the model.
        cards: all that is on the shelf; controls, styles and LoRAs of the model's family come into play.
        batches: whether several candidates may be made at once.
    """
    shelf = list(cards)
    # distilled guidance is set once for a picture, and there is none without the words to lead away from
    distilled = _distilled(card)
    guided = card.guidance > 1 and card.family != "flux" and not distilled
    heeded = ["prompt", "negative_prompt"] if guided else ["prompt"]
    guides = guides_of(card, shelf)
    steers = ["strength", "finish"]
    if card.family in FAMILIES:
        steers += ["prompt", *([] if distilled else ["guidance"]), *(["negative_prompt"] if guided else [])]
    if len(guides) > 1:
        steers.append("weights")
    return EngineInfo(
        name=f"diffusers/{card.id}",
        version=f"{ALGORITHM}+diffusers-{_library()}",
        title=card.title,
        verbs={
            "fill": [*heeded, "strength"],
            "expand": heeded,
            "vary": [*heeded, "amount"],
            "refine": [*heeded, "strength"],
        },
        steers=steers,
        context=Context(ratio=0.5, min_margin=64, min_side=card.side),
        description=card.good_at or f"A diffusion model of the family {card.family}.",
        batches=batches,
        cancel_grace=60.0,
        model=card.source or card.id,
        model_hash=card.hash,
        guides=guides,
        settings=_settings(card, shelf),
    )


def _distilled(card: Card) -> bool:
    """Whether a UNet takes the guidance as an input (LCM), as its configuration says."""
    folder = Path(card.config or card.path)
    try:
        config = json.loads((folder / "unet" / "config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(config.get("time_cond_proj_dim"))


def _settings(card: Card, shelf: list[Card]) -> list[Setting]:
    settings = [
        Setting(
            "steps", "Steps", "integer", card.steps, 1, _MAX_STEPS,
            description="More steps take longer and are finer.",
        ),
        Setting(
            "guidance", "Guidance", "number", card.guidance, 0, _MAX_GUIDANCE,
            description="How closely the words are followed.",
        ),
    ]  # fmt: skip
    if card.family in GUIDED:
        settings += [
            Setting("sampler", "Sampler", "choice", "", choices=["", *SAMPLERS]),
            Setting(
                "tile", "Seamless", "choice", "", choices=["", "x", "y", "xy"],
                description="Left meets right (x), top meets bottom (y): for textures.",
            ),
        ]  # fmt: skip
    loras = [each.id for each in helpers(card, shelf, "lora")] if card.family in FAMILIES else []
    if loras:
        settings.append(Setting("loras", "LoRAs", "weights", {}, -2, 2, choices=loras))
    return settings


def checked_settings(
    parameters: Mapping[str, Any], info: EngineInfo, cards: Iterable[Card]
) -> dict[str, Any]:
    """The parameters of a request, the model's own where none are given.

    Raises:
        BadRequest: one is unknown, of the wrong type or out of its range.
        Unsupported: a LoRA is there but for another family of models.
    """
    known = {setting.name: setting for setting in info.settings}
    for name in parameters:
        if name not in known and name not in ("loras", "tile", "sampler"):
            raise BadRequest(
                f"parameters.{name} is not known to the engine {info.name}.", f"It takes {', '.join(known)}."
            )
    if parameters.get("loras"):
        _check_loras(parameters["loras"], known.get("loras"), info, cards)
    values = {setting.name: setting.default for setting in info.settings}
    for name, value in parameters.items():
        if name not in known:
            if value:
                raise Unsupported(f"The engine {info.name} has no {name}.", "Choose another model.")
            continue
        _check(known[name], value)
        values[name] = value
    return values


def _check(setting: Setting, value: Any) -> None:
    kinds: dict[str, Any] = {"integer": int, "number": (int, float), "choice": str, "weights": dict}
    wrong = isinstance(value, bool) or not isinstance(value, kinds[setting.kind])
    if setting.kind in ("integer", "number"):
        low, high = setting.low or 0, setting.high or 0
        if wrong or not low <= value <= high:
            raise BadRequest(f"parameters.{setting.name} is {value!r}.", f"Use {low:g} to {high:g}.")
    elif wrong or (setting.kind == "choice" and value not in setting.choices):
        choices = ", ".join(repr(choice) for choice in setting.choices)
        raise BadRequest(f"parameters.{setting.name} is {value!r}.", f"Use one of {choices}.")


def _check_loras(loras: Any, setting: Setting | None, info: EngineInfo, cards: Iterable[Card]) -> None:
    if not isinstance(loras, dict):
        raise BadRequest("parameters.loras is no map.", 'Use {"id": weight}, for example {"ink": 0.8}.')
    elsewhere = {card.id: card for card in cards if card.role == "lora"}
    choices = setting.choices if setting else []
    for name, weight in cast("dict[Any, Any]", loras).items():
        if name not in choices and name in elsewhere:
            raise Unsupported(
                f"The LoRA {name} is for the family {elsewhere[name].family}, not for {info.title}.",
                "Choose a model of that family, or leave the LoRA out.",
            )
        if name not in choices:
            raise BadRequest(
                f"There is no LoRA {name!r}.",
                f"Use one of {', '.join(choices)}."
                if choices
                else "Add one with 'bridge-server models add'.",
            )
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not -2 <= weight <= 2:
            raise BadRequest(f"The weight of the LoRA {name} is {weight!r}.", "Use -2 to 2.")


def _library() -> str:
    try:
        return version("diffusers")
    except PackageNotFoundError:
        return "none"
