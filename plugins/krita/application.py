# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts together: one conversation for Krita, one studio for each of its windows."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Callable, Optional

from krita import Krita, Window
from plugins.shared.conversation import Conversation
from plugins.shared.link import Link
from plugins.shared.studio import Studio
from plugins.shared.texts import use_language

from .host import KritaHost, KritaMemory, language
from .qt import QObject, Qt, pyqtSignal
from .slots import Slots

__all__ = ["Application", "studio_for"]

Step = Callable[[], None]


class _Post(QObject):
    """Takes functions from any thread and calls them on Krita's, one after the other.

    Some of Krita's calls let events through while they wait: a step that comes then has to wait as well.
    """

    _came = pyqtSignal(object)

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self._slots = slots
        self._steps: deque[Step] = deque()
        self._busy = False
        self._came.connect(self._run, Qt.ConnectionType.QueuedConnection)  # pyright: ignore[reportCallIssue]

    def __call__(self, step: Step) -> None:
        self._came.emit(step)

    def _run(self, step: Step) -> None:
        self._steps.append(step)
        if self._busy:
            return
        self._busy = True
        try:
            while self._steps:
                self._slots.run(self._steps.popleft())
        finally:
            self._busy = False


class Application:
    """Made when the plugin is loaded; connects as soon as there is a window."""

    def __init__(self) -> None:
        # so long may Krita's thread wait for one of ours; with Python's own 5 ms a button took 96 ms to
        # answer while 64 MB were being sent
        sys.setswitchinterval(min(sys.getswitchinterval(), 0.0005))
        use_language(language(), Path(__file__).parent / "locale")
        self._conversation: Optional[Conversation] = None
        self._studios: list[tuple[Window, Studio]] = []
        self._slots = Slots(self._tell)

    def studio_for(self, window: Window) -> Studio:
        """That of a window, made at the first call."""
        main = window.qwindow()  # Krita's own objects for a window are others each time
        for known, studio in self._studios:
            if known.qwindow() is main:
                return studio
        studio = Studio(self._talk(), KritaHost(window))
        self._studios.append((window, studio))
        window.windowClosed.connect(self._slots(lambda: self._close(studio)))
        return studio

    def _talk(self) -> Conversation:
        if self._conversation is None:
            krita = Krita.instance()
            link = Link(name=f"Krita {krita.version()}", host="krita", post=_Post(self._slots))
            self._conversation = Conversation(link, KritaMemory())
            notifier = krita.notifier()
            notifier.setActive(True)
            notifier.applicationClosing.connect(self._slots(self._conversation.close))
        return self._conversation

    def _close(self, studio: Studio) -> None:
        studio.close()
        self._studios = [pair for pair in self._studios if pair[1] is not studio]

    def _tell(self, words: str) -> None:
        for _window, studio in self._studios:
            studio.tell(words, bad=True)


#: Krita makes dockers and actions by themselves; this is where they meet.
_the: list[Application] = []


def studio_for(window: Window) -> Studio:
    """The studio of a window of Krita's."""
    if not _the:
        _the.append(Application())
    return _the[0].studio_for(window)
