# SPDX-License-Identifier: Apache-2.0
"""The database's shape."""

import sqlite3

import pytest

from bridge_server.protocol.errors import Unsupported
from bridge_server.sessions import migrations
from bridge_server.sessions.migrations import MIGRATIONS, migrate


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
