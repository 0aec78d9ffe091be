# SPDX-License-Identifier: Apache-2.0
"""Taste, over a real connection."""

import asyncio
from dataclasses import replace

import pytest

from bridge_server.jobs.clerk import Clerk
from bridge_server.protocol.errors import WorkerDied
from bridge_server.protocol.projects import Follow
from bridge_server.protocol.taste import (
    Forget,
    GetTaste,
    Lesson,
    LoadTaste,
    SaveTaste,
    SetTaste,
    Suggest,
    TasteData,
    TasteSettings,
)
from bridge_server.protocol.versions import Accept
from bridge_server.sessions.lessons import DATA_FORMAT
from serving import CLERK, house

LESSON = Lesson([{"lightness": 0.1}, {"lightness": 0.9}], [1], [])
DATA = TasteData(DATA_FORMAT, TasteSettings(), [LESSON] * 3)


async def teach(it, client, count=3):
    """So many lessons."""
    for number in range(count):
        (name, _) = await it.make(client, f"t{number}", count=2, document=f"d{number}")
        await client.answer(Accept(name, f"d{number}"))


def test_what_was_learned_is_told_with_the_candidates_behind_it(tmp_path):
    """With the real clerk: active from three lessons on, liked ones are real candidates."""

    async def scenario():
        async with house(tmp_path, clerk=Clerk(CLERK)) as it, it.client() as client:
            await teach(it, client, 2)
            taste = await client.answer(GetTaste())
            assert (taste.lessons, taste.needed, taste.active) == (2, 3, False)
            (name, _) = await it.make(client, "c", count=2, document="more")
            await client.answer(Accept(name, "more"))
            taste = await client.answer(GetTaste())
            assert (taste.lessons, taste.active) == (3, True)
            assert name in taste.liked

    asyncio.run(scenario())


def test_settings_are_the_projects_own_and_told(tmp_path):
    """Who follows hears of them; what a request leaves out stays."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="other") as other:
            await client.answer(Follow())
            await client.ask(SetTaste(pins={"lightness": 0.5}))
            assert (await client.event("project.taste")).body.settings.pins == {"lightness": 0.5}
            assert (await client.hear())["kind"] == "reply"
            changed = await client.answer(SetTaste(on=False))
            assert (changed.settings.on, changed.settings.pins) == (False, {"lightness": 0.5})
            assert (await other.answer(GetTaste())).settings == TasteSettings()
            assert (await other.answer(GetTaste("default"))).settings == changed.settings

    asyncio.run(scenario())


def test_saved_loaded_and_forgotten(tmp_path):
    """Another project takes the lessons; loaded ones have no candidates to show; forgetting ends them."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="other") as other:
            await teach(it, client, 1)
            data = await client.answer(SaveTaste())
            assert len(data.lessons) == 1
            loaded = await other.answer(LoadTaste(data))
            assert (loaded.lessons, loaded.liked) == (1, [])
            assert (await client.answer(GetTaste())).liked == [data_candidate(it)]
            assert (await other.answer(Forget())).lessons == 0
            assert (await client.answer(GetTaste())).lessons == 1

    asyncio.run(scenario())


def data_candidate(it):
    """The first candidate of the first lesson."""
    return it.stage.memory.lessons.study("default").candidates[0][0]


def test_a_load_that_is_asked_again_loads_once(tmp_path):
    """After a lost connection."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            for _ in range(2):
                assert (await client.answer(LoadTaste(DATA, key="k"))).lessons == 3

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (replace(DATA, format="bridge-taste-9"), "unsupported", "'bridge-taste-9'"),
        (replace(DATA, lessons=[replace(LESSON, liked=[2])]), "bad_request", "offer 2 of 2"),
        (replace(DATA, lessons=[Lesson([{"x": float("nan")}], [], [])]), "bad_request", "nan"),
        (replace(DATA, settings=TasteSettings(pins={"nose": 1.0})), "bad_request", "'nose'"),
    ],
    ids=["format", "index", "number", "pin"],
)
def test_a_taste_that_can_not_be_read_is_refused_whole(tmp_path, data, code, words):
    """Nothing of it is taken."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            error = await client.answer(LoadTaste(data))
            assert error["code"] == code
            assert words in error["message"]
            assert (await client.answer(GetTaste())).lessons == 0

    asyncio.run(scenario())


def test_settings_out_of_range_are_refused(tmp_path):
    """In words that name the field."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            for request, field in (
                (SetTaste(exploration=1.5), "exploration"),
                (SetTaste(pins={"lightness": 2.0}), "lightness"),
                (SetTaste(scope="world"), "scope"),
            ):
                assert field in (await client.answer(request))["message"]
            assert (await client.answer(GetTaste())).settings == TasteSettings()

    asyncio.run(scenario())


def test_a_setting_is_kept_though_the_clerk_can_not_say_what_it_leads_to(tmp_path):
    """Asked again with its key it is answered and changed no more."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            it.stage.clerk.error = WorkerDied("It ended.")
            request = SetTaste(on=False, key="k")
            assert (await client.answer(request))["code"] == "worker_died"
            it.stage.clerk.error = None
            assert not (await client.answer(request)).settings.on

    asyncio.run(scenario())


def test_suggestions_come_from_what_was_accepted(tmp_path):
    """Of that verb, without the clerk."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            await teach(it, client)
            assert (await client.answer(Suggest("fill"))).accepted == 3
            assert (await client.answer(Suggest("vary"))).accepted == 0
            assert it.stage.clerk.errands == []

    asyncio.run(scenario())
