# SPDX-License-Identifier: Apache-2.0
"""What the worker's main makes of a task, seen on its pipes."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

import samples
from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Guide, Placement, Steering
from bridge_server.protocol.work import (
    CancelTask,
    SteerTask,
    Task,
    TaskCandidate,
    TaskDraft,
    TaskEnded,
    Together,
)
from bridge_server.workers.child import _Shelf
from bridge_server.workers.frames import HEADER, decode, encode
from scripted import COMMAND, task
from scripted_worker import colour_of


def conversation(*messages, options=()):
    """Everything a worker says to these messages before its stdin closes, READY left out."""
    works = {message.task for message in messages if isinstance(message, (Task, Together))}
    with subprocess.Popen([*COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        for message in messages:
            child.stdin.write(encode(message))
        child.stdin.flush()
        said, ends = [], 0
        while ends < len(works):
            (length,) = HEADER.unpack(child.stdout.read(HEADER.size))
            said.append(decode(child.stdout.read(length)))
            ends += isinstance(said[-1], TaskEnded) and said[-1].task in works
        child.stdin.close()
        assert child.wait(20) == 0
    return said[1:]


def test_indices_and_seeds_are_those_of_the_task():
    """A task for the third and fifth candidate answers as such."""
    wanted = task(seeds=(70, 90))
    said = conversation(Task(**{**vars(wanted), "indices": [2, 4]}))
    made = [message for message in said if isinstance(message, TaskCandidate)]
    assert [(each.index, each.seed) for each in made] == [(2, 70), (4, 90)]
    assert all(each.seconds >= 0 for each in made)


@pytest.mark.parametrize(("layout", "pixel"), [("gray8", 1), ("rgb8", 3), ("rgba16", 8), ("rgbaf32", 16)])
def test_a_result_has_the_depth_and_colorspace_of_the_picture(layout, pixel):
    """RGBA of the same kind of number, placed at the selection's corner."""
    wanted = vars(task()) | {"picture": Pixels(4, 2, layout, bytes(8 * pixel), "linear")}
    made = next(m for m in conversation(Task(**wanted)) if isinstance(m, TaskCandidate))
    expected = {"gray8": "rgba8", "rgb8": "rgba8"}.get(layout, layout)
    assert (made.pixels.format, made.pixels.colorspace) == (expected, "linear")
    assert made.placement == Placement(0, 0, 2, 2)


@pytest.mark.parametrize(("layout", "pixel"), [("rgb8", 3), ("rgba16", 8), ("rgbaf32", 16)])
def test_a_candidate_comes_with_a_thumbnail_and_a_description(layout, pixel):
    """8-bit sRGB with the selection's coverage, whatever the picture's depth, and every axis."""
    wanted = vars(task()) | {"picture": Pixels(4, 2, layout, bytes(8 * pixel))}
    made = next(m for m in conversation(Task(**wanted)) if isinstance(m, TaskCandidate))
    small = made.thumbnail
    assert (small.width, small.height, small.format, small.colorspace) == (2, 2, "rgba8", "srgb")
    assert bytes(small.data) == (bytes(colour_of(5)) + b"\xff" + bytes(colour_of(5)) + b"\x80") * 2
    assert set(made.descriptor) == {axis.name for axis in AXES}


def test_drafts_are_descriptions_only():
    """One for each seed, equal to that of the candidate made from it; no progress and no preview."""
    wanted = vars(task(seeds=(70, 90), steps=2, preview=4)) | {"indices": [2, 4]}
    said = conversation(Task(**wanted | {"stage": "draft"}))
    drafts = [message for message in said if isinstance(message, TaskDraft)]
    assert [type(message) for message in said] == [TaskDraft, TaskDraft, TaskEnded]
    assert [(each.index, each.seed) for each in drafts] == [(2, 70), (4, 90)]
    made = [m for m in conversation(Task(**wanted | {"stage": "drafted"})) if isinstance(m, TaskCandidate)]
    assert [each.descriptor for each in made] == [each.descriptor for each in drafts]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"engine": "scripted-batch"}, "drafts"),
        ({"verb": "refine"}, "drafts"),
        ({"stage": "sketch"}, "sketch"),
    ],
)
def test_a_stage_that_the_engine_does_not_know_is_refused_in_words(more, word):
    """An engine without drafts, a verb it does not draft, no stage at all."""
    for stage in ("draft", "drafted"):
        (ended,) = conversation(Task(**vars(task()) | {"stage": stage} | more))
        assert ended.error_code == "unsupported"
        assert word in ended.error_message


def test_an_expand_is_placed_in_the_old_pictures_coordinates():
    """What grows on the left and above lies at negative places."""
    wanted = vars(task()) | {"verb": "expand", "mask": None, "grow": [3, 1, 2, 0]}
    made = next(m for m in conversation(Task(**wanted)) if isinstance(m, TaskCandidate))
    assert made.placement == Placement(-3, -2, 8, 4)


def test_a_cancel_that_comes_before_the_task_begins_is_heeded():
    """Two tasks wait; the second is cancelled while the first is at work."""
    said = conversation(task("a", step=0.05, steps=4), task("b"), CancelTask("b"))
    ended = {m.task: m.error_code for m in said if isinstance(m, TaskEnded)}
    assert ended == {"a": "", "b": "cancelled"}
    assert not any(isinstance(m, TaskCandidate) and m.task == "b" for m in said)


def test_the_default_worker_has_patchmatch_first():
    """The program that the daemon starts by default says READY with the engine that needs nothing."""
    command = [sys.executable, "-m", "bridge_server.workers.child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        (length,) = HEADER.unpack(child.stdout.read(HEADER.size))
        assert decode(child.stdout.read(length)).engines[0].name == "patchmatch"
        child.stdin.close()
        assert child.wait(20) == 0


def made(said, name="t"):
    """The candidates of a task."""
    return [message for message in said if isinstance(message, TaskCandidate) and message.task == name]


def ends(said):
    """(name, error) of each end, in order."""
    return [(message.task, message.error_code) for message in said if isinstance(message, TaskEnded)]


def test_guides_reach_the_engine_as_pictures():
    """Of their own sizes and depths, in their order."""
    guides = [
        Guide("depth", Pixels(3, 2, "gray8", bytes(6)), 0.5),
        Guide("style", Pixels(1, 1, "rgba16", bytes(8))),
    ]
    (candidate,) = made(conversation(replace(task(), guides=guides)))
    assert candidate.recipe["guides"] == [["depth", 2, 3, 1], ["style", 1, 1, 4]]
    assert candidate.recipe["weights"] == [0.5, 1.0]


def test_what_is_steered_before_a_task_begins_holds_from_its_start():
    """It comes with the task; what is said later takes its place."""
    steered = replace(task("a"), steering=Steering(prompt="an oak", guidance=3.0))
    said = conversation(
        steered, replace(steered, task="b"), SteerTask("b", Steering(prompt="an elm")), task("c")
    )
    told = [(m.recipe["prompt"], m.recipe["guidance"]) for m in made(said, "a") + made(said, "c")]
    assert told == [("an oak", 3.0), ("", None)]


def test_steering_takes_effect_at_the_next_step(tmp_path):
    """While a task is at work; take it now ends it with what is begun."""
    waits = task("a", seeds=(1, 2), wait_for=tmp_path / "never")
    said = conversation(waits, SteerTask("a", Steering(prompt="an oak", finish=True)))
    (candidate,) = made(said, "a")
    assert (candidate.recipe["prompt"], candidate.recipe["finished"]) == ("an oak", True)
    assert ends(said) == [("a", "")]


def test_tasks_together_are_told_and_ended_by_their_own_names():
    """Each as soon as it is over; the whole ends last."""
    parts = [task(name, "scripted-batch", seeds, steps=2) for name, seeds in (("a", (1, 2)), ("b", (3,)))]
    said = conversation(Together("both", parts), task("next"))
    assert [(m.seed, m.recipe["together"]) for m in made(said, "a") + made(said, "b")] == [
        (1, 2),
        (2, 2),
        (3, 2),
    ]
    assert ends(said) == [("b", ""), ("a", ""), ("both", ""), ("next", "")]
    assert bytes(made(said, "b")[0].pixels.data[:3]) == bytes(colour_of(3))


def test_one_of_several_is_cancelled_or_steered_alone(tmp_path):
    """The others neither stop nor change."""
    waits = {"wait_for": tmp_path / "never"}
    parts = [task(name, "scripted-batch", **waits) for name in "abc"]
    said = conversation(
        Together("all", parts),
        CancelTask("a"),
        SteerTask("b", Steering(prompt="an oak", finish=True)),
        SteerTask("c", Steering(finish=True)),
    )
    assert sorted(ends(said)[:-1]) == [("a", "cancelled"), ("b", ""), ("c", "")]
    assert ends(said)[-1] == ("all", "")
    assert made(said, "a") == []
    assert (made(said, "b")[0].recipe["prompt"], made(said, "c")[0].recipe["prompt"]) == ("an oak", "")


def test_an_error_of_one_of_several_is_its_own():
    """In its own words."""
    parts = [task("a", "scripted-batch", fail="No such style."), task("b", "scripted-batch")]
    said = conversation(Together("both", parts))
    assert ends(said) == [("a", "engine_failed"), ("b", ""), ("both", "")]


def test_what_breaks_them_all_ends_the_whole():
    """Who asked sees which had not ended yet; the worker lives."""
    parts = [task("a", "scripted-batch", memory=True), task("b", "scripted-batch", steps=3)]
    said = conversation(Together("both", parts), task("next"))
    assert ends(said) == [("both", "engine_failed"), ("next", "")]


def test_an_engine_that_does_not_batch_takes_nothing_together():
    """It says so instead of doing half."""
    (end,) = conversation(Together("both", [task("a"), task("b")]))
    assert (end.task, end.error_code) == ("both", "unsupported")


def test_an_engine_that_came_since_is_found(tmp_path):
    """A model was added while the worker ran; one that is not there, or no more, is refused in words."""
    listed = tmp_path / "list"
    listed.write_text("")
    with subprocess.Popen(
        [*COMMAND, "--list", str(listed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:

        def said():
            (length,) = HEADER.unpack(child.stdout.read(HEADER.size))
            return decode(child.stdout.read(length))

        names = [engine.name for engine in said().engines]
        assert names == ["scripted", "scripted-batch"]
        listed.write_text("new")
        for name in ("new", "other"):
            child.stdin.write(encode(task(name, name)))
            child.stdin.flush()
        heard = [said() for _ in range(3)]
        assert [type(message) for message in heard] == [TaskCandidate, TaskEnded, TaskEnded]
        assert heard[-1].error_message == "This worker has no engine 'other'."
        listed.write_text("")
        child.stdin.write(encode(task("gone", "new")))
        child.stdin.flush()
        assert said().error_message == "This worker has no engine 'new'."
        child.stdin.close()
        assert child.wait(20) == 0


def test_an_engine_that_became_another_is_not_mistaken_for_the_old_one():
    """A model was pulled again under its name: what is made comes from the new one, as its record says."""
    version = 1

    def load():
        return [SimpleNamespace(info=replace(samples.ENGINE, model_hash=str(version)))]

    shelf = _Shelf(load)
    assert [engine.model_hash for engine in shelf.ready().engines] == ["1"]
    assert shelf.find("patchmatch").info.model_hash == "1"
    version = 2
    assert shelf.find("patchmatch").info.model_hash == "2"
