# SPDX-License-Identifier: Apache-2.0
"""The database's shape."""

import sqlite3
from dataclasses import replace

import msgspec
import pytest

import samples
from bridge_server.protocol.errors import Unsupported
from bridge_server.protocol.history import History
from bridge_server.protocol.messages import JobState
from bridge_server.protocol.projects import Collect
from bridge_server.protocol.versions import GetTree
from bridge_server.sessions import migrations
from bridge_server.sessions.blobs import Blobs
from bridge_server.sessions.migrations import MIGRATIONS, migrate
from remembering import BY, World, pixels


def shape(db):
    """All tables and indexes, as they were made."""
    return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


@pytest.fixture
def db():
    """An empty database."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def test_a_new_database_gets_every_step(db):
    """Its version is the number of steps."""
    migrate(db)
    assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert {"job", "candidate", "event", "session"} <= {name for name, _ in shape(db)}


def test_migrating_again_changes_nothing(db):
    """Each start of the daemon migrates."""
    migrate(db)
    before = shape(db)
    migrate(db)
    assert shape(db) == before


def test_a_newer_database_is_refused_in_words(db):
    """An old daemon must not write into what it does not understand."""
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(Unsupported, match=r"newer bridge-server.*Update bridge-server"):
        migrate(db)
    assert shape(db) == []


def test_a_step_that_fails_leaves_the_database_as_it_was(db, monkeypatch):
    """Half a migration never happens, and the next start tries again."""
    migrate(db)
    before = shape(db)

    def broken(connection):
        connection.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(sqlite3.OperationalError):
        migrate(db)
    assert shape(db) == before
    assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


# ---- from the first shape to the second ----------------------------------------------------------

#: Fields that requests, engines and candidates did not have then.
NEW = (
    "document", "taste", "drafted", "unlike", "drafts", "created", "offered", "descriptor", "guides", "live",
    "settings",
)  # fmt: skip


def packed(message, folder, **fields):
    """A message as the first shape kept it."""
    plain = {key: value for key, value in msgspec.to_builtins(message).items() if key not in NEW} | fields
    for name in ("picture", "mask"):
        if name in plain:
            plain[name] = stored(getattr(message, name), folder)
    return msgspec.msgpack.encode(plain)


def stored(picture, folder):
    """Pixels whose data lies in a blob."""
    kept = {key: getattr(picture, key) for key in ("width", "height", "format", "colorspace")}
    return kept | {"blob": Blobs(folder / "blobs").put(picture.data)}


@pytest.fixture
def old(tmp_path):
    """A data folder of the first shape: two projects, a job of each state, some with candidates."""
    db = sqlite3.connect(tmp_path / "bridge.sqlite3", isolation_level=None)
    MIGRATIONS[0](db)
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO session VALUES ('s1', 'book cover', 'krita', 'plugin/1', 5.0)")
    engine = packed(samples.ENGINE, tmp_path)
    for number, (job, verb, project, state) in enumerate(
        [
            ("a", "fill", "book cover", "done"),
            ("b", "expand", "poster", "failed"),
            ("c", "vary", "book cover", "running"),
            ("d", "refine", "book cover", "queued"),
        ],
        start=1,
    ):
        session = "s1" if project == "book cover" else "lost"
        asked = replace(samples.REQUESTS[verb], job=job, prompt=f"tree {job}")
        db.execute(
            "INSERT INTO job VALUES (?, ?, ?, ?, ?, 'patchmatch', ?, ?, 42, 2, -1, ?, 2, 0, ?, '', '', '')",
            (number, job, session, project, verb, engine, packed(asked, tmp_path), state, number * 10.0),
        )
        for seq, step in ((1, "queued"), (2, state)):
            body = msgspec.msgpack.encode(JobState(job, step))
            db.execute("INSERT INTO event VALUES (?, ?, ?, NULL)", (job, seq, body))
    for job, index in (("a", 0), ("a", 1), ("c", 0)):
        name = f"{job}-c{index}"
        info = packed(replace(samples.CANDIDATE, candidate=name, job=job, index=index), tmp_path)
        picture = msgspec.msgpack.encode(stored(pixels(name), tmp_path))
        db.execute(
            "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?)", (name, job, index, info, picture, 77.0 + index)
        )
        db.execute("INSERT INTO event VALUES (?, ?, NULL, ?)", (job, index + 3, name))
        db.execute("UPDATE job SET seq = ? WHERE id = ?", (index + 3, job))
    db.close()
    world = World(tmp_path)
    yield world
    world.close()


def test_everything_is_still_there(old):
    """Jobs with what was asked, candidates with their pixels, events by number, what is unfinished."""
    for job, verb in (("a", "fill"), ("b", "expand"), ("c", "vary"), ("d", "refine")):
        gone = {"document": "", "taste": None, "drafted": False, "unlike": "", "guides": [], "live": ""}
        asked = replace(samples.REQUESTS[verb], job=job, prompt=f"tree {job}", **gone)
        assert old.store.request(job) == asked
    assert [each.pixels for each in map(old.store.candidate, ("a-c0", "a-c1", "c-c0"))] == [
        pixels("a-c0"), pixels("a-c1"), pixels("c-c0"),
    ]  # fmt: skip
    assert [event.seq for event in samples.stored_events(old.store, "a")] == [1, 2, 3, 4]
    assert [(each.job, each.state, each.host) for each in old.store.unfinished()] == [
        ("c", "running", "krita"), ("d", "queued", "krita"),
    ]  # fmt: skip


def test_old_jobs_can_be_steered(old):
    """Nothing was changed of them before, and their events are told in their order."""
    assert old.store.job("d").steering is None
    old.store.steer("d", samples.STEERING)
    assert [event.topic for event in samples.stored_events(old.store, "d")] == [
        "job.state", "job.state", "job.steered",
    ]  # fmt: skip
    assert [event.topic for event in samples.stored_events(old.store, "c")][-1] == "job.candidate"


def test_projects_are_made_of_their_jobs(old):
    """With counts, sizes and times; a session that nobody knows leaves the host empty."""
    old.check_sizes()
    assert old.database.size == 3 * 128 + 6 + 2  # all jobs share one picture and one mask
    book, poster = old.library.project("book cover"), old.library.project("poster")
    assert (book.jobs, book.candidates, book.size, book.hosts) == (3, 3, 3 * 128 + 6 + 2, ["krita"])
    assert (poster.jobs, poster.candidates, poster.size, poster.hosts) == (1, 0, 6, [""])
    assert (book.created, book.last_used, book.seq) == (10.0, 40.0, 0)


def test_old_jobs_are_found_by_their_words(old):
    """Prompts, hosts and verbs."""

    def found(**asked):
        return [entry.job.job for entry in old.library.history(History(**asked), "book cover").entries]

    assert (found(text="tree"), found(text="tree a"), found(text="text")) == (
        ["d", "c", "a"],
        ["a"],
        ["d", "c", "a"],
    )
    assert (found(host="krita", verb="vary"), found(host="gimp")) == (["c"], [])


def test_old_candidates_can_be_decided_about(old):
    """They have a date now, no thumbnail, and nothing yet for taste to learn from."""
    info = old.store.candidate_info("a-c1")
    assert (info.created, info.descriptor) == (78.0, {})
    assert old.store.candidate("a-c1", thumbnail=True).pixels == pixels("a-c1")
    version = old.accept("a-c1")
    assert old.tree.tree(GetTree(), "book cover").versions[0].prompt == "tree a"
    assert old.tree.pixels(version).pixels == pixels("a-c1")
    assert len(old.tree.documents("book cover")[0][1]) == 1
    assert old.lessons.study("book cover").lessons == []
    old.modify(version, "final", BY)
    old.check_sizes()


def test_old_pictures_are_swept_like_others(old):
    """What was accepted and what is unfinished stays; nothing of it is an orphan."""
    old.accept("a-c1")
    result = old.sweep(old.sweeper.begin(Collect(keep=0), 1))
    assert (result.candidates, result.orphans) == (1, 0)
    assert old.store.candidate("c-c0").pixels == pixels("c-c0")
    old.check_sizes()
