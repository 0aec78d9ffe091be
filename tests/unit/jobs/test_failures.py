# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong with a job, it comes to an end that is told."""

import asyncio

import pytest

from bridge_server.protocol.errors import OutOfSpace, WorkerDied
from scheduling import stage


@pytest.mark.parametrize(
    ("code", "message"), [("engine_failed", "Nothing to copy from."), ("unsupported", "No engine.")]
)
def test_an_engines_error_fails_the_job(tmp_path, code, message):
    """With the engine's own words; other tasks of the job are stopped, other jobs go on."""

    async def scenario():
        async with stage(tmp_path, size=2) as it:
            await it.submit("a", count=2)
            first, _ = await it.both_started()
            first.end(code, message)
            state = await it.end_of("a")
            assert (state.state, state.error_code, state.error_message) == ("failed", code, message)
            assert "a:1" in [task for task, _ in it.workers.cancelled]
            await it.submit("b")
            run = await it.started()
            run.make(0)
            run.end()
            assert (await it.end_of("b")).state == "done"

    asyncio.run(scenario())


def test_a_workers_death_fails_its_job_alone(tmp_path):
    """The error says so, and the next job is computed."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            await it.submit("b")
            (await it.started()).die(WorkerDied("It ended."))
            assert (await it.end_of("a")).error_code == "worker_died"
            run = await it.started()
            assert run.task.task == "b:0"

    asyncio.run(scenario())


def test_an_engine_that_makes_nothing_fails_the_job(tmp_path):
    """Success without a picture is no success."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a")
            (await it.started()).end()
            state = await it.end_of("a")
            assert (state.error_code, state.error_message) == (
                "engine_failed",
                "The engine one made no picture of this.",
            )

    asyncio.run(scenario())


def test_an_engine_that_makes_the_same_candidate_twice_ends_the_job_too(tmp_path):
    """Whatever an engine does wrong, the job comes to an end that is told."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a", engine="all", count=2)
            run = await it.started()
            for _ in range(3):
                run.make(0)
            run.progress(1, 0.5)
            run.end()
            state = await it.end_of("a")
            assert (state.state, state.error_code) == ("failed", "internal")
            await it.submit("b")
            await it.started()

    asyncio.run(scenario())


def test_what_goes_wrong_unexpectedly_ends_the_job(tmp_path):
    """A bug around the worker is no reason to leave a job running for ever."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            (await it.started()).die(RuntimeError("a bug"))
            state = await it.end_of("a")
            assert (state.state, state.error_code) == ("failed", "internal")
            assert "a bug" not in state.error_message

    asyncio.run(scenario())


def test_a_full_disk_at_a_candidate_fails_the_job(tmp_path, monkeypatch):
    """The candidate is not told, the reason is."""

    async def scenario():
        async with stage(tmp_path) as it:

            def full(*_):
                raise OutOfSpace("The disk is full.", "Make room.")

            monkeypatch.setattr(it.store, "add_candidate", full)
            await it.submit("a")
            run = await it.started()
            run.make(0)
            state = await it.end_of("a")
            assert (state.state, state.error_code, state.error_hint) == (
                "failed",
                "out_of_space",
                "Make room.",
            )
            assert it.lasting("a") == it.stored("a") == [1, 2, 3]
            assert ("a:0", 0.05) in it.workers.cancelled

    asyncio.run(scenario())


def test_an_end_that_can_not_be_written_is_told_under_a_new_number(tmp_path, monkeypatch):
    """Clients ignore numbers they have seen, and they must not ignore this."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a")
            run = await it.started()

            def full(*_):
                raise OutOfSpace("The disk is full.")

            monkeypatch.setattr(it.store, "add_candidate", full)
            monkeypatch.setattr(it.store, "set_state", full)
            run.make(0)
            assert (await it.end_of("a")).error_code == "out_of_space"
            assert it.lasting("a") == [1, 2, 3]
            monkeypatch.undo()
            assert it.store.job("a").state == "running"

    asyncio.run(scenario())


def test_a_full_disk_at_submitting_refuses_the_job(tmp_path, monkeypatch):
    """Nothing is told of it, and it can be asked again."""

    async def scenario():
        async with stage(tmp_path) as it:

            def full(*_):
                raise OutOfSpace("The disk is full.")

            monkeypatch.setattr(it.store, "add_job", full)
            with pytest.raises(OutOfSpace):
                await it.submit("a")
            assert it.events == []
            assert it.scheduler.idle
            monkeypatch.undo()
            await it.submit("a")
            await it.started()

    asyncio.run(scenario())
