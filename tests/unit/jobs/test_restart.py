# SPDX-License-Identifier: Apache-2.0
"""What a daemon takes up that the last one left, in order or killed."""

import asyncio

import samples
from bridge_server.protocol.errors import OutOfSpace
from bridge_server.protocol.messages import JobState
from scheduling import Stage, stage


def states(it, job):
    """The states of a job in the store, over all daemons."""
    bodies = [
        event.body for event in samples.stored_events(it.store, job) if isinstance(event.body, JobState)
    ]
    return ["resumed" if body.resumed else body.state for body in bodies]


def test_queued_jobs_are_taken_up_in_their_order(tmp_path):
    """Nothing is told of it but that they run."""

    async def scenario():
        killed = Stage(tmp_path, size=1)
        for job in "abc":
            await killed.submit(job)
        await killed.started()
        killed.abandon()
        async with stage(tmp_path, size=1) as it:
            await it.scheduler.resume()
            assert [(await it.scheduler.job(job)).position for job in "bc"] == [1, 2]
            assert (await it.started()).task.task == "a:0"
            assert states(it, "b") == ["queued"]

    asyncio.run(scenario())


def test_the_job_that_was_being_computed_is_marked_and_only_the_rest_of_it_computed(tmp_path):
    """Finished candidates stay, with the same seeds for those that are missing."""

    async def scenario():
        killed = Stage(tmp_path, size=1)
        await killed.submit("a", count=3, seed=20)
        run = await killed.started()
        run.make(0)
        run.end()
        await killed.until(lambda: 3 in killed.lasting("a"))
        await killed.started()
        killed.abandon()
        async with stage(tmp_path, size=2) as it:
            await it.scheduler.resume()
            runs = await it.both_started()
            assert [(run.task.indices, run.task.seeds) for run in runs] == [([1], [21]), ([2], [22])]
            for run in runs:
                run.make(run.task.indices[0])
                run.end()
            await it.end_of("a")
            assert states(it, "a") == ["queued", "running", "resumed", "running", "done"]
            assert it.lasting("a") == it.stored("a")[3:] == [4, 5, 6, 7, 8]
            assert [each.index for each in it.store.job("a").candidates] == [0, 1, 2]

    asyncio.run(scenario())


def test_a_job_that_takes_the_daemon_down_twice_is_given_up(tmp_path):
    """A picture that kills the machine does not kill it at every start."""

    async def scenario():
        for _ in range(2):
            killed = Stage(tmp_path)
            await killed.scheduler.resume()
            await killed.submit("a")
            await killed.started()
            killed.abandon()
        async with stage(tmp_path) as it:
            await it.scheduler.resume()
            state = await it.end_of("a")
            assert (state.state, state.error_code) == ("failed", "interrupted")
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_an_orderly_stop_does_not_count_against_a_job(tmp_path):
    """It waits as if it had never begun, however often the daemon is stopped."""

    async def scenario():
        for round_ in range(4):
            async with stage(tmp_path) as it:
                await it.scheduler.resume()
                if round_ == 0:
                    await it.submit("a")
                await it.started()
        async with stage(tmp_path) as it:
            assert states(it, "a") == ["queued"] + ["running", "queued"] * 4

    asyncio.run(scenario())


def test_a_job_whose_candidates_are_all_there_is_done(tmp_path):
    """The daemon died between the last candidate and the word that it was the last."""

    async def scenario():
        killed = Stage(tmp_path)
        await killed.submit("a")
        run = await killed.started()
        run.make(0)
        await killed.until(lambda: 3 in killed.lasting("a"))
        killed.abandon()
        async with stage(tmp_path) as it:
            await it.scheduler.resume()
            assert (await it.end_of("a")).state == "done"
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_what_only_a_gone_client_wanted_is_not_taken_up(tmp_path):
    """Nobody is connected when a daemon starts."""

    async def scenario():
        killed = Stage(tmp_path)
        await killed.submit("a", if_gone="cancel")
        killed.abandon()
        async with stage(tmp_path) as it:
            await it.scheduler.resume()
            assert (await it.end_of("a")).state == "cancelled"
            assert it.scheduler.idle

    asyncio.run(scenario())


def test_an_id_of_before_the_restart_is_still_known(tmp_path):
    """A client that asks again after a crash makes no second job."""

    async def scenario():
        killed = Stage(tmp_path)
        first = await killed.submit("a", seed=None)
        killed.abandon()
        async with stage(tmp_path) as it:
            await it.scheduler.resume()
            assert (await it.submit("a", seed=None)).seed == first.seed
            assert (await it.started()).task.seeds == [first.seed]
            assert it.workers.started.empty()

    asyncio.run(scenario())


def test_stopping_on_a_full_disk_still_ends(tmp_path, monkeypatch):
    """The rest of the daemon can be closed; the job counts as interrupted."""

    async def scenario():
        async with stage(tmp_path) as it:
            await it.submit("a")
            await it.submit("b")
            await it.started()
            await it.started()

            def full(*_):
                raise OutOfSpace("The disk is full.")

            monkeypatch.setattr(it.store, "set_state", full)
            await it.scheduler.stop()
            monkeypatch.undo()
            assert it.store.job("a").state == "running"

    asyncio.run(scenario())


def test_a_waiting_job_leaves_its_pixels_on_disk(tmp_path):
    """However long the line, memory holds the pictures of what is being computed only."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            await it.submit("b")
            first = await it.started()
            assert it.scheduler._live["a"].request is not None
            assert it.scheduler._live["b"].request is None
            assert not it.scheduler._live["b"].record.request.picture.data
            first.make(0)
            first.end()
            second = await it.started()
            assert second.task.picture == samples.REQUESTS["fill"].picture
            assert second.task.mask == samples.REQUESTS["fill"].mask
            second.make(0)
            second.end()
            assert (await it.end_of("b")).state == "done"

    asyncio.run(scenario())


def test_a_job_whose_picture_was_damaged_fails_alone(tmp_path):
    """What can't be read any more is said for that job; the next one is computed."""

    async def scenario():
        async with stage(tmp_path, size=1) as it:
            await it.submit("a")
            run = await it.started()
            await it.submit("b")
            blobs = it.memory.database.blobs
            blobs.path(blobs.put(samples.REQUESTS["fill"].mask.data)).write_bytes(b"??")
            run.make(0)
            run.end()
            ended = await it.end_of("b")
            assert (ended.state, ended.error_code) == ("failed", "not_found")
            assert "damaged" in ended.error_message

    asyncio.run(scenario())
