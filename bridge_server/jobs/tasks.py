# SPDX-License-Identifier: Apache-2.0
"""What a worker has to know of a job, and how its last word is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..protocol.errors import BridgeError, EngineFailed, NotFound, Unsupported, error_from_wire
from ..protocol.messages import Expand, Fill, Vary
from ..protocol.records import EngineInfo
from ..protocol.work import Task, TaskEnded
from ..sessions.store import JobRecord
from .queue import Entry

__all__ = ["engine_for", "raise_if_failed", "task_for", "without_pixels"]

#: What a model needs beside it for a guide of each kind.
_NEEDS = {
    "scribble": "a ControlNet",
    "lineart": "a ControlNet",
    "canny": "a ControlNet",
    "depth": "a ControlNet",
    "style": "an IP-Adapter",
}


def engine_for(request: Fill | Expand, engines: list[EngineInfo]) -> EngineInfo:
    """The engine that a request names, or the first one.

    Raises:
        NotFound: there is none of that name.
        Unsupported: it does not know the verb, or what goes with it.
    """
    by_name = {engine.name: engine for engine in engines}
    engine = by_name.get(request.engine or engines[0].name)
    if engine is None:
        hint = _instead(request.engine, list(by_name))
        raise NotFound(f"There is no engine {request.engine[:80]!r}.", hint)
    if request.op not in engine.verbs:
        raise Unsupported(
            f"The engine {engine.name} cannot {request.op}.", f"It can {', '.join(engine.verbs)}."
        )
    if request.unlike and request.op not in engine.drafts:
        raise Unsupported(
            f"The engine {engine.name} makes no drafts for {request.op} to choose from.",
            "Reject it, and ask again.",
        )
    if request.drafted and request.op not in engine.drafts:
        raise Unsupported(f"The engine {engine.name} makes no drafts for {request.op}.", "Leave drafted out.")
    for guide in request.guides:
        if guide.kind not in engine.guides:
            raise Unsupported(
                f"The engine {engine.name} does not heed a guide {guide.kind[:80]!r}.",
                _heeded(engine, guide.kind, request.op),
            )
    return engine


def _instead(name: str, known: list[str]) -> str:
    """A hint for who asks for an engine that is not there."""
    hint = f"Use one of: {', '.join(known)}."
    if not name.startswith("diffusers/"):
        return hint
    if any(each.startswith("diffusers/") for each in known):
        return f"{hint} 'bridge-server models' shows the models that are there."
    return (
        "The model is not there (see 'bridge-server models'), the extra bridge-server[diffusers] is not"
        " installed in the daemon's Python, or it was installed after the daemon started (then"
        f" 'bridge-server stop', and ask again). {hint}"
    )


def _heeded(engine: EngineInfo, kind: str, verb: str) -> str:
    """A hint for who sends a guide that an engine does not heed."""
    if engine.name.startswith("diffusers/") and kind in _NEEDS:
        return f"It needs {_NEEDS[kind]} of the model's family; see 'bridge-server models'."
    others = [each for each in engine.guides if verb == "vary" or each != "toward"]
    return f"It heeds {', '.join(others)}." if others else "Leave guides out."


def without_pixels(request: Fill | Expand) -> Fill | Expand:
    """The same request, its pictures' data left out."""
    bare: dict[str, Any] = {
        "picture": replace(request.picture, data=b""),
        "guides": [replace(each, picture=replace(each.picture, data=b"")) for each in request.guides],
    }
    if isinstance(request, Fill):
        bare["mask"] = replace(request.mask, data=b"")
    return replace(request, **bare)


def task_for(record: JobRecord, request: Fill | Expand, entry: Entry) -> Task:
    """The task of making some of a job's pictures; ``request`` is the record's with its pixels."""
    grow = [request.left, request.right, request.top, request.bottom] if isinstance(request, Expand) else []
    seeds = [record.seed + index for index in entry.indices]
    if record.plan is not None:
        seeds = [record.plan[index].seed for index in entry.indices]
    drafted = "drafted" if record.drafts or request.drafted else "full"
    return Task(
        task=entry.name,
        engine=record.engine.name,
        verb=request.op,
        picture=request.picture,
        mask=None if isinstance(request, Expand) else request.mask,
        grow=grow,
        indices=list(entry.indices),
        seeds=seeds,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        strength=request.strength,
        amount=request.amount if isinstance(request, Vary) else 0.0,
        parameters=request.parameters,
        stage="draft" if entry.drafts else drafted,
        guides=request.guides,
        steering=record.steering,
    )


def raise_if_failed(ended: TaskEnded | BridgeError, engine: EngineInfo, *, missing: bool) -> None:
    """Raise the task's error, or EngineFailed if it claims success while candidates are ``missing``."""
    if isinstance(ended, BridgeError):
        raise ended
    if ended.error_code:
        raise error_from_wire(ended.error_code, ended.error_message, ended.error_hint)
    if missing:
        raise EngineFailed(f"The engine {engine.name} made no picture of this.")
