# SPDX-License-Identifier: Apache-2.0
"""Moving, deleting and tidying, over a real connection."""

import asyncio
from dataclasses import replace

import pytest

import samples
from bridge_server.protocol.errors import OutOfSpace
from bridge_server.protocol.messages import Cancel, Fetch
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import (
    Collect,
    DeleteProject,
    ExportProject,
    Follow,
    GetProject,
    ImportProject,
    ListProjects,
)
from bridge_server.protocol.records import Placement
from bridge_server.protocol.versions import Accept, Undo
from bridge_server.server import keeping
from bridge_server.server.keeping import keep_within_budget
from serving import house

FILL = replace(samples.REQUESTS["fill"], engine="one", count=1, if_gone="finish", job="a")


def test_a_project_is_taken_to_another_name_by_a_file(tmp_path):
    """Whole; the answer to the import is the new project."""

    async def scenario():
        async with house(tmp_path / "data") as it, it.client() as client:
            (name,) = await it.make(client)
            await client.answer(Accept(name))
            path = str(tmp_path / "cover.zip")
            exported = await client.answer(ExportProject(path))
            assert (exported.path, exported.jobs) == (path, 1)
            assert (await client.answer(ExportProject(path)))["code"] == "bad_request"
            assert not isinstance(await client.answer(ExportProject(path, overwrite=True)), dict)
            info = await client.answer(ImportProject(path, "second"))
            assert (info.project, info.jobs, info.versions) == ("second", 1, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("request_", [ExportProject("cover.zip"), ImportProject("cover.zip", "p")])
def test_a_relative_path_is_refused(tmp_path, request_):
    """The daemon's current folder is nobody's business."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            await it.make(client)
            error = await client.answer(request_)
            assert error["message"] == "params.path is 'cover.zip'."
            assert "absolute" in error["hint"]
            assert not it.desk.tidying.locked()

    asyncio.run(scenario())


def test_what_can_not_be_moved_is_refused_in_words(tmp_path):
    """No such project, no such file, a name that can't be."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            assert (await client.answer(ExportProject("/tmp/x.zip", "nobody")))["code"] == "not_found"
            absent = str(tmp_path / "absent.zip")
            assert "absent.zip" in (await client.answer(ImportProject(absent)))["message"]
            assert (await client.answer(ImportProject(absent, "../x")))["code"] == "bad_request"

    asyncio.run(scenario())


def test_a_project_with_unfinished_jobs_is_not_deleted(tmp_path):
    """Once they have ended it is, and everyone who follows hears it."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await client.answer(FILL)
            await other.answer(Follow())
            error = await client.answer(DeleteProject("default"))
            assert error["code"] == "too_busy"
            assert not isinstance(await client.answer(Undo()), dict), "it goes on after the refusal"
            await client.answer(Cancel("a"))
            collected = await client.answer(DeleteProject("default"))
            assert collected.size == 0
            assert (await other.event("project.deleted")).body.project == "default"
            assert (await client.answer(ListProjects())).projects == []
            assert (await client.answer(DeleteProject("default")))["code"] == "not_found"

    asyncio.run(scenario())


def test_two_that_delete_the_same_delete_once(tmp_path, monkeypatch):
    """The second is refused while the first is at it, and takes no protection away."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="else") as other:
            await it.make(client)
            begun, go = hold_sweeping(monkeypatch)
            await client.ask(DeleteProject("default"))
            await begun.wait()
            assert (await other.answer(DeleteProject("default")))["code"] == "too_busy"
            assert it.desk.closing == {"default"}
            go.set()
            assert (await client.hear())["kind"] == "reply"
            assert it.desk.closing == set()

    asyncio.run(scenario())


def hold_sweeping(monkeypatch):
    """A sweep waits before it begins; (it is there, let it go on)."""
    begun, go, sweep = asyncio.Event(), asyncio.Event(), keeping._sweep

    async def slow(*args):
        begun.set()
        await go.wait()
        return await sweep(*args)

    monkeypatch.setattr(keeping, "_sweep", slow)
    return begun, go


def test_collecting_brings_the_store_under_a_budget(tmp_path):
    """What was accepted stays; a dry run only says what would go; everybody hears of the other."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await it.make(client, "a")
            other_pixels = Pixels(1, 1, "rgba8", b"abcd")
            (kept,) = await it.make(client, "b", pixels=other_pixels)
            await client.answer(Accept(kept))
            tried = await client.answer(Collect(budget=1, keep=0, dry_run=True))
            assert (await client.answer(Collect(budget=10**9, keep=0))).candidates == 0
            assert (await client.answer(Collect(budget=1))).candidates == 0, "too young"
            done = await client.answer(Collect(budget=1, keep=0))
            assert (done.candidates, done.jobs, done.freed) == (tried.candidates, tried.jobs, tried.freed)
            assert (done.candidates, done.over) == (1, done.size - 1)
            assert (await other.event("store.collected")).body == done
            assert (await client.answer(Fetch(kept))).pixels == other_pixels

    asyncio.run(scenario())


@pytest.mark.parametrize("request_", [Collect(budget=-1), Collect(keep=-1.0), Collect(keep=float("nan"))])
def test_a_collect_that_makes_no_sense_is_refused(tmp_path, request_):
    """In words that name the field."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            assert (await client.answer(request_))["code"] == "bad_request"

    asyncio.run(scenario())


def big(it, client, job):
    """A job whose picture is its own, so that it takes room."""
    data = bytes((len(job) * 37 + ord(job[0]) + n) % 256 for n in range(300))
    picture = Pixels(10, 10, "rgb8", data)
    region = Placement(0, 0, 10, 10)
    return it.make(client, job, picture=picture, mask=Pixels(10, 10, "gray8", b"\xff" * 100), region=region)


def test_over_budget_the_oldest_goes_and_everyone_is_told(tmp_path):
    """Also who follows no project; within the budget nothing is done."""

    async def scenario():
        async with house(tmp_path, budget=10**9) as it, it.client() as client, it.client() as other:
            await big(it, client, "a")
            await big(it, client, "bb")
            size = it.stage.memory.database.size
            await make_old(it)
            swept = count_sweeps(it)
            await keep_within_budget(it.desk)
            it.desk.budget = 0
            await keep_within_budget(it.desk)
            assert swept == []
            it.desk.budget = size - 1
            await keep_within_budget(it.desk)
            collected = (await other.event("store.collected")).body
            assert collected.size <= size - 1
            assert collected.jobs == 1
            assert it.stage.memory.database.size == collected.size
            await keep_within_budget(it.desk)
            assert len(swept) == 1

    asyncio.run(scenario())


async def make_old(it):
    """As if all that is there were from long ago; what is young is never removed by itself."""
    for table in ("job", "candidate"):
        await it.desk.read(it.stage.memory.database.execute, f"UPDATE {table} SET created = 1000 + rowid")


def count_sweeps(it):
    """A list that grows with each sweep."""
    swept, begin = [], it.stage.memory.sweeper.begin

    def counted(*args):
        swept.append(args)
        return begin(*args)

    it.stage.memory.sweeper.begin = counted
    return swept


def test_a_full_disk_does_not_end_the_daemon_when_it_tidies(tmp_path, monkeypatch):
    """It is tried again after the next job."""

    async def scenario():
        async with house(tmp_path, budget=1) as it, it.client() as client:
            await it.make(client)
            await make_old(it)

            def full(_sweep):
                raise OutOfSpace("Full.")

            with monkeypatch.context() as broken:
                broken.setattr(it.stage.memory.sweeper, "step", full)
                await keep_within_budget(it.desk)
            assert not it.desk.tidying.locked()
            await keep_within_budget(it.desk)
            assert (await client.event("store.collected")).body.candidates == 1

    asyncio.run(scenario())


def test_nothing_is_removed_of_a_job_that_is_not_over(tmp_path):
    """However far over budget the store is."""

    async def scenario():
        async with house(tmp_path, budget=1) as it, it.client() as client:
            await client.answer(FILL)
            run = await it.stage.started()
            run.make(0)
            await it.stage.until(lambda: len(it.stage.lasting("a")) == 3)
            collected = await client.answer(Collect(keep=0))
            assert (collected.candidates, collected.jobs) == (0, 0)
            run.end()
            await it.stage.end_of("a")
            assert (await client.answer(Collect(keep=0))).candidates == 1

    asyncio.run(scenario())


def test_two_that_tidy_never_work_at_once(tmp_path, monkeypatch):
    """Collecting, exporting, importing, deleting and the budget take turns, and all are answered."""

    async def scenario():
        async with house(tmp_path / "data", budget=1) as it, it.client() as client:
            await it.make(client, "a")
            path = str(tmp_path / "x.zip")
            await client.answer(ExportProject(path))
            at_work = []

            def alone(call):
                async def work(*args):
                    at_work.append(call)
                    assert len(at_work) == 1
                    for _ in range(20):
                        await asyncio.sleep(0)
                    result = await call(*args)
                    at_work.remove(call)
                    return result

                return work

            monkeypatch.setattr(keeping, "_sweep", alone(keeping._sweep))
            to_thread = asyncio.to_thread

            async def watched(call, *args, **options):
                if call not in (keeping.export_project, keeping.read_parcel):
                    return await to_thread(call, *args, **options)

                async def work():
                    return await to_thread(call, *args, **options)

                return await alone(work)()

            monkeypatch.setattr(keeping.asyncio, "to_thread", watched)

            async def ask(request):
                async with it.client() as each:
                    return await each.answer(request)

            answers = await asyncio.gather(
                ask(Collect()),
                ask(ExportProject(path, overwrite=True)),
                ask(ImportProject(path, "second")),
                ask(Collect(budget=1)),
                ask(DeleteProject("default")),
                keep_within_budget(it.desk),
            )
            assert not [answer for answer in answers if isinstance(answer, dict)]
            assert (await client.answer(GetProject("second"))).project == "second"

    asyncio.run(scenario())


def test_a_deletion_waits_for_who_is_inside(tmp_path):
    """What is under way is finished first, as a job that is seen then; nothing new gets in meanwhile."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await it.make(client)
            async with it.desk.inside("default"):
                asked = await client.ask(DeleteProject("default"))
                while "default" not in it.desk.closing:  # noqa: ASYNC110 - a set has no event for it
                    await asyncio.sleep(0)
                assert (await other.answer(Undo()))["code"] == "too_busy"
                assert (await other.answer(GetProject("default"))).candidates == 1
            frame = await client.hear()
            while frame["kind"] == "event":
                frame = await client.hear()
            assert (frame["id"], frame["result"]["candidates"]) == (asked, 1)
            assert (await other.answer(Undo())).version is None

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["bridge.sqlite3", "blobs/x.bridge", "../data/daemon.json"])
def test_an_export_never_writes_into_the_daemons_own_folder(tmp_path, path):
    """Overwriting is asked for, but not this."""

    async def scenario():
        async with house(tmp_path / "data") as it, it.client() as client:
            it.desk.data_dir = tmp_path / "data"
            await it.make(client)
            target = str(tmp_path / "data" / path)
            answer = await client.answer(ExportProject(target, overwrite=True))
            assert (answer["code"], "own data folder" in answer["message"]) == ("bad_request", True)

    asyncio.run(scenario())
