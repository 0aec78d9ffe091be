# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wished for, in words, and what is not."""

# pyright: reportUnknownMemberType=false
# (PyQt's stubs leave actions of menus open)

from __future__ import annotations

from functools import partial
from typing import Any, Optional

from plugins.shared.studio import Studio
from plugins.shared.texts import _

from .pieces import column, flat_button, row
from .qt import (
    QAction,
    QEvent,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QRect,
    QSizePolicy,
    Qt,
    QTimer,
    QWidget,
    pyqtSignal,
)
from .slots import Slots

__all__ = ["Prompt"]

_LINES = (2, 5)
_VERBS = ("fill", "expand", "vary", "refine")
#: Of the history's menu.
_SHOWN, _LONGEST = 20, 60


class Prompt(QWidget):
    """The prompt with its history, and the negative prompt where the engine heeds one."""

    #: Ctrl+Enter.
    asked = pyqtSignal()

    def __init__(self, studio: Studio, slots: Slots) -> None:
        super().__init__()
        self._studio, self._slots = studio, slots
        self.edit = _Words(slots)
        self.edit.setAccessibleName(_("Prompt"))
        self.edit.textChanged.connect(slots(self._typed))
        self.edit.asked.connect(self.asked)
        self.edit.stepped.connect(slots(self._step, 1))
        self.history = flat_button("history", _("Earlier prompts"))
        self.history.clicked.connect(slots(self._open_menu))
        self.negative = QLineEdit()
        self.negative.setAccessibleName(_("Negative prompt"))
        self.negative.setPlaceholderText(_("Negative prompt: what to avoid"))
        self.negative.textEdited.connect(slots(self._typed_negative, 1))
        self.negative.returnPressed.connect(self.negative.clearFocus)
        self._place = -1
        self._draft = ""
        layout = column(self, 4)
        line = row(self.edit, self.history, spacing=2)
        line.setAlignment(self.history, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(line)
        layout.addWidget(self.negative)

    def show_settings(self) -> None:
        """Take the words from the settings, unless they are the same: the cursor would jump."""
        settings = self._studio.conversation.settings
        if self.edit.toPlainText() != settings.prompt:
            self.edit.setPlainText(settings.prompt)
        if self.negative.text() != settings.negative_prompt:
            self.negative.setText(settings.negative_prompt)

    def show_engine(self) -> None:
        """Say when the engine reads no words."""
        conversation = self._studio.conversation
        reads = any(conversation.heeds(verb, "prompt") for verb in _VERBS)
        if reads or conversation.engine is None:
            self.edit.say_placeholder(_("What do you wish for? Empty: what fits the surroundings."))
        else:
            self.edit.say_placeholder(_("This engine reads no words; a name for the result"))
        heeds = any(conversation.heeds(verb, "negative_prompt") for verb in _VERBS)
        self.negative.setVisible(heeds)

    def _typed(self) -> None:
        text = self.edit.toPlainText()
        if text != self._studio.conversation.settings.prompt:
            self._studio.change(prompt=text)

    def _typed_negative(self, text: str) -> None:
        self._studio.change(negative_prompt=text)

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        prompts = [prompt for prompt in self._studio.conversation.prompts if prompt.strip()]
        for prompt in prompts[:_SHOWN]:
            line = " ".join(prompt.split())
            short = line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"
            action = QAction(short.replace("&", "&&"), menu)
            action.setToolTip(prompt)
            action.triggered.connect(self._slots(partial(self._take, prompt)))
            menu.addAction(action)
        if not prompts:
            none = QAction(_("No prompt has been used yet."), menu)
            none.setEnabled(False)
            menu.addAction(none)
        menu.aboutToHide.connect(lambda: QTimer.singleShot(0, menu.deleteLater))
        menu.popup(self.history.mapToGlobal(self.history.rect().bottomLeft()))

    def _step(self, step: int) -> None:
        """Through the history as in a shell: what was being typed comes back at its end."""
        prompts = self._studio.conversation.prompts
        text = self.edit.toPlainText()
        if self._place >= 0 and (self._place >= len(prompts) or prompts[self._place] != text):
            self._place = -1
        if self._place < 0:
            self._draft = text
        place = min(max(self._place + step, -1), len(prompts) - 1)
        if step > 0 and place >= 0 and prompts[place] == text and place + 1 < len(prompts):
            place += 1
        if place != self._place:
            self._place = place
            self._take(prompts[place] if place >= 0 else self._draft)

    def _take(self, prompt: str) -> None:
        self.edit.setPlainText(prompt)
        cursor = self.edit.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.edit.setTextCursor(cursor)
        self.edit.setFocus()


class _Words(QPlainTextEdit):
    """Two lines that grow with the text; ctrl+Enter and ctrl+Up/Down are signals."""

    asked = pyqtSignal()
    stepped = pyqtSignal(int)

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self._slots = slots
        self._lines = 0
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = self.document().documentLayout()
        layout.documentSizeChanged.connect(slots(self._grow))
        self._grow()

    def _grow(self) -> None:
        least, most = _LINES
        document = self.document()
        empty = document.isEmpty()
        lines = self._lines_of(self.placeholderText()) if empty else int(document.size().height())
        lines = min(max(lines, least), most)
        height = lines * self.fontMetrics().lineSpacing() + 2 * self.frameWidth() + 10
        if height != self._lines:
            self._lines = height
            self.setFixedHeight(height)

    def _lines_of(self, text: str) -> int:
        metrics, room = self.fontMetrics(), self.viewport().width() - 10
        flags = int(Qt.TextFlag.TextWordWrap)
        return (
            metrics.boundingRect(QRect(0, 0, max(room, 40), 1000), flags, text).height()
            // metrics.lineSpacing()
        )

    def resizeEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """The same words take more lines where there is less room."""
        super().resizeEvent(e)
        self._slots.run(self._grow)

    def say_placeholder(self, text: str) -> None:
        """What stands there while it is empty."""
        if text != self.placeholderText():
            self.setPlaceholderText(text)
            self._grow()

    def changeEvent(self, e: QEvent) -> None:  # noqa: N802  Qt's name
        """Another font is higher or lower."""
        super().changeEvent(e)
        if e.type() == QEvent.Type.FontChange:
            self._slots.run(self._grow)

    def event(self, e: QEvent) -> bool:
        """Our keys are not Krita's shortcuts while the cursor is here."""
        if e.type() == QEvent.Type.ShortcutOverride and self._meant(e) is not None:
            e.accept()
            return True
        return super().event(e)

    def keyPressEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """See the class."""
        meant = self._meant(e)
        if meant is None:
            super().keyPressEvent(e)
        elif meant == 0:
            self.asked.emit()
        else:
            self.stepped.emit(meant)

    @staticmethod
    def _meant(event: Any) -> Optional[int]:
        """0: ask; 1 and -1: back and forth in the history; None: not one of ours."""
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return None
        keys = {Qt.Key.Key_Return: 0, Qt.Key.Key_Enter: 0, Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        return keys.get(event.key())
