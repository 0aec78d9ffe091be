# SPDX-License-Identifier: Apache-2.0
"""What an artist may change of a job that is not over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ..protocol.checks import check_steer
from ..protocol.errors import Unsupported
from ..protocol.messages import Expand, Fill
from ..protocol.records import EngineInfo, Steering
from ..protocol.steering import Finish, Steer
from ..sessions.store import JobRecord

__all__ = ["change_in", "steered", "steering_of"]

#: What stays changed of a candidate once it is made.
_LASTING = {
    "prompt": str,
    "negative_prompt": str,
    "strength": (int, float),
    "guidance": (int, float),
    "weights": list,
}


def change_in(request: Steer | Finish, record: JobRecord) -> Steering:
    """What a request changes of a job.

    Raises:
        BadRequest: a value is out of its range, or the weights are not as many as the job's guides.
        Unsupported: the job's engine does not heed it.
    """
    if isinstance(request, Finish):
        _check_heeded(record.engine, ["finish"])
        return Steering(finish=True)
    check_steer(request, len(record.request.guides))
    given = {f.name: getattr(request, f.name) for f in fields(request) if f.name != "job"}
    changed = {name: value for name, value in given.items() if value is not None}
    _check_heeded(record.engine, list(changed))
    return Steering(**changed)


def _check_heeded(engine: EngineInfo, names: list[str]) -> None:
    for name in names:
        if name in engine.steers:
            continue
        if name == "finish":
            raise Unsupported(
                f"The engine {engine.name} can't finish early.", "Cancel: what is finished stays."
            )
        heeded = [each for each in engine.steers if each != "finish"]
        raise Unsupported(
            f"The engine {engine.name} does not heed a new {name} while it works.",
            f"It heeds {', '.join(heeded)}." if heeded else "Cancel, and ask anew.",
        )


def steering_of(recipe: Mapping[str, Any], guides: int, job: Steering | None) -> Steering | None:
    """How one candidate was steered.

    Args:
        recipe: the candidate's. An engine that says how it made it lists there what was changed on its way.
        guides: how many its request has.
        job: how its job was steered in the end, which holds if the recipe does not say.
    """
    if not recipe.keys() & {"algorithm", "steered"}:
        return job
    held: dict[str, Any] = {}
    changes: list[dict[str, Any]] = recipe.get("steered") or []
    for change in changes:
        held |= {name: change[name] for name, kind in _LASTING.items() if isinstance(change.get(name), kind)}
    if len(held.get("weights", [])) != guides:
        held.pop("weights", None)
    return Steering(**held)


def steered(request: Fill | Expand, steering: Steering | None) -> Fill | Expand:
    """The request as it should have been asked to get what the steered one makes.

    But for ``guidance``, which each engine has among its own ``parameters``.
    """
    if steering is None:
        return request
    given: dict[str, Any] = {
        name: getattr(steering, name)
        for name in ("prompt", "negative_prompt", "strength")
        if getattr(steering, name) is not None
    }
    if steering.weights is not None:
        pairs = zip(request.guides, steering.weights, strict=True)
        given["guides"] = [replace(guide, weight=weight) for guide, weight in pairs]
    return replace(request, **given)
