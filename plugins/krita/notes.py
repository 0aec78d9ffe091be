# SPDX-License-Identifier: GPL-3.0-or-later
"""One place for words: what went wrong, why a button can't be pressed, what is selected."""

from __future__ import annotations

from .icons import draw
from .pieces import row, shade
from .qt import QEvent, QLabel, QPalette, QSizePolicy, Qt, QWidget

__all__ = ["Notes"]

_SIGN = 16


class Notes(QWidget):
    """Two lines that are always there, so that nothing moves when they are filled."""

    def __init__(self) -> None:
        super().__init__()
        self._manner = ""
        self.sign = QLabel()
        self.sign.setFixedSize(_SIGN, _SIGN)
        self.sign.setVisible(False)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
        layout = row(self.sign, self.words)
        layout.setAlignment(self.sign, Qt.AlignmentFlag.AlignTop)
        self.setLayout(layout)
        self._fit()

    def say(self, text: str, manner: str = "") -> None:
        """Show a text; ``bad`` has a sign before it, ``quiet`` stands back."""
        if text != self.words.text():
            self.words.setText(text)
            self.words.setToolTip(text)
            self.words.setAccessibleName(text)
        if manner != self._manner:
            self._manner = manner
            self._show_manner()

    def changeEvent(self, a0: QEvent) -> None:  # noqa: N802  Qt's name
        """Follow the font."""
        super().changeEvent(a0)
        if a0.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        self.words.setMinimumHeight(2 * self.words.fontMetrics().lineSpacing())

    def _show_manner(self) -> None:
        bad = self._manner == "bad"
        if bad:
            palette = QPalette()
            palette.setColor(QPalette.ColorRole.ButtonText, shade("bad", palette))
            self.sign.setPixmap(draw("warning", palette).pixmap(_SIGN, _SIGN))
        self.sign.setVisible(bad)
        self.words.setEnabled(self._manner != "quiet")
