# SPDX-License-Identifier: Apache-2.0
"""Looking back and looking on, over a real connection."""

import asyncio

import samples
from bridge_server.jobs.clerk import Clerk
from bridge_server.protocol.history import Compare, GetInputs, History
from bridge_server.protocol.projects import DeleteProject, Follow, GetProject, ListProjects
from bridge_server.protocol.report import GetReport
from bridge_server.protocol.taste import SetTaste
from bridge_server.protocol.versions import Accept, Go, Undo
from serving import CLERK, house


async def changes(it, client, count):
    """So many heads that move, after a job and its version: 5 events before them."""
    (name,) = await it.make(client)
    version = (await client.answer(Accept(name))).version.version
    for number in range(count):
        await client.answer(Go("" if number % 2 == 0 else version))
    return version


def test_projects_are_listed_and_told_one_by_one(tmp_path):
    """One that nobody worked in is empty if it is the asker's own, else unknown."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="new") as other:
            await it.make(client)
            assert [p.project for p in (await client.answer(ListProjects())).projects] == ["default"]
            assert (await other.answer(GetProject())).jobs == 0
            assert (await other.answer(GetProject("default"))).jobs == 1
            for request in (GetProject("nobody"), GetReport("nobody")):
                assert (await client.answer(request))["code"] == "not_found"

    asyncio.run(scenario())


def test_following_from_now_on_tells_nothing_old(tmp_path):
    """The answer says from which number on."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            version = await changes(it, client, 1)
            await other.ask(Follow())
            assert (await other.hear())["result"]["seq"] == 6
            await client.answer(Go(version))
            assert await other.news(last=7) == [7]

    asyncio.run(scenario())


def test_following_after_a_number_tells_what_was_missed_and_what_comes(tmp_path):
    """Each once, before the answer."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            version = await changes(it, client, 3)
            await other.ask(Follow(after=4))
            assert await other.news(last=8) == [5, 6, 7, 8]
            assert (await other.hear())["kind"] == "reply"
            await client.answer(Go(version))
            assert await other.news(last=9) == [9]

    asyncio.run(scenario())


def test_following_twice_tells_new_events_once(tmp_path):
    """A plugin may ask again, also from a number that it has heard of."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            version = await changes(it, client, 1)
            for request in (Follow(), Follow(after=6), Follow()):
                assert (await other.answer(request)).seq == 6
            await client.answer(Go(version))
            await client.answer(Go(""))
            assert await other.news(last=8) == [7, 8]
            assert not it.hub._catching_up

    asyncio.run(scenario())


def test_a_number_beyond_the_last_is_refused_and_follows_nothing(tmp_path):
    """The project was begun anew; who was refused hears nothing until it asks again."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            version = await changes(it, client, 1)
            error = await other.answer(Follow(after=7))
            assert error["code"] == "not_found"
            assert "has had 6 events" in error["message"]
            assert not it.hub._watchers
            assert not it.hub._catching_up
            await other.answer(Follow())
            assert (await other.answer(Follow(after=99)))["code"] == "not_found"
            await client.answer(Go(version))
            assert await other.news(last=7) == [7]

    asyncio.run(scenario())


def test_a_follow_that_fails_holds_nothing_back(tmp_path, monkeypatch):
    """Who followed before goes on hearing."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            version = await changes(it, client, 1)
            await client.answer(Follow())

            def broken(*_):
                raise RuntimeError("a bug")

            monkeypatch.setattr(it.stage.memory.library, "event_after", broken)
            assert (await client.answer(Follow(after=1)))["code"] == "internal"
            await client.ask(Go(version))
            assert await client.news(last=7) == [7]
            assert not it.hub._catching_up

    asyncio.run(scenario())


def test_projects_hear_nothing_of_each_other(tmp_path):
    """Neither jobs nor heads."""

    async def scenario():
        async with (
            house(tmp_path) as it,
            it.client(project="p") as p,
            it.client(project="q") as q,
            it.client(project="p") as follower,
        ):
            await follower.answer(Follow())
            await changes(it, q, 2)
            await it.make(p, "b")
            frames = [await follower.hear() for _ in range(2)]
            assert [(frame["seq"], frame["body"]["job"]) for frame in frames] == [(1, "b"), (2, "b")]

    asyncio.run(scenario())


def test_a_follower_hears_of_a_deletion_and_of_what_is_begun_anew(tmp_path):
    """It counts from 1 again."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await changes(it, client, 4)
            await other.ask(Follow(after=0))
            assert await other.news(last=9) == list(range(1, 10))
            await client.answer(DeleteProject("default"))
            await it.make(client, "b")
            assert await other.news(last=2) == [0, 1, 2]

    asyncio.run(scenario())


def test_a_project_deleted_while_somebody_catches_up_does_not_hold_that_one(tmp_path, monkeypatch):
    """The follow is answered, with the number 0, and what is begun anew is told from 1."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await changes(it, client, 4)
            read, reached = it.stage.memory.library.event_after, asyncio.Event()
            hold = asyncio.Event()
            replay = it.desk.read

            async def slow(call, *args, **options):
                found = await replay(call, *args, **options)
                if call == read and args[1] == 3:
                    reached.set()
                    await hold.wait()
                return found

            monkeypatch.setattr(it.desk, "read", slow)
            await other.ask(Follow(after=0))
            await reached.wait()
            await client.answer(DeleteProject("default"))
            hold.set()
            assert await other.news(last=0) == [1, 2, 3, 0]
            assert (await other.hear())["result"]["seq"] == 0
            await it.make(client, "b")
            assert await other.news(last=2) == [1, 2]

    asyncio.run(scenario())


def test_a_job_is_found_with_its_inputs_and_what_became_of_it(tmp_path):
    """From another project too, by its name."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="other") as other:
            (name,) = await it.make(client, prompt="a fir")
            await client.answer(Accept(name))
            (entry,) = (await other.answer(History(project="default"))).entries
            assert (entry.job.prompt, len(entry.decisions), len(entry.versions)) == ("a fir", 1, 1)
            assert (await other.answer(History())).entries == []
            inputs = await other.answer(GetInputs("a"))
            assert (inputs.picture, inputs.mask) == (samples.PICTURE, samples.MASK)
            assert (await other.answer(GetInputs("nobody")))["code"] == "not_found"

    asyncio.run(scenario())


def test_two_candidates_are_compared_by_the_clerk_and_their_settings(tmp_path):
    """With the real clerk; only what differs is told."""

    async def scenario():
        async with house(tmp_path, clerk=Clerk(CLERK)) as it, it.client() as client:
            (one,) = await it.make(client, "a", seed=1, prompt="moss")
            (two,) = await it.make(client, "b", seed=91, prompt="fern")
            found = await client.answer(Compare(one, two))
            assert found.settings == {"prompt": ["moss", "fern"], "seed": [1, 91]}
            assert (found.overlap, found.changed, found.difference) == (1.0, 0.0, 0.0)
            assert found.words
            assert (await client.answer(Compare(one, one))).settings == {}
            assert (await client.answer(Compare(one, "nobody")))["code"] == "not_found"

    asyncio.run(scenario())


def test_the_report_shares_out_each_document_that_has_something_on_it(tmp_path):
    """One that was taken back to the start has no share."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            names = await it.make(client, count=2)
            for name, document in zip(names, ("a.kra", "b.kra"), strict=True):
                await client.answer(Accept(name, document))
            await client.answer(Undo("b.kra"))
            report = await client.answer(GetReport())
            assert [(s.document, s.canvas_known, s.machine) for s in report.shares] == [("a.kra", False, 1.0)]
            assert report.whole.offered == 2

    asyncio.run(scenario())


def test_a_refused_follow_costs_who_follows_nothing(tmp_path):
    """Not even an event that comes while it is being refused."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as other:
            await client.answer(Follow())
            refused = await client.ask(Follow(10**6))
            await other.answer(SetTaste(on=False))
            heard = [await client.hear(), await client.hear()]
            assert {frame["kind"] for frame in heard} == {"failure", "event"}
            assert [f["seq"] for f in heard if f["kind"] == "event"] == [1]
            assert [f["id"] for f in heard if f["kind"] == "failure"] == [refused]
            info = await client.answer(GetProject())
            assert (await client.answer(Follow(0, info.created + 1)))["code"] == "not_found"
            assert (await client.answer(Follow(1, info.created))).seq == 1

    asyncio.run(scenario())


def test_a_lost_thumbnail_costs_no_report(tmp_path):
    """Its place counts as covered."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client)
            await client.answer(Accept(name))
            for path in (tmp_path / "blobs").glob("??/*"):
                path.unlink()
            (share,) = (await client.answer(GetReport())).shares
            assert share.machine == 1.0

    asyncio.run(scenario())
