# SPDX-License-Identifier: Apache-2.0
"""Which files of a repository are worth having, told from their names. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from posixpath import basename, dirname

from ..protocol.errors import BadRequest, NotFound, Unsupported
from .header import PICKLES
from .weights import picked

__all__ = ["chosen", "settings_of"]

#: Configuration and tokenizers; never a program, whatever the repository says.
_SETTINGS = ("*.json", "*.txt", "*.model")

_INDEX = "model_index.json"

#: Subfolders that are not parts of a model here.
_UNUSED = {"safety_checker", "onnx", "openvino"}


def settings_of(names: Iterable[str]) -> list[str]:
    """Configuration and tokenizers of a pipeline, without weights."""
    return sorted(
        name
        for name in names
        if any(fnmatchcase(name, each) for each in _SETTINGS)
        and not _UNUSED & set(name.split("/")[:-1])
        and (name == _INDEX or "/" in name)
        and not basename(name).endswith(".index.json")
        and ".safetensors.index." not in name
    )


def chosen(
    names: Sequence[str], patterns: Sequence[str] = (), file: str = "", parts: Collection[str] = ()
) -> list[str]:
    """The files that make up a model.

    Args:
        names: all files of a repository.
        patterns: of a preset: these, instead of finding out.
        file: the artist wants this one only.
        parts: the subfolders that a pipeline is made of; with none, all of them are.

    Raises:
        NotFound: what is wanted is not there.
        Unsupported: pickles only.
        BadRequest: the repository holds several things.
    """
    if patterns:
        found = [name for name in names if any(fnmatchcase(name, each) for each in patterns)]
        missing = [each for each in patterns if not any(fnmatchcase(name, each) for name in names)]
        if missing:
            raise NotFound(f"The repository no longer has {missing[0]}.", "Update bridge-server.")
        return sorted(name for name in found if not name.lower().endswith((*PICKLES, ".py")))
    if file:
        if file not in names:
            raise NotFound(f"The repository has no file {file}.", _several(names))
        if not file.endswith(".safetensors"):
            raise Unsupported(f"{file} is no .safetensors file.", "Nothing else is taken.")
        return [file]
    if _INDEX in names:
        return _pipeline([name for name in names if not parts or name.split("/")[0] in {*parts, _INDEX}])
    if "config.json" in names and picked((n for n in names if "/" not in n), half=True)[0]:
        weights, variant = picked((n for n in names if "/" not in n), half=True)
        return ["config.json", *weights, *_indices(names, "", variant)]
    return _one(names)


def _pipeline(names: Sequence[str]) -> list[str]:
    found = settings_of(names)
    for part in sorted({dirname(name) for name in names} - {""}):
        if _UNUSED & set(part.split("/")):
            continue
        inside = [basename(name) for name in names if dirname(name) == part]
        weights, variant = picked(inside, half=True)
        found += [f"{part}/{name}" for name in weights]
        if len(weights) > 1:
            found += _indices(names, part, variant)
        elif not weights and "config.json" in inside and any(n.endswith(PICKLES) for n in inside):
            raise Unsupported(
                f"This model has {part} only as a pickle file: loading it could run any program.",
                "Only .safetensors is taken. Look for the same model in that format.",
            )
    return sorted(found)


def _indices(names: Sequence[str], part: str, variant: str) -> list[str]:
    """The lists of what is in which of several weight files."""
    found = [name for name in names if dirname(name) == part and ".safetensors.index." in name]
    return [name for name in found if ("fp16" in basename(name)) == (variant == "fp16")]


def _one(names: Sequence[str]) -> list[str]:
    found = [name for name in names if name.endswith(".safetensors")]
    if len(found) == 1:
        return found
    if found:
        raise BadRequest("The repository holds several models.", _several(names))
    if any(name.lower().endswith(PICKLES) for name in names):
        raise Unsupported(
            "The repository has only pickle files: loading them could run any program.",
            "Only .safetensors is taken. Look for the same model in that format.",
        )
    raise Unsupported("The repository holds no model that can be used here.", "It has no .safetensors file.")


def _several(names: Sequence[str]) -> str:
    found = [name for name in names if name.endswith(".safetensors")]
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return (
        f"Say which with --file: {', '.join(found[:8])}{more}." if found else "It has no .safetensors file."
    )
