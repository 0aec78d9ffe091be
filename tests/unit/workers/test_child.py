# SPDX-License-Identifier: Apache-2.0
"""What the worker's main makes of a task, seen on its pipes."""

import subprocess
import sys

import pytest

from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from bridge_server.protocol.work import CancelTask, Task, TaskCandidate, TaskDraft, TaskEnded
from bridge_server.workers.frames import HEADER, decode, encode
from scripted import COMMAND, task
from scripted_worker import colour_of


def conversation(*messages):
    """Everything a worker says to these messages before its stdin closes, READY left out."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        for message in messages:
            child.stdin.write(encode(message))
        child.stdin.flush()
        said, ends = [], 0
        while ends < sum(isinstance(message, Task) for message in messages):
            (length,) = HEADER.unpack(child.stdout.read(HEADER.size))
            said.append(decode(child.stdout.read(length)))
            ends += isinstance(said[-1], TaskEnded)
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
