# SPDX-License-Identifier: GPL-3.0-or-later
"""A field for each kind of an engine's own settings. Each shows a value, and tells the one that is chosen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Any, Callable, Union

from bridge_server.protocol.records import Setting
from plugins.shared.texts import _
from plugins.shared.words import choice_title, setting_title

from .pieces import Elided, NoWheel, column, row
from .qt import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSignalBlocker,
    QSizePolicy,
    QSpinBox,
    Qt,
    QWidget,
)
from .slots import Slots

__all__ = ["Field", "field_for"]

#: What Qt's numbers can hold.
_MOST = 2**31 - 1
#: Digits after the point, and the range from which on a step is wider.
_DIGITS, _WIDE = 2, 10

Tell = Callable[[Any], None]


class Field(ABC):
    """One setting's.

    Args:
        widget: what stands beside the title, or below it if ``wide``.
    """

    wide = False

    def __init__(self, widget: QWidget) -> None:
        self.widget = widget

    @abstractmethod
    def show_value(self, value: Any) -> None:
        """Show a value without telling it."""


def field_for(setting: Setting, tell: Tell, slots: Slots, no_wheel: NoWheel) -> Field:
    """The field for a setting; one of an unknown kind is a text."""
    makers: dict[str, Callable[[Setting, Tell, Slots, NoWheel], Field]] = {
        "integer": _Number,
        "number": _Number,
        "choice": _Choice,
        "weights": _Weights,
    }
    return makers.get(setting.kind, _Text)(setting, tell, slots, no_wheel)


def _spin(setting: Setting, no_wheel: NoWheel) -> Union[QSpinBox, QDoubleSpinBox]:
    low = -_MOST if setting.low is None else setting.low
    high = _MOST if setting.high is None else setting.high
    if setting.kind == "integer":
        spin: Union[QSpinBox, QDoubleSpinBox] = QSpinBox()
        spin.setRange(max(int(low), -_MOST), min(int(high), _MOST))
    else:
        spin = QDoubleSpinBox()
        spin.setDecimals(_DIGITS)
        spin.setRange(low, high)
        spin.setSingleStep(0.5 if high - low > _WIDE else 0.1)
    spin.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    spin.setMinimumWidth(56)
    spin.installEventFilter(no_wheel)
    return spin


def _show(spin: Union[QSpinBox, QDoubleSpinBox], value: Any) -> None:
    """Without its signal; a value that is typed just now stays as it is typed."""
    if isinstance(value, (int, float)) and round(value, _DIGITS) != round(spin.value(), _DIGITS):
        blocker = QSignalBlocker(spin)
        spin.setValue(value)  # type: ignore[arg-type]
        blocker.unblock()


class _Number(Field):
    def __init__(self, setting: Setting, tell: Tell, slots: Slots, no_wheel: NoWheel) -> None:
        self._spin = _spin(setting, no_wheel)
        super().__init__(self._spin)
        self._spin.valueChanged.connect(slots(tell, 1))

    def show_value(self, value: Any) -> None:
        _show(self._spin, value)


class _Choice(Field):
    def __init__(self, setting: Setting, tell: Tell, slots: Slots, no_wheel: NoWheel) -> None:
        combo = self._combo = QComboBox()
        super().__init__(combo)
        self._tell = tell
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(5)
        combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        combo.installEventFilter(no_wheel)
        for choice in setting.choices:
            combo.addItem(choice_title(choice), choice)
        combo.activated.connect(slots(self._choose, 1))

    def _choose(self, place: int) -> None:
        self._tell(self._combo.itemData(place))

    def show_value(self, value: Any) -> None:
        place = self._combo.findData(value)
        if place != self._combo.currentIndex():
            self._combo.setCurrentIndex(place)


class _Text(Field):
    def __init__(self, setting: Setting, tell: Tell, slots: Slots, no_wheel: NoWheel) -> None:
        del setting, no_wheel
        self._line = QLineEdit()
        super().__init__(self._line)
        self._line.textEdited.connect(slots(tell, 1))
        self._line.returnPressed.connect(self._line.clearFocus)

    def show_value(self, value: Any) -> None:
        text = "" if value is None else str(value)
        if text != self._line.text():
            self._line.setText(text)


class _Weights(Field):
    """A line for each choice; switched off it has no weight, and gets its last one back."""

    wide = True

    def __init__(self, setting: Setting, tell: Tell, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__(QWidget())
        self._tell = tell
        self._value: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._usual = min(max(1.0, setting.low or 0.0), 1.0 if setting.high is None else setting.high)
        self._lines: dict[str, tuple[QCheckBox, Elided, Union[QSpinBox, QDoubleSpinBox]]] = {}
        layout = column(self.widget, 2)
        layout.setContentsMargins(8, 0, 0, 0)
        for choice in setting.choices:
            check, spin = QCheckBox(), _spin(setting, no_wheel)
            check.setAccessibleName(choice)
            check.setToolTip(choice)
            spin.setAccessibleName(f"{setting_title(setting)}: {choice}")
            check.clicked.connect(slots(partial(self._switch, choice), 1))
            spin.valueChanged.connect(slots(partial(self._weigh, choice), 1))
            line = self._lines[choice] = (check, Elided(choice), spin)
            one = row(*line)
            one.setStretch(1, 3)
            one.setStretch(2, 2)
            layout.addLayout(one)

    def show_value(self, value: Any) -> None:
        self._value = dict(value)
        for choice, (check, _name, spin) in self._lines.items():
            weight = self._value.get(choice, 0.0)
            if weight:
                self._last[choice] = weight
            check.setChecked(bool(weight))
            _show(spin, weight)
            spin.setEnabled(bool(weight))
            spin.setToolTip(choice if weight else _("Switch it on first."))

    def _switch(self, choice: str, on: bool) -> None:  # noqa: FBT001  a slot
        self._weigh(choice, self._last.get(choice, self._usual) if on else 0.0)

    def _weigh(self, choice: str, weight: float) -> None:
        self._tell({**self._value, choice: weight})
