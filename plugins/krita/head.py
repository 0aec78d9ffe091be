# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's first lines: how the connection is, and in which project and with which engine is worked."""

from __future__ import annotations

from typing import Any

from plugins.shared.studio import Studio
from plugins.shared.texts import _

from .icons import set_icon
from .pieces import Dot, Elided, NoWheel, column, row
from .qt import QComboBox, QSize, QSizePolicy, Qt, QToolButton, QWidget
from .slots import Slots

__all__ = ["Head"]

_SHADES = {"connected": "good", "connecting": "busy", "starting": "busy", "refused": "bad"}


class Head(QWidget):
    """Status, start button, two choices."""

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__()
        self._studio = studio
        self.dot = Dot()
        self.words = Elided()
        self.start = _start_button()
        self.start.clicked.connect(slots(studio.conversation.start_daemon))
        self.project = _Project(studio, slots)
        self.engine = _choice(_("Engine"))
        self.engine.activated.connect(slots(self._choose_engine, 1))
        for combo in (self.project, self.engine):
            combo.installEventFilter(no_wheel)
        layout = column(self, 4)
        status = row(self.dot, self.words, self.start, spacing=6)
        status.addStrut(self.start.sizeHint().height())  # the button comes and goes, the height stays
        layout.addLayout(status)
        layout.addLayout(row(self.project, self.engine))

    def show_connection(self) -> None:
        """The state in words."""
        conversation = self._studio.conversation
        self.dot.set_shade(_SHADES.get(conversation.state, ""))
        self.words.set_whole(conversation.words)
        self.start.setVisible(conversation.can_start)

    def show_engines(self) -> None:
        """What can be chosen from, and what is chosen."""
        conversation = self._studio.conversation
        names = [engine.name for engine in conversation.engines]
        entries = [(engine.name, engine.title or engine.name) for engine in conversation.engines]
        combo = self.engine
        if entries != [(combo.itemData(place), combo.itemText(place)) for place in range(combo.count())]:
            self.engine.clear()
            for engine in conversation.engines:
                self.engine.addItem(engine.title or engine.name, engine.name)
                about = engine.description or engine.title
                self.engine.setItemData(self.engine.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
        chosen = conversation.engine
        self.engine.setEnabled(bool(names))
        if chosen is None:
            if not names and not self.engine.count():
                self.engine.addItem(_("No engine"))
            self.engine.setToolTip(_("Engines are known once the daemon is connected."))
            return
        self.engine.setCurrentIndex(names.index(chosen.name))
        self.engine.setToolTip("\n".join(part for part in (chosen.title, chosen.description) if part))

    def show_projects(self) -> None:
        """See :meth:`show_engines`."""
        self.project.refill()

    def _choose_engine(self, place: int) -> None:
        name = self.engine.itemData(place)
        if name:
            self._studio.change(engine=name)


def _start_button() -> QToolButton:
    start = QToolButton()
    start.setText(_("Start"))
    start.setToolTip(_("Start the daemon on this computer."))
    start.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    start.setIconSize(QSize(16, 16))
    start.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    set_icon(start, "start")
    return start


def _choice(name: str) -> QComboBox:
    combo = QComboBox()
    _narrow(combo, name)
    return combo


def _narrow(combo: QComboBox, name: str) -> None:
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(5)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


class _Project(QComboBox):
    """The known projects, and as the last entry a new one, whose name is typed in place."""

    def __init__(self, studio: Studio, slots: Slots) -> None:
        super().__init__()
        self._studio, self._slots = studio, slots
        _narrow(self, _("Project"))
        self.activated.connect(slots(self._activated, 1))

    def refill(self) -> None:
        """Take the names from the conversation, unless one is being typed."""
        if self.isEditable():
            return
        conversation = self._studio.conversation
        wanted = [*conversation.projects, _("New project…")]
        if wanted != [self.itemText(place) for place in range(self.count())]:
            self.clear()
            for name in conversation.projects:
                self.addItem(name, name)
            self.insertSeparator(self.count())
            self.addItem(_("New project…"))
        if conversation.project in conversation.projects:
            self.setCurrentIndex(conversation.projects.index(conversation.project))
        self.setToolTip(_("Project: {name}").format(name=conversation.project))

    def _activated(self, place: int) -> None:
        if self.isEditable():
            return
        if place == self.count() - 1:
            self._begin_name()
        elif self.itemData(place):
            self._studio.conversation.choose_project(self.itemData(place))

    def _begin_name(self) -> None:
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)  # type: ignore[arg-type]
        line = self.lineEdit()
        line.clear()
        line.setPlaceholderText(_("Its name"))
        line.returnPressed.connect(self._slots(self._end_name))
        line.setFocus()

    def _end_name(self) -> None:
        name = self.currentText().strip()
        self._leave()
        if name:
            self._studio.conversation.choose_project(name)

    def _leave(self) -> None:
        self.setEditable(False)
        self.refill()

    def keyPressEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """Escape gives up the new name."""
        if self.isEditable() and e.key() == Qt.Key.Key_Escape:
            self._leave()
            return
        super().keyPressEvent(e)

    def focusOutEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """So does going elsewhere."""
        super().focusOutEvent(e)
        if self.isEditable() and e.reason() != Qt.FocusReason.PopupFocusReason:
            self._slots.run(self._leave)
