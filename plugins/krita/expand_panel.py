# SPDX-License-Identifier: GPL-3.0-or-later
"""By how much the canvas grows on its four sides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from plugins.shared.asking import guide_for, guides_of
from plugins.shared.model import Sides
from plugins.shared.studio import Studio
from plugins.shared.texts import _

from .icons import set_icon
from .pieces import NoWheel, column, flat_button, set_quietly
from .qt import QGridLayout, QSize, QSizePolicy, QSpinBox, Qt, QToolButton, QWidget
from .slots import Slots

__all__ = ["ExpandPanel"]

_MOST = 8192
_PRESET = 0.25


class ExpandPanel(QWidget):
    """Four numbers around the canvas, and the button that asks."""

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__()
        self._studio = studio
        names = {"left": _("Left"), "right": _("Right"), "top": _("Top"), "bottom": _("Bottom")}
        self.sides = {side: self._spin(side, name, slots, no_wheel) for side, name in names.items()}
        self.link = flat_button("link", _("The same on all sides"))
        self.link.setCheckable(True)
        self.link.toggled.connect(slots(self._linked, 1))
        quarter = _small(
            _("+25 %"), _("A quarter of the canvas more on each side that is set, or on all four.")
        )
        quarter.clicked.connect(slots(self._quarter))
        none = _small(_("None"), _("Set all sides to 0."))
        none.clicked.connect(slots(lambda: self._change(Sides())))
        self.go = _go_button()
        self.go.clicked.connect(slots(lambda: studio.ask("expand")))
        self._lay_out(quarter, none)

    def _lay_out(self, quarter: QToolButton, none: QToolButton) -> None:
        """As a cross, like the canvas's sides."""
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(quarter, 0, 0)
        grid.addWidget(self.sides["top"], 0, 1)
        grid.addWidget(none, 0, 2)
        grid.addWidget(self.sides["left"], 1, 0)
        grid.addWidget(self.link, 1, 1, Qt.AlignmentFlag.AlignCenter)
        grid.addWidget(self.sides["right"], 1, 2)
        grid.addWidget(self.sides["bottom"], 2, 1)
        for place in range(3):
            grid.setColumnStretch(place, 1)
        layout = column(self, 4)
        layout.addLayout(grid)
        layout.addWidget(self.go)

    def _spin(self, side: str, name: str, slots: Slots, no_wheel: NoWheel) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(0, _MOST)
        spin.setSingleStep(16)
        spin.setSuffix(" px")
        spin.setKeyboardTracking(False)
        spin.setAccessibleName(name)
        spin.setToolTip(_("{side}: by how many pixels the canvas grows there.").format(side=name))
        spin.setMinimumWidth(56)
        spin.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        spin.installEventFilter(no_wheel)
        spin.valueChanged.connect(slots(partial(self._set, side), 1))
        return spin

    def show_settings(self) -> None:
        """Take the sides from the settings, and say how large the canvas will be."""
        sides = self._studio.conversation.settings.sides
        for side, spin in self.sides.items():
            set_quietly(spin, getattr(sides, side))
        self.show_look()

    def show_look(self) -> None:
        """What the button can do now."""
        look, sides = self._studio.look, self._studio.conversation.settings.sides
        words = _("Expand")
        if look is not None and sides:
            width, height = look.width + sides.left + sides.right, look.height + sides.top + sides.bottom
            words = _("Expand to {width} × {height}").format(width=width, height=height)  # noqa: RUF001
        if self.go.text() != words:
            self.go.setText(words)
        why_not = self._studio.why_not("expand")
        self.go.setEnabled(not why_not)
        tip = _("Grow the canvas and fill the new border.")
        settings, engine = self._studio.conversation.settings, self._studio.conversation.engine
        if settings.guide in guides_of(engine) and guide_for("expand", settings, engine) is None:
            tip += "\n" + _("The guide is left out here: the layer has nothing where the canvas grows.")
        self.go.setToolTip(why_not or tip)

    def _set(self, side: str, value: int) -> None:
        if self.link.isChecked():
            self._change(Sides(value, value, value, value))
        else:
            self._change(replace(self._studio.conversation.settings.sides, **{side: value}))

    def _linked(self, on: bool) -> None:  # noqa: FBT001  a slot
        sides = self._studio.conversation.settings.sides
        if on:
            most = max(sides.left, sides.right, sides.top, sides.bottom)
            self._change(Sides(most, most, most, most))

    def _quarter(self) -> None:
        """Of the canvas; sides that are 0 stay so, unless all are."""
        look, sides = self._studio.look, self._studio.conversation.settings.sides
        if look is None:
            return
        wide, high = round(look.width * _PRESET), round(look.height * _PRESET)
        every = not sides or self.link.isChecked()
        self._change(
            Sides(
                wide if every or sides.left else 0,
                wide if every or sides.right else 0,
                high if every or sides.top else 0,
                high if every or sides.bottom else 0,
            )
        )

    def _change(self, sides: Sides) -> None:
        if sides != self._studio.conversation.settings.sides:
            self._studio.change(sides=sides)


def _small(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def _go_button() -> QToolButton:
    go = QToolButton()
    go.setText(_("Expand"))
    go.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    go.setIconSize(QSize(16, 16))
    go.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    go.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    set_icon(go, "expand")
    return go
