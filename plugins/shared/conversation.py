# SPDX-License-Identifier: GPL-3.0-or-later
"""The talk with the daemon as its user sees it: connection, project, engines, settings, jobs, candidates.

One an application, shared by its windows. Everything here is called on the UI thread and returns at once.
"""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Optional, TypeVar, Union, cast

from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.history import History, HistoryPage
from bridge_server.protocol.messages import (
    CandidateDone,
    DraftsProgress,
    EngineList,
    Engines,
    GetJob,
    JobProgress,
    JobState,
    Preview,
    Watch,
)
from bridge_server.protocol.projects import Follow, ListProjects, ProjectDeleted, ProjectJob, ProjectList
from bridge_server.protocol.records import EngineInfo, JobInfo
from bridge_server.protocol.steering import Steered
from bridge_server.protocol.versions import DecisionInfo, VersionInfo

from .bell import Bell
from .board import Board
from .host import Memory
from .link import ConnectionChanged, Failed, Happening, Link
from .model import Settings
from .pictures import Pictures
from .preferences import Preferences
from .requests import Requests
from .texts import _
from .words import explain

__all__ = ["Conversation"]

T = TypeVar("T")

#: Jobs of the project's history that are asked for when a connection is there.
_PAGE = 40


class Conversation:
    """What is known, and what can be asked for.

    Topics of :meth:`listen`: ``connection``, ``engines``, ``projects``, ``settings``, ``prompts``, ``jobs``,
    ``strip``, ``trouble``.
    """

    def __init__(self, link: Link, memory: Memory) -> None:
        self._link = link
        self._bell = Bell()
        self._preferences = Preferences(memory)
        self.pictures = Pictures(link, lambda: self._bell.ring("strip"))
        self._following = False
        self._missing = ""
        self._known_documents: set[str] = set()
        self.board = Board()
        self.requests = Requests(link, self.board, self._preferences, self._bell, self.tell_trouble)
        self.state, self._reason = "connecting", ""
        self.engines: list[EngineInfo] = []
        self.projects: list[str] = [self.project]
        #: The latest thing that went wrong and that no window has asked for.
        self.trouble = ""
        link.open(self.project, self._hear)

    def listen(self, hear: Callable[[str], None]) -> Callable[[], None]:
        """Be told of topics that changed; the function that is returned ends it."""
        return self._bell.listen(hear)

    def close(self) -> None:
        """The host ends. Jobs go on; their results are in the project."""
        self._link.close()

    # ---- connection ---------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """What there is to say about the connection."""
        known = {
            "connected": _("Connected"),
            "connecting": _("Connecting…"),
            "starting": _("The daemon is starting…"),
            "closed": _("Closed"),
        }
        if self.state in known:
            return known[self.state]
        if self.state == "refused":
            return self._reason
        if not self._link.installed:
            install = f"pip install bridge-server; bridge-server install {self._link.host}"
            return _("The daemon is not installed. Run: {commands}").format(commands=install)
        if self._link.sandboxed:
            return _("The daemon is not running. Start it in a terminal: bridge-server serve")
        return _("The daemon is not running.")

    @property
    def can_start(self) -> bool:
        """Whether a click may start the daemon now."""
        may = self._link.installed and not self._link.sandboxed
        return may and self.state in ("waiting", "refused")

    def start_daemon(self) -> None:
        """Start it; the connection follows by itself."""
        if self.can_start:
            self._set_state("starting")
            self._link.start_daemon(self._started, self._not_started)

    def _started(self) -> None:
        if self.state == "starting":
            self._set_state("connecting")

    def _not_started(self, error: BridgeError) -> None:
        if self.state == "starting":
            self._set_state("waiting")
        self.tell_trouble(error)

    def tell_trouble(self, error: BridgeError) -> None:
        """Something went wrong that all windows should say."""
        self.trouble = explain(error)
        self._bell.ring("trouble")

    def make(self, make: Callable[[], T], then: Callable[[T], None], failed: Failed) -> None:
        """Compute something beside the user interface."""
        self._link.make(make, then, failed)

    def _set_state(self, state: str, reason: str = "") -> None:
        self.state, self._reason = state, reason
        self._bell.ring("connection")

    # ---- project, engine, settings ------------------------------------------------------------------

    @property
    def project(self) -> str:
        """The project in which is worked."""
        return self._preferences.project

    @property
    def settings(self) -> Settings:
        """What is set in the panel."""
        return self._preferences.settings

    @property
    def prompts(self) -> list[str]:
        """Earlier prompts, the latest first."""
        return self._preferences.prompts

    @property
    def engine(self) -> Optional[EngineInfo]:
        """The engine that was chosen; the daemon's default if that one is not there."""
        chosen = (engine for engine in self.engines if engine.name == self.settings.engine)
        return next(chosen, self.engines[0] if self.engines else None)

    @property
    def most_pixels(self) -> int:
        """Of one picture that the daemon takes; 0: not known now."""
        return self._link.most_pixels

    def heeds(self, verb: str, setting: str) -> bool:
        """Whether what the engine makes depends on a setting."""
        engine = self.engine
        return engine is not None and setting in engine.verbs.get(verb, [])

    def change(self, changes: dict[str, Any]) -> None:
        """Set some of the settings."""
        before = self.settings
        self._preferences.change(changes)
        if self.settings != before:
            self._bell.ring("settings")
        if self.settings.whole_project != before.whole_project:
            self._bell.ring("strip")
        if self.settings.engine != before.engine:
            self._bell.ring("engines")

    def choose_project(self, name: str) -> None:
        """Work in another project, which is made if there is none of that name."""
        name = name.strip()
        if not name or name == self.project:
            return
        self._preferences.choose_project(name)
        if name not in self.projects:
            self.projects.append(name)
        self.board.clear()
        self.pictures.begin_anew()
        self._following = False
        self._link.open(name, self._hear)
        self._set_state("connecting")
        for topic in ("projects", "jobs", "strip"):
            self._bell.ring(topic)

    # ---- what the daemon tells ----------------------------------------------------------------------

    def _hear(self, happening: Happening) -> None:
        if isinstance(happening, ConnectionChanged):
            self._hear_connection(happening)
            return
        hear = self._HEARERS.get(cast("type[Any]", type(happening.body)))
        if hear is not None:
            hear(self, happening.body)

    def _hear_connection(self, changed: ConnectionChanged) -> None:
        if changed.state == "connected":
            self._known_documents.clear()
        if self.state == "starting" and changed.state in ("connecting", "waiting"):
            return  # the attempts to connect meanwhile are no news
        self._set_state(changed.state, changed.reason)
        if changed.state != "connected":
            return
        self._link.ask(Engines(), self._hear_engines, self.tell_trouble)
        self._link.ask(ListProjects(), self._hear_projects, self.tell_trouble)
        self._link.ask(History(limit=_PAGE), self._hear_history, self.tell_trouble)
        if not self._following:  # the client goes on following by itself after a lost connection
            self._following = True
            self._link.ask(Follow(), None, self.tell_trouble)

    def _hear_engines(self, told: EngineList) -> None:
        titles = {engine.name: engine.title for engine in self.engines}
        self.engines = told.engines
        self._bell.ring("engines")
        self._tell_missing(titles)

    def _tell_missing(self, titles: dict[str, str]) -> None:
        """Once, that the engine which was chosen is gone. It is chosen again if it comes back."""
        chosen, used = self.settings.engine, self.engine
        missing = chosen if used is not None and used.name != chosen else ""
        if used is not None and missing and missing != self._missing:
            words = _("The engine {engine} is not there any more; {used} is used instead.")
            self.trouble = words.format(engine=titles.get(missing) or missing, used=used.title or used.name)
            self._bell.ring("trouble")
        self._missing = missing

    def _hear_projects(self, told: ProjectList) -> None:
        names = [info.project for info in told.projects]
        self.projects = names if self.project in names else [*names, self.project]
        self._bell.ring("projects")

    def learn_about(self, document: str) -> None:
        """Ask, once a connection, for what was made for a document: the project may have much more."""
        if self.state == "connected" and document and document not in self._known_documents:
            self._known_documents.add(document)
            self._link.ask(History(document=document, limit=_PAGE), self._hear_history, self.tell_trouble)

    def _hear_history(self, page: HistoryPage) -> None:
        for entry in page.entries:
            known = entry.job.job in self.board.jobs
            job = self.board.note_entry(entry)
            if not known and not job.finished:
                self._link.ask(Watch(job.id, entry.job.seq))
            self.pictures.fetch_thumbnails(job)
        self._ring_jobs()

    def _hear_state(self, body: JobState) -> None:
        job = self.board.note_state(body)
        if job is None:
            return
        if job.finished or job.state == "running":
            for waiting in self.board.jobs.values():
                if waiting.state == "queued":
                    self._look_up(waiting.id)  # its place in line has changed
        self._ring_jobs()

    def _hear_progress(self, body: Union[JobProgress, DraftsProgress]) -> None:
        note = self.board.note_progress if isinstance(body, JobProgress) else self.board.note_drafts
        note(body)  # type: ignore[arg-type]
        self._ring_jobs()

    def _hear_steered(self, body: Steered) -> None:
        if self.board.note_steered(body) is not None:
            self._ring_jobs()

    def _hear_preview(self, body: Preview) -> None:
        if self.board.note_preview(body) is not None:
            self._bell.ring("strip")

    def _hear_candidate(self, body: CandidateDone) -> None:
        candidate = self.board.note_candidate(body.info)
        if candidate is not None:
            self.pictures.put(candidate.id, body.pixels)
            self.pictures.fetch_thumbnails(candidate.job)
            self._ring_jobs()

    def _hear_decision(self, body: DecisionInfo) -> None:
        if self.board.note_decision(body) is not None:
            self._bell.ring("strip")

    def _hear_version(self, body: VersionInfo) -> None:
        if self.board.note_version(body) is not None:
            self._bell.ring("strip")

    def _hear_project_job(self, body: ProjectJob) -> None:
        if body.job not in self.board.jobs:  # asked for in another program, or by more and less
            self._link.ask(Watch(body.job), self._hear_job)

    def _hear_deleted(self, _body: ProjectDeleted) -> None:
        self.board.clear()
        self.pictures.begin_anew()
        self._ring_jobs()

    def _look_up(self, job: str) -> None:
        self._link.ask(GetJob(job), self._hear_job)

    def _hear_job(self, info: JobInfo) -> None:
        job = self.board.note_job(info)
        self.pictures.fetch_thumbnails(job)
        self._ring_jobs()

    def _ring_jobs(self) -> None:
        self._bell.ring("jobs")
        self._bell.ring("strip")

    _HEARERS: ClassVar[dict[type[Any], Callable[[Any, Any], None]]] = {
        JobState: _hear_state,
        EngineList: _hear_engines,
        Steered: _hear_steered,
        JobProgress: _hear_progress,
        DraftsProgress: _hear_progress,
        Preview: _hear_preview,
        CandidateDone: _hear_candidate,
        DecisionInfo: _hear_decision,
        VersionInfo: _hear_version,
        ProjectJob: _hear_project_job,
        ProjectDeleted: _hear_deleted,
    }
