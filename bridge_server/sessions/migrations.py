# SPDX-License-Identifier: Apache-2.0
"""The database's shape, as steps that are only ever appended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ..protocol.errors import Unsupported

__all__ = ["MIGRATIONS", "migrate"]


def _m001_jobs(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE session (id TEXT PRIMARY KEY, project TEXT NOT NULL, host TEXT NOT NULL,"
        " client TEXT NOT NULL, created REAL NOT NULL)"
    )
    # request: the verb's parameters as msgpack without pixels; picture and mask: blobs with their shape
    db.execute(
        "CREATE TABLE job (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, session TEXT NOT NULL,"
        " project TEXT NOT NULL, verb TEXT NOT NULL, engine TEXT NOT NULL, engine_info BLOB NOT NULL,"
        " request BLOB NOT NULL, seed INTEGER NOT NULL, count INTEGER NOT NULL,"
        " priority INTEGER NOT NULL, state TEXT NOT NULL, seq INTEGER NOT NULL, restarts INTEGER NOT NULL,"
        " created REAL NOT NULL, error_code TEXT NOT NULL DEFAULT '',"
        " error_message TEXT NOT NULL DEFAULT '', error_hint TEXT NOT NULL DEFAULT '')"
    )
    db.execute("CREATE INDEX job_session ON job (session, number)")
    db.execute("CREATE INDEX job_unfinished ON job (state) WHERE state IN ('queued', 'running')")
    # info: a CandidateInfo as msgpack; pixels: a Pixels as msgpack whose data is the blob's digest
    db.execute(
        "CREATE TABLE candidate (id TEXT PRIMARY KEY, job TEXT NOT NULL REFERENCES job (id),"
        " idx INTEGER NOT NULL, info BLOB NOT NULL, pixels BLOB NOT NULL, created REAL NOT NULL,"
        " UNIQUE (job, idx))"
    )
    # a lasting event; body is a JobState as msgpack, or empty where candidate names what it tells of
    db.execute(
        "CREATE TABLE event (job TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB, candidate TEXT,"
        " PRIMARY KEY (job, seq)) WITHOUT ROWID"
    )


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_m001_jobs,)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the database to the newest shape.

    Raises:
        Unsupported: it was written by a newer version.
    """
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done > len(MIGRATIONS):
        raise Unsupported(
            f"The data folder was written by a newer bridge-server (schema {done}, this one knows"
            f" {len(MIGRATIONS)}).",
            "Update bridge-server, or choose another --data-dir.",
        )
    for number, step in enumerate(MIGRATIONS[done:], start=done + 1):
        with db:
            db.execute("BEGIN")
            step(db)
            db.execute(f"PRAGMA user_version = {number}")
