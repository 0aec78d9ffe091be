# SPDX-License-Identifier: Apache-2.0
"""The keeper of real worker processes."""

import asyncio
import os
import re
import signal
import sys
import time
from contextlib import asynccontextmanager

import pytest

from bridge_server.protocol.errors import Cancelled, WorkerDied
from bridge_server.protocol.records import Steering
from bridge_server.protocol.work import TaskCandidate, TaskEnded, Together
from bridge_server.workers.supervisor import Supervisor
from scripted import COMMAND, SOON, appears, ends, task


@asynccontextmanager
async def supervisor(*options, size=1, idle_exit=300.0):
    """A supervisor whose processes are gone afterwards."""
    it = Supervisor([*COMMAND, *options], size=size, ready_timeout=SOON, idle_exit=idle_exit)
    try:
        async with asyncio.timeout(SOON):
            yield it
    finally:
        await it.close()


def nothing(_message):
    """A listener that does not listen."""


def pids(it):
    """The numbers of the living processes, as people are told."""
    return [int(re.search(r"pid (\d+)", name)[1]) for name in it.names]


async def until(condition):
    """Let the loop run until something holds."""
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - processes begin and end without an event
            await asyncio.sleep(0.002)


def test_no_process_runs_before_one_is_needed():
    """The daemon starts light; the first question starts one worker, which then is kept for tasks."""

    async def scenario():
        async with supervisor() as it:
            assert (it.names, it.free) == ([], 1)
            engines = await asyncio.gather(it.engines(), it.engines())
            assert engines[0] == engines[1]
            (pid,) = pids(it)
            await it.run(task(), nothing)
            assert pids(it) == [pid]
            assert it.names[0].endswith("idle)")

    asyncio.run(scenario())


def test_tasks_run_side_by_side_each_in_its_own_process(tmp_path):
    """Both have started before either ends."""

    async def scenario():
        async with supervisor(size=2) as it:
            go = tmp_path / "go"
            first = asyncio.create_task(it.run(task("a", seeds=(1,), started=tmp_path, wait_for=go), nothing))
            second = asyncio.create_task(
                it.run(task("b", seeds=(2,), started=tmp_path, wait_for=go), nothing)
            )
            await appears(tmp_path / "started-1")
            await appears(tmp_path / "started-2")
            assert it.free == 0
            assert len(set(pids(it))) == 2
            go.touch()
            assert [(await run).error_code for run in (first, second)] == ["", ""]
            assert it.free == 2

    asyncio.run(scenario())


def test_a_cooperative_engine_is_cancelled_without_a_kill(tmp_path):
    """The same process serves the next task."""

    async def scenario():
        async with supervisor() as it:
            run = asyncio.create_task(
                it.run(task("a", started=tmp_path, wait_for=tmp_path / "never"), nothing)
            )
            await appears(tmp_path / "started-5")
            before = pids(it)
            it.cancel("a", grace=SOON)
            assert (await run).error_code == "cancelled"
            await it.run(task("b"), nothing)
            assert pids(it) == before

    asyncio.run(scenario())


def test_a_blocked_engine_is_killed_after_the_grace_and_replaced(tmp_path):
    """The task ends as cancelled, not as a worker's death, and a fresh process waits for the next one."""

    async def scenario():
        async with supervisor() as it:
            run = asyncio.create_task(it.run(task("a", started=tmp_path, block=60), nothing))
            await appears(tmp_path / "started-5")
            (old,) = pids(it)
            asked = time.monotonic()
            it.cancel("a", grace=0.05)
            it.cancel("a", grace=0.0)  # asking again neither helps nor harms
            with pytest.raises(Cancelled):
                await run
            assert 0.04 < time.monotonic() - asked < 2
            await ends(old)
            await until(lambda: it.names)
            assert pids(it) != [old]
            assert (await it.run(task("b"), nothing)).error_code == ""

    asyncio.run(scenario())


def test_the_next_task_takes_the_replacement_that_is_being_started(tmp_path):
    """Asked at once after a cancel: there is never one process more than allowed."""

    async def scenario():
        async with supervisor() as it:
            for number in range(3):
                name = f"a{number}"
                run = asyncio.create_task(it.run(task(name, started=tmp_path, block=60), nothing))
                await appears(tmp_path / "started-5")
                (tmp_path / "started-5").unlink()
                it.cancel(name, grace=0.01)
                with pytest.raises(Cancelled):
                    await run
                assert (await it.run(task(f"b{number}"), nothing)).error_code == ""
                await until(lambda: len(it.names) == 1)
                assert it._spare is None

    asyncio.run(scenario())


def test_a_cancel_while_the_process_is_starting_is_heeded():
    """The task never begins, and the process is kept."""

    async def scenario():
        async with supervisor() as it:
            said = []
            run = asyncio.create_task(it.run(task("a"), said.append))
            await asyncio.sleep(0)
            it.cancel("a", grace=0.0)
            with pytest.raises(Cancelled):
                await run
            assert said == []
            assert it.names[0].endswith("idle)")

    asyncio.run(scenario())


def test_cancelling_what_does_not_run_is_nothing():
    """A cancel may cross the end of the task; the next task of that name is not harmed."""

    async def scenario():
        async with supervisor() as it:
            await it.run(task("a"), nothing)
            it.cancel("a", grace=0.0)
            it.cancel("b", grace=0.0)
            assert (await it.run(task("a"), nothing)).error_code == ""
            assert not it._cancelled

    asyncio.run(scenario())


def test_a_dead_worker_fails_its_task_and_the_next_gets_a_new_one():
    """Whether it died at work or while it was idle."""

    async def scenario():
        async with supervisor() as it:
            with pytest.raises(WorkerDied):
                await it.run(task("a", crash=1), nothing)
            assert it.free == 1
            said = []
            await it.run(task("b"), said.append)
            assert isinstance(said[0], TaskCandidate)
            (idle,) = pids(it)
            os.kill(idle, signal.SIGKILL)
            await until(lambda: not it._idle[0].alive)
            assert (await it.run(task("c"), nothing)).error_code == ""

    asyncio.run(scenario())


def test_a_worker_that_can_not_start_is_told_and_tried_again():
    """The error reaches who asked; nothing is left occupied."""

    async def scenario():
        async with supervisor("--die") as it:
            with pytest.raises(WorkerDied):
                await it.engines()
            with pytest.raises(WorkerDied):
                await it.run(task(), nothing)
            assert (it.free, it.names) == (1, [])

    asyncio.run(scenario())


def test_an_idle_process_is_ended_after_a_while():
    """Its memory goes back to the artist's programs, and the engines stay known."""

    async def scenario():
        async with supervisor(idle_exit=0.05) as it:
            await it.engines()
            (pid,) = pids(it)
            await ends(pid)
            await until(lambda: not it.names)
            assert (await it.run(task(), nothing)).error_code == ""

    asyncio.run(scenario())


def test_close_ends_all_processes():
    """Also one that is at work; its task hears of the death."""

    async def scenario():
        async with supervisor(size=2) as it:
            await it.engines()
            run = asyncio.create_task(it.run(task(block=60), nothing))
            await until(lambda: "busy" in str(it.names))
            alive = pids(it)
            await it.close()
            for pid in alive:
                await ends(pid)
            with pytest.raises(WorkerDied):
                await run

    asyncio.run(scenario())


def together(*names, **told):
    """Tasks of the batching engine, each with a seed of its own."""
    tasks = [
        task(name, "scripted-batch", seeds=(number,), **told) for number, name in enumerate(names, start=1)
    ]
    return Together("all", tasks)


def ended(said):
    """(name, error) of each end that was heard."""
    return [(message.task, message.error_code) for message in said if isinstance(message, TaskEnded)]


def test_one_of_several_together_is_cancelled_without_a_kill(tmp_path):
    """Its end is heard, the others go on in the same process, whatever its grace."""

    async def scenario():
        async with supervisor() as it:
            said, go = [], tmp_path / "go"
            work = together("a", "b", started=tmp_path, wait_for=go)
            run = asyncio.create_task(it.run(work, said.append))
            await appears(tmp_path / "started-2")
            before = pids(it)
            it.cancel("a", grace=0.3)
            await until(lambda: ended(said))
            assert ended(said) == [("a", "cancelled")]
            go.touch()
            assert (await run).error_code == ""
            assert ended(said) == [("a", "cancelled"), ("b", "")]
            it.cancel("a", grace=0.0)  # it is over
            assert pids(it) == before

    asyncio.run(scenario())


def test_one_that_does_not_stop_takes_the_others_along(tmp_path):
    """The process is killed after its grace; who asked hears of a death, not of a cancel."""

    async def scenario():
        async with supervisor() as it:
            work = together("a", "b", started=tmp_path, block=60)
            run = asyncio.create_task(it.run(work, nothing))
            await appears(tmp_path / "started-1")
            it.cancel("a", grace=0.05)
            with pytest.raises(WorkerDied):
                await run
            assert it.free == 1
            assert (await it.run(task("c"), nothing)).error_code == ""

    asyncio.run(scenario())


def test_what_is_said_before_the_process_is_there_is_not_lost(tmp_path):
    """Cancelled and steered while it was being started."""

    async def scenario():
        async with supervisor() as it:
            said = []
            work = together("a", "b", wait_for=tmp_path / "never")
            run = asyncio.create_task(it.run(work, said.append))
            await asyncio.sleep(0)
            it.cancel("a", grace=SOON)
            it.steer("b", Steering(prompt="an oak", finish=True))
            assert (await run).error_code == ""
            assert sorted(ended(said)) == [("a", "cancelled"), ("b", "")]
            (candidate,) = [message for message in said if isinstance(message, TaskCandidate)]
            assert candidate.recipe["prompt"] == "an oak"

    asyncio.run(scenario())


def test_a_running_task_is_steered(tmp_path):
    """One that is over, or was never there, is not."""

    async def scenario():
        async with supervisor() as it:
            said = []
            run = asyncio.create_task(
                it.run(task("a", started=tmp_path, wait_for=tmp_path / "never"), said.append)
            )
            await appears(tmp_path / "started-5")
            it.steer("x", Steering(prompt="nobody's"))
            it.steer("a", Steering(prompt="an oak", finish=True))
            await run
            it.steer("a", Steering(prompt="late"))
            await it.run(task("b"), said.append)
            prompts = [message.recipe["prompt"] for message in said if isinstance(message, TaskCandidate)]
            assert prompts == ["an oak", ""]

    asyncio.run(scenario())


def test_engines_are_looked_for_anew_beside_a_busy_worker(tmp_path):
    """A process of its own looks and is gone; the busy one is not asked."""

    async def scenario():
        listed = tmp_path / "list"
        listed.write_text("")
        async with supervisor("--list", str(listed)) as it:
            go = tmp_path / "go"
            run = asyncio.create_task(it.run(task("a", started=tmp_path, wait_for=go), nothing))
            await appears(tmp_path / "started-5")
            before = pids(it)
            assert len(await it.engines()) == 2
            listed.write_text("new")
            assert len(await it.engines()) == 2
            assert [engine.name for engine in await it.engines(fresh=True)][-1] == "new"
            assert len(await it.engines()) == 3
            assert pids(it) == before
            go.touch()
            await run
            assert (await it.run(task("b", "new"), nothing)).error_code == ""
            assert pids(it) == before

    asyncio.run(scenario())


def test_processes_have_the_name_and_environment_that_was_asked_for(monkeypatch):
    """One of a model gets all cores; by default numpy gets one."""

    async def scenario(options, expected):
        it = Supervisor(
            [sys.executable, "-c", "import os, sys; sys.exit(3 if os.environ.get('OMP_NUM_THREADS') else 4)"],
            size=1,
            **options,
        )
        with pytest.raises(WorkerDied, match=expected):
            await it.engines()
        await it.close()

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    asyncio.run(scenario({"name": "diffusers", "environment": {"HF_HUB_OFFLINE": "1"}}, "diffusers-1"))
    asyncio.run(scenario({}, "worker-1"))
