# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's own pictures, drawn in the colour of the text."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from .qt import (
    QAbstractButton,
    QBuffer,
    QByteArray,
    QIcon,
    QImage,
    QImageReader,
    QPalette,
    QPixmap,
    QSize,
    QWidget,
)

__all__ = ["draw", "redraw", "set_icon"]

FOLDER = Path(__file__).parent / "icons"
#: A property of a button: the name of its picture.
_NAME = "cocreate_icon"
_SIZES = (16, 22, 24, 32, 44, 48)


def draw(name: str, palette: QPalette) -> QIcon:
    """A picture in the colours of a palette, for all states of a button and sharp at the usual sizes."""
    role = QPalette.ColorRole.ButtonText
    groups = (QPalette.ColorGroup.Active, QPalette.ColorGroup.Disabled)
    return _drawn(name, *(palette.color(group, role).name() for group in groups))


@lru_cache(maxsize=100)
def _drawn(name: str, active: str, disabled: str) -> QIcon:
    """Takes some milliseconds, and there is one for each row of the queue."""
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    icon = QIcon()
    for color, mode in ((active, QIcon.Mode.Normal), (disabled, QIcon.Mode.Disabled)):
        for size in _SIZES:
            icon.addPixmap(QPixmap.fromImage(_rendered(text, color, size)), mode)
    return icon


def _rendered(text: str, color: str, size: int) -> QImage:
    coloured = text.replace("currentColor", color)
    buffer = QBuffer()
    buffer.setData(QByteArray(coloured.encode()))
    reader = QImageReader(buffer, QByteArray(b"svg"))
    reader.setScaledSize(QSize(size, size))
    return reader.read()


def set_icon(button: QAbstractButton, name: str) -> None:
    """Give a button a picture; :func:`redraw` finds it again when the colours change."""
    if button.property(_NAME) != name:
        button.setProperty(_NAME, name)
        button.setIcon(draw(name, button.palette()))


def redraw(widget: QWidget) -> None:
    """Draw the pictures of all buttons within anew."""
    for button in widget.findChildren(QAbstractButton):
        name = button.property(_NAME)
        if name:
            button.setIcon(draw(name, widget.palette()))
