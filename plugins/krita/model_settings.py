# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own settings, whatever they are."""

from __future__ import annotations

from functools import partial
from typing import Any, Optional

from bridge_server.protocol.records import Setting
from plugins.shared.parameters import differing, effective, kept_of, with_value, without
from plugins.shared.studio import Studio
from plugins.shared.texts import _, ngettext
from plugins.shared.words import setting_title, setting_words

from .pieces import Elided, Fold, NoWheel, column, row
from .qt import QSizePolicy, Qt, QToolButton, QWidget
from .setting_fields import Field, field_for
from .slots import Slots

__all__ = ["ModelSettings"]


class ModelSettings(Fold):
    """Only there if the engine has settings. Its fields are made when it is opened: there may be many."""

    def __init__(self, studio: Studio, slots: Slots, no_wheel: NoWheel) -> None:
        super().__init__(_("Model settings"))
        self._studio, self._slots, self._no_wheel = studio, slots, no_wheel
        self._made_of: tuple[str, list[Setting]] = ("", [])
        self.fields: dict[str, Field] = {}
        self._content: Optional[QWidget] = None
        self.reset = QToolButton()
        self.reset.setText(_("Reset"))
        self.reset.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.reset.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.reset.clicked.connect(slots(self._reset))
        self._layout = column(self.body, 2)
        self._layout.setContentsMargins(6, 0, 0, 2)
        self._layout.addWidget(self.reset)
        self.heading.toggled.connect(slots(self.show_engine))

    def show_engine(self) -> None:
        """Fields for what the engine has."""
        engine = self._studio.conversation.engine
        settings = engine.settings if engine is not None else list[Setting]()
        wanted = (engine.name if engine is not None else "", settings)
        if self.heading.isChecked() and wanted != self._made_of:
            self._made_of = wanted
            self._make(settings)
        self.setVisible(bool(settings))
        self.show_settings()

    def show_settings(self) -> None:
        """Take the values from the settings."""
        conversation = self._studio.conversation
        engine = conversation.engine
        if engine is None:
            return
        kept = kept_of(conversation.settings, engine)
        if self._made_of == (engine.name, engine.settings):
            for name, value in effective(engine, kept).items():
                self.fields[name].show_value(value)
        changed = len(differing(engine, kept))
        words = ngettext("Model settings: {count} changed", "Model settings: {count} changed", changed)
        self.heading.setText(words.format(count=changed) if changed else _("Model settings"))
        self.reset.setEnabled(bool(changed))
        self.reset.setToolTip(
            _("Everything as the model has it by itself.") if changed else _("Nothing is changed.")
        )

    def _make(self, settings: list[Setting]) -> None:
        if self._content is not None:
            self._layout.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        self._content = QWidget()
        lines = column(self._content, 2)
        self.fields = {}
        for setting in settings:
            title = setting_title(setting)
            field = field_for(setting, partial(self._set, setting.name), self._slots, self._no_wheel)
            self.fields[setting.name] = field
            label, tip = Elided(), setting_words(setting)
            label.set_whole(title, tip or title)
            field.widget.setAccessibleName(title)
            if tip and not field.wide:
                field.widget.setToolTip(tip)
            if field.wide:
                lines.addWidget(label)
                lines.addWidget(field.widget)
            else:
                line = row(label, field.widget)
                line.setStretch(0, 1)
                line.setStretch(1, 1)
                lines.addLayout(line)
        self._layout.insertWidget(0, self._content)

    def _set(self, name: str, value: Any) -> None:
        conversation = self._studio.conversation
        if conversation.engine is not None:
            changed = with_value(conversation.settings, conversation.engine, name, value)
            self._studio.change(parameters=changed)

    def _reset(self) -> None:
        conversation = self._studio.conversation
        if conversation.engine is not None:
            self._studio.change(parameters=without(conversation.settings, conversation.engine.name))
