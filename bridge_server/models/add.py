# SPDX-License-Identifier: Apache-2.0
"""Adding a model that is on the disk already. It stays where it is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ..protocol.errors import BadRequest, BridgeError
from .card import Card, check_id, id_from
from .families import check_family
from .hub import Hub
from .inspect import Found, Hints, inspect, inspect_config
from .pull import fetch_config, finished_card
from .shelf import PARTIAL, Shelf
from .watch import Watch

__all__ = ["Said", "add"]


@dataclass(frozen=True)
class Said:
    """What the artist says of a model; empty or None: nothing.

    ``config`` is a diffusers folder of the same kind, for a single-file checkpoint; ``encoder`` the folder of
    the CLIP vision model, for an IP-Adapter.
    """

    id: str = ""
    role: str = ""
    family: str = ""
    kind: str = ""
    title: str = ""
    licence: str = ""
    word: str = ""
    steps: int | None = None
    guidance: float | None = None
    side: int | None = None
    config: Path | None = None
    encoder: Path | None = None


def add(
    path: Path, said: Said, shelf: Shelf, watch: Watch | None = None, *, endpoint: str | None = None
) -> Card:
    """Look at a folder or file and put a card of it on the shelf.

    Raises:
        Conflict: there is a model of that id.
        BridgeError: it is nothing that can be used, damaged, or its configuration can't be had; in words.
    """
    watch, path = watch or Watch(), path.expanduser().absolute()
    name = path.name if path.is_dir() else path.stem
    id_ = check_id(said.id) if said.id else id_from(name)
    if not id_:
        raise BadRequest(f"{path.name} gives no name to call the model by.", "Give one with --id.")
    shelf.check_free(id_)
    check_family(said.family, shelf.families())
    found = inspect(path, Hints(name, said.role, said.family, said.kind))
    card = _card(id_, name, path, found, said)
    partial = shelf.folder / PARTIAL / f"{id_}.added"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        card = replace(card, config=_config(path, found, said, partial / "config", watch, endpoint))
        card = replace(card, image_encoder=_encoder(found, said))
        return shelf.adopt(partial, finished_card(card, found, watch))
    except OSError as error:
        raise BridgeError(f"{path.name} can't be added: {error.strerror}.") from error
    finally:
        watch.end()
        shutil.rmtree(partial, ignore_errors=True)


def _card(id_: str, name: str, path: Path, found: Found, said: Said) -> Card:
    habits = found.habits
    return Card(
        id=id_,
        role=found.role,
        family=found.family,
        title=said.title or name,
        path=str(path),
        kind=found.kind,
        inpaints=found.inpaints,
        side=said.side or habits.side,
        steps=said.steps or habits.steps,
        guidance=habits.guidance if said.guidance is None else said.guidance,
        source=str(path),
        licence=said.licence,
        variant=found.variant,
        word=(said.word or found.word) if found.role == "embedding" else "",
    )


def _config(path: Path, found: Found, said: Said, into: Path, watch: Watch, endpoint: str | None) -> str:
    """The folder with the configuration of a single-file checkpoint; nothing for anything else."""
    if path.is_dir() or found.role != "base":
        if said.config is not None:
            raise BadRequest("Only a single-file checkpoint takes a --config.", "Leave it out.")
        return ""
    if said.config is None:
        return str(fetch_config(found, into, Hub(endpoint), watch))
    folder = said.config.expanduser().absolute()
    if not (folder / "model_index.json").is_file():
        raise BadRequest(f"{folder} is no diffusers folder.", "It needs a model_index.json.")
    theirs = inspect_config(folder, Hints(folder.name))
    if (theirs.family, theirs.inpaints) != (found.family, found.inpaints):
        raise BadRequest(
            f"The configuration in {folder} is that of another kind of model: {_kind(theirs)}, and"
            f" {path.name} is {_kind(found)}.",
            "Give one of the same kind, or leave --config out to have it loaded.",
        )
    return str(folder)


def _kind(found: Found) -> str:
    return f"{found.family}{' inpainting' if found.inpaints else ''}"


def _encoder(found: Found, said: Said) -> str:
    if found.role != "style":
        return ""
    if said.encoder is None:
        raise BadRequest(
            "An IP-Adapter needs the image encoder that it was made for.",
            "Give its folder with --encoder; or pull one of the presets, which bring theirs.",
        )
    folder = said.encoder.expanduser().absolute()
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise BadRequest(f"{folder} is no image encoder.", "It needs a config.json and a .safetensors file.")
    return str(folder)
