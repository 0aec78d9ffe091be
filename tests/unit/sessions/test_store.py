# SPDX-License-Identifier: Apache-2.0
"""What lasts."""

import errno
import os
import sqlite3
from dataclasses import replace

import pytest

import samples
from bridge_server.jobs.tasks import without_pixels
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import BadRequest, Conflict, NotFound, OutOfSpace, Unsupported
from bridge_server.protocol.messages import CandidateDone, JobState
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Steering
from bridge_server.protocol.steering import Steered
from bridge_server.sessions import blobs
from bridge_server.sessions.database import Database, Told
from bridge_server.sessions.store import JobRecord, Store

THUMBNAIL = Pixels(1, 1, "rgba8", b"tiny")

VERBS = ["fill", "expand", "vary", "refine"]


def record(job="j0b", verb="fill", session="s1", **fields):
    """A new job."""
    request = replace(samples.REQUESTS[verb], job=job)
    return JobRecord(job, session, "book cover", request, samples.ENGINE, 42, 1.5, **fields)


def candidate(index=0, job="j0b"):
    """A finished candidate's record."""
    return replace(samples.CANDIDATE, candidate=f"{job}-c{index}", job=job, index=index)


def contents(folder):
    """All rows of all tables, and all blobs."""
    with sqlite3.connect(folder / "bridge.sqlite3") as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    db.close()
    return rows, sorted(path.name for path in (folder / "blobs").rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    database = Database(tmp_path)
    yield Store(database)
    database.close()


@pytest.mark.parametrize("verb", VERBS)
def test_a_job_comes_back_whole_after_a_restart(tmp_path, verb):
    """Every parameter and every pixel of each verb."""
    first = Database(tmp_path)
    told, _ = Store(first).add_job(record(verb=verb))
    assert told == Told("j0b", Event("job.state", 1, JobState("j0b", "queued")))
    first.close()
    database = Database(tmp_path)
    second = Store(database)
    asked = record(verb=verb, seq=1)
    assert second.unfinished() == [replace(asked, request=without_pixels(asked.request))]
    assert second.request("j0b") == asked.request
    database.close()


def test_unfinished_are_the_queued_and_running_oldest_first(store):
    """With what is done of them, and how often they were taken up again."""
    for job in "abcd":
        store.add_job(record(job))
    store.set_state(JobState("b", "done"))
    store.set_state(JobState("c", "running"))
    store.set_state(JobState("d", "queued", resumed=True))
    store.add_candidate(candidate(1, "c"), samples.PATCH, THUMBNAIL)
    found = {each.job: each for each in store.unfinished()}
    assert list(found) == ["a", "c", "d"]
    assert (found["c"].state, found["c"].done_indices, found["c"].restarts) == ("running", {1}, 0)
    assert (found["d"].state, found["d"].restarts) == ("queued", 1)


def test_a_damaged_picture_does_not_keep_the_daemon_from_starting(store):
    """The unfinished jobs are all there; only who asks for the damaged pixels hears of them."""
    store.add_job(record("good", "expand"))
    store.add_job(record("bad"))
    digest = store._db.blobs.put(samples.MASK.data)
    store._db.blobs.path(digest).write_bytes(b"??")
    assert [each.job for each in store.unfinished()] == ["good", "bad"]
    assert store.request("good") == record("good", "expand").request
    with pytest.raises(NotFound, match="damaged"):
        store.request("bad")


def test_events_are_numbered_from_one_and_told_after_any(store):
    """Each job counts for itself; a candidate's event brings its pixels."""
    store.add_job(record())
    store.add_job(record("other"))
    store.set_state(JobState("j0b", "running"))
    done = store.add_candidate(candidate(), samples.PATCH, THUMBNAIL)
    store.set_state(JobState("j0b", "done"))
    events = samples.stored_events(store, "j0b")
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert done == [Told("j0b", events[2])]
    assert events[2] == Event("job.candidate", 3, CandidateDone(candidate(), samples.PATCH))
    assert events[3].body == JobState("j0b", "done")
    assert samples.stored_events(store, "j0b", 2) == events[2:]
    assert samples.stored_events(store, "j0b", 4) == samples.stored_events(store, "nothing") == []
    assert store.job("j0b").seq == 4


def test_an_event_whose_pixels_are_damaged_is_left_out(store):
    """What else there is to tell of the job still is."""
    store.add_job(record())
    store.add_candidate(candidate(), samples.PATCH, THUMBNAIL)
    store.set_state(JobState("j0b", "done"))
    store._db.blobs.path(store._db.blobs.put(samples.PATCH.data)).write_bytes(b"")
    assert [event.seq for event in samples.stored_events(store, "j0b")] == [1, 3]


def test_jobs_are_listed_newest_first(store):
    """Of one session or of all, at most as many as asked for, with their candidates in order."""
    for number, session in enumerate("abab"):
        store.add_job(record(f"j{number}", session=session))
    for index in (1, 0):
        store.add_candidate(candidate(index, "j3"), samples.PATCH, THUMBNAIL)
    assert [info.job for info in store.jobs(None, 10)] == ["j3", "j2", "j1", "j0"]
    assert [info.job for info in store.jobs("a", 10)] == ["j2", "j0"]
    assert [info.job for info in store.jobs(None, 2)] == ["j3", "j2"]
    assert [each.index for each in store.jobs(None, 1)[0].candidates] == [0, 1]


def test_a_job_tells_what_it_is(store):
    """All that a client shows of a job, and what it takes to ask for it again."""
    store.add_job(record(verb="vary", host="krita", drafts=12))
    store.set_state(JobState("j0b", "failed", "worker_died", "It ended.", "Ask again."))
    info = store.job("j0b")
    made_by = {"engine_version": samples.ENGINE.version, "model": samples.ENGINE.model}
    made_by["model_hash"] = samples.ENGINE.model_hash
    asked = samples.REQUESTS["vary"]
    assert info == replace(
        samples.JOB,
        seq=2,
        position=0,
        steering=None,
        candidates=[],
        **made_by,
        amount=asked.amount,
        region=asked.region,
    )


def test_what_is_not_there_is_not_found(store):
    """Jobs and candidates, for reading and for writing."""
    for call in (
        lambda: store.job("x"),
        lambda: store.candidate("x"),
        lambda: store.set_state(JobState("x", "done")),
    ):
        with pytest.raises(NotFound, match=r"There is no .* 'x'"):
            call()


def test_equal_inputs_are_kept_once(store, tmp_path):
    """Asking again for the same selection costs no second copy of it."""
    for job in "abc":
        store.add_job(record(job))
    assert len(contents(tmp_path)[1]) == 2


def test_a_session_keeps_its_first_record(store, tmp_path):
    """A sitting that comes back is the same sitting."""
    store.add_session("s1", "cover", "krita", "plugin/1")
    before = contents(tmp_path)[0]["session"]
    store.add_session("s1", "cover", "krita", "plugin/2")
    assert contents(tmp_path)[0]["session"] == before


def no_room_in_files(store, monkeypatch):
    """Blobs can't be written."""

    def full(fd, data):
        os.write(fd, data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "_write_all", full)


def no_room_in_database(store, monkeypatch):
    """The database can't grow."""
    (pages,) = store._db.one("PRAGMA page_count")
    store._db.execute(f"PRAGMA max_page_count = {pages}")


@pytest.mark.parametrize("fill_up", [no_room_in_files, no_room_in_database])
def test_on_a_full_disk_nothing_is_half_written(store, tmp_path, monkeypatch, fill_up):
    """A job and a candidate either exist whole or not at all, and what was there before still does."""
    store.add_job(record())
    store.set_state(JobState("j0b", "running"))
    rows_before = contents(tmp_path)[0]
    fill_up(store, monkeypatch)
    big = replace(
        samples.REQUESTS["fill"], prompt="x" * 20_000, picture=replace(samples.PICTURE, data=b"123456")
    )
    with pytest.raises(OutOfSpace, match="disk that holds the bridge's data is full"):
        store.add_job(replace(record("new"), request=big))
    with pytest.raises(OutOfSpace):
        store.add_candidate(replace(candidate(), recipe={"x": "y" * 20_000}), samples.PATCH, THUMBNAIL)
    assert contents(tmp_path)[0] == rows_before
    monkeypatch.undo()
    store._db.execute("PRAGMA max_page_count = 100000")
    store.add_candidate(candidate(), samples.PATCH, THUMBNAIL)
    assert store.job("j0b").seq == 3


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.add_job(record("new")),
        lambda store: store.set_state(JobState("j0b", "done")),
        lambda store: store.add_candidate(candidate(), samples.PATCH, THUMBNAIL),
    ],
)
def test_what_happened_and_the_event_that_tells_of_it_are_written_together(store, tmp_path, write):
    """Neither is ever there without the other."""
    store.add_job(record())
    before = contents(tmp_path)[0]
    store._db.execute("CREATE TEMP TRIGGER t BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(sqlite3.Error):
        write(store)
    assert contents(tmp_path)[0] == before


def test_another_mistake_is_not_called_a_full_disk(store):
    """The same job twice is the caller's mistake, and is undone."""
    store.add_job(record())
    with pytest.raises(sqlite3.IntegrityError):
        store.add_job(record())
    assert store.job("j0b").seq == 1
    assert not store._db._db.in_transaction


def test_a_newer_folder_is_refused(tmp_path):
    """Before anything is written into it."""
    Database(tmp_path).close()
    with sqlite3.connect(tmp_path / "bridge.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Unsupported, match="newer"):
        Database(tmp_path)


def test_a_damaged_database_is_said_in_words(tmp_path):
    """The artist hears which file, and what to do with it."""
    (tmp_path / "bridge.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(BadRequest, match=r"bridge\.sqlite3 can't be used"):
        Database(tmp_path)


def test_what_is_steered_adds_up(store):
    """None leaves as it was; what was to be finished stays so. Each is a lasting event and kept."""
    store.add_job(record())
    (first,) = store.steer("j0b", Steering(prompt="an oak", weights=[0.5]))
    assert first == Told("j0b", Event("job.steered", 2, Steered("j0b", Steering("an oak", weights=[0.5]))))
    store.steer("j0b", Steering(finish=True))
    (last,) = store.steer("j0b", Steering(prompt="", strength=0.0))
    merged = Steering("", strength=0.0, weights=[0.5], finish=True)
    assert last.event.body.steering == merged
    assert store.job("j0b").steering == merged
    assert [each.steering for each in store.unfinished()] == [merged]
    events = samples.stored_events(store, "j0b")
    assert [(event.seq, event.topic) for event in events] == [
        (1, "job.state"), (2, "job.steered"), (3, "job.steered"), (4, "job.steered"),
    ]  # fmt: skip
    assert events[1] == first.event


def test_an_ended_job_is_not_steered(store):
    """Nor one that is not there; nothing is written."""
    store.add_job(record())
    store.set_state(JobState("j0b", "done"))
    with pytest.raises(Conflict, match="has ended already"):
        store.steer("j0b", Steering(prompt="x"))
    with pytest.raises(NotFound):
        store.steer("x", Steering(prompt="x"))
    assert store.job("j0b").steering is None
    assert len(samples.stored_events(store, "j0b")) == 2
