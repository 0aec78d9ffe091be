# SPDX-License-Identifier: GPL-3.0-or-later
"""The active layer as a guide: of which kind, and how much it counts."""

from __future__ import annotations

from plugins.shared.asking import guides_of
from plugins.shared.studio import Studio
from plugins.shared.texts import _
from plugins.shared.words import guide_title, guide_words

from .pieces import BarSlider, NoWheel, row, set_quietly
from .qt import QComboBox, QSizePolicy, Qt, QWidget
from .slots import Slots

__all__ = ["GuideRow"]


class GuideRow(QWidget):
    """Only there where the engine heeds a guide."""

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__()
        self._studio = studio
        self.kind = QComboBox()
        self.kind.setAccessibleName(_("Guide"))
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(5)
        self.kind.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.kind.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.kind.activated.connect(slots(self._choose, 1))
        self.weight = BarSlider(_("Guide"))
        self.weight.setAccessibleName(_("Weight of the guide"))
        self.weight.setRange(0, 200)
        self.weight.valueChanged.connect(slots(self._weigh, 1))
        for field in (self.kind, self.weight):
            field.installEventFilter(no_wheel)
        layout = row(self.kind, self.weight)
        layout.setStretch(0, 1)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_engine(self) -> None:
        """Offer the kinds that the engine heeds."""
        kinds = guides_of(self._studio.conversation.engine)
        offered = [self.kind.itemData(place) for place in range(self.kind.count())]
        if offered != ["", *kinds]:
            self.kind.clear()
            for kind in ("", *kinds):
                self.kind.addItem(guide_title(kind), kind)
                self.kind.setItemData(self.kind.count() - 1, guide_words(kind), Qt.ItemDataRole.ToolTipRole)
        self.setVisible(bool(kinds))
        self.show_settings()

    def show_settings(self) -> None:
        """Take kind and weight from the settings; a kind that this engine does not heed is none."""
        conversation = self._studio.conversation
        kinds = ["", *guides_of(conversation.engine)]
        kind = conversation.settings.guide if conversation.settings.guide in kinds else ""
        if self.kind.count() == len(kinds):
            self.kind.setCurrentIndex(kinds.index(kind))
        self.kind.setToolTip(_tip(kind))
        set_quietly(self.weight, round(conversation.settings.guide_weight * 100))
        self.weight.setEnabled(bool(kind))
        about = _("How much the guide counts: at 0 % not at all, at 100 % as usual.")
        self.weight.setToolTip(about if kind else _("Choose a guide first."))

    def _choose(self, place: int) -> None:
        self._studio.change(guide=self.kind.itemData(place))

    def _weigh(self, value: int) -> None:
        if round(self._studio.conversation.settings.guide_weight * 100) != value:
            self._studio.change(guide_weight=value / 100)


def _tip(kind: str) -> str:
    lines = [
        _("The active layer alone can lead the engine besides the words; it is read when you ask."),
        guide_words(kind),
        _("Expand takes a style only: the layer has nothing yet where the canvas grows."),
    ]
    return "\n".join(line for line in lines if line)
