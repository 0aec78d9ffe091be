# SPDX-License-Identifier: Apache-2.0
"""Inside Krita: panels over stand-in studios in dockers of their own, and what tests want to know of them."""

from gettext import NullTranslations

try:
    from PyQt5.QtWidgets import QAbstractSpinBox, QDockWidget
except ImportError:
    from PyQt6.QtWidgets import QAbstractSpinBox, QDockWidget
import krita_studio
from krita import Krita

from plugins.krita.panel import Panel
from plugins.krita.pieces import Elided
from plugins.krita.qt import (
    QAbstractButton,
    QAction,
    QApplication,
    QComboBox,
    QLabel,
    Qt,
    QToolButton,
    QWidget,
)
from plugins.shared import texts

shown = []


GERMAN = {
    "Fill": "Füllen",
    "Expand": "Erweitern",
    "Vary": "Variieren",
    "Refine": "Ausarbeiten",
    "Strength": "Stärke",
    "Variation": "Abwandlung",
    "Start": "Starten",
    "None": "Keine",
    "Options": "Einstellungen",
    "Accept makes": "Annehmen erzeugt",
}


class Long(NullTranslations):
    """German where it is long, and about a third longer for the rest."""

    def gettext(self, message):
        """A longer one."""
        return GERMAN.get(message) or message + (" und noch etwas dazu" * 9)[: round(len(message) * 0.35)]

    def ngettext(self, msgid1, msgid2, n):
        """As above."""
        return self.gettext(msgid1 if n == 1 else msgid2)


def open_panel(studio, width=250, height=720, *, at=(120, 90), long=False, docked=False):
    """A docker with a panel; its panel."""
    texts._Chosen.catalogue = Long() if long else NullTranslations()
    main = Krita.instance().activeWindow().qwindow()
    dock = QDockWidget("Co-create", main)
    dock.setObjectName(f"panel-{len(shown)}")
    other = next(dock for dock in main.findChildren(QDockWidget) if dock.objectName() == "KisLayerBox")
    dock.setFont(other.font())
    panel = Panel(studio)
    dock.setWidget(panel)
    main.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    dock.setFloating(not docked)
    dock.show()
    if not docked:
        dock.move(*at)
        dock.resize(width, height)
    shown.append(dock)
    return panel


def close_panels():
    """All of them; texts are English again."""
    texts._Chosen.catalogue = NullTranslations()
    while shown:
        dock = shown.pop()
        dock.close()
        dock.deleteLater()


def floating():
    """The windows of the dockers that float, and where Qt believes they are."""
    corners = [(dock, dock.mapToGlobal(dock.rect().topLeft())) for dock in shown if dock.isFloating()]
    return [(int(dock.winId()), corner.x(), corner.y()) for dock, corner in corners]


def squeezed(panel):
    """The texts that have less room than they need, and whether the panel is wider than its docker."""
    found = []
    for widget in panel.widget().findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, Elided):
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            if widget.heightForWidth(widget.width()) > widget.height():
                found.append(widget.text())
        elif isinstance(widget, (QAbstractButton, QLabel)) and widget.text():
            if widget.sizeHint().width() > widget.width() or widget.sizeHint().height() > widget.height():
                found.append(widget.text())
        elif isinstance(widget, QComboBox) and widget.isEnabled() and overfull(widget):
            found.append(widget.currentText())
    if panel.widget().width() > panel.viewport().width():
        found.append(f"{panel.widget().width()} > {panel.viewport().width()}")
    return found


def overfull(combo):
    """Whether what is chosen does not fit beside the arrow."""
    return combo.fontMetrics().horizontalAdvance(combo.currentText()) > combo.width() - 24


def nameless(panel):
    """What can be reached by the keyboard and has nothing that could be read out."""
    reached = [
        widget for widget in panel.findChildren(QWidget) if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    inner = (QAbstractSpinBox, QComboBox)  # their fields and lists go by the name of the whole
    return [
        type(widget).__name__
        for widget in reached
        if not isinstance(widget.parent(), inner) and not isinstance(widget.parent().parent(), inner)
        if not widget.accessibleName() and not (isinstance(widget, QToolButton) and widget.text())
    ]


def places(panel):
    """Where each part is, to see whether anything moves."""
    parts = [*panel.widget().findChildren(QWidget)]
    parts = [part for part in parts if part.isVisible()]
    return [(part.x(), part.y(), part.width(), part.height()) for part in parts]


def middle(widget):
    """A widget's middle on the screen."""
    point = widget.mapToGlobal(widget.rect().center())
    return (point.x(), point.y())


def cell_middle(strip, row):
    """The middle of a row of the strip on the screen."""
    point = strip.viewport().mapToGlobal(strip.visualRect(strip.model().index(row)).center())
    return (point.x(), point.y())


def theme(name):
    """Choose it in the menu."""
    main = Krita.instance().activeWindow().qwindow()
    for action in main.findChildren(QAction):
        if action.text().replace("&", "").lower() == name:
            action.trigger()
            return QApplication.palette().window().color().lightness()
    raise LookupError(name)


def states():
    """A studio for each state worth looking at, by name."""
    made = {}
    working = made["working"] = krita_studio.Studio()
    working.add("fill", "mossy old bricks, close up", 4, decisions=("reject", "accept"))
    working.add("vary", "a stormy sky over the sea", 2, 4, "running")
    working.select("c-1-2")
    made["empty"] = krita_studio.Studio()
    alone = made["no-daemon"] = krita_studio.Studio()
    talk = alone.conversation
    talk.state, talk.words, talk.can_start = "waiting", "The daemon is not running.", True
    talk.engines, talk.engine = [], None
    alone.reasons = dict.fromkeys(("fill", "expand", "vary", "refine"), "The daemon is not connected.")
    failed = made["failed"] = krita_studio.Studio()
    failed.conversation.engine = krita_studio.WORDLESS
    failed.change(prompt="")
    failed.reasons = {"fill": "Select an area first.", "refine": "The engine PatchMatch can't do this."}
    job = failed.add("fill", "clouds", 0, 4, "failed")
    job.trouble = "The process that was computing this ended unexpectedly. Ask again."
    failed.jobs, failed.waiting = [], [job]
    failed.message, failed.message_bad = (
        "The disk with the daemon's data is full. Make room and ask again.",
        True,
    )
    many = made["many"] = krita_studio.Studio()
    many.change(seed=1234567)
    for number in range(25):
        many.add("fill", f"prompt number {number}", 8, decisions=("", "reject" if number % 3 else "accept"))
    return made
