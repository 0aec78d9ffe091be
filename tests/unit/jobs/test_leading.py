# SPDX-License-Identifier: Apache-2.0
"""Steering a job, taking it early, and streams of which only the newest counts."""

import asyncio

import pytest

import samples
from bridge_server.protocol.errors import BadRequest, Conflict, NotFound, Unsupported
from bridge_server.protocol.records import GuideInfo, Steering
from bridge_server.protocol.steering import Finish, Steer, Steered
from scheduling import Stage, stage

BIG = "big/model"


def test_a_running_job_is_steered_at_once(tmp_path):
    """Its worker hears all that was changed so far; who watches hears it, lastingly, before the answer."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a", engine=BIG, guides=[samples.GUIDE])
            run = await it.started()
            first = await it.scheduler.steer(Steer("a", prompt="an oak"))
            assert first == Steered("a", Steering(prompt="an oak"))
            second = await it.scheduler.steer(Steer("a", guidance=6.5, weights=[0.5]))
            merged = Steering(prompt="an oak", guidance=6.5, weights=[0.5])
            assert second == Steered("a", merged)
            assert it.workers.steered == [("a:0", first.steering), ("a:0", merged)]
            assert [e.body for _, e in it.events if e.topic == "job.steered"] == [first, second]
            assert it.stored("a") == [1, 2, 3, 4]
            info = await it.scheduler.job("a")
            assert info.steering == merged
            assert info.prompt == "a tree"  # as it was asked
            assert info.guides == [GuideInfo("depth", 0.75, 0.125, 0.875)]
            run.make(0)
            run.end()
            assert (await it.end_of("a")).state == "done"

    asyncio.run(scenario())


def test_a_waiting_job_begins_with_what_was_changed(tmp_path):
    """Also the candidates of a running one that are not begun; the request stays as it was asked."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a", count=2)
            first = await it.started()
            assert first.task.steering == Steering()
            await it.scheduler.steer(Steer("a", strength=0.25))
            first.make(0)
            first.end()
            second = await it.started()
            assert second.task.steering == Steering(strength=0.25)
            assert second.task.strength == 0.75
            assert it.workers.steered == [("a:0", Steering(strength=0.25))]
            second.make(1)
            second.end()
            assert (await it.end_of("a")).state == "done"

    asyncio.run(scenario())


def test_what_was_changed_outlives_the_daemon(tmp_path):
    """After kill -9 the candidates that are still to be made begin with it."""

    async def before():
        async with asyncio.timeout(10):
            it = Stage(tmp_path, size=1)
            await it.submit("a", count=2)
            run = await it.started()
            await it.scheduler.steer(Steer("a", prompt="an oak"))
            run.make(0)
            await it.until(lambda: any(e.topic == "job.candidate" for _, e in it.events))
            it.abandon()

    async def after():
        async with stage(tmp_path, size=1) as it:
            await it.scheduler.resume()
            run = await it.started()
            assert (run.task.indices, run.task.steering) == ([1], Steering(prompt="an oak"))
            assert [event.seq for event in samples.stored_events(it.store, "a")] == [1, 2, 3, 4, 5, 6]

    asyncio.run(before())
    asyncio.run(after())


def test_what_can_not_be_steered_is_refused_in_words(tmp_path):
    """No such job, one that has ended, an engine that does not heed it, a wrong number of weights."""

    async def scenario():
        async with stage(tmp_path) as it:
            with pytest.raises(NotFound, match="no job 'x'"):
                await it.scheduler.steer(Steer("x", prompt="an oak"))
            await it.submit("a")
            with pytest.raises(BadRequest, match="has 1 values; the job has 0 guides"):
                await it.scheduler.steer(Steer("a", weights=[1.0]))
            await it.scheduler.cancel("a")
            for request in (Steer("a", prompt="an oak"), Finish("a")):
                with pytest.raises(Conflict, match="has ended already"):
                    await it.scheduler.steer(request)
            await it.submit("b", engine="all")
            for request in (Steer("b", prompt="an oak"), Finish("b")):
                with pytest.raises(Unsupported, match="The engine all"):
                    await it.scheduler.steer(request)
            assert (await it.scheduler.job("b")).steering is None
            assert not any(event.topic == "job.steered" for _, event in it.events)

    asyncio.run(scenario())


def test_take_it_now_ends_a_job_with_what_is_begun(tmp_path):
    """The candidate that is being made is finished, those that wait are not made, and that is no failure."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a", count=3)
            run = await it.started()
            answer = await it.scheduler.steer(Finish("a"))
            assert answer.steering == Steering(finish=True)
            assert it.workers.steered == [("a:0", Steering(finish=True))]
            assert it.states("a")[-1] == "running"
            run.make(0)
            run.end()
            assert (await it.end_of("a")).state == "done"
            info = await it.scheduler.job("a")
            assert [each.index for each in info.candidates] == [0]
            assert it.scheduler.idle
            again = await it.scheduler.steer(Finish("a"))  # its first answer may have been lost
            assert again == answer

    asyncio.run(scenario())


@pytest.mark.parametrize("made", [0, 1])
def test_a_batch_may_end_with_fewer_when_it_was_to_finish(tmp_path, made):
    """As done with one of three, as cancelled in words with none."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a", engine=BIG, count=3)
            run = await it.started()
            await it.scheduler.steer(Finish("a"))
            for index in range(made):
                run.make(index)
            run.end()
            end = await it.end_of("a")
            assert end.state == ("done" if made else "cancelled")
            if not made:
                assert "before a picture" in end.error_message

    asyncio.run(scenario())


def test_a_failure_counts_though_it_was_to_finish(tmp_path):
    """An engine that breaks down is not done."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a", engine=BIG)
            run = await it.started()
            await it.scheduler.steer(Finish("a"))
            run.end("engine_failed", "It broke.")
            assert (await it.end_of("a")).error_message == "It broke."

    asyncio.run(scenario())


def test_a_job_that_waits_has_nothing_to_finish(tmp_path):
    """It ends as cancelled at once."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            await it.started()
            await it.submit("b")
            await it.scheduler.steer(Finish("b"))
            end = await it.end_of("b")
            assert (end.state, end.error_code) == ("cancelled", "cancelled")
            assert it.states("b") == ["queued", "cancelled"]

    asyncio.run(scenario())


def test_drafts_are_nothing_to_finish(tmp_path):
    """No candidate is begun yet: the drafts are stopped."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            run = await it.started()
            run.make(0)
            run.end()
            await it.end_of("a")
            (made,) = (await it.scheduler.job("a")).candidates
            await it.submit("b", unlike=made.candidate)
            drafting = await it.started()
            assert drafting.task.stage == "draft"
            await it.scheduler.steer(Finish("b"))
            assert (await it.end_of("b")).state == "cancelled"
            assert [task for task, _ in it.workers.cancelled] == [drafting.task.task]

    asyncio.run(scenario())


def test_finish_is_kept_over_a_restart(tmp_path):
    """A daemon that died before the end says it at its next start: nothing of it is begun any more."""

    async def before():
        async with asyncio.timeout(10):
            it = Stage(tmp_path, size=1)
            await it.submit("a", engine=BIG, count=2)
            run = await it.started()
            run.make(0)
            await it.until(lambda: any(e.topic == "job.candidate" for _, e in it.events))
            await it.scheduler.steer(Finish("a"))
            it.abandon()

    async def after():
        async with stage(tmp_path) as it:
            await it.scheduler.resume()
            assert (await it.end_of("a")).state == "done"
            assert len((await it.scheduler.job("a")).candidates) == 1

    asyncio.run(before())
    asyncio.run(after())


def test_of_a_stream_only_the_first_and_the_last_are_made(tmp_path):
    """While one is being made, each newer one takes the place of the one that waits; nothing queues up."""

    async def scenario():
        async with stage(tmp_path, size=1, max_queued=3) as it:
            await it.submit("j0", live="strokes", taste=None, seed=None)
            first = await it.started()
            for number in range(1, 8):
                answer = await it.submit(f"j{number}", live="strokes")
                assert answer.position == 1
            for number in range(1, 7):
                end = await it.end_of(f"j{number}")
                assert (end.state, end.error_message) == ("cancelled", "A newer picture took its place.")
            assert it.states("j0") == ["queued", "running"]
            first.make(0)
            first.end()
            last = await it.started()
            assert last.task.task == "j7:0"
            last.make(0)
            last.end()
            assert (await it.end_of("j0")).state == (await it.end_of("j7")).state == "done"
            assert it.workers.started.empty()
            assert it.clerk.asked == []

    asyncio.run(scenario())


def test_streams_leave_others_alone(tmp_path):
    """Another stream, another session, and what is no stream."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("busy")
            await it.started()
            await it.submit("plain")
            await it.submit("theirs", session="s2", live="strokes")
            await it.submit("other", live="sketch")
            await it.submit("old", live="strokes")
            await it.submit("new", live="strokes")
            assert (await it.end_of("old")).state == "cancelled"
            assert it.scheduler.busy == {"busy", "plain", "theirs", "other", "new"}

    asyncio.run(scenario())


def test_a_stream_goes_on_after_a_restart(tmp_path):
    """What was being made then is not made again if something newer waits."""

    async def before():
        async with asyncio.timeout(10):
            it = Stage(tmp_path, size=1)
            await it.submit("a", live="strokes")
            await it.started()
            await it.submit("b", live="strokes")
            it.abandon()

    async def after():
        async with stage(tmp_path, size=1) as it:
            await it.scheduler.resume()
            assert (await it.end_of("a")).state == "cancelled"
            assert (await it.started()).task.task == "b:0"

    asyncio.run(before())
    asyncio.run(after())
