# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist has set, kept between two starts of the host."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, fields, replace
from typing import Any, Union, cast

from bridge_server.protocol.messages import MAX_COUNT, MAX_SEED

from .host import Memory
from .model import Settings, Sides

__all__ = ["Preferences"]

#: Prompts that are remembered.
_PROMPTS = 50

#: The most pixels that a side grows at once.
_MOST_GROWN = 16_384

log = logging.getLogger(__name__)


class Preferences:
    """Settings, the project and earlier prompts."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        kept = self._read("settings", dict)
        self.settings = _settings(cast("dict[str, Any]", kept))
        self.prompts = [str(prompt) for prompt in cast("list[Any]", self._read("prompts", list))][:_PROMPTS]
        self.project = memory.recall("project") or "default"

    def change(self, changes: dict[str, Any]) -> None:
        """Set some of the settings; values out of their range are brought into it.

        Raises:
            TypeError: there is no such setting.
        """
        self.settings = _in_range(replace(self.settings, **changes))
        self._memory.keep("settings", json.dumps(asdict(self.settings)))

    def remember_prompt(self, prompt: str) -> None:
        """Put a prompt first among the earlier ones."""
        if prompt.strip():
            self.prompts = [prompt, *(known for known in self.prompts if known != prompt)][:_PROMPTS]
            self._memory.keep("prompts", json.dumps(self.prompts))

    def choose_project(self, name: str) -> None:
        """The project to work in, also after the next start."""
        self.project = name
        self._memory.keep("project", name)

    def _read(self, key: str, kind: Union[type[dict[str, Any]], type[list[Any]]]) -> Any:
        text = self._memory.recall(key)
        try:
            value = json.loads(text) if text else kind()
        except ValueError:
            log.warning("what was kept as %s can't be read: %r", key, text)
            return kind()
        return cast("Any", value) if isinstance(value, kind) else kind()


def _settings(kept: dict[str, Any]) -> Settings:
    """As they were kept, also by a version with other settings."""
    settings = Settings()
    for field in fields(Settings):
        value = kept.get(field.name)
        default = getattr(settings, field.name)
        if field.name == "sides" and isinstance(value, dict):
            sides = cast("dict[str, Any]", value)
            if all(isinstance(pixels, int) for pixels in sides.values()):
                known = {side.name for side in fields(Sides)}
                settings = replace(settings, sides=Sides(**{k: v for k, v in sides.items() if k in known}))
        elif field.name == "parameters" and isinstance(value, dict):
            settings = replace(settings, parameters=_by_engine(cast("dict[str, Any]", value)))
        elif field.name == "seed":
            settings = replace(settings, seed=value if type(value) is int else None)
        elif type(value) is type(default) or (isinstance(default, float) and type(value) is int):
            settings = replace(settings, **{field.name: value})
    return _in_range(settings)


def _by_engine(kept: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was kept of each engine; what the engine does not take any more is left out when it is used."""
    return {name: cast("dict[str, Any]", values) for name, values in kept.items() if type(values) is dict}


def _in_range(settings: Settings) -> Settings:
    sides = settings.sides
    seed = settings.seed
    return replace(
        settings,
        strength=min(max(float(settings.strength), 0.0), 1.0),
        amount=min(max(float(settings.amount), 0.0), 1.0),
        count=min(max(settings.count, 1), MAX_COUNT),
        seed=None if seed is None else min(max(seed, 0), MAX_SEED),
        drafted=settings.drafted and seed is not None,
        guide_weight=min(max(float(settings.guide_weight), 0.0), 2.0),
        source=settings.source if settings.source in ("visible", "layer") else "visible",
        place_as=settings.place_as if settings.place_as in ("layer", "into", "group") else "layer",
        sides=Sides(
            *(min(max(n, 0), _MOST_GROWN) for n in (sides.left, sides.right, sides.top, sides.bottom))
        ),
    )
