# SPDX-License-Identifier: Apache-2.0
"""What can be typed about models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .parsing import described, number, place_options, whole

__all__ = ["add_models"]

#: As ``models.card`` has them, which is not imported for a --help.
_ROLES = ("base", "control", "lora", "embedding", "style", "preview")
_KINDS = ("scribble", "lineart", "canny", "depth")

_NOTES = """\
Without ACTION, what is there and what else there is. A model is looked at before it is taken: only
.safetensors, never a pickle, never program code that comes with it. HF_ENDPOINT names a mirror of the hub,
HF_TOKEN your account there; HF_HUB_OFFLINE forbids asking it. See docs/models.md.
"""
_EXAMPLES = [
    "models",
    "models pull sd15-inpaint",
    "models add ~/loras/ink.safetensors",
    "models check sd15-inpaint",
    "models remove sd15-inpaint",
]


def add_models(commands: Any) -> dict[str, str]:
    """Add the command; its summary."""
    summary = "list, get, add, check and remove models for the diffusers engine"
    parser: argparse.ArgumentParser = commands.add_parser("models", **described(summary, _EXAMPLES, _NOTES))
    place_options(parser)
    actions: Any = parser.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, summary: str, *examples: str, notes: str = "") -> argparse.ArgumentParser:
        lines = [f"models {example}" for example in examples]
        made: argparse.ArgumentParser = actions.add_parser(name, **described(summary, lines, notes))
        return place_options(made, again=True)

    action("list", "list the models and the presets (also without ACTION)", "list", "list --json")
    _add_pull(
        action(
            "pull",
            "get a model from the hub; after a break, the same command goes on",
            "pull sd15-inpaint",
            "pull stabilityai/sdxl-turbo --id quick",
            "pull owner/loras@v2 --file ink.safetensors",
        )
    )
    _add_add(
        action(
            "add",
            "take in a diffusers folder or a .safetensors file; it stays where it is",
            "add ~/models/my-sdxl",
            "add ~/checkpoints/paint.safetensors --steps 6 --guidance 1",
            "add ~/controlnets/anime --kind lineart --id anime-lines",
            notes=_OWN,
        )
    )
    add = action(
        "remove", "delete a model that was pulled, forget one that was added", "remove sdxl"
    ).add_argument
    add("id", metavar="ID", help="the model")
    add = action("check", "load a model and make one step with it", "check sd15-inpaint").add_argument
    add("id", metavar="ID", help="the model")
    return {"models": summary}


_OWN = """\
What a model is and can do is read from it. A whole checkpoint in one file needs the configuration of its
family as well: a few MB, from the hub unless --config names a folder that has it.
"""


def _add_pull(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", metavar="WHAT", help="a preset's id, or owner/repository, or owner/repository@revision")
    add(
        "--file",
        default="",
        metavar="NAME",
        help="this file of the repository only, such as one LoRA of many",
    )
    _add_words(parser)


def _add_add(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="a folder in diffusers' format, or a .safetensors file")
    _add_words(parser)
    add("--title", default="", metavar="T", help="its name for people (default: the file's)")
    add("--licence", default="", metavar="L", help="to be kept with the pictures it makes")
    add("--word", default="", metavar="W", help="of an embedding: what stands for it in a prompt")
    add("--steps", type=whole(1, 1000), metavar="N", help="how many it needs (default: as its family)")
    add(
        "--guidance",
        type=number(0, 100),
        metavar="X",
        help="how strongly words lead (default: as its family)",
    )
    add("--side", type=whole(16, 8192), metavar="N", help="pixels a side that it was trained on")
    add("--config", type=Path, metavar="FOLDER", help="a diffusers folder of the same kind, for a checkpoint")
    add("--encoder", type=Path, metavar="FOLDER", help="the image encoder, for an IP-Adapter")


def _add_words(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--id", default="", metavar="ID", help="what to call it here")
    add("--role", default="", choices=_ROLES, metavar="ROLE", help=f"one of {', '.join(_ROLES)}, to be sure")
    add("--family", default="", metavar="F", help="sd15, sd2, sdxl, sd3, flux ..., where it can't be told")
    add("--kind", default="", choices=_KINDS, metavar="KIND", help=f"of a control: {', '.join(_KINDS)}")
