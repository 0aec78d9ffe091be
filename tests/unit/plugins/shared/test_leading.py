# SPDX-License-Identifier: GPL-3.0-or-later
"""Steering what is being made, and taking it now."""

import pytest

from bridge_server.client.happenings import ConnectionChanged
from bridge_server.protocol.errors import Conflict
from bridge_server.protocol.messages import Cancel, Fill, GetJob, Refine, Vary
from bridge_server.protocol.records import GuideInfo, JobInfo, Steering
from bridge_server.protocol.steering import Finish, Steer, Steered
from pluginside import ENGINE, HEEDING


def info(job="j1", state="running", **more):
    """A job as the daemon tells it."""
    return JobInfo(job, "fill", state, 3, "s", "default", HEEDING.name, 2, 1.0, **more)


@pytest.fixture
def heeding(studio, link):
    """The studio, with an engine that can be led."""
    link.connect([ENGINE, HEEDING])
    studio.change(engine=HEEDING.name, prompt="a fir", count=2)
    link.asked.clear()
    return studio


def running(studio, link, verb="fill", kind=Fill):
    """A job of this window that is being made."""
    studio.ask(verb)
    request = link.submitted(kind)
    link.state(request.job, "running")
    link.asked.clear()
    return studio.conversation.board.jobs[request.job]


def test_new_words_reach_the_job_itself(heeding, link):
    """No job is cancelled and none made; the button is grey again at once, the strip says the new words."""
    job = running(heeding, link)
    assert heeding.why_not_steer(job.id) == "Change the words or the settings first."
    heeding.change(prompt="an oak", negative_prompt="fog")
    assert heeding.why_not_steer(job.id) == ""
    heeding.steer(job.id)
    asked = link.take(Steer)
    assert asked.request == Steer(job.id, prompt="an oak", negative_prompt="fog")
    assert (link.asked, len(heeding.conversation.board.jobs)) == ([], 1)
    assert heeding.why_not_steer(job.id) == "Change the words or the settings first."
    assert (job.prompt, job.negative_prompt) == ("an oak", "fog")
    assert heeding.conversation.prompts[0] == "an oak"
    asked.answer(Steered(job.id, Steering(prompt="an oak", negative_prompt="fog")))
    assert job.prompt == "an oak"


def test_strength_guidance_and_the_guide_s_weight_too(heeding, link):
    """Guidance is among the model's settings; set back, its default is sent."""
    heeding.change(guide="scribble", strength=0.5)
    job = running(heeding, link, "refine", Refine)
    heeding.change(strength=0.8, guide_weight=0.5, parameters={HEEDING.name: {"guidance": 9.5}})
    heeding.steer(job.id)
    assert link.take(Steer).request == Steer(job.id, strength=0.8, guidance=9.5, weights=[0.5])
    assert (job.parameters, job.guides) == ({"guidance": 9.5}, [GuideInfo("scribble", 0.5)])
    assert heeding.why_not_steer(job.id) != ""
    heeding.change(parameters={})
    heeding.steer(job.id)
    assert link.take(Steer).request == Steer(job.id, guidance=7.0)


def test_what_can_not_be_steered_is_asked_for_anew(heeding, link):
    """With all that is set now, also what was steered before; what was made stays."""
    heeding.change(seed=100)
    job = running(heeding, link)
    heeding.change(prompt="an oak")
    heeding.steer(job.id)
    link.asked.clear()
    link.candidate(job.id, 0)
    heeding.change(parameters={HEEDING.name: {"steps": 8}})
    heeding.steer(job.id)
    assert link.take(Cancel).request.job == job.id
    new = link.take(Fill).request
    assert (new.prompt, new.parameters, new.count, new.seed) == ("an oak", {"steps": 8}, 1, 101)
    assert heeding.why_not_steer(new.job) != ""


def test_a_guide_goes_along_when_a_job_is_asked_for_anew(heeding, link):
    """With its picture, and the weight as it is set now."""
    heeding.change(guide="scribble")
    job = running(heeding, link, "vary", Vary)
    old = job.request
    heeding.change(amount=0.9, guide_weight=0.25)
    heeding.steer(job.id)
    new = link.take(Vary).request
    assert (new.amount, [g.weight for g in new.guides]) == (0.9, [0.25])
    assert new.guides[0].picture == old.guides[0].picture


def test_a_job_of_another_program_is_steered_by_what_the_wire_takes(heeding, link):
    """Its own settings, such as its steps, are that program's."""
    job = heeding.conversation.board.note_job(info(prompt="a fir", parameters={"steps": 4}))
    assert heeding.why_not_steer("j1") == "Change the words or the settings first."
    heeding.change(prompt="an oak")
    heeding.steer("j1")
    assert link.take(Steer).request == Steer("j1", prompt="an oak")
    assert job.parameters == {"steps": 4}


def test_what_others_steer_is_seen(heeding, link):
    """Also when the job is heard of later."""
    topics = []
    job = heeding.conversation.board.note_job(info(guides=[GuideInfo("depth")]))
    heeding.listen(topics.append)
    steering = Steering("an oak", None, None, 3.0, [0.5], finish=True)
    link.tell("job.steered", Steered("j1", steering))
    assert (job.prompt, job.parameters, job.guides[0].weight) == ("an oak", {"guidance": 3.0}, 0.5)
    assert job.finishing
    assert {"jobs", "strip"} <= set(topics)
    later = heeding.conversation.board.note_job(info("j2", prompt="a fir", steering=steering))
    assert (later.prompt, later.finishing) == ("an oak", True)
    link.tell("job.steered", Steered("unknown", steering))


def test_a_refusal_is_told_and_the_job_is_as_it_was(heeding, link):
    """It has ended meanwhile, for example."""
    job = running(heeding, link)
    heeding.change(prompt="an oak")
    heeding.steer(job.id)
    link.take(Steer).fail(Conflict("The job has ended already."))
    link.take(GetJob).answer(info(job.id, "done", prompt="a fir"))
    assert (job.prompt, job.state) == ("a fir", "done")
    assert heeding.message_bad


def test_take_it_now_once(heeding, link):
    """Only while it is being made, and only where the engine can; each reason in words."""
    heeding.ask("fill")
    job = link.submitted(Fill).job
    assert heeding.can_finish(job)
    assert heeding.why_not_finish(job) == "It is not begun yet."
    link.state(job, "running")
    assert heeding.why_not_finish(job) == ""
    heeding.finish(job)
    assert link.take(Finish).request == Finish(job)
    assert heeding.why_not_finish(job) == "What is begun of it is being finished already."
    assert heeding.why_not_steer(job) == "What is begun of it is being finished already."
    heeding.finish(job)
    assert "Finish" not in link.kinds()
    link.state(job, "done")
    assert heeding.why_not_finish(job) == "Only what is being made can be finished early."


def test_take_it_now_is_not_offered_where_the_engine_can_not(studio, link):
    """The default engine is too quick for it."""
    job = running(studio, link)
    assert not studio.can_finish(job.id)
    assert studio.why_not_finish(job.id) == "The engine can't do this."


def test_a_finish_that_is_refused_can_be_asked_again(heeding, link):
    """It does not stay grey."""
    job = running(heeding, link)
    heeding.finish(job.id)
    link.take(Finish).fail(Conflict("No."))
    assert heeding.why_not_finish(job.id) == ""


def test_without_the_daemon_nothing_changes_its_course(heeding, link):
    """And that is said."""
    job = running(heeding, link)
    link.hear(ConnectionChanged("waiting"))
    heeding.change(prompt="an oak")
    for why in (heeding.why_not_steer(job.id), heeding.why_not_finish(job.id)):
        assert why == "The daemon is not connected."
    heeding.steer(job.id)
    assert heeding.message == "The daemon is not connected."
