# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions: in the menu Tools > Co-create, for shortcuts, and for scripts (``Krita.instance().action``).

Their place in the shortcut editor comes from ``bridge_krita.action``; texts and pictures are set here,
translated and in the colours of the theme.
"""

from __future__ import annotations

from typing import Callable, Optional

from krita import Extension, Window
from plugins.shared.studio import Studio
from plugins.shared.texts import _
from plugins.shared.words import verb_title

from .application import studio_for
from .icons import draw
from .qt import QAction, QApplication, QIcon, QMenu, QObject, QTimer
from .slots import Slots
from .strip import deed_titles
from .verbs import VERBS
from .windows import window_of

__all__ = ["Actions"]

#: The menu's own action, by whose name the others find it.
MENU = "bridge_krita"
_SAY_FOR = 4000
#: The first of each group in the menu.
_GROUPS = ("accept", "next", "cancel")


class Actions(Extension):
    """Makes the actions of each window."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._windows: list[WindowActions] = []

    def setup(self) -> None:
        """Nothing is needed before there is a window."""

    def createActions(self, window: Window) -> None:  # noqa: N802  Krita's name
        """Krita calls this for every window."""
        actions = WindowActions(window)
        self._windows.append(actions)
        QTimer.singleShot(0, lambda: actions.settle(self._windows.remove))


class WindowActions:
    """The actions of one window; its studio is made when the first one is used."""

    def __init__(self, window: Window) -> None:
        """The window is only good for this call; the real one is looked up by :meth:`settle`."""
        self._main = window.qwindow()
        self._window: Optional[Window] = None
        self._slots = Slots(self._say)
        self._palette = QApplication.palette()
        self.actions: dict[str, QAction] = {}
        top = window.createAction(MENU, _("Co-create"), "tools")
        self._menu = QMenu(MENU, self._main)
        self._menu.setTitle(_("Co-create"))
        top.setMenu(self._menu)
        top.setIcon(draw("cocreate", self._palette))
        self._top = top
        self._add_all(window)

    def _add_all(self, window: Window) -> None:
        for verb in VERBS:
            self._add(window, verb, verb_title(verb), lambda verb=verb: self._studio.ask(verb))
        for deed, title in _titles().items():
            self._add(window, deed, title, lambda deed=deed: self._studio.do(deed))
        self._add(window, "next", _("Next candidate"), lambda: self._studio.select_next(1))
        self._add(window, "previous", _("Previous candidate"), lambda: self._studio.select_next(-1))
        compare = self._add(window, "compare", _("Compare with the document as it is"), self._compare)
        compare.setCheckable(True)
        self._add(window, "cancel", _("Cancel all jobs of this document"), self._cancel_all)
        self._add(window, "start", _("Start the daemon"), self._start)

    def settle(self, gone: Callable[[WindowActions], None]) -> None:
        """Once the window is there: follow its theme and its end; Krita 5.3 has sorted the menu by name."""
        for name, action in self.actions.items():
            if name in _GROUPS:
                self._menu.addSeparator()
            self._menu.addAction(action)
        self._window = window_of(self._main)
        if self._window is not None:
            self._window.themeChanged.connect(self._slots(self._redraw))
            self._window.windowClosed.connect(self._slots(lambda: gone(self)))

    @property
    def _studio(self) -> Studio:
        if self._window is None:
            self._window = window_of(self._main)
        if self._window is None:
            raise RuntimeError(_("The window is closed."))
        return studio_for(self._window)

    def _add(self, window: Window, name: str, title: str, call: Callable[[], None]) -> QAction:
        action = window.createAction(f"bridge_{name}", title, f"tools/{MENU}")
        action.setText(title)
        action.setToolTip(title)
        self.actions[name] = action
        self._draw(name)
        action.triggered.connect(self._slots(lambda: self._run(call)))
        return action

    def _run(self, call: Callable[[], None]) -> None:
        studio = self._studio
        studio.refresh()
        heard: list[str] = []
        leave = studio.listen(heard.append)
        try:
            call()
        finally:
            leave()
        if "message" in heard and studio.message_bad:  # said by this call, not left over from another
            self._say(studio.message)
        self.actions["compare"].setChecked(studio.comparing)

    def _start(self) -> None:
        conversation = self._studio.conversation
        if conversation.can_start:
            conversation.start_daemon()

    def _cancel_all(self) -> None:
        self._studio.cancel_all()  # of the window's studio, which may not be there before this is used

    def _compare(self) -> None:
        self._studio.compare(not self._studio.comparing)

    def _say(self, text: str) -> None:
        """On the canvas: the docker may be hidden."""
        view = self._window.activeView() if self._window is not None else None
        if view is not None and text:
            view.showFloatingMessage(text, QIcon(), _SAY_FOR, 1)

    def _redraw(self) -> None:
        self._palette = QApplication.palette()
        self._top.setIcon(draw("cocreate", self._palette))
        for name in self.actions:
            self._draw(name)

    def _draw(self, name: str) -> None:
        self.actions[name].setIcon(draw(name, self._palette))


def _titles() -> dict[str, str]:
    titles = deed_titles()
    return {
        "accept": _("Accept the candidate"),
        "reject": _("Reject the candidate"),
        "more": titles["more"],
        "less": _("Less like this"),
    }
