# SPDX-License-Identifier: Apache-2.0
"""Jobs whose candidates taste chooses from drafts."""

import asyncio

import pytest

from bridge_server.protocol.errors import NotFound, WorkerDied
from bridge_server.protocol.messages import CandidateDone
from bridge_server.protocol.taste import SetTaste
from scheduling import Stage, stage

POOL = 12


def teach(it, **settings):
    """Let taste have a say: a pin is the artist's own word and needs no lessons."""
    it.memory.lessons.set(SetTaste(**{"pins": {"lightness": 1.0}} | settings), "book cover")


async def draft(it, runs):
    """Make all drafts of these tasks."""
    for run in runs:
        assert run.task.stage == "draft"
        for index in run.task.indices:
            run.draft(index)
        run.end()


def test_drafts_come_first_and_the_chosen_are_made_from_them(tmp_path):
    """The drafts are dealt out to the workers; what the clerk chose is made in its order, and says why."""

    async def scenario():
        async with stage(tmp_path) as it:
            teach(it)
            submitted = await it.submit("a", count=2, seed=None, taste=None)
            runs = await it.both_started()
            assert sorted(index for run in runs for index in run.task.indices) == list(range(POOL))
            await draft(it, runs)
            made = await it.both_started()
            assert [run.task.stage for run in made] == ["drafted", "drafted"]
            assert [run.task.seeds for run in made] == [
                [submitted.seed + POOL - 1],
                [submitted.seed + POOL - 2],
            ]
            for index, run in enumerate(made):
                run.make(index)
                run.end()
            await it.end_of("a")
            errand = it.clerk.asked[0]
            assert (errand["count"], errand["pins"]) == (2, {"lightness": 1.0})
            looks = [look["lightness"] for look in errand["drafts"]]
            assert looks == [(submitted.seed + index) / 100 for index in range(POOL)]
            drafts = [event.body for _, event in it.events if event.topic == "job.drafts"]
            assert [(body.made, body.wanted) for body in drafts] == [(n, POOL) for n in range(1, POOL + 1)]
            info = await it.scheduler.job("a")
            assert (info.drafts, info.drafted) == (POOL, True)
            assert [c.offered for c in info.candidates] == ["near", "near"]
            assert [c.seed for c in info.candidates] == [submitted.seed + POOL - 1, submitted.seed + POOL - 2]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({}, {"taste": False, "seed": None}),
        ({}, {"taste": None, "seed": 42}),
        ({"on": False}, {"taste": True, "seed": None}),
        ({"pins": {}}, {"taste": True, "seed": None}),
        ({}, {"taste": True, "seed": None, "engine": "all"}),
    ],
    ids=["not wanted", "a seed is given", "switched off", "nothing learned", "no drafts"],
)
def test_without_taste_a_job_is_as_if_there_were_none(tmp_path, settings, fields):
    """Candidate i has seed + i and is made in full at once."""

    async def scenario():
        async with stage(tmp_path) as it:
            teach(it, **settings)
            submitted = await it.submit("a", **fields)
            run = await it.started()
            assert (run.task.stage, run.task.seeds) == ("full", [submitted.seed])
            run.make(0)
            run.end()
            await it.end_of("a")
            info = await it.scheduler.job("a")
            assert (info.drafts, info.drafted, info.candidates[0].offered) == (0, False, "")
            assert it.clerk.asked == []

    asyncio.run(scenario())


def test_a_chosen_candidate_can_be_asked_for_again(tmp_path):
    """Its seed with ``drafted``: the same picture, without any choice."""

    async def scenario():
        async with stage(tmp_path) as it:
            teach(it)
            await it.submit("a", seed=99, drafted=True, taste=True)
            run = await it.started()
            assert (run.task.stage, run.task.seeds) == ("drafted", [99])

    asyncio.run(scenario())


def test_a_given_seed_with_taste_chooses_from_that_seed_on(tmp_path):
    """So that a choice can be repeated."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            teach(it)
            await it.submit("a", seed=5, taste=True)
            run = await it.started()
            assert (run.task.stage, run.task.seeds) == ("draft", list(range(5, 5 + POOL)))

    asyncio.run(scenario())


def test_unlike_chooses_even_with_taste_off(tmp_path):
    """Away from that candidate; no lesson and no exploration has a say then."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a", seed=7)
            run = await it.started()
            run.make(0)
            run.end()
            await it.end_of("a")
            told = next(e.body.info for _, e in it.events if isinstance(e.body, CandidateDone))
            teach(it, on=False)
            await it.submit("b", seed=None, unlike=told.candidate)
            await draft(it, [await it.started()])
            assert (await it.started()).task.stage == "drafted"
            errand = it.clerk.asked[0]
            assert errand["unlike"] == {"lightness": 0.07}
            assert (errand["lessons"], errand["pins"], errand["exploration"]) == ([], {}, 0.0)
            with pytest.raises(NotFound, match="no candidate 'nobody'"):
                await it.submit("c", unlike="nobody")

    asyncio.run(scenario())


def test_without_the_clerk_the_first_drafts_are_taken(tmp_path):
    """Taste is a help; that it fails does not cost the artist the job."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            teach(it)
            it.clerk.error = WorkerDied("It ended.")
            await it.submit("a", seed=5, taste=True)
            await draft(it, [await it.started()])
            run = await it.started()
            assert run.task.seeds == [5]
            run.make(0)
            run.end()
            assert (await it.end_of("a")).state == "done"
            assert (await it.scheduler.job("a")).candidates[0].offered == ""

    asyncio.run(scenario())


@pytest.mark.parametrize("chosen", [False, True])
def test_a_daemon_that_dies_among_drafts_goes_on_where_it_was(tmp_path, chosen):
    """Before the choice all drafts are made again; after it the choice stands."""

    async def first():
        it = Stage(tmp_path, size=1)
        teach(it)
        await it.submit("a", count=2, seed=5, taste=True)
        run = await it.started()
        if chosen:
            await draft(it, [run])
            await it.started()
        it.abandon()

    async def second():
        async with stage(tmp_path, size=1) as it:
            await it.scheduler.resume()
            run = await it.started()
            if chosen:
                assert (run.task.stage, run.task.seeds) == ("drafted", [5 + POOL - 1])
            else:
                assert (run.task.stage, run.task.seeds) == ("draft", list(range(5, 5 + POOL)))

    asyncio.run(first())
    asyncio.run(second())


def test_a_job_cancelled_among_its_drafts_ends(tmp_path):
    """Nothing of it goes on, and the worker is free."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            teach(it)
            await it.submit("a", seed=5, taste=True)
            run = await it.started()
            run.draft(0)
            await it.scheduler.cancel("a")
            assert (await it.end_of("a")).state == "cancelled"
            await it.submit("b", seed=1)
            assert (await it.started()).task.task.startswith("b:")
            assert it.clerk.asked == []

    asyncio.run(scenario())


def test_an_engine_that_leaves_a_draft_out_fails_the_job(tmp_path):
    """A choice among fewer would be another one."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            teach(it)
            await it.submit("a", seed=5, taste=True)
            run = await it.started()
            for index in run.task.indices[1:]:
                run.draft(index)
            run.end()
            assert (await it.end_of("a")).error_code == "engine_failed"

    asyncio.run(scenario())


def test_two_workers_that_end_together_choose_once(tmp_path):
    """All drafts of both may be there before either task has ended."""

    async def scenario():
        async with stage(tmp_path) as it:
            teach(it)
            await it.submit("a", count=1, seed=5, taste=True)
            runs = await it.both_started()
            for run in runs:
                for index in run.task.indices:
                    run.draft(index)
            await it.until(lambda: len(drafts_told(it)) == POOL)
            for run in runs:
                run.end()
            run = await it.started()
            run.make(0)
            run.end()
            assert (await it.end_of("a")).state == "done"
            assert len(it.clerk.asked) == 1
            assert it.workers.started.empty()

    asyncio.run(scenario())


def drafts_told(it):
    """The events that tell of drafts."""
    return [event for _, event in it.events if event.topic == "job.drafts"]
