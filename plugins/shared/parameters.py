# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's own settings: what holds of each, and what of it is worth sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bridge_server.protocol.records import EngineInfo, Setting

from .model import Settings

__all__ = ["differing", "effective", "kept_of", "with_value", "without"]


def effective(engine: EngineInfo, kept: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each of an engine's settings: as kept if the engine still takes that, else its default."""
    return {
        each.name: _taken(each, kept[each.name]) if each.name in kept else _default(each)
        for each in engine.settings
    }


def differing(engine: EngineInfo, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as the engine has it by itself."""
    now = effective(engine, kept)
    return {each.name: now[each.name] for each in engine.settings if now[each.name] != _default(each)}


def kept_of(settings: Settings, engine: EngineInfo) -> dict[str, Any]:
    """What the artist has set of an engine."""
    return settings.parameters.get(engine.name, {})


def with_value(settings: Settings, engine: EngineInfo, name: str, value: Any) -> dict[str, dict[str, Any]]:
    """All engines' values, one of them changed."""
    return {
        **settings.parameters,
        engine.name: differing(engine, {**kept_of(settings, engine), name: value}),
    }


def without(settings: Settings, engine: str) -> dict[str, dict[str, Any]]:
    """All engines' values but those of one."""
    return {name: values for name, values in settings.parameters.items() if name != engine}


def _default(setting: Setting) -> Any:
    return _weights(setting, setting.default) if setting.kind == "weights" else setting.default


def _taken(setting: Setting, value: Any) -> Any:
    """What an engine would take of a kept value; of another kind than it was: the default."""
    if setting.kind == "weights":
        return _weights(setting, value)
    if setting.kind in ("integer", "number"):
        fits = type(value) is int or (setting.kind == "number" and type(value) is float)
        return _bounded(setting, value) if fits else setting.default
    if not isinstance(value, str) or (setting.kind == "choice" and value not in setting.choices):
        return setting.default
    return value


def _weights(setting: Setting, value: Any) -> dict[str, float]:
    """Those that there are and that are not off."""
    if not isinstance(value, dict):
        return {}
    given = cast("dict[str, Any]", value)
    numbers = {name: given[name] for name in setting.choices if type(given.get(name)) in (int, float)}
    return {name: _bounded(setting, number) for name, number in numbers.items() if number}


def _bounded(setting: Setting, value: Any) -> Any:
    """Within the setting's bounds, as an int if it was one."""
    for bound, pick in ((setting.low, max), (setting.high, min)):
        if bound is not None and pick(value, bound) != value:
            value = type(value)(bound)
    return value
