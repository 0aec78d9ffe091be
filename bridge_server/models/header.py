# SPDX-License-Identifier: Apache-2.0
"""The head of a safetensors file: 8 bytes with its length, little-endian, then JSON. No weights are read.

The format: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from ..protocol.errors import BadRequest, Unsupported

__all__ = ["PICKLES", "Header", "read_header", "refuse_pickle"]

#: Endings of files that can carry a program, which runs when they are loaded.
PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")

#: As the format's own reader has it.
_LONGEST = 100_000_000

#: Bytes of one number. 4-bit and 6-bit kinds are counted in bits, below.
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F4": 4,
    "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What is in the file: name -> shape, and what its maker wrote beside it."""

    shapes: dict[str, tuple[int, ...]]
    notes: dict[str, str] = field(default_factory=dict[str, str])


def refuse_pickle(path: Path) -> None:
    """Weights that could run a program are not touched, whatever they are called.

    Raises:
        Unsupported: it is one.
    """
    with path.open("rb") as file:
        start = file.read(4)
    # a zip is how torch.save writes; a pickle of protocol 2 and up begins with 80
    suspect = start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] <= b"\x05")
    if path.suffix.lower() in PICKLES or (suspect and not _plausible(path)):
        raise Unsupported(
            f"{path.name} is a pickle file: loading it could run any program.",
            "Only .safetensors is taken. Most models are offered in that format as well; look for it.",
        )


def _plausible(path: Path) -> bool:
    """Whether it could be safetensors after all: those may be the first bytes of a length."""
    with path.open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    return start[8:] == b"{" and length <= _LONGEST


def read_header(path: Path) -> Header:
    """Read the head and see that the file is as long as it says.

    Raises:
        Unsupported: a pickle.
        BadRequest: truncated, or no safetensors.
    """
    try:
        refuse_pickle(path)
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 10 or length > _LONGEST:
                raise _wrong(path, "it does not begin as one")
            if length > size - 8:
                raise _cut(path, size, length + 8)
            raw = file.read(length)
    except OSError as error:
        raise BadRequest(f"{path} can't be read: {error.strerror}.") from error
    try:
        content: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "its head is no JSON") from error
    if not isinstance(content, dict):
        raise _wrong(path, "its head is no table")
    return _checked(path, cast("dict[str, Any]", content), size - 8 - length)


def _checked(path: Path, content: dict[str, Any], room: int) -> Header:
    """See that the tensors lie one after the other and fill ``room`` bytes."""
    notes: Any = content.pop("__metadata__", None)
    shapes: dict[str, tuple[int, ...]] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in content.items():
        try:
            shape = tuple(int(each) for each in entry["shape"])
            begin, end = (int(each) for each in entry["data_offsets"])
            bits = math.prod(shape) * _BITS[entry["dtype"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _wrong(path, f"its entry {name!r} makes no sense") from error
        if min(shape, default=1) < 0 or begin < 0 or (end - begin) * 8 != bits:
            raise _wrong(path, f"the size of {name!r} does not fit its shape")
        shapes[name] = shape
        spans.append((begin, end))
    needed = max((end for _, end in spans), default=0)
    if needed > room:
        raise _cut(path, room, needed)
    spans.sort()
    whole = all(a[1] == b[0] for a, b in pairwise(spans))
    if needed != room or not whole or (spans and spans[0][0]):
        raise _wrong(path, "its tensors don't fill it")
    kept = {k: str(v) for k, v in cast("dict[str, Any]", notes).items()} if isinstance(notes, dict) else {}
    return Header(shapes, kept)


def _wrong(path: Path, why: str) -> BadRequest:
    return BadRequest(f"{path.name} is no safetensors file: {why}.", "Get it again from where it came from.")


def _cut(path: Path, there: int, needed: int) -> BadRequest:
    share = f"{there / needed:.0%}" if needed else "nothing"
    return BadRequest(
        f"{path.name} is cut off: only {share} of it is there.", "The download broke off; get it again."
    )
