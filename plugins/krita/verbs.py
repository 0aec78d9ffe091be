# SPDX-License-Identifier: GPL-3.0-or-later
"""The four big buttons."""

from __future__ import annotations

from typing import Optional

from plugins.shared.studio import Studio
from plugins.shared.texts import _
from plugins.shared.words import verb_title

from .expand_panel import ExpandPanel
from .icons import set_icon
from .pieces import NoWheel, column
from .qt import (
    QEvent,
    QGridLayout,
    QObject,
    QResizeEvent,
    QSize,
    QSizePolicy,
    Qt,
    QToolButton,
    QWidget,
    pyqtSignal,
)
from .slots import Slots

__all__ = ["VERBS", "Verbs"]

VERBS: tuple[str, ...] = ("fill", "expand", "vary", "refine")
#: From this width on the buttons stand in one row.
_WIDE = 400


class Verbs(QWidget):
    """Fill, Expand, Vary, Refine."""

    #: A verb under the mouse or with the focus changed, or what can be asked.
    told = pyqtSignal()

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__()
        self._studio = studio
        self._tips = _tips()
        self._hovered = ""
        self._wide: Optional[bool] = None
        #: The one that ctrl+Enter asks for.
        self.last = "fill"
        self.reasons: dict[str, str] = dict.fromkeys(VERBS, "")
        self.buttons = {verb: self._button(verb, slots) for verb in VERBS}
        self.expand = ExpandPanel(studio, slots, no_wheel)
        self.expand.setVisible(False)
        self.expand.go.clicked.connect(slots(lambda: self._asked("expand")))
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        layout = column(self, 4)
        layout.addLayout(self._grid)
        layout.addWidget(self.expand)
        self._arrange(wide=False)

    def _button(self, verb: str, slots: Slots) -> QToolButton:
        button = QToolButton()
        button.setText(verb_title(verb))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(22, 22))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMinimumHeight(30)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolTip(self._tips[verb])
        button.setProperty("verb", verb)
        button.installEventFilter(self)
        set_icon(button, verb)
        if verb == "expand":
            button.setCheckable(True)
            button.toggled.connect(slots(self._unfold, 1))
        else:
            button.clicked.connect(slots(lambda: self.ask(verb)))
        return button

    def ask(self, verb: str = "") -> None:
        """Ask for a verb, or for the one used last."""
        self._asked(verb or self.last)
        self._studio.ask(self.last)

    def _asked(self, verb: str) -> None:
        self.last = verb

    def show_look(self) -> None:
        """What can be asked for now."""
        for verb, button in self.buttons.items():
            reason = self._studio.why_not(verb)
            self.reasons[verb] = reason
            # with no sides set there is nothing to ask for, but the sides must be within reach
            enabled = not reason or (verb == "expand" and not self._studio.why_not("vary"))
            button.setEnabled(enabled)
            button.setToolTip(reason or self._tips[verb])
        self.expand.show_look()
        self.told.emit()

    def hovered_reason(self) -> str:
        """Why the button under the mouse can't be pressed; empty: it can, or there is none."""
        return self.reasons.get(self._hovered, "")

    def reason(self) -> str:
        """Why no button can be pressed, if it is one reason for all; else that of the one used last."""
        return self.reasons["fill"] if len(set(self.reasons.values())) == 1 else self.reasons[self.last]

    def _unfold(self, on: bool) -> None:  # noqa: FBT001  a slot
        self.expand.setVisible(on)

    def eventFilter(self, a0: QObject, a1: QEvent) -> bool:  # noqa: N802  Qt's name
        """Follows the mouse over the buttons, also over those that can't be pressed."""
        if a1.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self._hovered = a0.property("verb") if a1.type() == QEvent.Type.Enter else ""
            self.told.emit()
        return False

    def resizeEvent(self, a0: QResizeEvent) -> None:  # noqa: ARG002, N802  Qt's names
        """One row where there is room."""
        wanted = sum(button.sizeHint().width() for button in self.buttons.values()) + 3 * 4
        self._arrange(wide=self.width() >= max(_WIDE, wanted))

    def _arrange(self, *, wide: bool) -> None:
        if wide == self._wide:
            return
        self._wide = wide
        for place, button in enumerate(self.buttons.values()):
            self._grid.removeWidget(button)
            self._grid.addWidget(button, 0 if wide else place // 2, place if wide else place % 2)
        for column_ in range(4):
            self._grid.setColumnStretch(column_, 1 if wide or column_ < 2 else 0)


def _tips() -> dict[str, str]:
    return {
        "fill": _("Fill the selection so that it fits its surroundings and the prompt."),
        "expand": _("Grow the canvas and fill the new border."),
        "vary": _("Make variations of what is selected."),
        "refine": _("Keep the composition of what is selected and work it out, by the strength set above."),
    }
