# SPDX-License-Identifier: Apache-2.0
"""What a file or folder is, read from its JSON configuration and the heads of its weight files; no torch."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ..protocol.errors import BadRequest, BridgeError, NotFound, Unsupported
from .card import KINDS, ROLES
from .families import Habits, family_of, family_of_width, habits_of
from .header import PICKLES, read_header
from .single import Single, told
from .weights import picked

__all__ = ["Found", "Hints", "Unsaid", "components", "inspect", "inspect_config"]

INDEX, CONFIG = "model_index.json", "config.json"

#: A configuration is small; something larger is something else.
_LONGEST_JSON = 64 * 2**20

#: Parts of a pipeline that have no weights, and the one that is not used here: what fits a picture is for
#: the artist to say.
_WEIGHTLESS = re.compile(r"Scheduler$|Tokenizer|Processor$|FeatureExtractor$")
_CHECKER = "safety_checker"
_UNUSED = (_CHECKER, "feature_extractor", "image_encoder")

#: Names of parts and libraries; nothing that leads elsewhere.
_PLAIN = re.compile(r"\w+(?:[.-]\w+)*")

_CONTROLS = {"FluxControlNetModel": "flux", "SD3ControlNetModel": "sd3"}
_KIND_WORDS = {"scribble": "scribble", "sketch": "scribble", "lineart": "lineart", "canny": "canny",
               "depth": "depth"}  # fmt: skip
_PREVIEW_WORDS = {4: {"xl": "sdxl", "taesd": "sd15"}, 16: {"sd3": "sd3", "f1": "flux", "flux": "flux"}}


class Unsaid(BadRequest):
    """The files leave something open that the artist has to say."""


@dataclass(frozen=True)
class Hints:
    """What the artist or a preset says, which wins where the files leave it open; empty means nothing.

    ``name`` is that of the repository, folder or file.
    """

    name: str = ""
    role: str = ""
    family: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Found:
    """What it is. ``parts`` are the subfolders with weights, relative to the model; ``.`` is itself."""

    role: str
    family: str
    habits: Habits
    kind: str = ""
    inpaints: bool = False
    variant: str = ""
    word: str = ""
    parts: tuple[str, ...] = (".",)


def inspect(path: Path, hints: Hints | None = None) -> Found:
    """Say what a model is and see that all of it is there and whole.

    Raises:
        NotFound: there is nothing at ``path``.
        BadRequest: truncated or damaged, or the files leave open what ``hints`` don't say.
        Unsupported: a pickle, or nothing that the engine could use.
    """
    hints = hints or Hints()
    hints = replace(hints, name=hints.name or path.stem)
    if path.is_file():
        return _inspect_file(path, hints)
    if not path.is_dir():
        raise NotFound(f"There is nothing at {path}.", "Give a diffusers folder or a .safetensors file.")
    found = inspect_config(path, hints)
    variant = ""
    for number, part in enumerate(found.parts):
        name = _check_weights(path / part, part)
        variant = name if number == 0 else variant
    return replace(found, variant=variant)


def inspect_config(path: Path, hints: Hints) -> Found:
    """The same for a folder, from its configuration alone: the weights may still be missing.

    Raises:
        BadRequest: the configuration is damaged, or leaves open what ``hints`` don't say.
        Unsupported: no model, or one that is of no use here.
    """
    if (path / INDEX).is_file():
        return _pipeline(path, hints)
    if (path / CONFIG).is_file():
        return _part(path, hints)
    inside = sorted(each.name for each in path.iterdir())
    if any(name.lower().endswith(PICKLES) for name in inside):
        raise _only_pickles(path.name)
    files = [name for name in inside if name.endswith(".safetensors")]
    hint = f"Add the file itself: {path / files[0]}" if files else f"There is no {INDEX} in it."
    raise Unsupported(f"{path.name} is no model in diffusers' format.", hint)


# ---- a pipeline --------------------------------------------------------------------------------------


def components(path: Path) -> set[str]:
    """The subfolders that a pipeline is made of, by its ``model_index.json``; other folders are not needed.

    Raises:
        BadRequest: the configuration is damaged.
    """
    entries = {name: cast("list[Any]", e) for name, e in _json(path / INDEX).items() if isinstance(e, list)}
    return {name for name, entry in entries.items() if entry[1:] and entry[1] is not None} - {_CHECKER}


def _parts_of(path: Path) -> tuple[str, ...]:
    """The subfolders of a pipeline that have weights, the UNet or transformer first.

    Raises:
        BadRequest: the configuration is damaged.
        Unsupported: it brings program code of its own.
    """
    found: list[str] = []
    for name, entry in _json(path / INDEX).items():
        if name.startswith("_") or not isinstance(entry, list) or name in _UNUSED:
            continue
        library, kind = (*cast("list[Any]", entry), None, None)[:2]
        if kind is None or _WEIGHTLESS.search(str(kind)):
            continue
        if not (_PLAIN.fullmatch(name) and _PLAIN.fullmatch(str(library))):
            raise BadRequest(f"{path / INDEX} is damaged: {name!r} is no part.", "Get the model again.")
        if any((folder / f"{library}.py").is_file() for folder in (path, path / name)):
            raise _own_code(path.name)
        found.append(name)
    return tuple(sorted(found, key=lambda name: (name not in {"unet", "transformer"}, name)))


def _pipeline(path: Path, hints: Hints) -> Found:
    index = _json(path / INDEX)
    name = index.get("_class_name")
    if not isinstance(name, str):
        raise _own_code(path.name)
    parts = _parts_of(path)
    core = _json(path / parts[0] / CONFIG) if parts and (path / parts[0] / CONFIG).is_file() else {}
    width = core.get("cross_attention_dim")
    family = family_of(name, width if isinstance(width, int) else 0)
    family = hints.family or family
    scheduler = _json(path / "scheduler" / "scheduler_config.json", there=False).get("_class_name", "")
    habits = habits_of(family, hints.name, core, _vae_scale(path), str(scheduler))
    inpaints = core.get("in_channels") == (384 if family == "flux" else 9) or name.startswith("FluxFill")
    _check_role(hints, "base")
    return Found("base", family, habits, inpaints=inpaints, parts=parts)


def _vae_scale(path: Path) -> int:
    """Pixels a side of one latent."""
    config = _json(path / "vae" / CONFIG, there=False)
    blocks = config.get("block_out_channels")
    return 2 ** (len(cast("list[Any]", blocks)) - 1) if isinstance(blocks, list) and blocks else 8


# ---- a part by itself --------------------------------------------------------------------------------


def _part(path: Path, hints: Hints) -> Found:
    config = _json(path / CONFIG)
    name = str(config.get("_class_name", ""))
    if name == "ControlNetModel" or name in _CONTROLS:
        width = config.get("cross_attention_dim")
        family = _CONTROLS.get(name) or family_of_width(width if isinstance(width, int) else 0)
        _check_role(hints, "control")
        habits = habits_of(family or hints.family)
        return _settled(Found("control", family, habits, kind=_kind(hints)), hints)
    if name == "AutoencoderTiny":
        words = _PREVIEW_WORDS.get(int(config.get("latent_channels", 4)), {})
        family = next((each for word, each in words.items() if word in hints.name.lower()), "")
        _check_role(hints, "preview")
        return _settled(Found("preview", family, habits_of(family or hints.family)), hints)
    what = name or "of an unknown kind"
    raise Unsupported(
        f"{path.name} is no model that can be used by itself: it is {what}.",
        f"A whole model has a {INDEX}; of single parts, ControlNets and tiny VAEs are taken.",
    )


def _kind(hints: Hints) -> str:
    name = hints.name.lower().replace("_", "").replace("-", "")
    kind = hints.kind or next((each for word, each in _KIND_WORDS.items() if word in name), "")
    if not kind:
        raise Unsaid(
            f"Nothing in {hints.name} says what this ControlNet is shown.",
            f"Say it with --kind: {', '.join(KINDS)}.",
        )
    return kind


# ---- a file ------------------------------------------------------------------------------------------


def _inspect_file(path: Path, hints: Hints) -> Found:
    header = read_header(path)
    single = told(header.shapes, path.stem)
    _check_role(hints, single.role)
    habits = habits_of(single.family or hints.family, hints.name)
    if single.role == "base" and single.quick and single.family == "flux":
        habits = replace(habits, steps=4, guidance=0.0)
    return _settled(_file_found(single, habits), hints)


def _file_found(single: Single, habits: Habits) -> Found:
    return Found(single.role, single.family, habits, inpaints=single.inpaints, word=single.word)


# ---- both --------------------------------------------------------------------------------------------


def _settled(found: Found, hints: Hints) -> Found:
    """With a family, one way or the other."""
    family = found.family or hints.family
    if not family:
        raise Unsaid(
            f"Which models {hints.name} belongs to can't be told from it.",
            "Say it with --family: sd15, sd2, sdxl, sd3 or flux.",
        )
    if hints.family and found.family and hints.family != found.family and found.role != "base":
        raise BadRequest(
            f"{hints.name} was made for {found.family}, not for {hints.family}.", "Leave --family out."
        )
    return replace(found, family=family)


def _check_role(hints: Hints, role: str) -> None:
    if hints.role and hints.role != role:
        known = "" if hints.role in ROLES else f" Roles are {', '.join(ROLES)}."
        raise BadRequest(f"{hints.name} is no {hints.role}: it is a {role}.", f"Leave --role out.{known}")


def _check_weights(folder: Path, part: str) -> str:
    """See that a part has all of its weights, as safetensors; their variant."""
    names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    chosen, variant = picked(names, half=False)
    label = folder.name if part == "." else part
    if not chosen:
        if any(name.lower().endswith(PICKLES) for name in names):
            raise _only_pickles(label)
        raise BadRequest(f"The weights of {label} are missing.", "The folder is not complete; get it again.")
    for name in chosen:
        shards = re.search(r"-(\d+)-of-(\d+)", name)
        if shards and int(shards[2]) != len(chosen):
            raise BadRequest(f"{label} has {len(chosen)} of {int(shards[2])} weight files.", "Get it again.")
        read_header(folder / name)
    return variant


def _only_pickles(name: str) -> BridgeError:
    return Unsupported(
        f"{name} has its weights only as pickle files: loading them could run any program.",
        "Only .safetensors is taken. Look for the same model in that format.",
    )


def _own_code(name: str) -> BridgeError:
    return Unsupported(f"{name} brings program code of its own, which is never run.", "Take another model.")


def _json(path: Path, *, there: bool = True) -> dict[str, Any]:
    """A configuration; ``there`` False takes an absent one as empty."""
    if not there and not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            content: Any = json.loads(file.read(_LONGEST_JSON))
    except OSError as error:
        raise BadRequest(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{path} is damaged: it is no JSON.", "Get the model again.") from error
    if not isinstance(content, dict):
        raise BadRequest(f"{path} is damaged: it is no table.", "Get the model again.")
    return cast("dict[str, Any]", content)
