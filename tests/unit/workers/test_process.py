# SPDX-License-Identifier: Apache-2.0
"""One real worker process under the daemon's control."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from bridge_server.protocol.errors import WorkerDied
from bridge_server.protocol.work import CancelTask, TaskCandidate, TaskPreview, TaskProgress
from bridge_server.workers.frames import encode
from bridge_server.workers.process import WorkerProcess
from scripted import COMMAND, SOON, appears, task


@asynccontextmanager
async def worker(*options):
    """A started worker that is gone afterwards."""
    started = await WorkerProcess.start("worker-1", [*COMMAND, *options], SOON)
    try:
        async with asyncio.timeout(SOON):
            yield started
    finally:
        await started.kill()


def nothing(_message):
    """A listener that does not listen."""


def test_it_says_ready_with_its_engines_and_does_tasks_one_after_another():
    """Previews, progress and candidates come in the order in which they were made, then the end."""

    async def scenario():
        async with worker() as it:
            assert [engine.name for engine in it.ready.result().engines] == ["scripted", "scripted-batch"]
            for name in "ab":
                said = []
                ended = await it.run(task(name, seeds=(5, 6), steps=1, preview=2), said.append)
                assert (ended.task, ended.error_code) == (name, "")
                assert [type(message) for message in said] == [TaskPreview, TaskProgress, TaskCandidate] * 2
                assert [(m.task, m.index) for m in said] == [(name, 0)] * 3 + [(name, 1)] * 3
                assert [m.seed for m in said if isinstance(m, TaskCandidate)] == [5, 6]
            assert it.alive

    asyncio.run(scenario())


def test_a_program_that_ends_before_ready_is_dead():
    """An installation that is broken is told at once, not after the whole patience."""

    async def scenario():
        with pytest.raises(WorkerDied, match=r"worker-1 \(pid \d+\) ended unexpectedly"):
            await WorkerProcess.start("worker-1", [*COMMAND, "--die"], SOON)

    asyncio.run(scenario())


def test_a_program_that_never_says_ready_is_killed():
    """After the time it may take."""

    async def scenario():
        with pytest.raises(WorkerDied, match=r"not ready after 0 s"):
            await WorkerProcess.start("worker-1", [*COMMAND, "--silent"], 0.05)

    asyncio.run(scenario())


def test_a_cancel_ends_the_task_at_its_next_step_and_the_worker_lives(tmp_path):
    """The process goes on with the next task."""

    async def scenario():
        async with worker() as it:
            running = asyncio.create_task(
                it.run(task("a", started=tmp_path, wait_for=tmp_path / "never"), nothing)
            )
            await appears(tmp_path / "started-5")
            it.cancel("a")
            assert (await running).error_code == "cancelled"
            assert (await it.run(task("b"), nothing)).error_code == ""

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({"raise": "secret path"}, "engine_failed", "failed unexpectedly (RuntimeError)"),
        ({"fail": "There is nothing to copy from."}, "engine_failed", "There is nothing to copy from."),
        ({"memory": True}, "engine_failed", "not enough memory"),
    ],
)
def test_what_goes_wrong_in_an_engine_becomes_words(told, code, words):
    """No traceback, no internals; the worker lives."""

    async def scenario():
        async with worker() as it:
            ended = await it.run(task(**told), nothing)
            assert ended.error_code == code
            assert words in ended.error_message
            assert "secret" not in ended.error_message + ended.error_hint
            assert (await it.run(task("b"), nothing)).error_code == ""

    asyncio.run(scenario())


def test_an_unknown_engine_is_unsupported():
    """A job of before an engine was removed ends with a reason."""

    async def scenario():
        async with worker() as it:
            ended = await it.run(task(engine="gone"), nothing)
            assert (ended.error_code, ended.error_message) == (
                "unsupported",
                "This worker has no engine 'gone'.",
            )

    asyncio.run(scenario())


def test_what_a_library_prints_does_no_harm():
    """Neither through Python nor past it does anything get between the frames."""

    async def scenario():
        async with worker() as it:
            said = []
            assert (await it.run(task(print="noise\n" * 3000), said.append)).error_code == ""
            assert [type(message) for message in said] == [TaskCandidate]

    asyncio.run(scenario())


def test_a_result_of_many_megabytes_comes_whole():
    """More than a pipe and a read buffer hold."""

    async def scenario():
        async with worker() as it:
            said = []
            await it.run(task(side=4300), said.append)
            assert len(said[0].pixels.data) == 4300 * 4300 * 4

    asyncio.run(scenario())


def test_a_crash_in_a_task_is_told_and_so_is_any_later_use():
    """The death is an error with a code, once for the task and again for who tries the corpse."""

    async def scenario():
        async with worker() as it:
            with pytest.raises(WorkerDied, match="ended unexpectedly"):
                await it.run(task(crash=9), nothing)
            assert not it.alive
            with pytest.raises(WorkerDied):
                await it.run(task("b"), nothing)
            it.cancel("b")

    asyncio.run(scenario())


def test_a_kill_from_outside_is_told():
    """The system's out-of-memory killer."""

    async def scenario():
        async with worker() as it:
            running = asyncio.create_task(it.run(task(block=60), nothing))
            await asyncio.sleep(0)
            os.kill(it.pid, signal.SIGKILL)
            with pytest.raises(WorkerDied):
                await running

    asyncio.run(scenario())


def test_ctrl_c_in_the_terminal_does_not_reach_the_worker():
    """The daemon ends it in order; a job must not fail because of Ctrl-C."""

    async def scenario():
        async with worker() as it:
            assert os.getpgid(it.pid) != os.getpgid(0)
            os.kill(it.pid, signal.SIGINT)
            assert (await it.run(task(), nothing)).error_code == ""

    asyncio.run(scenario())


@pytest.mark.parametrize("told", [{}, {"block": 60}])
def test_the_worker_ends_when_its_stdin_closes(told, tmp_path):
    """A daemon that was killed leaves no orphan, even one that computes without looking up."""

    async def scenario():
        async with worker() as it:
            running = asyncio.create_task(it.run(task(started=tmp_path, **told), nothing))
            await appears(tmp_path / "started-5")
            if not told:
                await running
            it._process.stdin.close()
            assert await it._process.wait() == 0
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())


def test_unreadable_bytes_from_a_worker_are_its_death():
    """A program that speaks something else is ended, not believed."""

    async def scenario():
        frame = bytes(encode(CancelTask("x"))).replace(b"CancelTask", b"DancesTask")
        code = f"import sys; sys.stdout.buffer.write({frame!r}); sys.stdout.flush(); sys.stdin.read()"
        with pytest.raises(WorkerDied):
            await WorkerProcess.start("worker-1", [COMMAND[0], "-c", code], SOON)

    asyncio.run(scenario())
