# SPDX-License-Identifier: GPL-3.0-or-later
"""Two undo steps that one press takes back, and one press brings again: Krita has no macro for scripts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Callable, Optional

from plugins.shared.host import Gone

from .qt import QAction, QTimer

__all__ = ["Joins"]

#: How long after a press Krita may take to show its effect, in seconds. Merging is undone in the background.
PATIENCE = 0.5
MOST = 50

#: Milliseconds between the two steps: Krita moves the active layer along by events, and two steps in one go
#: can leave no layer active.
_BREATH = 40


@dataclass
class _Join:
    between: Callable[[], bool]
    settle: Callable[[], None]
    was: bool = False


class Joins:
    """Watches the undo and redo actions; when one ends between two joined steps it is triggered once more.

    Who comes there in another way (by the undo history, or by removing the layer by hand) is left there: only
    *arriving* by a press counts.
    """

    def __init__(self) -> None:
        self._joins: list[_Join] = []
        self._action: Optional[QAction] = None
        self._until = 0.0
        self._timer: Optional[QTimer] = None
        self._presser: object = None
        #: For each window: grows with each press there, and while its effect may still be coming.
        self.taken: Counter[object] = Counter()

    def watch(
        self, undo: QAction, redo: QAction, known: Sequence[QAction] = (), window: object = None
    ) -> None:
        """Listen to the actions of one window, which is anything hashable, but for those that are known."""
        for action in (undo, redo):
            if action not in known:
                action.triggered.connect(partial(self._pressed, action, window))
        # Steps that the artist makes are noticed here: what undo would take back has another name now.
        if undo not in known:
            undo.changed.connect(self._soon)

    def join(self, between: Callable[[], bool], settle: Callable[[], None]) -> None:
        """Join the two latest steps of a document.

        Args:
            between: whether the document is now as it is between the two; raises Gone if it is closed.
            settle: waits until the document takes another step: Krita ignores a press while it is busy.
        """
        self._joins = [*self._joins, _Join(between, settle)][-MOST:]

    def look(self) -> None:
        """Note how things are; what has happened since the last look, other than by a press, is let be."""
        for join in self._arrived():
            if self._action is not None and time.monotonic() < self._until:
                action, self._action = self._action, None
                QTimer.singleShot(_BREATH, partial(self._again, join, action))
        if time.monotonic() >= self._until and self._timer is not None:
            self._timer.stop()

    def _pressed(self, action: QAction, window: object, *_: object) -> None:
        self._presser = window
        self._action, self._until = action, time.monotonic() + PATIENCE
        self._tick()
        if self._timer is None:
            self._timer = QTimer()
            self._timer.setInterval(20)
            self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        self.taken[self._presser] += 1
        self.look()

    def _soon(self) -> None:
        if self._joins:
            QTimer.singleShot(0, self.look)

    def _again(self, join: _Join, action: QAction) -> None:
        try:
            join.settle()
            action.trigger()
        except (Gone, RuntimeError):  # the document or its window is closed
            return
        self._action = None  # the press was ours: it does not call for another
        self._arrived()

    def _arrived(self) -> list[_Join]:
        """Where a document has just come between two steps."""
        arrived: list[_Join] = []
        for join in list(self._joins):
            try:
                now = join.between()
            except Gone:
                self._joins.remove(join)
                continue
            if now and not join.was:
                arrived.append(join)
            join.was = now
        return arrived
