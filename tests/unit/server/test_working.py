# SPDX-License-Identifier: Apache-2.0
"""Jobs and the daemon itself, over a real connection."""

import asyncio
import os
import struct
from dataclasses import replace

import pytest

import samples
from bridge_server import __version__
from bridge_server.protocol.errors import WorkerDied
from bridge_server.protocol.messages import (
    Ack,
    Cancel,
    Echo,
    EngineList,
    Engines,
    Fetch,
    GetJob,
    ListJobs,
    Status,
    Stop,
    Watch,
)
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Steering
from bridge_server.protocol.steering import Finish, Steer, Steered
from serving import house

FILL = replace(samples.REQUESTS["fill"], engine="one", count=1, if_gone="finish", job="a", live="")
PLAIN = replace(FILL, taste=False, drafted=False, unlike="")


async def finish(it, client, job="a"):
    """Submit a job and let it make one candidate; its lasting events are 1 to 4."""
    submitted = await client.answer(replace(FILL, job=job))
    run = await it.stage.started()
    run.make(0)
    run.end()
    await it.stage.end_of(job)
    return submitted


def test_status_tells_how_the_daemon_is(tmp_path):
    """What people and scripts ask first."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            it.stage.workers.names = ["worker-1"]
            await client.answer(FILL)
            await it.stage.started()
            await client.answer(replace(FILL, job="b"))
            status = await client.answer(Status())
            assert (status.version, status.pid, status.address) == (__version__, os.getpid(), it.address)
            assert (status.connections, status.queued, status.running) == (1, 1, 1)
            assert (status.data_dir, status.workers) == (str(tmp_path), ["worker-1"])
            assert status.uptime > 0

    asyncio.run(scenario())


def test_engines_and_echo(tmp_path):
    """The engines with the default first; the same pixels back, if they are well-formed."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            engines = await client.answer(Engines())
            assert isinstance(engines, EngineList)
            assert engines.engines[0].name == "one"
            assert (await client.answer(Echo(samples.PATCH))).pixels == samples.PATCH
            error = await client.answer(Echo(Pixels(9, 9, "rgb8", b"")))
            assert error["message"].startswith("params.pixels.data has 0 bytes")

    asyncio.run(scenario())


def test_who_submits_hears_of_the_job_from_the_start(tmp_path):
    """Without asking; another connection hears nothing."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await client.ask(FILL)
            run = await it.stage.started()
            run.make(0)
            run.end()
            assert await client.events(last=4) == [1, 2, 3, 4]
            await other.ask(Status())
            assert (await other.hear())["kind"] != "event"

    asyncio.run(scenario())


def test_a_job_without_an_id_gets_one(tmp_path):
    """And is watched under it."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            submitted = await client.answer(replace(FILL, job=""))
            assert len(submitted.job) == 16
            assert it.hub._watchers.keys() == {submitted.job}

    asyncio.run(scenario())


def test_a_refused_job_is_not_watched(tmp_path):
    """Refusals cost no memory."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            error = await client.answer(replace(FILL, count=99))
            assert error["message"] == "params.count is 99."
            assert not it.hub._watchers

    asyncio.run(scenario())


@pytest.mark.parametrize("finished", [True, False])
def test_a_job_asked_for_again_brings_what_was_missed(tmp_path, finished):
    """The first answer was lost with the connection; all lasting events come, in order, then the new ones."""

    async def scenario():
        async with house(tmp_path) as it:
            async with it.client() as client:
                await client.ask(FILL)
                run = await it.stage.started()
            run.make(0)
            await it.stage.until(lambda: it.stage.lasting("a")[-1:] == [3])
            if finished:
                run.end()
                await it.stage.end_of("a")
            async with it.client() as client:
                await client.ask(FILL)
                assert await client.events(last=3) == [1, 2, 3]
                if not finished:
                    run.end()
                assert await client.events(last=4) == [4]
                async with asyncio.timeout(10):
                    while it.hub._watchers:  # noqa: ASYNC110 - emptied right after the event
                        await asyncio.sleep(0)

    asyncio.run(scenario())


def test_watch_brings_events_after_a_number_and_then_the_new_ones(tmp_path):
    """The answer is the job as it is."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await client.answer(FILL)
            run = await it.stage.started()
            run.make(0)
            await client.events(last=3)
            await other.ask(Watch("a", 1))
            assert await other.events(last=3) == [2, 3]
            assert (await other.hear())["result"]["state"] == "running"
            run.end()
            assert await other.events(last=4) == [4]
            assert await client.events(last=4) == [4]

    asyncio.run(scenario())


def test_watching_a_finished_job_tells_it_all_and_keeps_nothing(tmp_path):
    """A page that looks at yesterday's work."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await finish(it, client)
            await other.ask(Watch("a"))
            assert await other.events(last=4) == [1, 2, 3, 4]
            assert not it.hub._watchers
            assert not it.hub._catching_up

    asyncio.run(scenario())


def test_a_watch_that_fails_holds_nothing_back(tmp_path, monkeypatch):
    """A connection that watched already goes on hearing of the job."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            await client.answer(FILL)
            run = await it.stage.started()

            def broken(*_):
                raise RuntimeError("a bug")

            monkeypatch.setattr(it.stage.store, "event_after", broken)
            assert (await client.answer(Watch("a")))["code"] == "internal"
            run.make(0)
            run.end()
            await client.events(last=4)
            assert not it.hub._catching_up

    asyncio.run(scenario())


def test_jobs_candidates_and_cancel(tmp_path):
    """One job, the list of this session and of all, a candidate's pixels, and ending a job."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await finish(it, client)
            info = await client.answer(GetJob("a"))
            assert (info.state, info.seq, info.project) == ("done", 4, "default")
            assert [each.job for each in (await client.answer(ListJobs())).jobs] == ["a"]
            assert (await other.answer(ListJobs())).jobs == []
            assert len((await other.answer(ListJobs(every_session=True, limit=-5))).jobs) == 1
            made = await other.answer(Fetch(info.candidates[0].candidate))
            assert (made.info, made.pixels) == (info.candidates[0], samples.PATCH)
            await client.answer(replace(FILL, job="b"))
            assert await other.answer(Cancel("b")) == Ack()
            assert (await other.answer(GetJob("b"))).state == "cancelled"
            for request in (GetJob("x"), Cancel("x"), Watch("x"), Fetch("x")):
                assert (await client.answer(request))["code"] == "not_found"

    asyncio.run(scenario())


def test_a_candidate_comes_in_the_depth_that_is_asked_for(tmp_path):
    """With everything else that is told of it."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client, pixels=Pixels(1, 1, "rgba8", b"\xff\xbc\x00\x33"))
            plain = await client.answer(Fetch(name))
            deep = await client.answer(Fetch(name, format="rgba16", colorspace="linear"))
            assert deep.info == plain.info
            assert (deep.pixels.format, deep.pixels.colorspace) == ("rgba16", "linear")
            assert deep.pixels.data == struct.pack("<4H", 65535, 32957, 0, 0x3333)
            light = await client.answer(Fetch(name, colorspace="linear"))
            assert light.pixels == Pixels(1, 1, "rgba8", b"\xff\x80\x00\x33", "linear")
            assert it.stage.clerk.errands == ["convert"] * 2

    asyncio.run(scenario())


def test_the_clerk_is_not_asked_for_what_is_there_already(tmp_path):
    """The bytes as they are kept, even such as a conversion would clean; a thumbnail always."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            kept = Pixels(1, 1, "rgbaf32", struct.pack("<4f", float("nan"), 7, -7, 1), "linear")
            (name,) = await it.make(client, pixels=kept)
            for wanted in ({}, {"format": "rgbaf32"}, {"format": "rgbaf32", "colorspace": "linear"}):
                assert (await client.answer(Fetch(name, **wanted))).pixels == kept
            small = await client.answer(Fetch(name, thumbnail=True))
            deep = Fetch(name, thumbnail=True, format="rgba16", colorspace="linear")
            assert await client.answer(deep) == small
            assert it.stage.clerk.errands == []

    asyncio.run(scenario())


def test_an_unknown_depth_is_refused_in_words(tmp_path):
    """Before anything is read; what the clerk can't do is told as its error."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client)
            for field in ("format", "colorspace"):
                error = await client.answer(Fetch("nobody", **{field: "rgb8"}))
                assert (error["code"], error["message"]) == ("bad_request", f"params.{field} is 'rgb8'.")
            it.stage.clerk.error = WorkerDied("It ended.")
            assert (await client.answer(Fetch(name, format="rgba16")))["code"] == "worker_died"

    asyncio.run(scenario())


def test_stop_asks_for_the_end(tmp_path):
    """The answer comes first."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            assert await client.answer(Stop()) == Ack()
            assert it.stops == ["a client asked for it"]

    asyncio.run(scenario())


def test_a_job_is_steered_and_taken_early(tmp_path):
    """Who watches hears of it before the answer; who comes later hears it in its place."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await client.answer(PLAIN)
            run = await it.stage.started()
            answer = await other.answer(Steer("a", prompt="an oak"))
            assert answer == Steered("a", Steering(prompt="an oak"))
            assert (await client.event("job.steered")).body == answer
            done = await other.answer(Finish("a"))
            assert done.steering == Steering(prompt="an oak", finish=True)
            run.make(0)
            run.end()
            await it.stage.end_of("a")
            info = await other.answer(Watch("a"))
            assert (info.state, info.steering) == ("done", done.steering)
            for request in (Steer("a", prompt="late"), Steer("x")):
                code = (await client.answer(request))["code"]
                assert code == ("conflict" if request.job == "a" else "not_found")

    asyncio.run(scenario())


def test_a_replay_brings_steering_in_its_place(tmp_path):
    """A lasting event among the others."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await client.answer(PLAIN)
            run = await it.stage.started()
            await client.answer(Steer("a", strength=0.5))
            run.make(0)
            run.end()
            await it.stage.end_of("a")
            await other.ask(Watch("a"))
            frames = [await other.hear() for _ in range(6)]
            assert [frame.get("topic") for frame in frames] == [
                "job.state", "job.state", "job.steered", "job.candidate", "job.state", None,
            ]  # fmt: skip
            assert [frame["seq"] for frame in frames[:5]] == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_everyone_hears_of_other_engines(tmp_path):
    """Once, when a question finds others than were told; a fresh look is passed on to the workers."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            first = await client.answer(Engines())
            assert await client.answer(Engines(fresh=True)) == first
            found = [*first.engines, replace(samples.ENGINE, name="big/new")]
            asked = []

            async def engines(*, fresh=False):
                asked.append(fresh)
                return found

            it.stage.workers.engines = engines
            assert (await client.answer(Engines(fresh=True))).engines == found
            event = await other.event("daemon.engines")
            assert (event.seq, event.body.engines) == (0, found)
            await client.answer(Engines())
            assert asked == [True, False]
            await other.ask(Status())
            assert (await other.hear())["kind"] == "reply"  # it was told once

    asyncio.run(scenario())
