# SPDX-License-Identifier: GPL-3.0-or-later
"""Small widgets that the panel is made of. All colours come from the palette, except those of a state."""

from __future__ import annotations

from typing import Union

from .icons import set_icon
from .qt import (
    QColor,
    QEvent,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMouseEvent,
    QObject,
    QPainter,
    QPaintEvent,
    QPalette,
    QPoint,
    QRectF,
    QSignalBlocker,
    QSize,
    QSizePolicy,
    QSlider,
    QSpinBox,
    Qt,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

__all__ = [
    "BarSlider",
    "Dot",
    "Elided",
    "Fold",
    "NoWheel",
    "column",
    "flat_button",
    "row",
    "set_quietly",
    "shade",
]

#: Readable on light and on dark, as KDE's own colours for good, under way, bad.
SHADES = {"good": QColor("#27ae60"), "busy": QColor("#f0a020"), "bad": QColor("#da4453")}


def shade(name: str, palette: QPalette) -> QColor:
    """The colour of a state; a name that is none of them gives that of a text that can't be used."""
    return SHADES.get(name) or palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText)


def row(*widgets: QWidget, spacing: int = 4) -> QHBoxLayout:
    """Widgets side by side."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def column(widget: QWidget, spacing: int = 4) -> QVBoxLayout:
    """An empty column without margins in a widget."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    return layout


def flat_button(icon: str, words: str) -> QToolButton:
    """A small button with a picture only; its words are read out and shown by the mouse."""
    button = QToolButton()
    button.setAutoRaise(True)
    button.setIconSize(QSize(16, 16))
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setToolTip(words)
    button.setAccessibleName(words)
    set_icon(button, icon)
    return button


def set_quietly(field: Union[QSpinBox, QSlider], value: int) -> None:
    """Set a number without its signal."""
    if field.value() != value:
        blocker = QSignalBlocker(field)
        field.setValue(value)
        blocker.unblock()
        field.update()


class Dot(QWidget):
    """A state as a coloured dot."""

    def __init__(self) -> None:
        super().__init__()
        self._shade = ""
        self.setFixedSize(10, 10)

    def set_shade(self, name: str) -> None:
        """See :func:`shade`."""
        if name != self._shade:
            self._shade = name
            self.update()

    def paintEvent(self, a0: QPaintEvent) -> None:  # noqa: ARG002, N802  Qt's names
        """A disc."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade(self._shade, self.palette()))
        painter.drawEllipse(QRectF(1, 1, 8, 8))
        painter.end()


class Bar(QWidget):
    """How far something is. QProgressBar paints at once, and Krita's canvas with it: 100 ms and more."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.setFixedHeight(4)

    def set_share(self, share: float) -> None:
        """From 0 to 1."""
        if share != self._share:
            self._share = share
            self.update()

    def paintEvent(self, a0: object) -> None:  # noqa: ARG002, N802  Qt's names
        """A line that grows."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().base())
        done = QRectF(0, 0, self.width() * self._share, self.height())
        painter.fillRect(done, self.palette().highlight())
        painter.end()


class Elided(QLabel):
    """One line that ends in … where there is no room; the whole text is its tooltip."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_whole(text)

    def set_whole(self, text: str, tip: str = "") -> None:
        """What it says."""
        whole = " ".join(text.split())
        if whole != self._whole or tip:
            self._whole = whole
            self.setToolTip(tip or whole)
            self.setAccessibleName(whole)
            self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width(), 1))
        if shown != self.text():
            self.setText(shown)

    def resizeEvent(self, a0: object) -> None:  # noqa: ARG002, N802
        """Fit the text again."""
        self._fit()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """It may become very narrow."""
        return QSize(20, super().minimumSizeHint().height())


class Fold(QWidget):
    """A heading that opens and closes what is under it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setCheckable(True)
        self.heading.setAutoRaise(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setIconSize(QSize(10, 10))
        self.heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.body = QFrame()
        layout = column(self, 2)
        layout.addWidget(self.heading)
        layout.addWidget(self.body)
        self.heading.toggled.connect(self.open)
        self.open(on=False)

    def open(self, on: bool) -> None:  # noqa: FBT001  a slot
        """Show or hide the body."""
        self.heading.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.body.setVisible(on)


class NoWheel(QObject):
    """Filters events: scrolling the panel must not change the value that happens to lie under the mouse."""

    def eventFilter(self, a0: QObject, a1: QEvent) -> bool:  # noqa: N802
        """Hands the wheel on to what lies around."""
        if a1.type() != QEvent.Type.Wheel or not isinstance(a0, QWidget) or a0.hasFocus():
            return False
        a1.ignore()
        return True


class BarSlider(QSlider):
    """A bar with its name and value in it, as Krita's own; dragged, clicked, or moved by the arrow keys."""

    def __init__(self, name: str, form: str = "{name} {value} %") -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._name, self._form = name, form
        self.setRange(0, 100)
        self.setPageStep(10)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Tall enough for a line of text; as wide as there is room."""
        return QSize(90, self.fontMetrics().height() + 8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As high as it wants to be."""
        return QSize(60, self.sizeHint().height())

    def mousePressEvent(self, ev: QMouseEvent) -> None:  # noqa: N802
        """The value is where the pointer is."""
        if ev.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(ev.pos())

    def mouseMoveEvent(self, ev: QMouseEvent) -> None:  # noqa: N802
        """As above."""
        if self.isSliderDown():
            self._follow(ev.pos())

    def mouseReleaseEvent(self, ev: QMouseEvent) -> None:  # noqa: ARG002, N802
        """Dragged enough."""
        self.setSliderDown(False)

    def _follow(self, point: QPoint) -> None:
        share = point.x() / max(self.width() - 1, 1)
        self.setValue(round(self.minimum() + share * (self.maximum() - self.minimum())))

    def paintEvent(self, ev: QPaintEvent) -> None:  # noqa: ARG002, N802
        """A field, filled up to the value, and the words over it."""
        painter = QPainter(self)
        palette = self.palette()
        box = self.rect().adjusted(0, 0, -1, -1)
        painter.fillRect(box, palette.base())
        share = (self.value() - self.minimum()) / max(self.maximum() - self.minimum(), 1)
        filled = box.adjusted(0, 0, round((share - 1) * box.width()), 0)
        bar = palette.color(QPalette.ColorRole.Highlight)
        bar.setAlphaF(0.55 if self.isEnabled() else 0.15)
        painter.fillRect(filled, bar)
        edge = palette.color(QPalette.ColorRole.Highlight if self.hasFocus() else QPalette.ColorRole.Mid)
        painter.setPen(edge)
        painter.drawRect(box)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        words = self._form.format(name=self._name, value=self.value())
        room = box.adjusted(4, 0, -4, 0)
        shown = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)
        painter.end()
