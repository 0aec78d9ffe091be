# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole content of the docker; needs a Studio and Qt, no Krita."""

from __future__ import annotations

from typing import Callable

from plugins.shared.studio import Studio
from plugins.shared.texts import _

from .dials import Dials, Options
from .guide_row import GuideRow
from .head import Head
from .icons import redraw
from .jobs_view import JobsView
from .model_settings import ModelSettings
from .notes import Notes
from .pieces import NoWheel, column
from .prompt import Prompt
from .qt import QEvent, QFrame, QScrollArea, Qt, QTimer, QWidget
from .slots import Slots
from .strip import Strip, Tools
from .verbs import Verbs

__all__ = ["Panel"]

#: Milliseconds: how often the host is looked at, and how long topics are gathered before the panel follows.
LOOK_EVERY, GATHER = 200, 40
#: Milliseconds that good news stand before what can't be done is said again.
NEWS = 8000
_NARROWEST = 215


class Panel(QScrollArea):
    """From top to bottom: connection, wish, verbs, candidates, queue.

    It follows the studio's topics; several within a short time are one update.
    """

    def __init__(self, studio: Studio) -> None:
        """The studio is that of the window that this panel is in."""
        super().__init__()
        self.studio = studio
        self._own = ""
        self.slots = Slots(self.tell)
        self._make()
        self._lay_out()
        self._topics: set[str] = set()
        self._steps = self._steps_by_topic()
        self._gather = QTimer(self)
        self._gather.setSingleShot(True)
        self._gather.setInterval(GATHER)
        self._gather.timeout.connect(self.slots(self.follow))
        self._pulse = QTimer(self)
        self._pulse.setInterval(LOOK_EVERY)
        # hidden too: Krita hides its dockers with the last document, whose end must be noticed
        self._pulse.timeout.connect(self.slots(self.studio.refresh))
        self._news = QTimer(self)
        self._news.setSingleShot(True)
        self._news.setInterval(NEWS)
        self._news.timeout.connect(self.slots(self._say))
        self._leave = studio.listen(self.hear)
        self.destroyed.connect(self._leave)
        self._topics.update(self._steps)
        self.follow()
        self._pulse.start()

    def _make(self) -> None:
        studio, slots, no_wheel = self.studio, self.slots, NoWheel(self)
        self.head = Head(studio, slots, no_wheel)
        self.prompt = Prompt(studio, slots)
        self.dials = Dials(studio, slots, no_wheel)
        self.guide = GuideRow(studio, slots, no_wheel)
        self.own = ModelSettings(studio, slots, no_wheel)
        self.verbs = Verbs(studio, slots, no_wheel)
        self.notes = Notes()
        self.strip = Strip(studio, slots)
        self.tools = Tools(studio, slots)
        self.jobs = JobsView(studio, slots)
        self.options = Options(studio, slots, no_wheel)
        self.prompt.asked.connect(slots(self.verbs.ask))
        self.verbs.told.connect(slots(self._say))

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(_("Co-create"))
        self.setMinimumWidth(_NARROWEST)
        content = QWidget()
        layout = column(content, 5)
        layout.setContentsMargins(4, 4, 4, 4)
        for part in (self.head, self.prompt, self.dials, self.guide, self.own, self.verbs, self.notes):
            layout.addWidget(part)
        layout.addWidget(self.strip, 1)
        for part in (self.tools, self.jobs, self.options):
            layout.addWidget(part)
        self.setWidget(content)

    def tell(self, text: str) -> None:
        """Say something went wrong here, until the studio has something to say."""
        self._own = text
        self._say()

    def hear(self, topic: str) -> None:
        """A topic changed; followed soon."""
        self._topics.add(topic)
        if not self._gather.isActive():
            self._gather.start()

    def follow(self) -> None:
        """Bring up to date what the gathered topics touch."""
        topics, self._topics = self._topics, set()
        # each once, and always in the same order
        steps = {step: None for topic in self._steps if topic in topics for step in self._steps[topic]}
        for step in steps:
            step()

    def _steps_by_topic(self) -> dict[str, tuple[Callable[[], None], ...]]:
        return {
            "connection": (self._connection, self._verbs, self._jobs),
            "engines": (self._engines, self._settings, self._verbs, self._jobs),
            "projects": (self._projects,),
            "settings": (self._settings, self._verbs, self._tools, self._jobs),
            "look": (self._verbs, self._tools),
            "jobs": (self._jobs, self._strip),
            "strip": (self._strip, self._tools),
            "shown": (self._tools,),
            "message": (self._message,),
        }

    # ---- what follows which topic --------------------------------------------------------------------

    def _connection(self) -> None:
        self.head.show_connection()

    def _engines(self) -> None:
        self.head.show_engines()
        self.prompt.show_engine()
        self.dials.show_engine()
        self.guide.show_engine()
        self.own.show_engine()

    def _projects(self) -> None:
        self.head.show_projects()

    def _settings(self) -> None:
        self.prompt.show_settings()
        self.dials.show_settings()
        self.guide.show_settings()
        self.own.show_settings()
        self.options.show_settings()
        self.verbs.expand.show_settings()

    def _verbs(self) -> None:
        self.verbs.show_look()

    def _strip(self) -> None:
        self.strip.show_cells()

    def _tools(self) -> None:
        self.strip.show_selected()
        self.tools.show_selected()

    def _jobs(self) -> None:
        self.jobs.show_jobs()

    def _message(self) -> None:
        self._own = ""
        self._news.start()
        self._say()

    def _say(self) -> None:
        """The most pressing words: what went wrong, what can't be done and why, news, what is selected."""
        studio = self.studio
        bad = self._own or (studio.message if studio.message_bad else "")
        if bad:
            self.notes.say(bad, "bad")
            return
        asked, reason = self.verbs.hovered_reason(), self.verbs.reason()
        if studio.message and self._news.isActive() and not asked:
            self.notes.say(studio.message)
        elif asked or reason:
            connection = studio.conversation
            self.notes.say(asked or reason if connection.state == "connected" else connection.words)
        else:
            self.notes.say(_area(studio), "quiet")

    def changeEvent(self, a0: QEvent) -> None:  # noqa: N802  Qt's name
        """Another theme: other pictures."""
        super().changeEvent(a0)
        if a0.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self.slots(lambda: redraw(self)))


def _area(studio: Studio) -> str:
    """On what Fill, Vary and Refine would work now."""
    look = studio.look
    if look is None:
        return ""
    if look.selection is None:
        return _("Whole canvas: {width} × {height} px").format(width=look.width, height=look.height)  # noqa: RUF001
    width, height = look.selection.width, look.selection.height
    return _("Selection: {width} × {height} px").format(width=width, height=height)  # noqa: RUF001
