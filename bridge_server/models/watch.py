# SPDX-License-Identifier: Apache-2.0
"""Who looks on while something long is done."""

from __future__ import annotations

__all__ = ["Watch"]


class Watch:
    """Nobody. One who shows progress overrides what it is told."""

    def note(self, text: str) -> None:
        """A remark in words."""

    def begin(self, what: str, total: int, done: int = 0) -> None:
        """So many bytes are to be worked through, ``done`` of them already are."""

    def step(self, count: int) -> None:
        """So many bytes more; less than 0 if some have to be done again."""

    def end(self) -> None:
        """What was begun is over."""
