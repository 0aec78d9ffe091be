# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's own pictures, drawn in the colour of the text."""

from __future__ import annotations

from pathlib import Path

from .qt import (
    QAbstractButton,
    QBuffer,
    QByteArray,
    QColor,
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
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    icon = QIcon()
    groups = (
        (QPalette.ColorGroup.Active, QIcon.Mode.Normal),
        (QPalette.ColorGroup.Disabled, QIcon.Mode.Disabled),
    )
    for group, mode in groups:
        color = palette.color(group, QPalette.ColorRole.ButtonText)
        for size in _SIZES:
            icon.addPixmap(QPixmap.fromImage(_rendered(text, color, size)), mode)
    return icon


def _rendered(text: str, color: QColor, size: int) -> QImage:
    coloured = text.replace("currentColor", color.name())
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
