# SPDX-License-Identifier: Apache-2.0
"""How the artist wants models to be run: the section ``[diffusers]`` of the daemon's settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ...protocol.errors import BadRequest

__all__ = ["Options", "accelerated"]

#: What the drivers of NVIDIA's, AMD's and Intel's GPUs leave on Linux, also within Windows.
_GPUS = ("/dev/nvidia0", "/dev/kfd", "/dev/dri/renderD128", "/dev/dxg")

_CHOICES = {
    "dtype": ("auto", "bf16", "fp16", "fp32"),
    "quantise": ("", "fp8"),
    "offload": ("auto", "none", "model", "sequential"),
}


@dataclass(frozen=True)
class Options:
    """See each.

    Attributes:
        device: ``auto`` or as torch names it: ``cuda``, ``cuda:1``, ``mps``, ``xpu``, ``cpu``.
        dtype: of the weights; ``auto`` takes half precision on an accelerator and float on a processor.
        max_batch: candidates that are made at once; 0 goes by the memory (and one by one on a processor).
        compile: whether torch compiles the denoiser: minutes at the first picture of a size, then faster.
        quantise: ``fp8`` keeps the denoiser's weights in 8 bits: half the memory, a little less exact.
        offload: what to keep in main memory until it is needed; ``auto`` goes by the memory of the GPU.
        previews: whether candidates are shown as they form.
        vram_reserve: GB of the GPU's memory to leave to other programs.
    """

    device: str = "auto"
    dtype: str = "auto"
    max_batch: int = 0
    compile: bool = False
    quantise: str = ""
    offload: str = "auto"
    previews: bool = True
    vram_reserve: float = 1.0

    @property
    def batches(self) -> bool:
        """Whether several candidates may be made at once, as far as that can be told without torch.

        On a processor one by one is as quick; then each waits in line by itself, and what is more urgent
        passes between two of them.
        """
        if self.max_batch:
            return self.max_batch > 1
        return accelerated() if self.device == "auto" else self.device != "cpu"

    @staticmethod
    def of(settings: Mapping[str, Any]) -> Options:
        """The options in a map.

        Raises:
            BadRequest: a name is unknown or a value wrong.
        """
        known = {each.name for each in fields(Options)}
        for name in settings:
            if name not in known:
                raise BadRequest(
                    f"The setting diffusers.{name} is unknown.", f"Use one of {', '.join(sorted(known))}."
                )
            _check(name, settings[name])
        options = Options(**settings)
        for name, choices in _CHOICES.items():
            if getattr(options, name) not in choices:
                raise BadRequest(
                    f"The setting diffusers.{name} is {getattr(options, name)!r}.",
                    f"Use one of {', '.join(repr(choice) for choice in choices)}.",
                )
        return options


def accelerated() -> bool:
    """Whether this machine may have a GPU that torch can use; only torch can tell for certain."""
    return not sys.platform.startswith("linux") or any(Path(each).exists() for each in _GPUS)


def _check(name: str, value: Any) -> None:
    """Whether a value is of the type of its default, and no number below 0."""
    default: object = getattr(Options, name)
    wanted: type[object] = type(default)
    fits = isinstance(value, (int, float) if wanted is float else wanted)
    if wanted in (int, float):
        fits = fits and not isinstance(value, bool) and 0 <= value < float("inf")
    if name == "device":
        fits = bool(value) and fits
    if not fits:
        kind = "true or false" if wanted is bool else "a name" if wanted is str else "a number from 0 up"
        raise BadRequest(f"The setting diffusers.{name} is {value!r}.", f"Use {kind}.")
