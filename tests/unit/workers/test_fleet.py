# SPDX-License-Identifier: Apache-2.0
"""Pools of real worker processes."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from bridge_server.protocol.errors import WorkerDied
from bridge_server.protocol.records import Steering
from bridge_server.protocol.work import TaskCandidate
from bridge_server.workers.fleet import Fleet
from bridge_server.workers.supervisor import Supervisor
from scripted import COMMAND, SOON, appears, task


@asynccontextmanager
async def fleet(first=(), second=("--kind", "big")):
    """Two pools whose processes are gone afterwards."""
    pools = {
        "small": Supervisor([*COMMAND, *first], size=2, ready_timeout=SOON),
        "big": Supervisor([*COMMAND, *second], size=1, ready_timeout=SOON, name="big"),
    }
    it = Fleet(pools)
    try:
        async with asyncio.timeout(SOON):
            yield it
    finally:
        await it.close()


def nothing(_message):
    """A listener that does not listen."""


def names(engines):
    """What they are called."""
    return [engine.name for engine in engines]


def test_the_first_pools_engines_come_first():
    """The default is among them; an engine's name says which pool it is of."""

    async def scenario():
        async with fleet() as it:
            found = await it.engines()
            assert names(found) == ["scripted", "scripted-batch", "big/scripted", "big/scripted-batch"]
            assert it.sizes == {"small": 2, "big": 1}
            kinds = [it.kind_of(name) for name in ("scripted", "big/scripted", "gone/x", "big", "")]
            assert kinds == ["small", "big", "small", "small", "small"]
            assert [name.split(" ")[0] for name in it.names] == ["worker-1", "big-1"]

    asyncio.run(scenario())


def test_tasks_steering_and_cancels_go_to_their_pool(tmp_path):
    """Both at once: a busy pool holds up no other."""

    async def scenario():
        async with fleet() as it:
            said, never = [], tmp_path / "never"
            big = task("a", "big/scripted", seeds=(1,), started=tmp_path, wait_for=never)
            small = task("b", seeds=(2,), started=tmp_path, wait_for=never)
            runs = [asyncio.create_task(it.run(each.engine, each, said.append)) for each in (big, small)]
            await appears(tmp_path / "started-1")
            await appears(tmp_path / "started-2")
            assert (await it.run("scripted", task("c"), nothing)).error_code == ""
            it.steer("big/scripted", "a", Steering(prompt="an oak", finish=True))
            it.cancel("scripted", "b", SOON)
            assert [(await run).error_code for run in runs] == ["", "cancelled"]
            assert [m.recipe["prompt"] for m in said if isinstance(m, TaskCandidate)] == ["an oak"]

    asyncio.run(scenario())


def test_a_pool_that_can_not_start_takes_no_other_down(caplog):
    """It is told in the log and not tried again with each question, but with a fresh one."""

    async def scenario():
        async with fleet(second=("--die",)) as it:
            for _ in range(2):
                assert names(await it.engines()) == ["scripted", "scripted-batch"]
            assert caplog.text.count("the engines of big can't be used") == 1
            assert len(await it.engines(fresh=True)) == 2
            assert caplog.text.count("the engines of big can't be used") == 2
            assert (await it.run("scripted", task(), nothing)).error_code == ""

    asyncio.run(scenario())


def test_without_the_first_pool_the_others_are_there():
    """As when the library of one is broken."""

    async def scenario():
        async with fleet(first=("--die",)) as it:
            assert names(await it.engines()) == ["big/scripted", "big/scripted-batch"]

    asyncio.run(scenario())


def test_without_any_engine_the_reason_is_told():
    """And it is tried again."""

    async def scenario():
        async with fleet(first=("--die",), second=("--die",)) as it:
            for _ in range(2):
                with pytest.raises(WorkerDied, match="worker-"):
                    await it.engines()

    asyncio.run(scenario())


def test_what_is_installed_while_it_runs_is_offered_after_a_fresh_look():
    """Until then its pool has no engines, and starts nothing."""

    async def scenario():
        there = {"small"}
        async with fleet() as whole:
            it = Fleet(whole._pools, there.__contains__)
            assert names(await it.engines()) == ["scripted", "scripted-batch"]
            there.add("big")
            assert len(await it.engines()) == 2
            assert [name.split(" ")[0] for name in it.names] == ["worker-1"]
            assert len(await it.engines(fresh=True)) == len(await it.engines()) == 4
            assert it.kind_of("big/scripted") == "big"

    asyncio.run(scenario())
