# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own undo and redo move the document's head in the project's tree as well."""

from __future__ import annotations

from .conversation import Conversation
from .host import Gone, Host

__all__ = ["Undone"]


class Undone:
    """Compares which placed layers stand in a document before and after the host's undo."""

    def __init__(self, conversation: Conversation, host: Host) -> None:
        self._conversation, self._host = conversation, host
        self._standing: dict[str, list[str]] = {}
        self._steps = 0

    def attend(self, document: str) -> bool:
        """Look at a document; tell the daemon if an undo or redo took or brought back a version, and say so.

        Layers that vanish otherwise were merged or deleted: that is no way back.
        """
        try:
            now = self._host.standing(document)
        except Gone:
            self._standing.pop(document, None)
            return False
        steps = self._host.steps_taken()
        before = self._standing.get(document, now)
        moved = steps != self._steps and now != before
        if moved:
            self._tell(document, before, now)
        self._steps = steps
        self._standing[document] = now
        return moved

    def _tell(self, document: str, before: list[str], now: list[str]) -> None:
        gone = [version for version in before if version not in now]
        back = [version for version in now if version not in before]
        board = self._conversation.board
        for version in gone:
            board.stand(version, stands=False)
        for version in back:
            board.stand(version, stands=True)
        if back:
            self._conversation.requests.go(document, back[-1])
        elif gone:
            known = board.versions.get(gone[0])
            if known is not None:
                self._conversation.requests.go(document, known.parent)
