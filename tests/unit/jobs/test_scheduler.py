# SPDX-License-Identifier: Apache-2.0
"""From a request to a job and its end."""

import asyncio
from dataclasses import replace

import pytest

import samples
from bridge_server.protocol.errors import (
    BadRequest,
    DaemonStopping,
    NotFound,
    TooBusy,
    TooLarge,
    Unsupported,
)
from bridge_server.protocol.messages import CandidateDone, JobProgress
from bridge_server.protocol.records import Placement
from bridge_server.sessions.conversation import Sitting
from scheduling import stage


def test_a_job_is_queued_computed_and_done(tmp_path):
    """Each step is told, lasting ones with a number of their own, and all is in the store."""

    async def scenario():
        async with stage(tmp_path) as it:
            submitted = await it.submit("a", seed=7, parameters={"x": 1}, prompt="a tree")
            assert (submitted.job, submitted.seed) == ("a", 7)
            run = await it.started()
            assert (run.task.verb, run.task.seeds, run.task.parameters) == ("fill", [7], {"x": 1})
            assert run.task.prompt == "a tree"
            run.progress(0, 0.5)
            run.make(0, radius=5)
            run.end()
            assert (await it.end_of("a")).state == "done"
            assert it.states("a") == ["queued", "running", "done"]
            topics = [event.topic for _, event in it.events]
            assert topics == ["job.state", "job.state", "job.progress", "job.candidate", "job.state"]
            assert [event.seq for _, event in it.events] == [1, 2, 2, 3, 4]
            assert it.stored("a") == [1, 2, 3, 4]
            assert it.events[2][1].body == JobProgress("a", 0, 0.5)
            info = (await it.scheduler.job("a")).candidates[0]
            assert (info.seed, info.recipe) == (7, {"radius": 5})
            assert info.placement == Placement(samples.REGION.x + 1, samples.REGION.y, 1, 1)
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_a_candidate_is_on_disk_before_anyone_hears_of_it(tmp_path):
    """At the moment of the event the store can already hand out the pixels."""

    async def scenario():
        async with stage(tmp_path) as it:
            found = []

            def look(_job, event):
                if isinstance(event.body, CandidateDone):
                    found.append(it.store.candidate(event.body.info.candidate) == event.body)

            it.on_publish = look
            await it.submit("a")
            run = await it.started()
            run.make(0)
            run.end()
            await it.end_of("a")
            assert found == [True]

    asyncio.run(scenario())


def test_an_engine_without_batches_gets_a_task_for_each_candidate(tmp_path):
    """On as many workers as there are, each with its own seed; the job is done with the last."""

    async def scenario():
        async with stage(tmp_path, size=2) as it:
            await it.submit("a", count=3, seed=10)
            runs = await it.both_started()
            assert [(run.task.indices, run.task.seeds) for run in runs] == [([0], [10]), ([1], [11])]
            runs[1].make(1)
            runs[1].end()
            last = await it.started()
            assert last.task.indices == [2]
            for run, index in ((runs[0], 0), (last, 2)):
                assert it.states("a")[-1] == "running"
                run.make(index)
                run.end()
            await it.end_of("a")
            assert it.lasting("a") == it.stored("a") == [1, 2, 3, 4, 5, 6]

    asyncio.run(scenario())


def test_an_engine_with_batches_gets_one_task(tmp_path):
    """All candidates at once; each is told as it comes."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a", engine="all", count=3, seed=10)
            run = await it.started()
            assert (run.task.indices, run.task.seeds) == ([0, 1, 2], [10, 11, 12])
            run.make(2)
            await it.until(lambda: it.lasting("a")[-1] == 3)
            run.make(0)
            run.make(1)
            run.end()
            assert (await it.end_of("a")).state == "done"

    asyncio.run(scenario())


def test_the_daemon_chooses_a_seed_and_tells_it(tmp_path):
    """Two jobs get different ones, each exact in a double."""

    async def scenario():
        async with stage(tmp_path) as it:
            seeds = [(await it.submit(job, seed=None)).seed for job in "ab"]
            assert seeds[0] != seeds[1]
            assert all(0 <= seed < 2**32 for seed in seeds)
            assert (await it.started()).task.seeds == [seeds[0]]

    asyncio.run(scenario())


def test_positions_follow_the_line(tmp_path):
    """1 is next; what is being computed has none."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            await it.started()
            assert (await it.submit("b")).position == 1
            assert (await it.submit("c")).position == 2
            assert (await it.submit("d", priority=1)).position == 1
            jobs = await it.scheduler.jobs(None, 10)
            assert {info.job: info.position for info in jobs} == {"a": 0, "d": 1, "b": 2, "c": 3}
            assert (await it.scheduler.job("c")).position == 3
            assert it.scheduler.counts == (3, 1)

    asyncio.run(scenario())


def test_a_queued_job_is_cancelled_without_ever_starting(tmp_path):
    """It leaves the line at once."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            run = await it.started()
            await it.submit("b", count=2)
            await it.scheduler.cancel("b")
            assert it.states("b") == ["queued", "cancelled"]
            run.make(0)
            run.end()
            await it.end_of("a")
            assert it.workers.started.empty()
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_a_running_job_is_cancelled_and_keeps_its_finished_candidates(tmp_path):
    """All its tasks are stopped with the engine's grace; late results are not told."""

    async def scenario():
        async with stage(tmp_path, size=2) as it:
            await it.submit("a", count=3)
            first, second = await it.both_started()
            first.make(0)
            await it.until(lambda: it.lasting("a")[-1] == 3)
            await it.scheduler.cancel("a")
            second.make(1)
            assert sorted(it.workers.cancelled) == [("a:0", 0.05), ("a:1", 0.05)]
            assert (await it.end_of("a")).error_code == "cancelled"
            await it.scheduler.cancel("a")  # again: no error
            info = await it.scheduler.job("a")
            assert (info.state, [each.index for each in info.candidates]) == ("cancelled", [0])
            assert it.lasting("a") == it.stored("a") == [1, 2, 3, 4]
            assert it.workers.started.empty()

    asyncio.run(scenario())


def test_a_cancel_between_the_line_and_the_worker_is_heeded(tmp_path):
    """While "running" is being written down the worker does not know the task yet; it must never get it."""

    async def scenario():
        async with stage(tmp_path) as it:
            cancels = []

            def cancel_at_once(_job, event):
                if event.seq == 1:  # "queued" was told; the task begins as soon as the loop goes on
                    cancels.append(asyncio.ensure_future(it.scheduler.cancel("a")))

            it.on_publish = cancel_at_once
            await it.submit("a")
            await asyncio.gather(*cancels)
            await it.end_of("a")
            it.on_publish = lambda _job, event: (
                cancels.append(asyncio.ensure_future(it.scheduler.cancel("b"))) if event.seq == 2 else None
            )
            await it.submit("b")
            await it.until(lambda: it.states("b")[-1] == "cancelled")
            await asyncio.gather(*cancels)
            await it.submit("c", seed=3)
            run = await it.started()
            while run.task.task != "c:0":
                assert run.ended.done(), f"{run.task.task} runs although nobody wants it"
                run = await it.started()

    asyncio.run(scenario())


def test_cancelling_an_unknown_job_says_so(tmp_path):
    """And cancelling one that is over does not."""

    async def scenario():
        async with stage(tmp_path) as it:
            with pytest.raises(NotFound, match="no job 'x'"):
                await it.scheduler.cancel("x")

    asyncio.run(scenario())


def test_the_same_id_again_is_the_same_job(tmp_path):
    """At the same time, while it runs, and after its end: one job, one seed."""

    async def scenario():
        async with stage(tmp_path) as it:
            one, two = await asyncio.gather(it.submit("a", seed=None), it.submit("a", seed=None))
            assert one == two
            run = await it.started()
            assert (await it.submit("a", seed=None)).seed == one.seed
            run.make(0)
            run.end()
            await it.end_of("a")
            assert (await it.submit("a", seed=None)).seed == one.seed
            assert it.workers.started.empty()
            assert it.states("a") == ["queued", "running", "done"]
            assert await it.scheduler.knows("a")
            assert not await it.scheduler.knows("b")

    asyncio.run(scenario())


def test_a_full_line_refuses_more(tmp_path):
    """Until a job is over."""

    async def scenario():
        async with stage(tmp_path, size=1, max_queued=2) as it:
            await it.submit("a")
            await it.submit("b")
            with pytest.raises(TooBusy, match="2 jobs are waiting already"):
                await it.submit("c")
            await it.scheduler.cancel("b")
            await it.submit("c")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"engine": "two"}, NotFound, "There is no engine 'two'. Use one of: one, all."),
        ({"count": 0}, BadRequest, "params.count is 0."),
        ({"picture": replace(samples.PICTURE, width=101)}, TooLarge, "params.picture claims"),
    ],
)
def test_what_can_not_become_a_job_is_refused_and_leaves_nothing(tmp_path, fields, error, message):
    """Nothing is written down, nothing told."""

    async def scenario():
        async with stage(tmp_path) as it:
            with pytest.raises(error, match=message):
                await it.submit("a", **fields)
            assert it.store.jobs(None, 10) == it.events == []
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_a_verb_that_the_engine_lacks_is_unsupported(tmp_path):
    """It says what the engine can."""

    async def scenario():
        async with stage(tmp_path) as it:
            request = replace(samples.REQUESTS["expand"], engine="all", job="a")
            with pytest.raises(Unsupported, match=r"The engine all cannot expand\. It can fill\."):
                await it.scheduler.submit(request, Sitting("s", "p", ""))

    asyncio.run(scenario())


def test_the_first_engine_is_the_default(tmp_path):
    """An empty name takes it."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a", engine="")
            assert (await it.started()).task.engine == "one"

    asyncio.run(scenario())


def test_when_a_session_is_gone_what_only_it_wanted_ends(tmp_path):
    """Jobs with if_gone finish, and other sessions' jobs, go on."""

    async def scenario():
        async with stage(tmp_path, size=4) as it:
            await it.submit("stays", session="s1")
            await it.submit("goes", session="s1", if_gone="cancel")
            await it.submit("other", session="s2", if_gone="cancel")
            await it.scheduler.session_gone("s1")
            assert it.states("goes")[-1] == "cancelled"
            assert "cancelled" not in it.states("stays") + it.states("other")

    asyncio.run(scenario())


def test_a_stopping_daemon_takes_no_work(tmp_path):
    """The error tells to come back."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.scheduler.stop()
            with pytest.raises(DaemonStopping):
                await it.submit("a")

    asyncio.run(scenario())
