# SPDX-License-Identifier: Apache-2.0
"""The one file and the pixels beside it."""

import errno
import sqlite3
from pathlib import Path

import pytest

import samples
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import BadRequest, NotFound, OutOfSpace
from bridge_server.protocol.messages import Ack
from bridge_server.protocol.taste import TasteChanged, TasteSettings
from bridge_server.protocol.versions import Decisions, Redo, Reject, Undo
from bridge_server.sessions import blobs
from bridge_server.sessions.database import Database, Told, channel_of, removed_error
from remembering import pixels

REJECT = Reject(["c1"], key="k")


@pytest.fixture
def database(tmp_path):
    """An empty database with two projects."""
    database = Database(tmp_path)
    database.ensure_project("one")
    database.ensure_project("two")
    yield database
    database.close()


def size(database, project):
    """Bytes that a project holds."""
    return database.one("SELECT size FROM project WHERE name = ?", (project,))[0]


def test_what_is_written_together_fails_together(database):
    """Rows and the count of bytes; the next transaction begins afresh."""
    before = database.all("SELECT * FROM project")

    def half():
        with database.writing():
            database.ensure_project("three")
            database.keep(pixels("a"), "job:a", "one")
            raise KeyError("x")

    with pytest.raises(KeyError):
        half()
    assert (database.size, database.all("SELECT * FROM project")) == (0, before)
    with database.writing():
        database.keep(pixels("a"), "job:a", "one")
    assert database.size == size(database, "one") == 128


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_said_in_words(database, error):
    """However the system puts it."""
    with pytest.raises(OutOfSpace, match="disk that holds the bridge's data is full"), database.writing():
        raise error


def test_a_change_happens_once_for_a_key(database):
    """Asked again it brings the first answer and tells nobody."""
    made = []

    def change():
        made.append(1)
        told = database.journal("one", "project.taste", TasteChanged("one", TasteSettings()))
        return Ack(), [told]

    first = database.once(Undo(key="k"), "one", Ack, change)
    assert first[1][0].event.seq == 1
    assert database.once(Undo(key="k"), "one", Ack, change) == (first[0], [])
    database.once(Redo(key="k"), "one", Ack, change)
    database.once(Undo(key="k"), "two", Ack, change)
    assert len(made) == 3
    for _ in range(2):
        database.once(Undo(), "one", Ack, change)
    assert len(made) == 5


def test_a_key_is_for_one_change_only(database):
    """Else who counts its keys from 1 is told of somebody else's change, and its own is lost."""
    database.once(REJECT, "one", Ack, lambda: (Ack(), []))
    with pytest.raises(BadRequest, match="'k' was used for another reject"):
        database.once(Reject(["c2"], key="k"), "one", Ack, lambda: 1 / 0)


def test_told_means_on_the_disk(database, monkeypatch):
    """A power cut is no SIGKILL: the file is synced before its name, the name before the answer."""
    calls = []
    monkeypatch.setattr(blobs.os, "fsync", lambda fd: calls.append(Path(f"/proc/self/fd/{fd}").readlink()))
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (calls.append("name"), replace(self, to))[1])
    digest = database.blobs.put(b"pixels")
    folder = database.blobs.path(digest).parent
    assert calls[-1] == folder
    assert calls[-2] == "name"
    assert calls[-3].parent == database.blobs.folder / "incoming"
    assert database.one("PRAGMA synchronous") == (2,)


def test_an_answer_comes_back_as_it_was(database):
    """After a restart too, within a day."""
    answer = Decisions([samples.conversation.DECISION])
    database.once(REJECT, "one", Decisions, lambda: (answer, []))
    folder = database.path.parent
    database.close()
    again = Database(folder)
    assert again.once(REJECT, "one", Decisions, lambda: 1 / 0) == (answer, [])
    again.execute("UPDATE answered SET created = created - 90000")
    later = Decisions([])
    assert again.once(REJECT, "one", Decisions, lambda: (later, [])) == (later, [])
    again.close()


def test_a_change_that_fails_is_not_remembered(database):
    """The same key again does it."""
    with pytest.raises(ZeroDivisionError):
        database.once(Undo(key="k"), "one", Ack, lambda: 1 / 0)
    assert database.once(Undo(key="k"), "one", Ack, lambda: (Ack(), [])) == (Ack(), [])


def test_the_journal_counts_without_gaps(database):
    """Each project for itself; what was rolled back leaves no hole."""
    body = TasteChanged("one", TasteSettings())

    def lost():
        with database.writing():
            database.journal("one", "project.taste", body)
            raise KeyError

    told = []
    for project in ("one", "two", "one"):
        with pytest.raises(KeyError):
            lost()
        told.append(database.journal(project, "project.taste", body))
    assert [each.event.seq for each in told] == [1, 1, 2]
    assert told[2] == Told(channel_of("one"), Event("project.taste", 2, body))
    assert database.one("SELECT seq FROM project WHERE name = 'one'") == (2,)


def test_a_channel_is_never_taken_for_a_job():
    """A job's id has no slash, whatever a project is called."""
    assert channel_of("j0b") == "project/j0b"


def test_bytes_are_counted_once_wherever_they_are_shared(database):
    """In a project, and in all; until the last holder lets go."""
    for holder, project in (("job:a", "one"), ("job:b", "one"), ("job:c", "two"), ("job:a", "one")):
        kept = database.keep(pixels("a"), holder, project)
    assert (database.size, size(database, "one"), size(database, "two")) == (128, 128, 128)
    assert database.release("job:a") == []
    assert database.release("job:b") == []
    assert (database.size, size(database, "one"), size(database, "two")) == (128, 0, 128)
    assert database.release("job:c") == [kept.blob]
    assert (database.size, size(database, "two")) == (0, 0)
    assert database.release("job:c") == []
    assert database.load(kept) == pixels("a")  # the file is the caller's to unlink


def test_a_holder_lets_go_of_all_it_holds(database):
    """A job's picture and its mask."""
    digests = {database.keep(each, "job:a", "one").blob for each in (samples.PICTURE, samples.MASK)}
    assert set(database.release("job:a")) == digests


def test_the_size_is_known_after_a_restart(database, tmp_path):
    """From what is written down."""
    database.keep(pixels("a"), "job:a", "one")
    database.close()
    again = Database(tmp_path)
    assert again.size == 128
    again.close()


def test_removed_pixels_say_when_and_why(database):
    """Even if another holder still keeps the same ones."""
    packed = b"whatever"
    with pytest.raises(NotFound, match=r"removed on 2001-09-0\d.*ask again with its seed"):
        database.load_packed(packed, 1_000_000_000.0)
    assert isinstance(removed_error(0.0), NotFound)


def test_a_damaged_file_is_said_in_words_and_let_go_of(tmp_path):
    """The artist hears which file; it can be moved aside then."""
    (tmp_path / "bridge.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(BadRequest, match=r"bridge\.sqlite3 can't be used"):
        Database(tmp_path)
    (tmp_path / "bridge.sqlite3").unlink()
    Database(tmp_path).close()
