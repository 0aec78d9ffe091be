# SPDX-License-Identifier: Apache-2.0
"""The database's shape, as steps that are only ever appended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from ..protocol.errors import Unsupported
from ..protocol.pixels import BYTES_PER_PIXEL

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


def _m002_conversation(db: sqlite3.Connection) -> None:
    # taste: a TasteSettings as msgpack; forgotten: the last decision that taste no longer learns from;
    # size: bytes of the blobs that the project holds
    db.execute(
        "CREATE TABLE project (name TEXT PRIMARY KEY, created REAL NOT NULL, used REAL NOT NULL,"
        " seq INTEGER NOT NULL DEFAULT 0, jobs INTEGER NOT NULL DEFAULT 0,"
        " candidates INTEGER NOT NULL DEFAULT 0, versions INTEGER NOT NULL DEFAULT 0,"
        " size INTEGER NOT NULL DEFAULT 0, taste BLOB, forgotten INTEGER NOT NULL DEFAULT 0)"
    )
    db.execute(
        "CREATE TABLE journal (project TEXT NOT NULL, seq INTEGER NOT NULL, topic TEXT NOT NULL,"
        " body BLOB NOT NULL, PRIMARY KEY (project, seq)) WITHOUT ROWID"
    )
    # what a change was answered, for a client that asks again; asked: the SHA-256 of the change
    db.execute(
        "CREATE TABLE answered (key TEXT PRIMARY KEY, asked BLOB NOT NULL, answer BLOB NOT NULL,"
        " created REAL NOT NULL)"
    )
    db.execute("CREATE INDEX answered_created ON answered (created)")
    db.execute("CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID")
    db.execute(
        "CREATE TABLE holding (holder TEXT NOT NULL, blob TEXT NOT NULL, project TEXT NOT NULL,"
        " PRIMARY KEY (holder, blob)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX holding_blob ON holding (blob, project)")
    # plan: what taste chose, as msgpack [[seed, why], ...], once it has; removed: when the pixels went
    for column in (
        "host TEXT NOT NULL DEFAULT ''", "document TEXT NOT NULL DEFAULT ''",
        "prompt TEXT NOT NULL DEFAULT ''", "drafts INTEGER NOT NULL DEFAULT 0", "plan BLOB", "removed REAL",
    ):  # fmt: skip
        db.execute(f"ALTER TABLE job ADD COLUMN {column}")
    for column in ("thumbnail BLOB", "removed REAL"):
        db.execute(f"ALTER TABLE candidate ADD COLUMN {column}")
    db.execute("CREATE INDEX job_project_all ON job (project, number)")
    for column in ("host", "verb", "engine", "document"):
        db.execute(f"CREATE INDEX job_project_{column} ON job (project, {column}, number)")
    db.execute("CREATE INDEX job_project_created ON job (project, created)")
    for table in ("job", "candidate"):  # for the sweeper, which goes from the oldest
        db.execute(f"CREATE INDEX {table}_created ON {table} (created) WHERE removed IS NULL")
    # text: a job's prompts and the names of its versions; rowid: the job's number
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
    # placement, canvas: a Placement as msgpack; modified: the decision that brought the final pixels
    db.execute(
        "CREATE TABLE version (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project TEXT NOT NULL,"
        " document TEXT NOT NULL, parent TEXT REFERENCES version (id), candidate TEXT NOT NULL"
        " REFERENCES candidate (id), job TEXT NOT NULL, session TEXT NOT NULL, host TEXT NOT NULL,"
        " placement BLOB NOT NULL, canvas BLOB, name TEXT NOT NULL, starred INTEGER NOT NULL DEFAULT 0,"
        " modified TEXT, created REAL NOT NULL)"
    )
    db.execute("CREATE INDEX version_project ON version (project, number)")
    db.execute("CREATE INDEX version_document ON version (project, document, number)")
    db.execute("CREATE INDEX version_job ON version (job)")
    db.execute("CREATE INDEX version_starred ON version (project, job) WHERE starred")
    db.execute("CREATE INDEX version_candidate ON version (candidate)")
    db.execute("CREATE INDEX version_parent ON version (parent)")
    # pixels: the artist's final ones, of a modify; number: never used twice, project.forgotten counts by it
    db.execute(
        "CREATE TABLE decision (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " project TEXT NOT NULL, candidate TEXT NOT NULL REFERENCES candidate (id), job TEXT NOT NULL,"
        " kind TEXT NOT NULL, session TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL,"
        " placement BLOB, pixels BLOB, changed REAL, difference REAL, created REAL NOT NULL)"
    )
    db.execute("CREATE INDEX decision_project ON decision (project, number)")
    db.execute("CREATE INDEX decision_job ON decision (job)")
    db.execute("CREATE INDEX decision_candidate ON decision (candidate)")
    # head: empty before the first version; trail: where redo leads from a version
    db.execute(
        "CREATE TABLE document (project TEXT NOT NULL, name TEXT NOT NULL, head TEXT NOT NULL,"
        " PRIMARY KEY (project, name)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE trail (project TEXT NOT NULL, document TEXT NOT NULL, version TEXT NOT NULL,"
        " next TEXT NOT NULL, PRIMARY KEY (project, document, version)) WITHOUT ROWID"
    )
    # what taste learned elsewhere, a Lesson as msgpack
    db.execute("CREATE TABLE lesson (number INTEGER PRIMARY KEY, project TEXT NOT NULL, body BLOB NOT NULL)")
    db.execute("CREATE INDEX lesson_project ON lesson (project)")
    _bring_over(db)


def _bring_over(db: sqlite3.Connection) -> None:
    """What the first shape knew, in the second."""
    db.execute(
        "INSERT INTO project (name, created, used, jobs)"
        " SELECT project, min(created), max(created), count(*) FROM job GROUP BY project"
    )
    for number, job, project, session, request in db.execute(
        "SELECT number, id, project, session, request FROM job"
    ).fetchall():
        asked = msgspec.msgpack.decode(request)
        (host,) = db.execute("SELECT host FROM session WHERE id = ?", (session,)).fetchone() or ("",)
        db.execute("UPDATE job SET host = ?, prompt = ? WHERE id = ?", (host, asked["prompt"], job))
        text = f"{asked['prompt']}\n{asked['negative_prompt']}"
        db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))
        for name in ("picture", "mask"):
            if name in asked:
                _note(db, f"job:{job}", project, asked[name])
    for candidate, project, info, pixels, created in db.execute(
        "SELECT c.id, j.project, c.info, c.pixels, c.created FROM candidate c JOIN job j ON j.id = c.job"
    ).fetchall():
        dated = msgspec.msgpack.encode(msgspec.msgpack.decode(info) | {"created": created})
        db.execute("UPDATE candidate SET info = ? WHERE id = ?", (dated, candidate))
        db.execute("UPDATE project SET candidates = candidates + 1 WHERE name = ?", (project,))
        _note(db, f"candidate:{candidate}", project, msgspec.msgpack.decode(pixels))
    db.execute(
        "UPDATE project SET size = (SELECT coalesce(sum(size), 0) FROM blob WHERE digest IN"
        " (SELECT blob FROM holding WHERE project = project.name))"
    )


def _note(db: sqlite3.Connection, holder: str, project: str, kept: dict[str, Any]) -> None:
    size = kept["width"] * kept["height"] * BYTES_PER_PIXEL[kept["format"]]
    db.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (kept["blob"], size))
    db.execute("INSERT OR IGNORE INTO holding VALUES (?, ?, ?)", (holder, kept["blob"], project))


def _m003_steering(db: sqlite3.Connection) -> None:
    # steering: a Steering as msgpack, all that was changed of the job; topic: of an event that tells of no
    # candidate; its body is that of the topic
    db.execute("ALTER TABLE job ADD COLUMN steering BLOB")
    db.execute("ALTER TABLE event ADD COLUMN topic TEXT NOT NULL DEFAULT 'job.state'")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _m001_jobs,
    _m002_conversation,
    _m003_steering,
)


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
