# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel as a docker of Krita, and the overlay that belongs to the same window."""

from __future__ import annotations

from typing import Any, Optional, cast

from krita import DockWidget
from plugins.shared.texts import _

from .application import studio_for
from .host import KritaHost, KritaMemory
from .overlay import Overlay
from .panel import Panel
from .qt import QDockWidget, QMainWindow, Qt, QTimer
from .slots import Slots
from .windows import window_of

__all__ = ["Docker"]

_LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
_WIDTH = 260


class Docker(DockWidget):
    """Filled as soon as it stands in a window: the studio belongs to that."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(_("Co-create"))
        self._panel: Optional[Panel] = None
        self._overlay: Optional[Overlay] = None
        self._tries = 0
        QTimer.singleShot(0, Slots()(self._fill))

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802  Krita's names
        """Another document is in front, or none; the panel looks by itself, this is only quicker."""
        if self._panel is not None:
            self._panel.slots.run(self._panel.studio.refresh)
            self._panel.slots.run(self._introduce, canvas)

    def _introduce(self, canvas: Any) -> None:
        """Krita hides new dockers: with the first document ever this one shows itself, and never again."""
        memory = KritaMemory()
        if canvas is None or canvas.view() is None or memory.recall("introduced"):
            return
        memory.keep("introduced", "yes")
        main = self.parent()
        tools = main.findChild(QDockWidget, "ToolBox") if isinstance(main, QMainWindow) else None
        if isinstance(main, QMainWindow) and tools is not None and main.dockWidgetArea(tools) == _LEFT:
            widths = [tools.width(), _WIDTH]
            main.addDockWidget(_LEFT, self)
            main.splitDockWidget(tools, self, Qt.Orientation.Horizontal)  # a column of its own
            QTimer.singleShot(0, lambda: main.resizeDocks([tools, self], widths, Qt.Orientation.Horizontal))
        self.setVisible(True)
        self.raise_()

    def _fill(self) -> None:
        main = self.parent()
        window = window_of(main) if isinstance(main, QMainWindow) else None
        if window is None or not isinstance(main, QMainWindow):
            self._tries += 1
            if self._tries < 100:
                QTimer.singleShot(100, Slots()(self._fill))
            return
        studio = studio_for(window)
        panel = self._panel = Panel(studio)
        self._overlay = Overlay(studio, main, cast("KritaHost", studio.host), panel.slots)
        self.setWidget(panel)
