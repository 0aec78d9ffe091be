# SPDX-License-Identifier: Apache-2.0
"""A request as it is kept: msgpack, with :class:`StoredPixels` in the place of its pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ..protocol.messages import Expand, Fill
from ..protocol.pixels import Pixels
from ..protocol.records import GuideInfo, Placement
from ..protocol.tables import OPS
from .database import StoredPixels

__all__ = ["Asked", "asked_in", "kept_in", "packed", "unpacked", "without_data"]


class Asked(msgspec.Struct, gc=False):
    """What of a request is shown in a list; a page of them is read much faster so than as requests."""

    region: Placement
    prompt: str
    negative_prompt: str
    strength: float
    parameters: dict[str, Any]
    amount: float = 0.0
    document: str = ""
    drafted: bool = False
    unlike: str = ""
    guides: list[GuideInfo] = []


asked_in = msgspec.msgpack.Decoder(Asked).decode


def packed(request: Fill | Expand, keep: Callable[[Pixels], StoredPixels]) -> bytes:
    """The request, each of its pictures kept by ``keep``."""
    plain = _fields(request)
    plain["guides"] = [_fields(guide) for guide in request.guides]
    for holder, name in _pictures(plain):
        holder[name] = keep(holder[name])
    return msgspec.msgpack.encode(plain)


def unpacked(verb: str, data: bytes, load: Callable[[StoredPixels], Pixels]) -> Fill | Expand:
    """The request, each of its pictures as ``load`` brings it.

    Raises:
        msgspec.ValidationError: it is none.
    """
    plain = msgspec.msgpack.decode(data)
    for holder, name in _pictures(plain):
        holder[name] = load(msgspec.convert(holder[name], StoredPixels))
    return msgspec.convert(plain, OPS[verb][0])


def kept_in(data: bytes) -> Iterator[StoredPixels]:
    """The pictures of a request."""
    for holder, name in _pictures(msgspec.msgpack.decode(data)):
        yield msgspec.convert(holder[name], StoredPixels)


def without_data(kept: StoredPixels) -> Pixels:
    """A picture of which only the shape is needed."""
    return Pixels(kept.width, kept.height, kept.format, b"", kept.colorspace)


def _pictures(plain: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The maps in a request that hold a picture, and under which name."""
    for name in ("picture", "mask"):
        if name in plain:
            yield plain, name
    for guide in plain.get("guides", []):
        yield guide, "picture"


def _fields(message: Any) -> dict[str, Any]:
    return {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
