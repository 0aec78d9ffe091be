# SPDX-License-Identifier: GPL-3.0-or-later
"""The strip of candidates, and what can be done with the one that is chosen."""

# pyright: reportUnknownMemberType=false
# (PyQt's stubs leave actions of menus open)

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from plugins.shared.studio import Studio
from plugins.shared.texts import _

from .icons import draw
from .pieces import flat_button, row
from .qt import (
    QAbstractItemView,
    QAction,
    QEvent,
    QHBoxLayout,
    QItemSelectionModel,
    QListView,
    QMenu,
    QModelIndex,
    QPainter,
    QPalette,
    QPoint,
    QSize,
    Qt,
    QTimer,
    QWidget,
)
from .slots import Slots
from .strip_delegate import StripDelegate
from .strip_model import StripModel

__all__ = ["DEEDS", "Strip", "Tools", "deed_titles"]

#: What can be done with a candidate, in the order of the buttons; each has a picture of its name.
DEEDS = ("accept", "reject", "more", "less", "refine", "copy")
_LEAST_SIDE, _LEAST_HEIGHT = 68, 156
_KEYS = {
    Qt.Key.Key_Return: "accept",
    Qt.Key.Key_Enter: "accept",
    Qt.Key.Key_Delete: "reject",
    Qt.Key.Key_Backspace: "reject",
    Qt.Key.Key_Escape: "hide",
    Qt.Key.Key_Space: "compare",
}


def deed_titles() -> dict[str, str]:
    """What the deeds are called."""
    return {
        "accept": _("Accept: place it in the document"),
        "reject": _("Reject"),
        "more": _("More like this"),
        "less": _("Less like this: what is as unlike as possible"),
        "refine": _("Refine this"),
        "copy": _("Copy its settings to the panel"),
    }


class Strip(QListView):
    """Thumbnails, newest request first.

    Enter accepts, Delete rejects, Space held compares, Escape shows none.
    """

    def __init__(self, studio: Studio, slots: Slots) -> None:
        super().__init__()
        self._studio, self._slots = studio, slots
        self._model = StripModel(self)
        self._delegate = StripDelegate(self._model, slots)
        self._following = False
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName(_("Candidates"))
        self._set_look()
        self.customContextMenuRequested.connect(slots(self._menu, 1))
        self.selectionModel().currentChanged.connect(slots(self._chosen, 1))

    def _set_look(self) -> None:
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setWrapping(True)
        self.setSpacing(0)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # always there, else its coming and going would change the cells' size
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMinimumHeight(_LEAST_HEIGHT)

    def show_cells(self) -> None:
        """Take what there is from the studio."""
        with self._follow():  # when the current row goes, Qt makes its neighbour the current one
            self._model.show(self._studio.cells())
        self.show_selected()
        if not self._model.lines:
            self._paint_empty()

    def show_selected(self) -> None:
        """Follow the studio's choice, which actions and accepting change too."""
        selected = self._studio.selected
        row_ = self._model.row_of(selected.id) if selected else -1
        if row_ == self.currentIndex().row():
            return
        with self._follow():
            selection = self.selectionModel()
            if row_ < 0:
                selection.clear()
            else:
                index = self._model.index(row_)
                selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
                self.scrollTo(index)

    @contextmanager
    def _follow(self) -> Generator[None, None, None]:
        """What becomes current meanwhile was not chosen by the artist."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Two rows; the layout gives it what is left over."""
        return QSize(220, _LEAST_HEIGHT)

    def _paint_empty(self) -> None:
        self.viewport().update()

    def _chosen(self, index: QModelIndex) -> None:
        if self._following:
            return
        line = self._model.line(index)
        if line is not None and line.candidate_id:
            self._studio.select(line.candidate_id)

    def _menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for deed, title in deed_titles().items():
            action = QAction(draw(deed, self.palette()), title, menu)
            why_not = self._studio.why_not_do(deed)
            action.setEnabled(not why_not)
            action.setToolTip(why_not or title)
            action.triggered.connect(self._slots(partial(self._studio.do, deed)))
            menu.addAction(action)
        menu.addSeparator()
        hide = QAction(_("Show none on the canvas"), menu)
        hide.setEnabled(self._studio.selected is not None)
        hide.triggered.connect(self._slots(partial(self._studio.select, "")))
        menu.addAction(hide)
        menu.popup(self.viewport().mapToGlobal(point))
        menu.aboutToHide.connect(lambda: QTimer.singleShot(0, menu.deleteLater))

    # ---- size and empty state ------------------------------------------------------------------------

    def resizeEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """The cells fill the width evenly."""
        self._slots.run(self._fit)
        super().resizeEvent(e)

    def _fit(self) -> None:
        width = self.viewport().width() - 1
        side = width // max(width // _LEAST_SIDE, 1)
        if (side, width) != (self._delegate.side, self._delegate.width):
            self._delegate.side, self._delegate.width = side, width
            self.scheduleDelayedItemsLayout()

    def paintEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """The cells, or what they will be."""
        super().paintEvent(e)
        if self._model.lines:
            return
        painter = QPainter(self.viewport())
        painter.setPen(self.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text))
        box = self.rect().adjusted(12, 8, -24, -8)
        flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(box, flags, _("Candidates show up here: click one to see it on the canvas."))
        painter.end()

    # ---- keys ----------------------------------------------------------------------------------------

    def event(self, e: QEvent) -> bool:
        """Our keys are not Krita's shortcuts here: Delete would clear the artist's layer."""
        if e.type() == QEvent.Type.ShortcutOverride and _meant(e):
            e.accept()
            return True
        return super().event(e)

    def keyPressEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """See the class."""
        meant = _meant(e)
        if not meant or meant == "move":
            super().keyPressEvent(e)
        elif meant == "compare":
            self._slots.run(self._studio.compare, True)  # noqa: FBT003
        elif not e.isAutoRepeat():
            call = (
                (partial(self._studio.select, "")) if meant == "hide" else (partial(self._studio.do, meant))
            )
            self._slots.run(call)

    def keyReleaseEvent(self, a0: Any) -> None:  # noqa: N802  Qt's name
        """Compare ends with the key."""
        if _meant(a0) == "compare" and not a0.isAutoRepeat():
            self._slots.run(self._studio.compare, False)  # noqa: FBT003
        else:
            super().keyReleaseEvent(a0)

    def focusOutEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """A key that is let go elsewhere is not heard here."""
        super().focusOutEvent(e)
        if self._studio.comparing:
            self._slots.run(self._studio.compare, False)  # noqa: FBT003

    def mousePressEvent(self, e: Any) -> None:  # noqa: N802  Qt's name
        """A click beside all cells shows none."""
        super().mousePressEvent(e)
        if e.button() == Qt.MouseButton.LeftButton and not self.indexAt(e.pos()).isValid():
            self._slots.run(self._studio.select, "")

    def moveCursor(self, cursorAction: Any, modifiers: Any) -> QModelIndex:  # noqa: ARG002, N802, N803  Qt's names
        """The arrows pass over headings and what still forms."""
        moves = QAbstractItemView.CursorAction
        rows = [place for place, line in enumerate(self._model.lines) if line.candidate_id]
        if not rows:
            return QModelIndex()
        here = self.currentIndex().row()
        if here not in rows or cursorAction == moves.MoveHome:
            return self._model.index(rows[0])
        if cursorAction == moves.MoveEnd:
            return self._model.index(rows[-1])
        steps = {moves.MoveLeft: -1, moves.MovePrevious: -1, moves.MoveRight: 1, moves.MoveNext: 1}
        if cursorAction in steps:
            place = min(max(rows.index(here) + steps[cursorAction], 0), len(rows) - 1)
            return self._model.index(rows[place])
        down = cursorAction in (moves.MoveDown, moves.MovePageDown)
        return self._model.index(self._beside(here, rows, down=down))

    def _beside(self, here: int, rows: list[int], *, down: bool) -> int:
        """The nearest cell of the next row that has one."""
        center = self.visualRect(self._model.index(here)).center()
        best, least = here, None
        for place in rows:
            other = self.visualRect(self._model.index(place)).center()
            away = other.y() - center.y() if down else center.y() - other.y()
            if away <= 0:
                continue
            distance = (away, abs(other.x() - center.x()))
            if least is None or distance < least:
                best, least = place, distance
        return best


def _meant(event: Any) -> str:
    """What a key is for: a deed, ``hide``, ``compare``, ``move``, or empty."""
    if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return ""
    arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
    return "move" if event.key() in arrows else _KEYS.get(event.key(), "")


class Tools(QWidget):
    """A row of buttons for the candidate that is chosen."""

    def __init__(self, studio: Studio, slots: Slots) -> None:
        super().__init__()
        self._studio = studio
        self._titles = deed_titles()
        self.buttons = {deed: flat_button(deed, title) for deed, title in self._titles.items()}
        for deed, button in self.buttons.items():
            button.clicked.connect(slots(partial(studio.do, deed)))
        accept = self.buttons["accept"]
        accept.setText(_("Accept"))
        accept.setMinimumWidth(accept.sizeHint().width())  # without its text, where there is no room for it
        accept.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.compare = flat_button("compare", _("Hold to compare with the document as it is"))
        self.compare.pressed.connect(slots(partial(self._compare, on=True)))
        self.compare.released.connect(slots(partial(self._compare, on=False)))
        layout: QHBoxLayout = row(*self.buttons.values(), spacing=1)
        layout.addStretch(1)
        layout.addWidget(self.compare)
        self.setLayout(layout)

    def resizeEvent(self, a0: object) -> None:  # noqa: ARG002, N802  Qt's names
        """The text of the first button takes part where all fits."""
        accept = self.buttons["accept"]
        parts = [*self.buttons.values(), self.compare]
        others = sum(part.sizeHint().width() + 1 for part in parts if part is not accept)
        text = accept.fontMetrics().horizontalAdvance(accept.text()) + accept.fontMetrics().height()
        fits = self.width() >= others + accept.minimumWidth() + text
        styles = Qt.ToolButtonStyle
        accept.setToolButtonStyle(styles.ToolButtonTextBesideIcon if fits else styles.ToolButtonIconOnly)

    def _compare(self, *, on: bool) -> None:
        self._studio.compare(on)

    def show_selected(self) -> None:
        """What can be done now, and why not."""
        for deed, button in self.buttons.items():
            why_not = self._studio.why_not_do(deed)
            button.setEnabled(not why_not)
            title = self._titles[deed]
            button.setToolTip(f"{title}\n{why_not}" if why_not else title)
        self.compare.setEnabled(self._studio.shown is not None or self._studio.comparing)
