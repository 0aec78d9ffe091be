# SPDX-License-Identifier: GPL-3.0-or-later
"""The strip as Qt's list model: a heading for each request, then its cells; changed row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from bridge_server.protocol.pixels import Pixels
from plugins.shared.cells import Cell
from plugins.shared.model import Job
from plugins.shared.texts import _
from plugins.shared.words import verb_title

from .qt import QAbstractListModel, QImage, QModelIndex, QObject, Qt

__all__ = ["Line", "StripModel", "image_of", "tip"]


def image_of(pixels: Pixels) -> Optional[QImage]:
    """A picture of 8-bit pixels, which is only valid as long as they are."""
    formats = {
        "rgba8": (QImage.Format.Format_RGBA8888, 4),
        "rgb8": (QImage.Format.Format_RGB888, 3),
        "gray8": (QImage.Format.Format_Grayscale8, 1),
    }
    if pixels.format not in formats:
        return None
    form, size = formats[pixels.format]
    return QImage(pixels.data, pixels.width, pixels.height, pixels.width * size, form)


@dataclass
class Line:
    """One row of the model: a cell, or without one the heading of a request."""

    key: str
    job: Job
    cell: Optional[Cell] = None
    seen: tuple[Any, ...] = ()
    _pixels: Optional[Pixels] = None
    _image: Optional[QImage] = field(default=None, repr=False)

    @property
    def candidate_id(self) -> str:
        """Empty while it forms, and of a heading."""
        return self.cell.candidate.id if self.cell and self.cell.candidate else ""

    def image(self) -> Optional[QImage]:
        """The thumbnail or the latest preview."""
        pixels = None
        if self.cell is not None:
            candidate = self.cell.candidate
            pixels = (candidate.thumbnail if candidate else None) or self.cell.preview
        if pixels is not self._pixels:
            self._pixels = pixels
            self._image = None if pixels is None else image_of(pixels)
        return self._image


def _lines(cells: list[Cell]) -> list[Line]:
    lines: list[Line] = []
    job = ""
    for cell in cells:
        if cell.job.id != job:
            job = cell.job.id
            seen = (cell.job.prompt, cell.job.verb)
            lines.append(Line(f"{job}/", cell.job, None, seen))
        lines.append(Line(cell.key, cell.job, cell, _seen(cell)))
    return lines


def _seen(cell: Cell) -> tuple[Any, ...]:
    """All that shows of a cell."""
    candidate = cell.candidate
    if candidate is None:
        return ("", "", id(cell.preview), round(cell.done * 100), cell.job.state)
    return (candidate.id, candidate.decision, id(candidate.thumbnail), 100, "")


class StripModel(QAbstractListModel):
    """Give it the cells with :meth:`show`; only rows that changed are announced."""

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.lines: list[Line] = []

    def rowCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802  Qt's name
        """Headings and cells."""
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def flags(self, index: QModelIndex) -> Any:
        """Only what is finished can be chosen."""
        line = self.line(index)
        if line is None or not line.candidate_id:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words; pictures are the delegate's matter."""
        line = self.line(index)
        if line is None:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(line)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return heading(line.job) if line.cell is None else tip(line)
        return None

    def line(self, index: QModelIndex) -> Optional[Line]:
        """What a row is."""
        return self.lines[index.row()] if index.isValid() and index.row() < len(self.lines) else None

    def row_of(self, candidate: str) -> int:
        """Where a candidate is; -1: nowhere."""
        found = (row for row, line in enumerate(self.lines) if candidate and line.candidate_id == candidate)
        return next(found, -1)

    def show(self, cells: list[Cell]) -> None:
        """What there is now."""
        lines = _lines(cells)
        self._take_out({line.key for line in lines})
        kept = [line.key for line in self.lines]
        known = set(kept)
        if kept != [line.key for line in lines if line.key in known]:
            self.beginResetModel()  # another order: another project, or a clock that was set
            self.lines = lines
            self.endResetModel()
            return
        self._put_in(lines)
        for row, line in enumerate(lines):
            self._update(row, line)

    def _take_out(self, wanted: set[str]) -> None:
        for row in reversed(range(len(self.lines))):
            if self.lines[row].key not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self.lines[row]
                self.endRemoveRows()

    def _put_in(self, lines: list[Line]) -> None:
        row = 0
        while row < len(lines):
            end = row
            while end < len(lines) and (row >= len(self.lines) or self.lines[row].key != lines[end].key):
                end += 1
            if end > row:
                self.beginInsertRows(QModelIndex(), row, end - 1)
                self.lines[row:row] = lines[row:end]
                self.endInsertRows()
            row = end + 1

    def _update(self, row: int, line: Line) -> None:
        old = self.lines[row]
        changed = old.seen != line.seen
        old.job, old.cell, old.seen = line.job, line.cell, line.seen
        if changed:
            self.dataChanged.emit(self.index(row), self.index(row))


def heading(job: Job) -> str:
    """What was asked."""
    prompt = " ".join(job.prompt.split())
    return f"{verb_title(job.verb)}: {prompt}" if prompt else verb_title(job.verb)


def tip(line: Line) -> str:
    """All there is to know about a cell, a line each."""
    job, parts = line.job, [heading(line.job)]
    if line.cell is None:
        return parts[0]
    candidate = line.cell.candidate
    if candidate is None:
        share = round(line.cell.done * 100)
        parts.append(_("Being made: {share} %").format(share=share) if share else _("Not begun yet"))
        return "\n".join(parts)
    decisions = {"accept": _("Accepted"), "reject": _("Rejected")}
    offers = {
        "near": _("Offered because it is near to what you chose before"),
        "far": _("Offered because it is far from what you did not want"),
        "surprise": _("Offered as a surprise"),
    }
    parts.append(decisions.get(candidate.decision, ""))
    parts.append(offers.get(candidate.info.offered, ""))
    parts.append(_("Seed {seed}").format(seed=candidate.info.seed))
    parts.append(_("Engine: {engine}").format(engine=job.engine) if job.engine else "")
    return "\n".join(part for part in parts if part)
