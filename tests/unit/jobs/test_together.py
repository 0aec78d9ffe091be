# SPDX-License-Identifier: Apache-2.0
"""Which jobs can be made together."""

from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.together import kin
from bridge_server.protocol.pixels import Pixels
from bridge_server.sessions.store import JobRecord

BATCHES = replace(samples.ENGINE, batches=True)
PLAIN = {"drafted": False, "unlike": ""}


def record(verb="vary", engine=BATCHES, drafts=0, **asked):
    """A job."""
    request = replace(samples.REQUESTS[verb], **PLAIN | asked)
    return JobRecord("j", "s", "p", request, engine, 42, 0.0, drafts=drafts)


def guide(**fields):
    """The sample's guide with another field."""
    return [replace(samples.GUIDE, **fields)]


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "an oak", "negative_prompt": "fog", "seed": 1, "count": 3},
        {"picture": replace(samples.PICTURE, data=b"\xff" * 6)},
        {"picture": Pixels(2, 1, "rgba8", bytes(8))},
        {"region": replace(samples.REGION, x=-900), "document": "other", "priority": 4, "live": "x"},
        {"guides": guide(picture=Pixels(9, 9, "gray8", bytes(81)))},
    ],
)
def test_words_seeds_and_what_pictures_show_may_differ(asked):
    """They are each candidate's own."""
    assert kin(record()) is not None
    assert kin(record(**asked)) == kin(record())


@pytest.mark.parametrize(
    "asked",
    [
        {"picture": Pixels(1, 2, "rgb8", bytes(6))},
        {"strength": 0.5},
        {"amount": 0.5},
        {"parameters": {"patch_radius": 6}},
        {"guides": []},
        {"guides": guide(kind="style")},
        {"guides": guide(weight=0.5)},
        {"guides": guide(start=0.25)},
        {"guides": guide(end=0.75)},
        {"guides": [samples.GUIDE, samples.GUIDE]},
        {"verb": "fill"},
        {"verb": "refine"},
        {"engine": replace(BATCHES, name="other")},
    ],
)
def test_what_a_batch_has_in_common_must_be_equal(asked):
    """One size, one course, one way of being led."""
    assert kin(record(**asked)) != kin(record())


def test_expands_go_with_those_of_the_same_sides():
    """What a mask covers may differ, what grows may not."""
    assert kin(record("expand")) == kin(record("expand"))
    assert kin(record("expand", left=9)) != kin(record("expand"))


@pytest.mark.parametrize(
    "asked", [{"engine": replace(samples.ENGINE, batches=False)}, {"drafts": 12}, {"drafted": True}]
)
def test_some_are_made_alone(asked):
    """An engine that does one thing at a time; whatever has to do with drafts."""
    assert kin(record(**asked)) is None
