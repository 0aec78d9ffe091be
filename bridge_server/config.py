# SPDX-License-Identifier: Apache-2.0
"""Everything that can be set, in one frozen record: defaults, then a TOML file, then the command line."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from .protocol.discovery import data_dir
from .protocol.errors import BadRequest

__all__ = ["Config", "Diffusers", "load_config"]

_MIB = 2**20


class Diffusers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How diffusion models are run: the section ``[diffusers]``.

    Attributes:
        device: ``auto`` or as torch names it: ``cuda``, ``cuda:1``, ``mps``, ``xpu``, ``cpu``.
        dtype: of the weights.
        max_batch: candidates that are made at once; 0 goes by the memory.
        compile: let torch compile the model: minutes at the first picture of a size, then faster.
        quantise: ``fp8`` keeps the weights in 8 bits.
        offload: what waits in main memory until it is needed.
        previews: show candidates as they form.
        vram_reserve: GB of the GPU's memory to leave to other programs.
    """

    device: str = "auto"
    dtype: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    max_batch: Annotated[int, msgspec.Meta(ge=0)] = 0
    compile: bool = False
    quantise: Literal["", "fp8"] = ""
    offload: Literal["auto", "none", "model", "sequential"] = "auto"
    previews: bool = True
    vram_reserve: Annotated[float, msgspec.Meta(ge=0)] = 1.0


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one daemon.

    Attributes:
        data_dir: where jobs, pictures and the runtime file are kept.
        host: address to listen on. Anything but loopback lets other machines in that have the token.
        port: 0 lets the system choose; clients find it in the runtime file.
        idle_exit: seconds without clients and work after which the daemon ends; 0 means never.
        max_message: bytes of one message. The default holds 32 megapixels of float RGBA.
        max_pixels: width times height of one picture.
        budget: bytes that all stored pictures may take; above, the oldest that were never accepted are
            removed. 0 is unlimited.
        max_queued: jobs that may wait or run at once.
        workers: processes that compute at once; 0 takes one per core, at most 8.
        worker_idle_exit: seconds after which an unused worker process ends.
        model_idle_exit: the same of the process that has models loaded, which takes long to come back.
        diffusers: how diffusion models are run.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    idle_exit: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    max_message: Annotated[int, msgspec.Meta(ge=65536)] = 512 * _MIB
    max_pixels: Annotated[int, msgspec.Meta(ge=1)] = 64 * _MIB
    budget: Annotated[int, msgspec.Meta(ge=0)] = 20 * 2**30
    max_queued: Annotated[int, msgspec.Meta(ge=1)] = 64
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    worker_idle_exit: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    model_idle_exit: Annotated[float, msgspec.Meta(gt=0)] = 1800.0
    diffusers: Diffusers = Diffusers()
    log_level: Annotated[str, msgspec.Meta(pattern="^(debug|info|warning|error)$")] = "info"

    @property
    def worker_count(self) -> int:
        """How many worker processes there may be."""
        return self.workers or min(os.cpu_count() or 1, 8)


def default_data_dir() -> Path:
    """This user's data folder."""
    return Path(data_dir(sys.platform, os.environ, Path.home()))


#: Seconds of idleness after which a daemon ends that a program started for itself.
BACKGROUND_IDLE_EXIT = 900.0


def load_config(overrides: dict[str, Any], file: Path | None = None, *, background: bool = False) -> Config:
    """Read the settings.

    Args:
        overrides: values that win over the file, for example from the command line; None means not given.
        file: a TOML file; without one, ``config.toml`` in the data folder is read if it is there.
        background: a program starts this daemon for itself: unless told otherwise, it ends when idle.

    Raises:
        BadRequest: a value is wrong or unknown, with its name; or the file is not there or no TOML.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    folder = Path(given.get("data_dir") or default_data_dir()).absolute()
    path = file or folder / "config.toml"
    values: dict[str, Any] = {"data_dir": folder}
    if background:
        values["idle_exit"] = BACKGROUND_IDLE_EXIT
    if file is not None or path.exists():
        values |= _read(path)
    values |= given
    try:
        values["data_dir"] = str(Path(values["data_dir"]).absolute())
        return msgspec.convert(values, Config, dec_hook=_path)
    except TypeError as error:
        raise BadRequest(
            f"A setting is wrong: data_dir is {values['data_dir']!r}.", f"Look at {path}."
        ) from error
    except msgspec.ValidationError as error:
        raise BadRequest(f"A setting is wrong: {error}.", f"Look at {path} and the command line.") from error


def _path(kind: type[Any], value: Any) -> Any:
    return kind(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRequest(f"The config file {path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The config file {path} is not valid TOML: {error}.") from error
