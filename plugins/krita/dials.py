# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers: strength, variation, how many candidates, the seed; and choices that are seldom changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from plugins.shared.studio import Studio
from plugins.shared.texts import _

from .pieces import BarSlider, Elided, Fold, NoWheel, column, flat_button, row, set_quietly
from .qt import QComboBox, QLabel, QSizePolicy, QSpinBox, Qt, QVBoxLayout, QWidget
from .slots import Slots

__all__ = ["Dials", "Options"]


class Dials(QWidget):
    """What is changed often."""

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__()
        self._studio = studio
        self.strength = BarSlider(_("Strength"))
        self.strength.setToolTip(_("How much Refine may change: at 0 % nothing, at 100 % everything."))
        self.strength.valueChanged.connect(slots(partial(self._set, "strength"), 1))
        self.amount = BarSlider(_("Variation"))
        self.amount.setToolTip(_("How far Vary and More like this go from the original."))
        self.amount.valueChanged.connect(slots(partial(self._set, "amount"), 1))
        self.count = QSpinBox()
        self.count.setRange(1, 8)
        self.count.setAccessibleName(_("Number of candidates"))
        self.count.setToolTip(_("How many candidates are made at once."))
        self.count.setSuffix(" ×")  # noqa: RUF001
        self.count.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.count.setMaximumWidth(90)
        self.count.valueChanged.connect(slots(self._set_count, 1))
        self.seed = Elided()
        self.free = flat_button("close", _("Take a new seed each time"))
        self.free.clicked.connect(slots(lambda: studio.change(seed=None)))
        for field in (self.strength, self.amount, self.count):
            field.installEventFilter(no_wheel)
        self._lay_out()

    def _lay_out(self) -> None:
        layout = column(self, 4)
        layout.addLayout(row(self.strength, self.amount, self.count))
        self._fixed = QWidget()
        line = row(self.seed, self.free)
        self._fixed.setLayout(line)
        layout.addWidget(self._fixed)

    def show_settings(self) -> None:
        """Take the values from the settings."""
        settings = self._studio.conversation.settings
        set_quietly(self.strength, round(settings.strength * 100))
        set_quietly(self.amount, round(settings.amount * 100))
        set_quietly(self.count, settings.count)
        fixed = settings.seed is not None
        self.seed.set_whole(_("Seed {seed}").format(seed=settings.seed) if fixed else "")
        self._fixed.setVisible(fixed)

    def show_engine(self) -> None:
        """Offer only what the engine heeds."""
        conversation = self._studio.conversation
        unknown = conversation.engine is None
        strength = conversation.heeds("refine", "strength")
        amount = conversation.heeds("vary", "amount")
        self.strength.setVisible(strength or unknown)
        self.amount.setVisible(amount or unknown)

    def _set(self, field: str, value: int) -> None:
        if round(getattr(self._studio.conversation.settings, field) * 100) != value:
            self._studio.change(**{field: value / 100})

    def _set_count(self, value: int) -> None:
        if self._studio.conversation.settings.count != value:
            self._studio.change(count=value)


class Options(Fold):
    """What an engine sees, what accept makes, what the strip holds."""

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__(_("Options"))
        self._studio = studio
        self._slots, self._no_wheel = slots, no_wheel
        layout = column(self.body, 2)
        layout.setContentsMargins(6, 0, 0, 2)
        seen = [("visible", _("All visible layers")), ("layer", _("The active layer only"))]
        placed = [
            ("layer", _("A new layer")),
            ("into", _("Merged into the active layer")),
            ("group", _("A group with all candidates")),
        ]
        held = [(False, _("This document")), (True, _("The whole project"))]
        self._combos = {
            "source": self._add(layout, _("The engine sees"), "source", seen),
            "place_as": self._add(layout, _("Accept makes"), "place_as", placed),
            "whole_project": self._add(layout, _("The strip holds"), "whole_project", held),
        }

    def _add(
        self, layout: QVBoxLayout, title: str, field: str, choices: Sequence[tuple[object, str]]
    ) -> QComboBox:
        label, combo = QLabel(title), QComboBox()
        label.setBuddy(combo)
        combo.setAccessibleName(title)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(6)
        combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        combo.installEventFilter(self._no_wheel)
        for value, words in choices:
            combo.addItem(words, value)
        combo.activated.connect(self._slots(partial(self._choose, field, combo), 1))
        layout.addWidget(label)
        layout.addWidget(combo)
        return combo

    def show_settings(self) -> None:
        """Take the choices from the settings."""
        for field, combo in self._combos.items():
            place = combo.findData(getattr(self._studio.conversation.settings, field))
            if place >= 0 and combo.currentIndex() != place:
                combo.setCurrentIndex(place)
            combo.setToolTip(combo.currentText())

    def _choose(self, field: str, combo: QComboBox, place: int) -> None:
        self._studio.change(**{field: combo.itemData(place)})
