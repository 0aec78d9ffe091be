# SPDX-License-Identifier: Apache-2.0
"""What may be changed of a job."""

from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.steering import change_in, steered, steering_of
from bridge_server.protocol.errors import BadRequest, Unsupported
from bridge_server.protocol.records import Steering
from bridge_server.protocol.steering import Finish, Steer
from bridge_server.sessions.store import JobRecord

ALL = ["prompt", "negative_prompt", "strength", "guidance", "weights", "finish"]


def record(steers):
    """A job with one guide, of an engine that heeds some of it."""
    engine = replace(samples.ENGINE, steers=steers)
    return JobRecord("j0b", "s", "p", samples.REQUESTS["fill"], engine, 42, 0.0)


def test_what_is_asked_is_what_changes():
    """And nothing else."""
    assert change_in(Steer("j0b", prompt="an oak"), record(ALL)) == Steering(prompt="an oak")
    assert change_in(Steer("j0b", prompt=""), record(ALL)) == Steering(prompt="")
    whole = change_in(samples.REQUESTS["steer"], record(ALL))
    assert whole == replace(samples.STEERING, finish=False)
    assert change_in(Finish("j0b"), record(ALL)) == Steering(finish=True)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Steer("j", prompt="x"), "does not heed a new prompt.*It heeds strength, guidance"),
        (Steer("j", strength=0.5, weights=[1.0]), "does not heed a new weights"),
        (Finish("j"), "can't finish early.*what is finished stays"),
    ],
)
def test_what_the_engine_does_not_heed_is_refused_in_words(request_, message):
    """With what it does heed."""
    with pytest.raises(Unsupported, match=message):
        change_in(request_, record(["strength", "guidance"]))


def test_an_engine_that_heeds_nothing_says_what_to_do():
    """Ask anew."""
    with pytest.raises(Unsupported, match="Cancel, and ask anew"):
        change_in(Steer("j", prompt="x"), record(["finish"]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": "x" * 20_001}, r"The prompt is 20001 characters long\. Use at most 20000"),
        ({"negative_prompt": "x" * 20_001}, r"The negative prompt is 20001 characters long"),
        ({"strength": 1.5}, r"params\.strength is 1\.5"),
        ({"guidance": -1.0}, r"params\.guidance is -1"),
        ({"guidance": float("nan")}, r"params\.guidance is nan"),
        ({"weights": [2.5]}, r"params\.weights\[0\] is 2\.5"),
        ({"weights": []}, r"has 0 values; the job has 1 guides"),
    ],
)
def test_values_out_of_range_are_named(fields, message):
    """As in a request."""
    with pytest.raises(BadRequest, match=message):
        change_in(Steer("j", **fields), record(ALL))


def test_a_steered_request_asks_for_what_was_made():
    """Words, strength and weights; what was not changed stays."""
    asked = samples.REQUESTS["fill"]
    assert steered(asked, None) == asked
    assert steered(asked, Steering(prompt="")) == replace(asked, prompt="")
    (guide,) = asked.guides
    assert steered(asked, samples.STEERING) == replace(
        asked,
        prompt="an oak",
        negative_prompt="fog",
        strength=0.625,
        guides=[replace(guide, weight=0.5)],
    )


def test_how_a_candidate_was_steered_stands_in_its_recipe():
    """The last word of each kind counts; what came after it was made does not."""
    last = Steering(prompt="later", guidance=9.0)
    changes = [
        {"done": 0.0, "prompt": "an oak", "guidance": 4.0, "weights": [0.5]},
        {"done": 0.25, "prompt": "an elm", "strength": 0.5},
        {"done": 0.5, "negative_prompt": "fog"},
    ]
    told = Steering("an elm", "fog", 0.5, 4.0, [0.5])
    assert steering_of({"algorithm": 1, "steered": changes}, 1, last) == told
    assert steering_of({"steered": changes}, 2, last) == replace(told, weights=None)
    assert steering_of({"algorithm": 1}, 1, last) == Steering()
    assert steering_of({"prompt": "x"}, 1, last) is last
    assert steering_of({"steered": [{"done": 0, "prompt": 3, "weights": 1}]}, 0, last) == Steering()
