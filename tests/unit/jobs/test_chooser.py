# SPDX-License-Identifier: Apache-2.0
"""Whether taste has a say, and what happens when its say does not come."""

import asyncio
from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.chooser import Chooser
from bridge_server.protocol.errors import BadRequest, NotFound, WorkerDied
from bridge_server.protocol.taste import SetTaste
from bridge_server.sessions.store import JobRecord
from scheduling import ENGINES, stage

ONE, ALL, _ = ENGINES
PLAIN = replace(samples.REQUESTS["fill"], seed=None, taste=None, drafted=False, unlike="", live="")
DRAFTS = {index: {"lightness": index / 10} for index in (2, 0, 1, 3)}


def with_chooser(folder, test, **taste):
    """Run a test with a chooser and its stage."""

    async def scenario():
        async with stage(folder) as it:
            if taste:
                it.memory.lessons.set(SetTaste(**taste), "p")
            await test(it, Chooser(it.store, it.memory.lessons, it.writer, it.clerk))

    asyncio.run(scenario())


def record(**fields):
    """A job of two candidates whose drafts are made."""
    return JobRecord("j", "s", "p", replace(PLAIN, count=2, **fields), ONE, 40, 0.0, drafts=4)


@pytest.mark.parametrize(("count", "expected"), [(1, 12), (2, 12), (3, 18), (5, 30), (6, 32), (16, 32)])
def test_more_candidates_are_chosen_from_more_drafts(tmp_path, count, expected):
    """Up to a limit."""

    async def test(_it, chooser):
        assert await chooser.pool_size(replace(PLAIN, count=count), ONE, "p") == expected

    with_chooser(tmp_path, test, pins={"lightness": 1.0})


@pytest.mark.parametrize(
    ("fields", "engine", "project"),
    [
        ({"drafted": True}, ONE, "p"),
        ({"seed": 3}, ONE, "p"),
        ({"taste": False}, ONE, "p"),
        ({"live": "strokes", "taste": True}, ONE, "p"),
        ({}, ALL, "p"),
        ({}, ONE, "another"),
        ({"unlike": "nobody"}, ALL, "p"),
    ],
)
def test_a_job_in_which_taste_has_no_say_makes_no_drafts(tmp_path, fields, engine, project):
    """Its candidates are those of its seeds."""

    async def test(_it, chooser):
        assert await chooser.pool_size(replace(PLAIN, **fields), engine, project) == 0

    with_chooser(tmp_path, test, pins={"lightness": 1.0})


def test_unlike_nobody_is_refused(tmp_path):
    """Before any draft is made."""

    async def test(_it, chooser):
        with pytest.raises(NotFound):
            await chooser.pool_size(replace(PLAIN, unlike="nobody"), ONE, "p")

    with_chooser(tmp_path, test)


def test_the_choice_is_told_in_seeds_in_the_clerks_order(tmp_path):
    """The drafts reach the clerk by their numbers, in whatever order they were made."""

    async def test(it, chooser):
        plan = await chooser.choose(record(), DRAFTS)
        assert [(chosen.seed, chosen.offered) for chosen in plan] == [(43, "near"), (42, "near")]
        (errand,) = it.clerk.asked
        assert errand["drafts"] == [{"lightness": index / 10} for index in range(4)]
        assert (errand["seed"], errand["count"], errand["pins"]) == (40, 2, {"lightness": 1.0})

    with_chooser(tmp_path, test, pins={"lightness": 1.0})


@pytest.mark.parametrize("error", [WorkerDied("It ended."), BadRequest("No."), NotFound("Gone.")])
def test_a_clerk_that_fails_costs_the_choice_not_the_job(tmp_path, error):
    """The first drafts are taken, and do not claim to have been chosen."""

    async def test(it, chooser):
        it.clerk.error = error
        plan = await chooser.choose(record(), DRAFTS)
        assert [(chosen.seed, chosen.offered) for chosen in plan] == [(40, ""), (41, "")]

    with_chooser(tmp_path, test, pins={"lightness": 1.0})


def test_a_candidate_to_avoid_that_is_gone_meanwhile_costs_the_choice_not_the_job(tmp_path):
    """Its project was deleted while the drafts were made."""

    async def test(it, chooser):
        plan = await chooser.choose(record(unlike="gone"), DRAFTS)
        assert [chosen.seed for chosen in plan] == [40, 41]
        assert it.clerk.asked == []

    with_chooser(tmp_path, test)
