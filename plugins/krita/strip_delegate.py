# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws headings and cells of the strip."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (PyQt's stubs say nothing of what a style option holds)

from __future__ import annotations

from typing import Optional

from .icons import draw
from .pieces import shade
from .qt import (
    QColor,
    QIcon,
    QImage,
    QModelIndex,
    QPainter,
    QPalette,
    QPen,
    QPointF,
    QRect,
    QRectF,
    QSize,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    Qt,
)
from .slots import Slots
from .strip_model import Line, StripModel, heading

__all__ = ["StripDelegate"]

_GAP = 2


class StripDelegate(QStyledItemDelegate):
    """The view tells the size of a cell."""

    def __init__(self, model: StripModel, slots: Slots) -> None:
        super().__init__(model)
        self._model, self._slots = model, slots
        self._icons: dict[tuple[str, int], QIcon] = {}
        #: Side of a cell, and width of a heading.
        self.side, self.width = 72, 220

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802  Qt's name
        """A heading takes a whole row."""
        line = self._model.line(index)
        if line is not None and line.cell is None:
            return QSize(self.width, option.fontMetrics.height() + 6)
        return QSize(self.side, self.side)

    def paint(self, painter: Optional[QPainter], option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """A heading, or a cell."""
        line = self._model.line(index)
        if line is None or painter is None:
            return
        painter.save()
        self._slots.run(self._heading if line.cell is None else self._cell, painter, option, line)
        painter.restore()

    def _heading(self, painter: QPainter, option: QStyleOptionViewItem, line: Line) -> None:
        palette, box = option.palette, option.rect.adjusted(3, 2, -3, 0)
        words = heading(line.job)
        shown = option.fontMetrics.elidedText(words, Qt.TextElideMode.ElideRight, box.width())
        color = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Text)
        color.setAlphaF(0.75)
        painter.setPen(color)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)

    def _cell(self, painter: QPainter, option: QStyleOptionViewItem, line: Line) -> None:
        box = option.rect.adjusted(_GAP, _GAP, -_GAP, -_GAP)
        painter.fillRect(box, option.palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Window))
        decision = line.cell.candidate.decision if line.cell and line.cell.candidate else ""
        image = line.image()
        if image is not None:
            painter.setOpacity(0.3 if decision == "reject" else 1.0)
            _draw_fitted(painter, box, image)
            painter.setOpacity(1.0)
        elif not line.candidate_id:
            self._draw_icon(painter, box, line.job.verb, option.palette)
        if not line.candidate_id:
            self._draw_progress(painter, box, line, option.palette)
        if decision:
            self._draw_mark(painter, box, decision)
        self._draw_frame(painter, option)

    def _draw_icon(self, painter: QPainter, box: QRect, name: str, palette: QPalette) -> None:
        color = palette.color(QPalette.ColorRole.WindowText)
        key = (name, color.rgb())
        if key not in self._icons:
            self._icons[key] = draw(name, palette)
        place = QRect(0, 0, 22, 22)
        place.moveCenter(box.center())
        painter.setOpacity(0.35)
        self._icons[key].paint(painter, place)
        painter.setOpacity(1.0)

    @staticmethod
    def _draw_progress(painter: QPainter, box: QRect, line: Line, palette: QPalette) -> None:
        done = line.cell.done if line.cell else 0.0
        groove = QRect(box.left(), box.bottom() - 3, box.width(), 4)
        back = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Base)
        back.setAlphaF(0.8)
        painter.fillRect(groove, back)
        if line.job.state in ("failed", "cancelled"):
            return
        groove.setWidth(round(groove.width() * done))
        painter.fillRect(groove, palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Highlight))

    @staticmethod
    def _draw_mark(painter: QPainter, box: QRect, decision: str) -> None:
        """A disc in the corner: a tick or a cross on it tells them apart without colour."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        disc = QRectF(box.right() - 17, box.top() + 2, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade("good" if decision == "accept" else "bad", QPalette()))
        painter.drawEllipse(disc)
        pen = QPen(QColor(Qt.GlobalColor.white), 1.8)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        x, y = disc.x(), disc.y()
        if decision == "accept":
            strokes = ((4.5, 8.5, 7, 11), (7, 11, 11.5, 5.5))
        else:
            strokes = ((5, 5, 11, 11), (11, 5, 5, 11))
        for ax, ay, bx, by in strokes:
            painter.drawLine(QPointF(x + ax, y + ay), QPointF(x + bx, y + by))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    @staticmethod
    def _draw_frame(painter: QPainter, option: QStyleOptionViewItem) -> None:
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if not selected and not hovered:
            return
        color = option.palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Highlight)
        if not selected:
            color.setAlphaF(0.5)
        pen = QPen(color, 3 if selected else 2)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(option.rect.adjusted(1, 1, -2, -2))


def _draw_fitted(painter: QPainter, box: QRect, image: QImage) -> None:
    """As large as it goes into the box, in the middle."""
    size = image.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRect(box.topLeft(), size)
    place.moveCenter(box.center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, image)
