# SPDX-License-Identifier: Apache-2.0
"""Decisions and the tree, over a real connection."""

import asyncio
from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.clerk import Clerk
from bridge_server.protocol.errands import Differs
from bridge_server.protocol.errors import OutOfSpace, WorkerDied
from bridge_server.protocol.history import GetInputs
from bridge_server.protocol.messages import GetJob, JobList, ListJobs
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import Follow
from bridge_server.protocol.records import Placement
from bridge_server.protocol.report import GetReport
from bridge_server.protocol.steering import Steer
from bridge_server.protocol.versions import (
    Accept,
    GetTree,
    GetVersion,
    Go,
    Less,
    Mark,
    Modify,
    More,
    Redo,
    Reject,
    Undo,
)
from serving import CLERK, house

PLACE = Placement(41, -7, 1, 1)
PAINTED = Pixels(1, 1, "rgba8", b"\xff\xff\xff\xff")


def kinds(it):
    """The kinds of all decisions, oldest first."""
    return [info.kind for info in it.stage.memory.tree.decisions("1", ())]


async def jobs(client):
    """How many jobs there are in all."""
    found = await client.answer(ListJobs(every_session=True))
    assert isinstance(found, JobList)
    return len(found.jobs)


def test_the_tree_of_a_document(tmp_path):
    """Accept, undo, redo, go, mark and the pixels of a version."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            one, two = await it.make(client, count=2)
            first = (await client.answer(Accept(one))).version
            second = (await client.answer(Accept(two))).version
            assert second.parent == first.version
            assert (await client.answer(Undo())).head.version == first.version
            assert (await client.answer(Redo())).head.version == second.version
            assert (await client.answer(Go(""))).version is None
            assert (await client.answer(Mark(first.version, name="oak"))).name == "oak"
            tree = await client.answer(GetTree())
            assert [info.version for info in tree.versions] == [second.version, first.version]
            assert (await client.answer(GetVersion(first.version))).pixels == samples.PATCH
            assert len((await client.answer(Reject([one, two]))).decisions) == 2

    asyncio.run(scenario())


def test_a_version_comes_in_the_depth_that_is_asked_for(tmp_path):
    """The offer, and then the artist's final pixels, which may have no alpha; else as they are kept."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client)
            version = (await client.answer(Accept(name))).version
            shown = await client.answer(GetVersion(version.version, "rgba8", "srgb"))
            assert (shown.info, shown.pixels) == (version, samples.PATCH)
            assert it.stage.clerk.errands == []
            deep = await client.answer(GetVersion(version.version, "rgba16"))
            assert deep.placement == shown.placement
            assert deep.pixels.data[::2] == deep.pixels.data[1::2] == samples.PATCH.data
            await client.answer(Modify(version.version, Pixels(1, 1, "rgb8", b"\1\2\3"), version.placement))
            final = await client.answer(GetVersion(version.version, "rgba8"))
            assert final.pixels == Pixels(1, 1, "rgba8", b"\1\2\3\xff")
            for wrong in ("gray8", "RGBA8"):
                error = await client.answer(GetVersion(version.version, wrong))
                assert error["message"] == f"params.format is {wrong!r}."
            assert it.stage.clerk.errands.count("convert") == 2

    asyncio.run(scenario())


def test_who_follows_hears_each_change_before_its_answer(tmp_path):
    """In the order of their numbers."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client)
            await client.answer(Follow())
            await client.ask(Accept(name))
            frames = [await client.hear() for _ in range(4)]
            assert [frame.get("topic") for frame in frames] == [
                "project.decision", "project.version", "project.head", None,
            ]  # fmt: skip
            assert [frame["seq"] for frame in frames[:3]] == [3, 4, 5]

    asyncio.run(scenario())


def test_a_repeated_key_brings_the_first_answer_and_no_event(tmp_path):
    """Also from another connection, as after a lost one; another key is another change."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as again:
            (name,) = await it.make(client)
            await client.answer(Follow())
            first = await client.answer(Accept(name, key="k"))
            assert await again.answer(Accept(name, key="k")) == first
            other = await again.answer(Accept(name, key="k2"))
            assert other.version.version != first.version.version
            assert kinds(it) == ["accept", "accept"]

    asyncio.run(scenario())


def test_two_that_ask_the_same_at_once_change_once(tmp_path):
    """The answer was lost while the change was being written."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as again:
            (name,) = await it.make(client)
            answers = await asyncio.gather(*[c.answer(Accept(name, key="k")) for c in (client, again)])
            assert answers[0] == answers[1]
            assert kinds(it) == ["accept"]

    asyncio.run(scenario())


def test_keys_of_two_projects_and_of_two_ops_do_not_collide(tmp_path):
    """A key is its asker's own."""

    async def scenario():
        async with house(tmp_path) as it, it.client(project="p") as p, it.client(project="q") as q:
            (one,), (two,) = await it.make(p, "a"), await it.make(q, "b")
            first = await p.answer(Accept(one, key="k"))
            second = await q.answer(Accept(two, key="k"))
            assert (first.version.project, second.version.project) == ("p", "q")
            assert len((await q.answer(Reject([two], key="k"))).decisions) == 1

    asyncio.run(scenario())


def test_another_projects_candidate_is_refused_before_the_clerk_is_asked(tmp_path):
    """And nothing is written or made."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="other") as other:
            (name,) = await it.make(client)
            for request in (Accept(name), Reject([name]), More(name), Less(name)):
                assert "belongs to the project 'default'" in (await other.answer(request))["message"]
            assert kinds(it) == []
            assert it.stage.clerk.errands == []
            assert await jobs(client) == 1

    asyncio.run(scenario())


def test_more_lays_the_candidate_on_its_picture_and_varies_it(tmp_path):
    """With the words and settings of its job, by the same engine."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client, prompt="a fir", document="cover.kra")
            submitted = await client.answer(More(name, count=2, amount=0.75, seed=9))
            run = await it.stage.started()
            assert (run.task.verb, run.task.amount, run.task.prompt) == ("vary", 0.75, "a fir")
            info = await client.answer(GetJob(submitted.job))
            assert (info.engine, info.count, info.seed) == ("one", 2, 9)
            assert (info.document, info.parameters) == ("cover.kra", {"patch_radius": 5})
            assert it.stage.clerk.errands == ["overlay"]
            assert kinds(it) == ["more"]

    asyncio.run(scenario())


def test_more_keeps_what_led_the_candidate_and_how_it_was_steered(tmp_path):
    """Guides with the weights that held at the end, and the last words; not with another engine."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            guides = [samples.GUIDE]
            fill = replace(
                samples.REQUESTS["fill"], job="a", engine="one", taste=False, drafted=False, unlike="",
                guides=guides, live="", count=1,
            )  # fmt: skip
            await client.answer(fill)
            run = await it.stage.started()
            await client.answer(Steer("a", prompt="an oak", weights=[1.5]))
            run.make(0)
            run.end()
            await it.stage.end_of("a")
            (made,) = (await client.answer(GetJob("a"))).candidates
            await client.answer(More(made.candidate))
            run = await it.stage.started()
            assert (run.task.prompt, run.task.guides) == ("an oak", [replace(samples.GUIDE, weight=1.5)])
            run.end("engine_failed", "for the sake of the next")
            await client.answer(Less(made.candidate))
            run = await it.stage.started()
            assert (run.task.prompt, run.task.guides) == ("an oak", [replace(samples.GUIDE, weight=1.5)])
            run.end("engine_failed", "for the sake of the next")
            await client.answer(More(made.candidate, engine="big/model"))
            run = await it.stage.started()
            assert (run.task.engine, run.task.guides) == ("big/model", [])

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("ask", "engine", "after"),
    [
        (More, "big/model", {"guidance": 3.0}),
        (More, "one", {}),  # it has no such setting
        (Less, "one", {}),
    ],
)
def test_what_was_made_before_a_change_is_asked_for_with_the_words_of_then(tmp_path, ask, engine, after):
    """Each candidate's recipe says what held for it."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            fill = replace(
                samples.REQUESTS["fill"], job="a", engine=engine, taste=False, drafted=False, unlike="",
                guides=[], live="", count=2, prompt="a fir", parameters={},
            )  # fmt: skip
            await client.answer(fill)
            run = await it.stage.started()
            run.make(0, algorithm=2)
            await client.answer(Steer("a", prompt="an oak", guidance=3.0))
            if 1 not in run.task.indices:
                run.end()
                run = await it.stage.started()
            run.make(1, algorithm=2, steered=[{"done": 0.5, "prompt": "an oak", "guidance": 3.0}])
            run.end()
            await it.stage.end_of("a")
            made = {each.index: each for each in (await client.answer(GetJob("a"))).candidates}
            for index, prompt, parameters in ((0, "a fir", {}), (1, "an oak", after)):
                await client.answer(ask(made[index].candidate, count=1))
                run = await it.stage.started()
                assert (run.task.prompt, run.task.parameters) == (prompt, parameters)
                run.end("engine_failed", "for the sake of the next")

    asyncio.run(scenario())


def test_more_goes_toward_another_candidate(tmp_path):
    """Which is painted on the same picture, and sent beside it."""

    async def scenario():
        async with house(tmp_path, clerk=Clerk(CLERK)) as it, it.client() as client:
            other = Pixels(1, 1, "rgba8", b"\x99\x98\x97\xff")
            (one,) = await it.make(client, "a", engine="big/model")
            (two,) = await it.make(client, "b", engine="big/model", pixels=other)
            await client.answer(More(one, toward=two, amount=0.25, job="m"))
            task = (await it.stage.started()).task
            (guide,) = task.guides
            assert (task.verb, task.amount, guide.kind) == ("vary", 0.25, "toward")
            assert task.picture.data[3:] == samples.PATCH.data[:3]
            assert guide.picture.data == samples.PICTURE.data[:3] + other.data[:3]
            inputs = await client.answer(GetInputs("m"))
            assert inputs.guides == [guide]

    asyncio.run(scenario())


def test_two_candidates_of_different_places_have_no_way_between(tmp_path):
    """Nor those of other documents, of other projects, or that there are not."""

    async def scenario():
        async with (
            house(tmp_path, clerk=Clerk(CLERK)) as it,
            it.client() as client,
            it.client(project="other") as stranger,
        ):
            (one,) = await it.make(client, "a", engine="big/model")
            far = replace(samples.REGION, x=samples.REGION.x + 9)
            (two,) = await it.make(client, "b", engine="big/model", region=far)
            (three,) = await it.make(client, "c", engine="big/model", document="other.kra")
            (theirs,) = await it.make(stranger, "d", engine="big/model")
            for toward, code in ((two, "bad_request"), (three, "bad_request"), ("x", "not_found")):
                error = await client.answer(More(one, toward=toward))
                assert error["code"] == code
                assert error["hint"]
            assert "belongs to the project" in (await client.answer(More(one, toward=theirs)))["message"]
            assert (await client.answer(More(one, toward=two, verb="refine")))["code"] == "bad_request"
            error = await client.answer(More(one, toward=one, engine="one"))
            assert (error["code"], "toward" in error["message"]) == ("unsupported", True)
            assert await jobs(client) == 4

    asyncio.run(scenario())


def test_more_can_refine_and_take_other_words(tmp_path):
    """The candidate is refined by the strength that was asked for; words that were not said stay."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client, prompt="a fir")
            asked = More(name, verb="refine", strength=0.25, negative_prompt="fog", engine="one")
            await client.answer(asked)
            task = (await it.stage.started()).task
            assert (task.verb, task.strength) == ("refine", 0.25)
            assert (task.prompt, task.negative_prompt) == ("a fir", "fog")
            for bad in (More(name, verb="fill"), More(name, strength=1.5)):
                assert (await client.answer(bad))["code"] == "bad_request"

    asyncio.run(scenario())


def test_more_paints_what_was_offered(tmp_path):
    """With the real clerk: the candidate's pixel is in the new job's picture."""

    async def scenario():
        async with house(tmp_path, clerk=Clerk(CLERK)) as it, it.client() as client:
            (name,) = await it.make(client)
            submitted = await client.answer(More(name))
            inputs = await client.answer(GetInputs(submitted.job))
            x = PLACE.x - inputs.region.x
            assert inputs.picture.data[3 * x : 3 * x + 3] == samples.PATCH.data[:3]
            assert inputs.mask.data[x] == 255

    asyncio.run(scenario())


def test_less_asks_again_and_chooses_away_from_the_candidate(tmp_path):
    """From drafts, also where taste has no say."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client, prompt="a fir")
            submitted = await client.answer(Less(name, count=2))
            run = await it.stage.started()
            assert (run.task.stage, run.task.prompt, len(run.task.indices)) == ("draft", "a fir", 12)
            info = await client.answer(GetJob(submitted.job))
            assert (info.unlike, info.count) == (name, 2)
            assert kinds(it) == ["less"]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [More, Less])
def test_asked_again_under_its_id_it_is_one_job_and_one_decision(tmp_path, kind):
    """As a client does that lost the answer; at once too."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client() as again:
            (name,) = await it.make(client)
            request = kind(name, job="m")
            answers = await asyncio.gather(client.answer(request), again.answer(request))
            answers.append(await again.answer(request))
            assert {(answer.job, answer.seed) for answer in answers} == {("m", answers[0].seed)}
            assert kinds(it) == [kind.op]
            assert await jobs(client) == 2

    asyncio.run(scenario())


def test_without_an_id_each_asking_is_its_own(tmp_path):
    """Two presses of the button are two decisions."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client)
            first, second = await client.answer(More(name)), await client.answer(More(name))
            assert first.job != second.job
            assert kinds(it) == ["more", "more"]

    asyncio.run(scenario())


def test_a_job_that_is_refused_teaches_nothing(tmp_path):
    """An engine that can't vary, a count that is too large, a candidate that there is not."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            (name,) = await it.make(client, engine="all")
            assert (await client.answer(More(name)))["code"] == "unsupported"
            assert (await client.answer(More(name, count=99)))["code"] == "bad_request"
            assert (await client.answer(More(name, amount=2.0)))["code"] == "bad_request"
            assert (await client.answer(Less("nobody")))["code"] == "not_found"
            it.stage.clerk.error = WorkerDied("It ended.")
            assert (await client.answer(More(name)))["code"] == "worker_died"
            assert kinds(it) == []
            assert await jobs(client) == 1

    asyncio.run(scenario())


async def accepted(it, client):
    """A version."""
    (name,) = await it.make(client)
    return (await client.answer(Accept(name))).version.version


def test_a_modify_whose_pixels_are_not_of_its_size_is_refused(tmp_path):
    """Or too many, or none; nothing is kept."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            version = await accepted(it, client)
            small = Placement(0, 0, 2, 1)
            error = await client.answer(Modify(version, PAINTED, small))
            assert error["message"] == "params.placement is 2 x 1, params.pixels is 1 x 1."
            large = Modify(version, Pixels(200, 1, "gray8", bytes(200)), Placement(0, 0, 200, 1))
            assert (await client.answer(large))["code"] == "too_large"
            short = replace(PAINTED, data=b"")
            assert (await client.answer(Modify(version, short, PLACE)))["code"] == "bad_request"
            assert (await client.answer(Modify("nobody", PAINTED, PLACE)))["code"] == "not_found"
            assert kinds(it) == ["accept"]
            assert it.stage.clerk.errands == []

    asyncio.run(scenario())


def test_a_modify_is_answered_at_once_and_measured_on_the_side(tmp_path):
    """Who follows hears of it again with the figures; with the real clerk."""

    async def scenario():
        async with house(tmp_path, clerk=Clerk(CLERK)) as it, it.client() as client:
            version = await accepted(it, client)
            await client.answer(Follow())
            await client.ask(Modify(version, PAINTED, PLACE))
            first = await client.event("project.decision")
            assert first.body.changed is None
            second = await client.event("project.decision")
            assert second.body.decision == first.body.decision
            assert second.body.changed == 1.0
            assert second.body.difference > 1
            done = await client.answer(GetVersion(version))
            assert (done.pixels, done.info.modified) == (PAINTED, True)

    asyncio.run(scenario())


@pytest.mark.parametrize("lost", ["clerk", "disk"])
def test_what_could_not_be_measured_is_measured_for_the_next_report(tmp_path, monkeypatch, lost):
    """The clerk died on it, or the figures found no room; the modify itself is kept, and reports come."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            version = await accepted(it, client)
            with monkeypatch.context() as broken:
                if lost == "clerk":
                    it.stage.clerk.error = WorkerDied("It ended.")
                else:

                    def full(*_):
                        raise OutOfSpace("Full.")

                    broken.setattr(it.stage.memory.conversation, "measured", full)
                await client.answer(Modify(version, PAINTED, PLACE))
                await it.desk.settle()
                if lost == "disk":
                    assert (await client.answer(GetReport())).whole.changed.n == 0
            it.stage.clerk.error = None
            assert it.stage.memory.tree.decisions("kind = 'modify'", ())[0].changed is None
            it.stage.clerk.found = Differs("", 1.0, 0.5, 12.0, [])
            report = await client.answer(GetReport())
            assert (report.whole.changed.n, report.whole.changed.median) == (1, 0.5)
            before = len(it.stage.clerk.errands)
            await client.answer(GetReport())
            assert "differ final" not in it.stage.clerk.errands[before:]

    asyncio.run(scenario())


def test_a_repeated_modify_that_is_measured_is_not_measured_again(tmp_path):
    """The answer is the first one, whose figures were not known yet."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            version = await accepted(it, client)
            request = Modify(version, PAINTED, PLACE, key="k")
            first = await client.answer(request)
            await it.desk.settle()
            assert await client.answer(request) == first
            await it.desk.settle()
            assert it.stage.clerk.errands == ["differ final"]

    asyncio.run(scenario())
