# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays a candidate or a preview over the canvas; the document knows nothing of it."""

from __future__ import annotations

from typing import Any, Optional, Protocol

from bridge_server.protocol.pixels import Pixels
from plugins.shared.model import Raw, Shown
from plugins.shared.studio import Studio

from .qt import (
    QEvent,
    QImage,
    QMdiArea,
    QObject,
    QPainter,
    QRectF,
    Qt,
    QTransform,
    QWidget,
)
from .slots import Slots
from .strip_model import image_of

__all__ = ["Overlay", "canvas_of"]

#: View of Krita's API, or anything with its two transforms.
View = Any


def canvas_of(window: QWidget) -> Optional[QWidget]:
    """The widget on which Krita paints the document in front."""
    area = window.findChild(QMdiArea)
    front = area.activeSubWindow() if area is not None else None
    if front is None:
        return None
    for widget in front.findChildren(QWidget):
        if "Canvas2" in widget.metaObject().className():
            return widget
    return None


class CanvasHost(Protocol):
    """What of the host is needed here."""

    def view(self) -> Optional[View]:
        """The view in front."""
        ...

    def picture(self, document: str, raw: Raw) -> QImage:
        """How pixels in a document's layout look on the screen."""
        ...


def _picture(host: CanvasHost, shown: Shown) -> Optional[QImage]:
    """A candidate as the document will show it, a preview as it came."""
    if not isinstance(shown.pixels, Pixels):
        return host.picture(shown.document, shown.pixels)
    image = image_of(shown.pixels)
    return image.copy() if image is not None else None


class Overlay(QObject):
    """One for each window: puts a sheet on the canvas in front while there is something to show."""

    def __init__(self, studio: Studio, window: QWidget, host: CanvasHost, slots: Slots) -> None:
        """Args:

        studio: of this window.
        window: Krita's main window.
        host: of this window.
        slots: tells what goes wrong.
        """
        super().__init__(window)
        self._studio, self._window, self._host, self._slots = studio, window, host, slots
        self._sheet: Optional[Sheet] = None
        self._kept: tuple[object, Optional[QImage]] = (None, None)
        self._busy = self._behind = False
        self.destroyed.connect(studio.listen(self._hear))

    def visible(self) -> bool:
        """Whether something lies over a canvas now."""
        sheet = self._living()
        return sheet is not None and sheet.isVisible()

    def _hear(self, topic: str) -> None:
        if topic in ("shown", "look"):
            self._slots.run(self.follow)

    def follow(self) -> None:
        """Show what the studio shows, on the canvas in front if that is its document."""
        self._behind = True
        if self._busy:  # Krita lets events through while it converts colours
            return
        self._busy = True
        try:
            while self._behind:
                self._behind = False
                self._show()
        finally:
            self._busy = False

    def _show(self) -> None:
        shown, look = self._studio.shown, self._studio.look
        here = shown is not None and look is not None and shown.document == look.document
        canvas = canvas_of(self._window) if here else None
        view = self._host.view() if canvas is not None else None
        if shown is None or canvas is None or view is None:
            self._drop()
            return
        image = self._image(shown)
        if image is None or image.isNull():
            self._drop()
            return
        sheet = self._living()
        if sheet is None or sheet.parentWidget() is not canvas:
            self._drop()
            sheet = self._sheet = Sheet(canvas, self._slots)
        sheet.lay(view, image, shown)

    def _image(self, shown: Shown) -> Optional[QImage]:
        key = shown.pixels
        if self._kept[0] is not key:
            self._kept = (key, _picture(self._host, shown))
        return self._kept[1]

    def _living(self) -> Optional[Sheet]:
        """The sheet, unless its view is gone: then Qt has deleted it."""
        if self._sheet is not None:
            try:
                self._sheet.isVisible()
            except RuntimeError:
                self._sheet = None
        return self._sheet

    def _drop(self) -> None:
        sheet = self._living()
        self._sheet = None
        self._kept = (None, None)
        if sheet is not None:
            sheet.leave()


class Sheet(QWidget):
    """Lies over a canvas widget without taking part in anything, and paints in image coordinates."""

    def __init__(self, canvas: QWidget, slots: Slots) -> None:
        super().__init__(canvas)
        self._slots = slots
        self._view: Optional[View] = None
        self._image: Optional[QImage] = None
        self._place = QRectF()
        self._forming = False
        self._drawn = QTransform()
        self._pixels: object = None
        for attribute in (
            Qt.WidgetAttribute.WA_TransparentForMouseEvents,
            Qt.WidgetAttribute.WA_NoSystemBackground,
            Qt.WidgetAttribute.WA_TranslucentBackground,
        ):
            self.setAttribute(attribute)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setGeometry(canvas.rect())
        canvas.installEventFilter(self)

    def lay(self, view: View, image: QImage, shown: Shown) -> None:
        """Show this from now on."""
        where = shown.placement
        self._view, self._image, self._forming = view, image, not shown.candidate
        self._place = QRectF(where.x, where.y, where.width, where.height)
        self.show()
        self.raise_()
        self.update()

    def leave(self) -> None:
        """Off the canvas."""
        self.parentWidget().removeEventFilter(self)
        self.hide()
        self.deleteLater()

    def _mapping(self) -> QTransform:
        """From the document's pixels to the canvas's."""
        if self._view is None:
            return QTransform()
        inverse, _sound = self._view.flakeToImageTransform().inverted()
        return inverse * self._view.flakeToCanvasTransform()

    def eventFilter(self, a0: QObject, a1: QEvent) -> bool:  # noqa: N802  Qt's name
        """The canvas is painted whenever it is moved, zoomed or turned; only then this has to follow."""
        if a0 is self.parentWidget():
            if a1.type() == QEvent.Type.Resize:
                self.setGeometry(self.parentWidget().rect())
            elif a1.type() in (QEvent.Type.Paint, QEvent.Type.UpdateRequest):
                self._slots.run(self._check)
        return False

    def _check(self) -> None:
        if self._mapping() != self._drawn:
            self.update()

    def paintEvent(self, a0: object) -> None:  # noqa: ARG002, N802  Qt's names
        """The picture in its place."""
        painter = QPainter(self)
        self._slots.run(self._paint, painter)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        if self._image is None:
            return
        self._drawn = self._mapping()
        painter.setTransform(self._drawn)
        # enlarged, pixels stay pixels, as Krita shows its own; a preview is coarse and always smoothed
        scale = abs(self._drawn.determinant()) ** 0.5
        smooth = self._forming or scale < 2.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(self._place, self._image)
