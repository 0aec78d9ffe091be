# SPDX-License-Identifier: Apache-2.0
"""What a worker is told of a job, and what its last word means."""

from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.queue import Entry
from bridge_server.jobs.tasks import engine_for, raise_if_failed, task_for, without_pixels
from bridge_server.protocol.errors import EngineFailed, NotFound, Unsupported, WorkerDied
from bridge_server.protocol.work import TaskEnded
from bridge_server.sessions.store import JobRecord


@pytest.mark.parametrize("verb", ["fill", "expand", "vary", "refine"])
def test_each_verb_reaches_the_worker_whole(verb):
    """Sides, amount, strength and words are where an engine looks for them."""
    request = samples.REQUESTS[verb]
    record = JobRecord("j0b", "s", "p", without_pixels(request), samples.ENGINE, 42, 1.5)
    task = task_for(record, request, Entry("j0b", "s", 0, (1, 3)))
    assert (task.task, task.engine, task.verb) == ("j0b:1,3", "patchmatch", verb)
    assert (task.indices, task.seeds) == ([1, 3], [43, 45])
    assert (task.prompt, task.negative_prompt) == (request.prompt, request.negative_prompt)
    assert (task.strength, task.parameters) == (0.75, {"patch_radius": 5})
    assert (task.picture, task.mask) == (samples.PICTURE, None if verb == "expand" else samples.MASK)
    assert task.grow == ([1, 2, 3, 4] if verb == "expand" else [])
    assert task.amount == (0.25 if verb == "vary" else 0.0)


def test_an_error_is_raised_as_its_class():
    """With the worker's words; an error counts before what is missing."""
    with pytest.raises(WorkerDied, match=r"It ended\. Ask again\."):
        raise_if_failed(
            TaskEnded("t", "worker_died", "It ended.", "Ask again."), samples.ENGINE, missing=True
        )


def test_success_without_a_picture_is_a_failure():
    """Success with all of them is none."""
    raise_if_failed(TaskEnded("t"), samples.ENGINE, missing=False)
    with pytest.raises(EngineFailed, match="patchmatch made no picture"):
        raise_if_failed(TaskEnded("t"), samples.ENGINE, missing=True)


def test_guides_and_steering_reach_the_worker():
    """With their pictures; the record holds only their shapes."""
    request = samples.REQUESTS["fill"]
    record = JobRecord("j0b", "s", "p", without_pixels(request), samples.ENGINE, 42, 1.5)
    record = replace(record, steering=samples.STEERING)
    task = task_for(record, request, Entry("j0b", "s", 0, (0,)))
    assert (task.guides, task.steering) == ([samples.GUIDE], samples.STEERING)
    assert record.request.guides == [replace(samples.GUIDE, picture=replace(samples.PICTURE, data=b""))]


@pytest.mark.parametrize(
    ("guides", "hint"), [(["depth", "style"], "It heeds depth, style"), ([], "Leave guides out")]
)
def test_a_guide_that_the_engine_does_not_heed_is_refused_in_words(guides, hint):
    """With those that it does heed."""
    engine = replace(samples.ENGINE, guides=guides)
    request = replace(
        samples.REQUESTS["fill"], drafted=False, unlike="", guides=[replace(samples.GUIDE, kind="canny")]
    )
    with pytest.raises(Unsupported, match=f"does not heed a guide 'canny'.*{hint}"):
        engine_for(request, [engine])
    fine = replace(request, guides=[samples.GUIDE] if guides else [])
    assert engine_for(fine, [engine]) is engine


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("scribble", "It needs a ControlNet of the model's family; see 'bridge-server models'."),
        ("style", "It needs an IP-Adapter of the model's family; see 'bridge-server models'."),
        ("pose", "Leave guides out."),
    ],
)
def test_what_a_guide_needs_is_said(kind, hint):
    """A guide that only a vary has is no alternative for a fill."""
    verbs = {"fill": [], "vary": []}
    engine = replace(samples.ENGINE, name="diffusers/tiny", guides=["toward"], verbs=verbs)
    asked = {"engine": engine.name, "drafted": False, "unlike": ""}
    asked["guides"] = [replace(samples.GUIDE, kind=kind)]
    with pytest.raises(Unsupported) as caught:
        engine_for(replace(samples.REQUESTS["fill"], **asked), [engine])
    assert caught.value.hint == hint
    with pytest.raises(Unsupported) as caught:
        engine_for(replace(samples.REQUESTS["vary"], **asked), [engine])
    assert caught.value.hint == ("It heeds toward." if kind == "pose" else hint)


def test_a_diffusion_engine_that_is_not_there_may_lack_several_things():
    """What they are is said as long as there is no engine of its kind; others are listed alone."""

    def hint(name, *known):
        engines = [samples.ENGINE, *(replace(samples.ENGINE, name=each) for each in known)]
        with pytest.raises(NotFound) as caught:
            engine_for(replace(samples.REQUESTS["fill"], engine=name), engines)
        return caught.value.hint

    for word in ("not installed in the daemon's Python", "'bridge-server stop'", "'bridge-server models'"):
        assert word in hint("diffusers/x")
    assert hint("x") == "Use one of: patchmatch."
    assert hint("diffusers/x", "diffusers/y") == (
        "Use one of: patchmatch, diffusers/y. 'bridge-server models' shows the models that are there."
    )
