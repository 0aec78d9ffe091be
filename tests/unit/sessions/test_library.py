# SPDX-License-Identifier: Apache-2.0
"""Finding things again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge_server.protocol.errors import NotFound
from bridge_server.protocol.history import History
from bridge_server.protocol.projects import ProjectInfo
from bridge_server.protocol.versions import Mark, Reject
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.library import all_of
from remembering import BY, PROJECT, World, pixels

GIMP = Sitting("s2", PROJECT, "gimp")
OTHER = Sitting("s3", "poster", "blender")


@pytest.fixture
def world(tmp_path):
    """Jobs of several kinds."""
    world = World(tmp_path)
    world.job("oak", 2, prompt="a lonely Oak, été", document="one")
    world.job("elm", 1, GIMP, "expand", prompt="an elm", engine="two", negative_prompt="blurry")
    world.job("ash", 1, prompt="the ash and an oaken door", document="two")
    world.job("far", 1, OTHER, prompt="an oak elsewhere")
    yield world
    world.close()


def found(world, *args, project=PROJECT, **asked):
    """The jobs of a page."""
    return [entry.job.job for entry in world.library.history(History(*args, **asked), project).entries]


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("", ["ash", "elm", "oak"]),
        ("oak", ["ash", "oak"]),
        ("OAK lone", ["oak"]),
        ("oake", ["ash"]),
        ("ete", ["oak"]),
        ("blur", ["elm"]),
        ("ak", []),
        ("oak elm", []),
        ("oak, lonely!", ["oak"]),
        ("   ", ["ash", "elm", "oak"]),
        ("?!", []),
        ("_", []),
        ('"oak', ["ash", "oak"]),
        ("oak NEAR door", []),
        ("oak OR elm", []),
        ("NOT", []),
        ("column:oak", []),
        ("oak*", ["ash", "oak"]),
        ("^lonely", ["oak"]),
        ("-oak", ["ash", "oak"]),
    ],
)
def test_words_are_found_as_they_begin(world, text, jobs):
    """All of them, in any order and case; what is syntax elsewhere is not here."""
    assert found(world, text) == jobs


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=20))
def test_no_text_is_too_strange(world, text):
    """Whatever an artist types, the answer is a page."""
    world.library.history(History(text), PROJECT)


def test_versions_are_found_by_their_names(world):
    """By each name that one of a job's versions has now."""
    first = world.accept("oak-c0", name="sunset")
    world.accept("oak-c1", name="dawn")
    assert found(world, "sunset dawn lonely") == ["oak"]
    world.conversation.mark(Mark(first, name="noon"), BY)
    assert (found(world, "sunset"), found(world, "noon")) == ([], ["oak"])


def test_what_is_asked_for_restricts(world):
    """Each alone, and together."""
    assert found(world, host="gimp") == ["elm"]
    assert found(world, verb="fill") == ["ash", "oak"]
    assert found(world, engine="two") == ["elm"]
    assert found(world, document="one") == ["oak"]
    assert found(world, document="") == ["elm"]
    assert found(world, "oak", document="two", verb="fill", host="krita") == ["ash"]
    assert found(world, "oak", host="gimp") == []
    assert found(world, project="poster") == ["far"]


def test_dates_include_their_ends(world):
    """Seconds since 1970."""
    when = {job.job: job.created for job in world.store.jobs(None, 10)}
    assert found(world, since=when["elm"]) == ["ash", "elm"]
    assert found(world, until=when["elm"]) == ["elm", "oak"]
    assert found(world, since=when["elm"], until=when["elm"]) == ["elm"]
    assert found(world, until=0.0) == []


def test_accepted_and_starred(world):
    """Rejected is not accepted; starred is accepted too."""
    version = world.accept("oak-c0")
    world.accept("elm-c0", GIMP)
    world.conversation.reject(Reject(["ash-c0"]), BY)
    assert found(world, accepted=True) == ["elm", "oak"]
    assert found(world, starred=True) == []
    world.conversation.mark(Mark(version, starred=True), BY)
    assert found(world, starred=True) == found(world, starred=True, accepted=True) == ["oak"]


def test_pages_lead_through_everything(world):
    """Each job once; what comes meanwhile does not shift them."""
    for number in range(7):
        world.job(f"n{number}", 0, prompt="many")
    pages, before = [], 0
    while True:
        page = world.library.history(History("many", before=before, limit=3), PROJECT)
        pages.append([entry.job.job for entry in page.entries])
        world.job(f"late{before}", 0, prompt="many")
        before = page.next
        if not before:
            break
    assert pages == [["n6", "n5", "n4"], ["n3", "n2", "n1"], ["n0"]]
    assert len(found(world, limit=-5)) == 1


def test_an_entry_has_all_that_was_decided(world):
    """In order, with the versions."""
    world.conversation.reject(Reject(["oak-c1"]), BY)
    version = world.accept("oak-c0")
    entry = world.library.history(History("lonely"), PROJECT).entries[0]
    assert [each.kind for each in entry.decisions] == ["reject", "accept"]
    assert [each.version for each in entry.versions] == [version]
    assert [each.index for each in entry.job.candidates] == [0, 1]


def test_projects_are_listed_the_last_used_first(world):
    """With what is in them; details only of one."""
    world.database.execute("UPDATE project SET used = 5 WHERE name = 'poster'")
    book, poster = world.library.projects().projects
    assert (book.project, book.jobs, book.candidates, book.hosts) == (PROJECT, 3, 4, [])
    assert (poster.project, poster.last_used) == ("poster", 5.0)
    world.accept("far-c0", OTHER)
    assert [each.project for each in world.library.projects().projects] == ["poster", PROJECT]


def test_one_project_in_full(world):
    """Hosts and heads."""
    version = world.accept("oak-c0", document="one")
    info = world.library.project(PROJECT)
    assert (info.hosts, [head.version for head in info.heads]) == (["gimp", "krita"], [version])
    assert (info.jobs, info.candidates, info.versions, info.size) == (3, 4, 1, info.size)
    world.check_sizes()


def test_a_project_that_is_not_there(world):
    """Empty for who has just said hello with it, an error for who looks for it."""
    assert world.library.project("new") == ProjectInfo("new", 0, 0.0, 0.0)
    assert world.library.event_after("new", 0) is None
    with pytest.raises(NotFound, match="no project 'new'"):
        world.library.known("new")
    assert world.library.known(PROJECT).project == PROJECT


def test_inputs_come_back(world):
    """An expand has no mask but sides."""
    oak, elm = world.library.inputs("oak"), world.library.inputs("elm")
    assert (oak.picture, oak.mask.data, oak.grow) == (pixels("oak picture"), b"oa", [])
    assert (elm.picture, elm.mask, elm.grow) == (pixels("elm picture"), None, [1, 2, 3, 4])
    with pytest.raises(NotFound, match="no job 'x'"):
        world.library.inputs("x")


def test_everything_is_in_order_of_time(world):
    """Of one project only."""
    world.accept("ash-c0")
    world.accept("oak-c0")
    world.accept("far-c0", OTHER)
    found = all_of(world.database.path.parent, PROJECT)
    jobs, decisions, versions = found.jobs, found.decisions, found.versions
    assert [job.job for job in jobs] == ["oak", "elm", "ash"]
    assert (
        [each.candidate for each in decisions]
        == [each.candidate for each in versions]
        == ["ash-c0", "oak-c0"]
    )
