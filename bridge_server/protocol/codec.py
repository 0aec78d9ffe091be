# SPDX-License-Identifier: Apache-2.0
"""Between the messages and the plain maps that msgpack knows. No bytes here: packing is the shells' work.

The client packs with msgpack and reads with :func:`from_plain`, which ignores fields it does not know.
The daemon reads the same dataclasses with msgspec, which checks every type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import (
    Any,
    Optional,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from .errors import BadRequest, BridgeError, error_from_wire
from .request import Request
from .tables import EVENTS, OPS

__all__ = [
    "Event",
    "event_from_frame",
    "failure_from_frame",
    "from_plain",
    "request_frame",
    "result_from_frame",
    "to_plain",
]

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """Something that happened, told to who watches it.

    ``seq`` counts the lasting events of a job from 1; a passing event carries the number of the last lasting
    one before it. It is 0 for what belongs to no job.
    """

    topic: str
    seq: int
    body: Any


def to_plain(value: Any) -> Any:
    """A dataclass as nested dicts and lists; ``bytes`` are passed on, not copied."""
    if is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in cast("dict[Any, Any]", value).items()}
    return value


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def from_plain(cls: type[T], plain: Mapping[str, Any]) -> T:
    """Build a message from a decoded map; unknown keys are ignored.

    Raises:
        BadRequest: a field without a default is missing.
    """
    hints = _hints(cls)
    values: dict[str, Any] = {}
    for f in fields(cls):  # type: ignore[arg-type]
        if f.name in plain:
            values[f.name] = _typed(hints[f.name], plain[f.name])
        elif f.default is MISSING and f.default_factory is MISSING:
            raise BadRequest(f"A {cls.__name__} came without its field {f.name!r}.")
    return cls(**values)


def _typed(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin is Union:  # Optional
        return None if value is None else _typed(get_args(hint)[0], value)
    if origin is list:
        return [_typed(get_args(hint)[0], item) for item in value]
    if is_dataclass(hint):
        return from_plain(hint, value)  # type: ignore[arg-type]
    return value


def request_frame(request_id: int, request: Request[Any]) -> dict[str, Any]:
    """The map that goes out for a request."""
    return {"kind": "request", "id": request_id, "op": request.op, "params": to_plain(request)}


def result_from_frame(op: str, frame: Mapping[str, Any]) -> Any:
    """The typed result in a ``reply``."""
    return from_plain(OPS[op][1], frame["result"])


def failure_from_frame(frame: Mapping[str, Any]) -> BridgeError:
    """The exception in a ``failure``."""
    error = frame["error"]
    return error_from_wire(error["code"], error["message"], error.get("hint", ""))


def event_from_frame(frame: Mapping[str, Any]) -> Optional[Event]:
    """The event in a frame, or None for a topic that this copy does not know."""
    cls = EVENTS.get(frame["topic"])
    if cls is None:
        return None
    return Event(frame["topic"], frame["seq"], from_plain(cls, frame["body"]))
