# SPDX-License-Identifier: Apache-2.0
"""Giving room back."""

import random
import time
from dataclasses import replace

import pytest

import samples
from bridge_server.protocol.errors import NotFound, TooBusy
from bridge_server.protocol.history import History
from bridge_server.protocol.messages import JobState
from bridge_server.protocol.projects import Collect
from bridge_server.protocol.records import Guide
from bridge_server.protocol.versions import GetTree
from bridge_server.sessions import sweeper as module
from bridge_server.sessions.conversation import Sitting
from remembering import BY, PROJECT, World, pixels

ALL = Collect(keep=0)
OTHER = Sitting("s2", "poster", "gimp")

#: Bytes of a candidate's picture, and of a job's picture and mask.
PICTURE, INPUTS = 128, 130


@pytest.fixture
def world(tmp_path):
    """An empty memory."""
    world = World(tmp_path)
    yield world
    world.close()


def collect(world, budget=1, request=ALL, busy=()):
    """A whole sweep, foretold by a dry run."""
    before, files = world.dump(), world.files()
    foretold = world.sweep(world.sweeper.begin(replace(request, dry_run=True), budget, busy))
    assert (world.dump(), world.files()) == (before, files)
    result = world.sweep(world.sweeper.begin(request, budget, busy))
    assert result == foretold
    world.check_sizes()
    return result


def removed(world):
    """Candidates and jobs without pixels."""
    rows = world.database.all("SELECT id FROM candidate WHERE removed NOT NULL UNION SELECT id FROM job"
                              " WHERE removed NOT NULL")  # fmt: skip
    return {name for (name,) in rows}


def test_the_oldest_go_first_and_no_more_than_needed(world):
    """One byte over the budget costs one picture; what is left is told."""
    for job in "abc":
        world.job(job, 2)
    size = world.database.size
    result = collect(world, size - 1)
    assert removed(world) == {"a-c0"}
    assert (result.candidates, result.jobs, result.freed) == (1, 0, PICTURE)
    assert (result.size, result.budget, result.over) == (size - PICTURE, size - 1, 0)
    collect(world, size - 2 * PICTURE - INPUTS - 1)
    assert removed(world) == {"a-c0", "a-c1", "a", "b-c0"}


def test_within_the_budget_or_without_one_nothing_goes(world):
    """Zero is unlimited."""
    world.job("a", 2)
    for budget in (0, world.database.size):
        assert collect(world, budget).candidates == 0
    assert removed(world) == set()


def test_what_was_accepted_stays_with_its_inputs(world):
    """Also if it was taken back since; its siblings go."""
    world.job("a", 3)
    world.accept("a-c1")
    world.conversation.go(samples.REQUESTS["go"].__class__(""), BY)
    result = collect(world)
    assert removed(world) == {"a-c0", "a-c2"}
    assert result.over == world.database.size - 1
    assert world.store.candidate("a-c1").pixels == pixels("a-c1")
    assert world.store.request("a").picture == pixels("a picture")


def test_what_was_made_of_it_by_the_artist_stays(world):
    """The final pixels of a modify, the earlier ones too."""
    world.job("a")
    version = world.accept("a-c0")
    for text in ("first", "second"):
        world.modify(version, text)
    collect(world)
    finals = [world.tree.final(info.decision)[1] for info in world.tree.decisions("kind = 'modify'", ())]
    assert finals == [pixels("first"), pixels("second")]


def test_rows_descriptions_and_thumbnails_outlive_the_pictures(world):
    """The history shows as before what was there; who asks for the pixels hears when and why they went."""
    world.job("a", 2)
    world.job("empty", 0, state="failed")
    before = world.library.history(History(), PROJECT)
    result = collect(world)
    assert (result.candidates, result.jobs) == (2, 2)
    assert world.library.history(History(), PROJECT) == before
    assert world.store.candidate("a-c1", thumbnail=True).pixels == pixels("a-c1 small", 2, 1)
    for ask in (lambda: world.store.candidate("a-c1"), lambda: world.store.request("empty")):
        with pytest.raises(NotFound, match=r"removed on \d{4}.*budget"):
            ask()
    with pytest.raises(NotFound, match="removed on"):
        world.accept("a-c0")
    assert result.over == world.database.size - 1 == 2 * 8 - 1


@pytest.mark.parametrize("state", ["queued", "running"])
def test_unfinished_jobs_are_left_alone(world, state):
    """Their inputs are needed, their candidates are looked at."""
    world.job("a", 1, state=state)
    assert collect(world).candidates == 0
    world.store.set_state(JobState("a", "done"))
    assert collect(world, busy={"a"}).candidates == 0
    assert collect(world).candidates == 1


def test_what_is_young_stays(world, monkeypatch):
    """A job's inputs as long as any of its candidates is young."""
    world.job("a", 2)  # at 1000, its candidates at 1001 and 1002
    monkeypatch.setattr(time, "time", lambda: 1052.0)
    assert collect(world, request=Collect(keep=50.5)).candidates == 1
    assert removed(world) == {"a-c0"}
    assert collect(world, request=Collect(keep=49.5)).jobs == 1


def test_a_picture_that_something_accepted_shares_is_not_given_up_for_nothing(world):
    """Removing it would free no byte."""
    shared = pixels("shared picture")
    world.job("a", 1, picture=shared, mask=samples.MASK)
    world.job("b", 1, picture=shared, mask=samples.MASK)
    world.candidate("a", 1, patch=pixels("b-c0"))
    world.accept("b-c0")
    collect(world)
    assert removed(world) == {"a-c0"}
    assert world.store.request("a").picture == shared


def test_a_picture_that_is_its_own_thumbnail_stays(world):
    """A small one costs nothing besides the thumbnail, which stays anyway."""
    world.job("a", 0)
    world.candidate("a", patch=pixels("a-c0 small", 2, 1))
    assert collect(world).candidates == 0
    assert world.store.candidate("a-c0").pixels == pixels("a-c0 small", 2, 1)


def test_shared_pictures_go_with_the_last_holder(world):
    """Bytes are counted once, when they are really free."""
    shared = pixels("shared picture")
    for job in "ab":
        world.job(job, 0, picture=shared, mask=samples.MASK)
    result = collect(world)
    assert (result.jobs, result.freed, result.size) == (2, INPUTS, 0)
    assert world.files() == set()


def test_what_nothing_refers_to_is_removed(world):
    """Files without a row, rows without a holder; what else lies there is not ours."""
    world.job("a")
    kept = world.files()
    (world.folder / "blobs" / "ab").mkdir(exist_ok=True)
    (world.folder / "blobs" / "ab" / "notes.txt").write_text("mine")
    orphan = world.database.blobs.put(b"never noted")
    unheld = world.database.blobs.put(b"noted")
    world.database.execute("INSERT INTO blob VALUES (?, 5)", (unheld,))
    world.database.size += 5
    result = collect(world, 0)
    assert (result.orphans, result.freed) == (2, len(b"never noted") + 5)
    assert world.files() == kept
    assert orphan not in kept
    assert (world.folder / "blobs" / "ab" / "notes.txt").read_text() == "mine"


def test_a_death_between_commit_and_unlink_leaves_orphans(world, monkeypatch):
    """No row ever names a file that is gone; the next sweep finds what is left."""
    world.job("a", 2)
    monkeypatch.setattr(module._Tally, "unlink", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.sweep(world.sweeper.begin(ALL, 1))
    monkeypatch.undo()
    assert removed(world) == {"a-c0", "a-c1", "a"}
    assert collect(world).orphans == 4
    world.check_sizes()
    assert len(world.files()) == 2  # the thumbnails


def test_a_file_that_can_not_be_removed_is_no_end(world, monkeypatch, caplog):
    """On Windows somebody may be reading it; the next sweep takes it."""
    world.job("a", 1)
    monkeypatch.setattr(
        type(world.database.blobs), "unlink", lambda *_: (_ for _ in ()).throw(PermissionError(13, "no"))
    )
    result = world.sweep(world.sweeper.begin(ALL, 1))
    assert (result.candidates, result.freed) == (1, 0)
    assert "can't be removed" in caplog.text
    monkeypatch.undo()
    assert collect(world).orphans == 3


def test_what_was_removed_can_be_put_again(world):
    """The same request on the same engine gives the same pixels, and they are kept anew."""
    world.job("a")
    collect(world)
    world.job("b", 0)
    world.candidate("b", patch=pixels("a-c0"))
    assert world.store.candidate("b-c0").pixels == pixels("a-c0")
    world.check_sizes()


def test_what_is_put_again_before_its_file_went_stays(world, monkeypatch):
    """The row is gone, the file not yet, and somebody needs the same pixels."""
    monkeypatch.setattr(module, "_STEP", 0.0)
    world.job("a", 1)
    world.job("b", 0, state="running")
    sweep = world.sweeper.begin(ALL, 1)
    while "a-c0" not in removed(world):
        assert world.sweeper.step(sweep)
    assert world.database.blobs.put(pixels("a-c0").data) in world.files()
    world.candidate("b", patch=pixels("a-c0"))
    world.sweep(sweep)
    assert world.store.candidate("b-c0").pixels == pixels("a-c0")
    world.check_sizes()


def test_the_store_can_be_used_between_the_steps(world, monkeypatch):
    """What is accepted meanwhile stays; each step is short and whole."""
    monkeypatch.setattr(module, "_STEP", 0.0)
    for job in "abcd":
        world.job(job, 2)
    sweep = world.sweeper.begin(ALL, 1)
    steps, accepted = 0, False
    while world.sweeper.step(sweep):
        steps += 1
        world.check_sizes()
        if removed(world) and not accepted:
            world.accept("c-c1")
            world.job("new", 1)
            accepted = True
    assert steps > 8
    assert world.store.candidate("c-c1").pixels == pixels("c-c1")
    assert {"b-c0", "b-c1", "b", "c-c0", "d-c0", "d-c1", "d"} <= removed(world)
    assert not {"c", "c-c1"} & removed(world)


def test_a_deleted_project_leaves_nothing(world):
    """No row of any table, no file; another project keeps what it shares."""
    shared = pixels("shared picture")
    world.job("b", 1, OTHER, picture=shared)
    world.accept("b-c0", OTHER)
    world.store.add_session("s2", "poster", "gimp", "plugin/1")
    before, files = world.dump(), world.files()
    world.store.add_session("s1", PROJECT, "krita", "plugin/1")
    world.job("a", 3, picture=shared, prompt="a lonely oak")
    version = world.accept("a-c0", name="oak")
    world.modify(world.accept("a-c1"), "final")
    world.lessons.load(samples.REQUESTS["load_taste"], PROJECT)
    world.conversation.go(samples.REQUESTS["go"].__class__(version), BY)
    result = world.sweep(world.sweeper.begin_delete(PROJECT))
    after = world.dump()
    for table in ("answered", "sqlite_sequence"):
        before.pop(table), after.pop(table)
    assert after == before
    assert world.files() == files
    assert (result.jobs, result.candidates, result.size) == (1, 3, world.database.size)
    world.check_sizes()


@pytest.mark.parametrize("steps", range(9))
def test_deleting_goes_on_after_a_crash(world, tmp_path, monkeypatch, steps):
    """What is left can be looked at, and asking again removes it."""
    monkeypatch.setattr(module, "_STEP", 0.0)
    world.job("b", 1, OTHER)
    before = world.dump()
    parent = ""
    for job in ("a1", "a2"):
        world.job(job, 2)
        parent = world.accept(f"{job}-c0")
    world.modify(parent, "final")
    sweep = world.sweeper.begin_delete(PROJECT)
    for _ in range(steps):
        assert world.sweeper.step(sweep)
    world.close()
    again = World(tmp_path)
    again.check_sizes()
    assert again.library.known(PROJECT).project == PROJECT
    for version in again.tree.tree(GetTree(), PROJECT).versions:
        again.tree.pixels(version.version)
    for entry in again.library.history(History(), PROJECT).entries:
        again.store.request(entry.job.job)
    again.sweep(again.sweeper.begin_delete(PROJECT))
    for table in ("answered", "sqlite_sequence"):
        before.pop(table)
    assert {table: rows for table, rows in again.dump().items() if table in before} == before
    again.check_sizes()
    again.close()


def test_what_can_not_be_deleted(world):
    """A project that is not there, or that is being worked in."""
    with pytest.raises(NotFound, match="no project 'x'"):
        world.sweeper.begin_delete("x")
    world.job("a", state="running")
    with pytest.raises(TooBusy, match="unfinished"):
        world.sweeper.begin_delete(PROJECT)


def test_what_another_project_forgot_does_not_grow_by_a_deletion(world):
    """Decisions made after the last forgotten one count, also when higher numbers were deleted."""
    world.job("a", 2)
    world.job("b", 2, OTHER)
    world.accept("b-c0", OTHER)
    world.lessons.forget(samples.REQUESTS["forget_taste"].__class__(), PROJECT)
    world.sweep(world.sweeper.begin_delete("poster"))
    world.accept("a-c0")
    assert len(world.lessons.study(PROJECT).lessons) == 1


@pytest.mark.parametrize("seed", range(12))
def test_sizes_stay_right_whatever_happens(world, seed):
    """Random work, sweeps and deletions in two projects that share pictures."""
    chance = random.Random(seed)
    people, number = [BY, OTHER], 0
    for _ in range(25):
        by = chance.choice(people)
        done = [row[0] for row in world.database.all(
            "SELECT c.id FROM candidate c JOIN job j ON j.id = c.job WHERE c.removed IS NULL AND project = ?",
            (by.project,),
        )]  # fmt: skip
        what = chance.randrange(8)
        if what < 3 or not done:
            number += 1
            world.job(f"j{number}", chance.randrange(3), by, picture=pixels(f"p{chance.randrange(4)}"))
            world.candidate(f"j{number}", 5, patch=pixels(f"c{chance.randrange(4)}"))
        elif what == 3:
            world.accept(chance.choice(done), by)
        elif what == 4:
            world.modify(world.accept(chance.choice(done), by), f"c{chance.randrange(4)}", by)
        elif what < 7:
            collect(world, chance.randrange(1, world.database.size + 2))
        elif chance.random() < 0.5:
            world.sweep(world.sweeper.begin_delete(by.project))
        world.check_sizes()
        for name in done:
            if world.database.one("SELECT 1 FROM candidate WHERE id = ? AND removed IS NULL", (name,)):
                world.store.candidate(name)


def test_guides_stay_and_go_with_the_other_inputs(world):
    """They are needed as long as a job can be made, or made again."""
    guide = Guide("style", pixels("style"))
    world.job("a", 1, guides=[guide])
    world.job("b", 1, guides=[guide, Guide("depth", pixels("depth"))])
    world.accept("a-c0")
    assert collect(world).orphans == 0
    assert world.library.inputs("a").guides == [guide]
    with pytest.raises(NotFound, match="removed on"):
        world.library.inputs("b")
    assert len(world.files()) == len(world.database.all("SELECT digest FROM blob"))
    world.check_sizes()
