# SPDX-License-Identifier: Apache-2.0
"""Who goes to which worker, alone or together, and what comes of it."""

import asyncio

import pytest

from bridge_server.protocol.errors import WorkerDied
from bridge_server.protocol.records import Steering
from bridge_server.protocol.steering import Finish, Steer
from bridge_server.protocol.work import Task, Together
from scheduling import stage

BIG = "big/model"


async def three_together(it, **fields):
    """The run of three jobs of two candidates each, made together; the worker was busy when they came."""
    await it.submit("busy", engine=BIG, strength=0.125)
    busy = await it.started()
    for number, job in enumerate("abc"):
        await it.submit(job, session=f"t{number}", engine=BIG, count=2, seed=10 * number, **fields)
    busy.make(0)
    busy.end()
    return await it.started()


def test_a_busy_pool_holds_up_no_other(tmp_path):
    """Each has its own line, and places in it."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            assert (await it.started()).kind == "small"
            assert (await it.submit("b")).position == 1
            await it.submit("x", engine=BIG)
            run = await it.started()
            assert (run.kind, run.task.task) == ("big", "x:0")
            assert (await it.submit("y", engine=BIG)).position == 1
            assert [(await it.scheduler.job(job)).position for job in "abxy"] == [0, 1, 0, 1]
            run.make(0)
            run.end()
            assert (await it.end_of("x")).state == "done"
            assert it.states("a") == ["queued", "running"]

    asyncio.run(scenario())


def test_what_fits_is_made_together_and_told_apart(tmp_path):
    """One message to the worker; each job has its own candidates, events and end, as soon as it is over."""

    async def scenario():
        async with stage(tmp_path) as it:
            run = await three_together(it)
            assert isinstance(run.task, Together)
            assert [task.task for task in run.task.tasks] == ["a:0,1", "b:0,1", "c:0,1"]
            assert [task.seeds for task in run.task.tasks] == [[0, 1], [10, 11], [20, 21]]
            parts = run.parts
            for index in (0, 1):
                for part in parts.values():
                    part.make(index)
            parts["b"].end()
            assert (await it.end_of("b")).state == "done"
            assert it.states("a") == it.states("c") == ["queued", "running"]
            run.end()
            for job in "ac":
                assert (await it.end_of(job)).state == "done"
                assert it.lasting(job) == it.stored(job) == [1, 2, 3, 4, 5]
            assert [each.seed for each in (await it.scheduler.job("c")).candidates] == [20, 21]

    asyncio.run(scenario())


def test_priority_goes_first_and_what_does_not_fit_waits(tmp_path):
    """Eight candidates at most, in the order of the line; what is too many for the rest is passed over."""

    async def scenario():
        async with stage(tmp_path, max_queued=9) as it:
            await it.submit("busy", engine=BIG, strength=0.125)
            busy = await it.started()
            await it.submit("ten", engine=BIG, count=10)
            await it.submit("two", session="s2", engine=BIG, count=2)
            await it.submit("other", session="s3", engine=BIG, strength=0.5)
            await it.submit("four", session="s4", engine=BIG, count=4)
            await it.submit("three", session="s7", engine=BIG, count=3)
            await it.submit("one", session="s5", engine=BIG, priority=-1)
            await it.submit("first", session="s6", engine=BIG, count=3, priority=3)
            busy.make(0)
            busy.end()
            run = await it.started()
            together = [task.task.partition(":")[0] for task in run.task.tasks]
            assert together == ["first", "two", "three"]
            run.end("engine_failed", "for the sake of the next")

    asyncio.run(scenario())


def test_a_large_job_is_made_whole_and_takes_none_with_it(tmp_path):
    """Only what joins it is bounded."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("busy", engine=BIG, strength=0.125)
            busy = await it.started()
            await it.submit("ten", session="a", engine=BIG, count=10)
            await it.submit("one", session="b", engine=BIG)
            busy.make(0)
            busy.end()
            run = await it.started()
            assert (run.task.task.partition(":")[0], len(run.task.seeds)) == ("ten", 10)
            run.end("engine_failed", "for the sake of the next")

    asyncio.run(scenario())


def test_none_that_fits_overtakes_what_is_more_urgent(tmp_path):
    """A companion of a lower priority than something else in line waits behind it."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("busy", engine=BIG, strength=0.125)
            busy = await it.started()
            for job, priority, strength in (
                ("first", 3, 1.0), ("fits", 1, 1.0), ("urgent", 1, 0.5), ("later", 0, 1.0),
            ):  # fmt: skip
                await it.submit(job, session=job, engine=BIG, priority=priority, strength=strength)
            busy.make(0)
            busy.end()
            run = await it.started()
            assert [task.task.partition(":")[0] for task in run.task.tasks] == ["first", "fits"]
            run.end("engine_failed", "for the sake of the next")

    asyncio.run(scenario())


def test_one_is_cancelled_and_the_others_go_on(tmp_path):
    """It is named alone; its job ends at once."""

    async def scenario():
        async with stage(tmp_path) as it:
            run = await three_together(it)
            await it.scheduler.cancel("b")
            assert (await it.end_of("b")).state == "cancelled"
            assert [task for task, _ in it.workers.cancelled] == ["b:0,1"]
            parts = run.parts
            parts["b"].end("cancelled", "Cancelled.")
            for job in "ac":
                parts[job].make(0)
                parts[job].make(1)
                parts[job].end()
                assert (await it.end_of(job)).state == "done"
            run.end()
            assert it.lasting("b") == [1, 2, 3]

    asyncio.run(scenario())


def test_each_is_steered_alone(tmp_path):
    """By its own name; to finish one does not finish the others."""

    async def scenario():
        async with stage(tmp_path) as it:
            run = await three_together(it)
            await it.scheduler.steer(Steer("c", prompt="an oak"))
            await it.scheduler.steer(Finish("a"))
            assert it.workers.steered == [
                ("c:0,1", Steering(prompt="an oak")), ("a:0,1", Steering(finish=True)),
            ]  # fmt: skip
            run.parts["a"].make(0)
            for job in "bc":
                run.parts[job].make(0)
                run.parts[job].make(1)
            run.end()
            for job, count in (("a", 1), ("b", 2), ("c", 2)):
                assert (await it.end_of(job)).state == "done"
                assert len((await it.scheduler.job(job)).candidates) == count

    asyncio.run(scenario())


def test_an_error_of_one_is_its_own(tmp_path):
    """With its own words."""

    async def scenario():
        async with stage(tmp_path) as it:
            run = await three_together(it)
            run.parts["a"].end("engine_failed", "No such style.")
            end = await it.end_of("a")
            assert (end.state, end.error_message) == ("failed", "No such style.")
            for job in "bc":
                run.parts[job].make(0)
                run.parts[job].make(1)
            run.end()
            assert [(await it.end_of(job)).state for job in "bc"] == ["done", "done"]

    asyncio.run(scenario())


@pytest.mark.parametrize("dies", [True, False])
def test_when_the_whole_fails_each_is_made_alone(tmp_path, dies):
    """The one that is to blame then fails alone; what was made stays made, and what was cancelled is over."""

    async def scenario():
        async with stage(tmp_path) as it:
            run = await three_together(it)
            run.parts["a"].make(0)
            await it.until(lambda: len(it.lasting("a")) == 3)
            await it.scheduler.cancel("c")
            if dies:
                run.die(WorkerDied("It ended."))
            else:
                run.end("engine_failed", "Not enough memory.")
            first = await it.started()
            assert isinstance(first.task, Task)
            assert first.task.task == "a:1"
            first.make(1)
            first.end()
            assert (await it.end_of("a")).state == "done"
            alone = await it.started()
            assert alone.task.task == "b:0,1"
            alone.die(WorkerDied("It ended again."))
            assert (await it.end_of("b")).error_message == "It ended again."
            assert it.states("c") == ["queued", "running", "cancelled"]
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_what_is_gone_before_its_turn_is_left_out(tmp_path):
    """Cancelled between the choice and the message to the worker."""

    async def scenario():
        async with stage(tmp_path) as it:
            cancels = []

            def cancel_b(job, event):
                if job == "c" and getattr(event.body, "state", "") == "running":
                    cancels.append(asyncio.ensure_future(it.scheduler.cancel("b")))

            it.on_publish = cancel_b
            run = await three_together(it)
            names = [task.task for task in run.task.tasks]
            assert names == ["a:0,1", "c:0,1"]
            await asyncio.gather(*cancels)
            assert (await it.end_of("b")).state == "cancelled"

    asyncio.run(scenario())
