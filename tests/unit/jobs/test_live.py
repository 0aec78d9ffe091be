# SPDX-License-Identifier: Apache-2.0
"""What is left to make of a job."""

from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.live import Live
from bridge_server.jobs.queue import Entry
from bridge_server.protocol.records import Placement
from bridge_server.sessions.store import Chosen, JobRecord

ONE = replace(samples.ENGINE, batches=False)
ALL = replace(samples.ENGINE, batches=True)


def live(engine, left=(0, 1, 2), **record):
    """A job of three candidates."""
    request = replace(samples.REQUESTS["fill"], count=3)
    return Live(JobRecord("j", "s", "p", request, engine, 42, 0.0, **record), "queued", 1, set(left))


def dealt(it, workers):
    """(indices, whether they are drafts) of its entries."""
    return [(entry.indices, entry.drafts) for entry in it.entries(workers)]


@pytest.mark.parametrize(
    ("engine", "left", "expected"),
    [
        (ONE, (2, 0, 1), [(0,), (1,), (2,)]),
        (ALL, (2, 0, 1), [(0, 1, 2)]),
        (ONE, (1,), [(1,)]),
        (ALL, (2, 1), [(1, 2)]),
    ],
)
def test_what_is_left_is_one_task_or_one_a_candidate(engine, left, expected):
    """As the engine makes them; what is made is not made again."""
    assert dealt(live(engine, left), 4) == [(indices, False) for indices in expected]


@pytest.mark.parametrize(("workers", "sizes"), [(1, [5]), (2, [3, 2]), (3, [2, 2, 1]), (8, [1] * 5)])
def test_drafts_are_dealt_out_evenly(workers, sizes):
    """Each once, to no more tasks than there are drafts."""
    entries = dealt(live(ONE, drafts=5), workers)
    assert [len(indices) for indices, _ in entries] == sizes
    assert sorted(index for indices, _ in entries for index in indices) == list(range(5))
    assert all(drafts for _, drafts in entries)


def test_after_the_choice_the_chosen_are_made():
    """As many as were wanted, however many drafts there were."""
    plan = (Chosen(47, "near"), Chosen(44, "near"), Chosen(45, "surprise"))
    assert dealt(live(ONE, left=(0, 2), drafts=5, plan=plan), 2) == [((0,), False), ((2,), False)]


def test_an_entry_misses_what_was_not_made():
    """Drafts are looked for among the drafts, candidates among what is left."""
    it = live(ONE, left=(1,), drafts=3)
    candidate, drafts = Entry("j", "s", 0, (0,), False), Entry("j", "s", 0, (0, 2), True)
    assert not it.misses(candidate)
    assert it.misses(replace(candidate, indices=(0, 1)))
    it.drafts[0] = {}
    assert it.misses(drafts)
    it.drafts[2] = {}
    assert not it.misses(drafts)
    assert not it.may_choose()
    it.drafts[1] = {}
    assert it.may_choose()
    assert not it.may_choose(), "a second task that ends then chooses again"


def test_a_place_in_the_region_is_told_on_the_canvas():
    """Also where the region begins left of and above it."""
    region = samples.REGION
    assert live(ONE).on_canvas(Placement(1, 0, 3, 4)) == Placement(region.x + 1, region.y, 3, 4)
