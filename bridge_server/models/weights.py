# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are its weights, and the fingerprint of a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["fingerprint", "picked", "sha256_of", "weights_of"]

_STEM = r"(?:diffusion_pytorch_model|pytorch_model|model)"
_PLAIN = re.compile(rf"{_STEM}(?:-\d+-of-\d+)?\.safetensors")
_HALF = re.compile(rf"{_STEM}(?:\.fp16(?:-\d+-of-\d+)?|-\d+-of-\d+\.fp16)\.safetensors")

_BLOCK = 2**22


def picked(names: Iterable[str], *, half: bool) -> tuple[list[str], str]:
    """The weight files of one part, out of the file names in its folder, and their variant.

    Args:
        names: without folders.
        half: take the 16-bit ones if both are there.

    Returns:
        sorted names, none if there are no safetensors; and ``fp16`` or nothing.
    """
    names = list(names)
    plain = sorted(name for name in names if _PLAIN.fullmatch(name))
    small = sorted(name for name in names if _HALF.fullmatch(name))
    return (small, "fp16") if small and (half or not plain) else (plain, "")


def weights_of(path: Path, parts: Iterable[str]) -> list[Path]:
    """The weight files of a model: the file itself, or those in the ``parts`` (subfolders) of a folder."""
    if path.is_file():
        return [path]
    found: list[Path] = []
    for part in parts:
        folder = path / part
        if folder.is_dir():
            chosen, _ = picked((each.name for each in folder.iterdir()), half=False)
            found += [folder / name for name in chosen]
    return found


def sha256_of(path: Path, step: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file in hex; ``step`` hears of each piece's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if step is not None:
                step(len(block))
    return digest.hexdigest()


def fingerprint(hashes: dict[str, str]) -> str:
    """A model's hash from those of its weight files: name relative to the model -> SHA-256 in hex."""
    lines = "\n".join(sorted(f"{name}:{digest}" for name, digest in hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
