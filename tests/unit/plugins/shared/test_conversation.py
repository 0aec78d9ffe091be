# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection, project, engines, and what the daemon tells."""

from dataclasses import replace

import pytest

import samples_records
from bridge_server.client.happenings import ConnectionChanged
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.history import History, HistoryEntry, HistoryPage
from bridge_server.protocol.messages import (
    DraftsProgress,
    EngineList,
    Fetch,
    GetJob,
    JobProgress,
    Preview,
    Watch,
)
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import Follow, ProjectDeleted, ProjectInfo, ProjectJob, ProjectList
from bridge_server.protocol.records import JobInfo, Placement
from bridge_server.protocol.versions import DecisionInfo
from plugins.shared.conversation import Conversation
from pluginside import ENGINE, HEEDING

PIXEL = Pixels(1, 1, "rgba8", bytes(4))


def info(job="j1", state="running", **more):
    """A job as the daemon tells it."""
    return JobInfo(job, "fill", state, 3, "s", "default", "patchmatch", 2, 1.0, **more)


def heard(conversation):
    """Topics from now on."""
    topics = []
    conversation.listen(topics.append)
    return topics


def test_a_connection_asks_for_what_a_panel_shows(link, memory):
    """Engines, projects, the history, and to follow the project; that only once."""
    conversation = Conversation(link, memory)
    assert (conversation.state, link.opened) == ("connecting", ["default"])
    link.hear(ConnectionChanged("connected"))
    assert link.kinds() == ["Engines", "ListProjects", "History", "Follow"]
    link.asked.clear()
    link.hear(ConnectionChanged("waiting", "The connection was lost."))
    assert conversation.words == "The daemon is not running."
    link.hear(ConnectionChanged("connected"))
    assert link.kinds() == ["Engines", "ListProjects", "History"]


def test_the_daemon_is_started_by_one_click(link, memory):
    """Until it is there the attempts to connect are no news; a failure is told in words."""
    conversation = Conversation(link, memory)
    link.hear(ConnectionChanged("waiting", "No daemon is running."))
    assert conversation.can_start
    conversation.start_daemon()
    link.hear(ConnectionChanged("connecting"))
    assert (conversation.state, conversation.can_start) == ("starting", False)
    topics = heard(conversation)
    link.starts[0][1](BridgeError("The daemon ended at once.", "No disk."))
    assert (conversation.state, topics) == ("waiting", ["connection", "trouble"])
    assert conversation.trouble == "The daemon ended at once. No disk."
    conversation.start_daemon()
    link.starts[1][0]()  # it runs; now the connection may fail and be told
    link.hear(ConnectionChanged("waiting", "No."))
    assert conversation.can_start
    conversation.start_daemon()
    link.hear(ConnectionChanged("refused", "The token is wrong."))
    assert conversation.words == "The token is wrong."


def test_starting_what_runs_does_nothing(conversation, link):
    """By the menu's action, for example."""
    conversation.start_daemon()
    assert (conversation.state, link.starts) == ("connected", [])


def test_thumbnails_come_again_when_a_project_is_entered_again(conversation, link):
    """Its candidates are others for the strip."""
    for _ in range(2):
        conversation.board.note_job(info())
        link.candidate("j1")
        assert link.take(Fetch).request.thumbnail
        conversation.choose_project("b" if conversation.project == "default" else "default")


def test_failures_of_an_earlier_start_are_no_news(conversation, link):
    """Nor those that were taken note of, when the connection comes back."""
    told = info("old", "failed", error_code="odd", error_message="It was odd.")
    assert conversation.board.note_job(told).trouble == ""
    job = conversation.board.note_job(info("new"))
    conversation.board.note_job(replace(told, job="new"))
    assert job.trouble == "It was odd."
    conversation.requests.dismiss("new")
    conversation.board.note_job(replace(told, job="new"))
    assert job.trouble == ""


def test_without_a_launcher_it_says_what_to_install(link, memory):
    """No button that can't work."""
    link.installed = False
    conversation = Conversation(link, memory)
    link.hear(ConnectionChanged("waiting", "No daemon is running."))
    assert not conversation.can_start
    assert "pip install bridge-server" in conversation.words


def test_in_a_flatpak_it_says_how_to_start_the_daemon_outside(link, memory):
    """Where a program may not start others."""
    link.sandboxed = True
    conversation = Conversation(link, memory)
    link.hear(ConnectionChanged("waiting", "No daemon is running."))
    assert not conversation.can_start
    assert "bridge-server serve" in conversation.words


def test_the_engine_is_the_one_chosen_or_the_default(conversation, link):
    """And says which settings matter."""
    other = replace(ENGINE, name="diffusers", verbs={"fill": ["prompt"]})
    link.connect([ENGINE, other])
    assert conversation.engine == ENGINE
    conversation.change({"engine": "diffusers"})
    assert conversation.engine == other
    assert conversation.heeds("fill", "prompt")
    assert not conversation.heeds("vary", "amount")
    conversation.change({"engine": "gone"})
    assert conversation.engine == ENGINE


def test_another_project_begins_empty(conversation, link, memory):
    """Its name lasts; jobs of the one that was left are not shown."""
    conversation.board.note_job(info())
    topics = heard(conversation)
    conversation.choose_project(" book ")
    assert (conversation.project, memory["project"]) == ("book", "book")
    assert link.opened == ["default", "book"]
    assert conversation.board.jobs == {}
    assert {"projects", "jobs", "strip"} <= set(topics)
    link.hear(ConnectionChanged("connected"))
    assert "Follow" in link.kinds()
    conversation.choose_project("")
    assert conversation.project == "book"


def test_the_projects_are_listed_with_a_new_one(conversation, link):
    """Also before the daemon has it."""
    link.hear(ConnectionChanged("connected"))
    told = [ProjectInfo(name, 0, 0.0, 0.0) for name in ("cover", "map")]
    next(a for a in link.asked if type(a.request).__name__ == "ListProjects").answer(ProjectList(told))
    assert conversation.projects == ["cover", "map", "default"]


def test_the_history_brings_back_what_was_made_before(link, memory):
    """With thumbnails and decisions; what is unfinished is watched on."""
    conversation = Conversation(link, memory)
    link.hear(ConnectionChanged("connected"))
    asked = link.take(History)
    link.asked.clear()
    candidate = replace(samples_records.CANDIDATE, candidate="c1", job="j1")
    no = DecisionInfo("d", "default", "c1", "reject", "s", "krita", 2.0)
    entries = [HistoryEntry(info("j1", "done", candidates=[candidate]), [no]), HistoryEntry(info("j2"))]
    asked.answer(HistoryPage(entries))
    assert [(a.request.op, getattr(a.request, "job", "")) for a in link.asked] == [
        ("fetch", ""),
        ("watch", "j2"),
    ]
    assert link.take(Watch).request == Watch("j2", 3)
    assert link.take(Fetch).request == Fetch("c1", thumbnail=True)
    assert conversation.board.candidates["c1"].decision == "reject"
    link.hear(ConnectionChanged("connected"))
    link.take(History).answer(HistoryPage(entries))
    assert "Watch" not in link.kinds()  # the client goes on watching by itself


def test_a_job_is_followed_to_its_end(conversation, link):
    """Drafts, progress, preview, candidate, state."""
    job = conversation.board.note_job(info())
    topics = heard(conversation)
    link.tell("job.drafts", DraftsProgress("j1", 3, 24))
    link.tell("job.progress", JobProgress("j1", 0, 0.5))
    link.tell("job.preview", Preview("j1", 1, Placement(0, 0, 4, 4), PIXEL))
    assert (job.drafts, job.done) == ((3, 24), 0.25)
    assert job.previews == {1: (Placement(0, 0, 4, 4), PIXEL)}
    assert set(topics) == {"jobs", "strip"}
    link.candidate("j1", 1)
    assert job.previews == {}
    assert (job.done, link.kinds()) == (0.75, ["Fetch"])
    link.tell("job.preview", Preview("j1", 1, Placement(0, 0, 4, 4), PIXEL))
    assert job.previews == {}  # it came late
    link.state("j1", "done")
    assert (job.finished, job.done, job.progress) == (True, 1.0, {})


def test_a_failure_is_told_in_words(conversation, link):
    """The daemon's own where there are no better ones."""
    for code, words in (
        ("worker_died", "The process that was computing this ended unexpectedly. Ask again."),
        ("odd", "It is odd. Do this."),
    ):
        job = conversation.board.note_job(info(code))
        link.state(code, "failed", error_code=code, error_message="It is odd.", error_hint="Do this.")
        assert job.trouble == words


def test_places_in_line_are_asked_for_when_the_line_moves(conversation, link):
    """A waiting job says where it stands."""
    conversation.board.note_job(info("j1"))
    waiting = conversation.board.note_job(info("j2", "queued", position=2))
    link.state("j1", "done")
    link.take(GetJob).answer(info("j2", "queued", position=1))
    assert waiting.position == 1


def test_what_other_programs_do_is_seen(conversation, link):
    """A job from elsewhere is watched; a decision and a deletion are taken over."""
    link.tell("project.job", ProjectJob("default", "j9", "fill", "queued", "s", "gimp", "sky.xcf"))
    link.take(Watch).answer(info("j9", host="gimp", document="sky.xcf"))
    assert conversation.board.jobs["j9"].document == "sky.xcf"
    name = link.candidate("j9")
    link.tell("project.decision", DecisionInfo("d", "default", name, "accept", "s", "gimp", 2.0))
    assert conversation.board.candidates[name].decision == "accept"
    link.tell("project.deleted", ProjectDeleted("default"))
    assert conversation.board.jobs == {}


@pytest.mark.parametrize("topic", ["project.job"])
def test_a_job_of_ones_own_is_not_watched_twice(conversation, link, topic):
    """The submit itself watches it."""
    conversation.board.note_job(info())
    link.tell(topic, ProjectJob("default", "j1", "fill", "queued", "s", "krita"))
    assert link.asked == []


def test_following_is_refused_aloud(link, memory):
    """Not silently without events."""
    conversation = Conversation(link, memory)
    link.hear(ConnectionChanged("connected"))
    link.take(Follow).fail(BridgeError("No."))
    assert conversation.trouble == "No."


def test_a_model_that_was_just_pulled_is_there(conversation, link):
    """Without connecting anew."""
    topics = heard(conversation)
    link.tell("daemon.engines", EngineList([ENGINE, HEEDING]))
    assert conversation.engines == [ENGINE, HEEDING]
    assert topics == ["engines"]


def test_an_engine_that_is_gone_is_told_once_and_chosen_again_when_it_is_back(conversation, link):
    """Meanwhile the default is used."""
    link.tell("daemon.engines", EngineList([ENGINE, HEEDING]))
    conversation.change({"engine": HEEDING.name})
    topics = heard(conversation)
    for _ in range(2):
        link.tell("daemon.engines", EngineList([ENGINE]))
    assert conversation.engine == ENGINE
    assert conversation.trouble == ("The engine Tiny is not there any more; PatchMatch is used instead.")
    assert topics.count("trouble") == 1
    link.tell("daemon.engines", EngineList([ENGINE, HEEDING]))
    assert conversation.engine == HEEDING
