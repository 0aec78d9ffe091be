# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugins' shared parts against a real daemon: what a window does, but for the host and its toolkit."""

import queue
import sys
import time
from pathlib import Path

import pytest

import daemons
from bridge_server.client import find_daemon
from bridge_server.protocol.history import GetInputs
from bridge_server.protocol.messages import Engines, Status, Stop
from bridge_server.protocol.projects import GetProject
from bridge_server.protocol.records import Placement
from bridge_server.protocol.steering import Finish
from bridge_server.protocol.versions import GetTree
from daemons import Daemon, fill, wait_until
from plugins.shared.conversation import Conversation
from plugins.shared.link import Link
from plugins.shared.model import Sides
from plugins.shared.studio import Studio
from pluginside import MemoryOnly, StandInHost


class Window:
    """A host's UI thread: what is posted to it runs when the test lets it."""

    def __init__(self, folder, memory=None):
        self.posted = queue.SimpleQueue()
        self.link = Link(name="test", host="krita", post=self.posted.put, folder=folder)
        self.host = StandInHost()
        self.conversation = Conversation(self.link, memory or MemoryOnly())
        self.studio = Studio(self.conversation, self.host)

    def until(self, met, seconds=20.0):
        """Run what is posted until something is so; what it was."""
        deadline = time.monotonic() + seconds
        while not (answer := met()):
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain; message: {self.studio.message}"
            try:
                self.posted.get(timeout=min(left, 0.2))()
            except queue.Empty:
                self.studio.refresh()
        return answer

    def connected(self):
        """Once the daemon is there and has said what it can do."""
        self.until(lambda: self.conversation.state == "connected" and self.conversation.engine)
        self.studio.refresh()

    def ask(self, verb, **settings):
        """Ask and wait until all is made; the job."""
        self.studio.change(**settings)
        before = set(self.conversation.board.jobs)
        self.studio.ask(verb)
        (name,) = set(self.conversation.board.jobs) - before
        job = self.conversation.board.jobs[name]
        self.until(lambda: job.finished)
        return job


@pytest.fixture
def window(tmp_path):
    """A window and a real daemon with the real engine."""
    daemon = Daemon(tmp_path / "data", scripted=False)
    window = Window(tmp_path / "data")
    window.daemon = daemon
    window.connected()
    yield window
    window.conversation.close()
    if daemon.process.poll() is None:
        daemon.stop()


@pytest.mark.parametrize("verb", ["fill", "expand", "vary", "refine"])
def test_each_verb_from_the_button_to_the_layer(window, verb):
    """Asked, made, seen, accepted, in the tree."""
    window.studio.change(sides=Sides(8, 0, 0, 0))
    job = window.ask(verb, count=2, prompt="an oak")
    assert (job.state, len(job.candidates), job.trouble) == ("done", 2, "")
    window.until(lambda: window.studio.shown and all(c.thumbnail for c in job.candidates))
    window.studio.do("accept")
    window.until(lambda: window.host.versions)
    assert window.host.done[0][0] == ("grow" if verb == "expand" else "layer")
    tree = []
    window.link.ask(GetTree(), lambda told: tree.extend(told.versions))
    window.until(lambda: tree)
    assert [v.version for v in tree] == list(window.host.versions.values())
    assert tree[0].document == "sky.kra-1"


def test_a_fill_covers_the_selection_alone(window):
    """The layer's alpha is the selection's coverage, at its place."""
    job = window.ask("fill", count=1)
    window.studio.do("accept")
    window.until(lambda: window.host.done)
    layer = window.host.done[0][1]
    assert layer.placement == job.candidates[0].info.placement
    assert set(bytes(layer.pixels.data[3::4])) == {0x80}
    assert layer.placement == Placement(8, 8, 4, 4)


def test_undo_redo_and_more_reach_the_daemon(window):
    """The head follows the canvas; more like this makes a job of the same document."""
    window.ask("fill", count=1)
    accepted = window.studio.selected
    window.studio.do("accept")
    window.until(lambda: window.host.versions)
    window.studio.refresh()
    version = accepted.version
    layer = window.host.undo()
    window.studio.refresh()
    heads = []

    def look():
        window.link.ask(GetProject(), lambda told: heads.append({h.document: h.version for h in told.heads}))
        count = len(heads)
        window.until(lambda: len(heads) > count)
        return heads[-1]["sky.kra-1"]

    window.until(lambda: look() == "")
    window.host.redo(layer)
    window.studio.refresh()
    window.until(lambda: look() == version)
    window.studio.select(accepted.id)
    window.studio.do("more")
    new = window.studio.queue()[0]
    window.until(lambda: new.finished)
    assert (new.state, new.verb, new.document) == ("done", "vary", "sky.kra-1")
    window.studio.select(accepted.id)
    window.studio.do("refine")
    new = window.studio.queue()[0]
    window.until(lambda: new.finished)
    assert (new.state, new.verb) == ("done", "refine")


def test_a_daemon_that_is_killed_and_started_again_loses_nothing(window):
    """The window finds it by itself and has every candidate."""
    window.studio.change(count=12)
    window.studio.ask("fill")
    (job,) = window.studio.queue()
    window.until(lambda: job.candidates)
    window.daemon.kill()
    window.until(lambda: window.conversation.state == "waiting")
    assert window.studio.why_not("fill") == "The daemon is not connected."
    window.daemon.start()
    window.until(lambda: job.finished)
    assert (job.state, len({c.info.index for c in job.candidates}), len(job.candidates)) == ("done", 12, 12)


def test_what_was_made_is_there_after_the_host_was_closed(window, tmp_path):
    """A job asked for and left alone; another start sees its results in the project."""
    window.studio.change(count=3)
    window.studio.ask("fill")
    (job,) = window.studio.queue()
    window.until(lambda: job.state in ("queued", "running"))
    window.conversation.close()
    later = Window(tmp_path / "data")
    later.connected()
    found = later.until(lambda: later.conversation.board.jobs.get(job.id))
    later.until(lambda: found.finished and all(c.thumbnail for c in found.candidates))
    assert len(later.studio.cells()) == 3
    later.studio.select(found.candidates[0].id)
    later.until(lambda: later.studio.shown)
    later.studio.do("accept")
    later.until(lambda: later.host.done)
    later.conversation.close()


def test_one_click_starts_the_daemon(window, tmp_path):
    """The one that ran here before; the window is connected soon after."""
    window.daemon.stop()
    window.until(lambda: window.conversation.state == "waiting")
    assert window.conversation.can_start
    window.conversation.start_daemon()
    window.connected()
    told = []
    window.link.ask(Status(), told.append)
    window.until(lambda: told)
    assert find_daemon(tmp_path / "data").pid == told[0].pid
    window.link.ask(Stop())
    wait_until(lambda: find_daemon(tmp_path / "data") is None)


def test_another_project_is_entered_and_left(window):
    """Each shows its own jobs."""
    first = window.ask("fill", count=1)
    window.conversation.choose_project("map")
    window.connected()
    second = window.ask("fill", count=1)
    assert set(window.conversation.board.jobs) == {second.id}
    window.conversation.choose_project("default")
    window.connected()
    window.until(lambda: first.id in window.conversation.board.jobs)
    assert second.id not in window.conversation.board.jobs
    window.until(lambda: {"default", "map"} <= set(window.conversation.projects))


def test_steering_a_real_job(window):
    """What was made stays, the rest is made with the new setting."""
    window.studio.change(count=12, amount=0.1)
    window.studio.ask("vary")
    (old,) = window.studio.queue()
    window.until(lambda: old.candidates)
    window.studio.change(amount=0.9)
    window.studio.steer(old.id)
    new = next(job for job in window.conversation.board.jobs.values() if job is not old)
    window.until(lambda: old.finished and new.finished)
    assert (old.state, new.state, new.amount) == ("cancelled", "done", 0.9)
    assert len(new.candidates) == new.count < 12
    assert new.count + len(old.candidates) >= 12  # one that was just ready when the course changed is kept


def test_a_mistake_beside_the_window_is_told_and_the_thread_goes_on(window):
    """Python's own errors too."""
    failed, made = [], []
    window.link.make(lambda: 1 / 0, made.append, failed.append)
    window.link.make(lambda: sys.maxsize, made.append, failed.append)
    window.until(lambda: made)
    assert "ZeroDivisionError" in str(failed[0])


def test_a_project_that_is_left_at_once_gets_what_was_asked_for_and_decided_in_it(window):
    """The job is made, the accept is told; and nothing of it appears in the other project."""
    window.ask("fill", count=1)
    window.until(lambda: window.studio.shown)
    window.studio.change(count=2)
    window.studio.ask("vary")
    (job,) = window.studio.queue()
    window.studio.select(next(iter(window.conversation.board.candidates)))
    window.until(lambda: window.studio.shown and not window.studio.why_not_do("accept"))
    window.studio.do("accept")
    window.until(lambda: window.host.done)
    window.conversation.choose_project("map")
    window.until(lambda: window.host.versions)  # the layer learns its version all the same
    window.connected()
    assert window.conversation.board.jobs == {}
    window.conversation.choose_project("default")
    window.connected()
    window.until(lambda: job.id in window.conversation.board.jobs)
    again = window.conversation.board.jobs[job.id]
    window.until(lambda: again.finished)
    assert (again.state, len(again.candidates)) == ("done", 2)
    assert list(window.host.versions.values()) == list(window.conversation.board.versions)


@pytest.fixture
def heeding(tmp_path, monkeypatch):
    """A window and a daemon with an engine that can be led; ``listed`` names more engines."""
    monkeypatch.setattr(daemons, "SCRIPTED", Path(daemons.__file__).parents[1] / "heeding.py")
    daemon = Daemon(tmp_path / "data", tmp_path / "listed")
    window = Window(tmp_path / "data")
    window.daemon, window.listed = daemon, tmp_path / "listed"
    window.connected()
    window.studio.change(engine="heeding", count=1, parameters={"heeding": {"steps": 400}})
    yield window
    window.conversation.close()
    daemon.stop()


def begun(window, **settings):
    """A fill that is being made."""
    window.studio.change(**settings)
    window.studio.ask("fill")
    (job,) = window.studio.queue()
    window.until(lambda: job.state == "running" and job.progress)
    return job


def test_a_running_job_is_steered_and_taken(heeding):
    """It has the new words and guidance, and the daemon says the same of it as the window."""
    studio = heeding.studio
    job = begun(heeding, prompt="a fir")
    studio.change(prompt="an oak", parameters={"heeding": {"steps": 400, "guidance": 9.0}})
    studio.steer(job.id)
    assert studio.why_not_steer(job.id) == "Change the words or the settings first."
    studio.finish(job.id)
    heeding.until(lambda: job.finished)
    recipe = job.candidates[0].info.recipe
    assert (job.state, recipe["prompt"], recipe["guidance"]) == ("done", "an oak", 9.0)
    with heeding.daemon.client() as client:
        inputs = client.call(GetInputs(job.id))
    assert inputs.guides == []
    studio.select(job.candidates[0].id)
    studio.change(prompt="", parameters={})
    studio.do("copy")
    assert studio.settings.prompt == "an oak"
    assert studio.settings.parameters["heeding"] == {"steps": 400, "guidance": 9.0}


def test_what_another_program_asked_for_is_steered_too(heeding):
    """And what it steers is seen here."""
    with heeding.daemon.client() as client:
        asked = fill(engine="heeding", prompt="a fir", parameters={"steps": 300})
        name = client.call(asked).job
        job = heeding.until(lambda: heeding.conversation.board.jobs.get(name))
        heeding.until(lambda: job.state == "running")
        heeding.studio.change(prompt="an oak")
        heeding.studio.steer(name)
        client.call(Finish(name))
        heeding.until(lambda: job.finishing or job.finished)
        heeding.until(lambda: job.finished)
    assert job.candidates[0].info.recipe["prompt"] == "an oak"


def test_a_guide_is_what_the_layer_shows(heeding):
    """As it is sent with the picture; its weight can be steered."""
    job = begun(heeding, guide="scribble", guide_weight=0.5)
    with heeding.daemon.client() as client:
        inputs = client.call(GetInputs(job.id))
    (guide,) = inputs.guides
    assert (guide.kind, guide.weight, bytes(guide.picture.data[:4])) == ("scribble", 0.5, b"\x09\x08\x07\xff")
    heeding.studio.change(guide_weight=1.5)
    heeding.studio.steer(job.id)
    heeding.studio.finish(job.id)
    heeding.until(lambda: job.finished)
    assert job.candidates[0].info.recipe["weights"] == [1.5]


def test_a_model_comes_and_goes_while_the_window_is_open(heeding):
    """Known without connecting anew; gone, the default is used."""
    conversation = heeding.conversation
    with heeding.daemon.client() as client:
        heeding.listed.write_text("pulled")
        client.call(Engines(fresh=True))
        heeding.until(lambda: "pulled" in [engine.name for engine in conversation.engines])
        heeding.studio.change(engine="pulled")
        heeding.listed.write_text("")
        client.call(Engines(fresh=True))
        heeding.until(lambda: conversation.engine.name == "scripted")
    assert heeding.studio.message == "The engine Pulled is not there any more; Scripted is used instead."
