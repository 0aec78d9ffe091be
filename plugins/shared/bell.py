# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells windows that something changed."""

from __future__ import annotations

from typing import Callable

__all__ = ["Bell"]

#: Called with the topic that changed.
Hear = Callable[[str], None]


class Bell:
    """Listeners, told in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[Hear] = []

    def listen(self, hear: Hear) -> Callable[[], None]:
        """Be told of each topic that changes, until the function that is returned is called."""
        self._listeners.append(hear)

        def leave() -> None:
            if hear in self._listeners:
                self._listeners.remove(hear)

        return leave

    def ring(self, topic: str) -> None:
        """Tell all who listen now."""
        for hear in list(self._listeners):
            hear(topic)
