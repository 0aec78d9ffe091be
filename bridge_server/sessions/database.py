# SPDX-License-Identifier: Apache-2.0
"""The one SQLite file and the pixels beside it. One thread at a time, never the event loop's."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..protocol.codec import Event
from ..protocol.errors import BadRequest, NotFound, OutOfSpace
from ..protocol.pixels import Pixels
from ..protocol.request import Change
from .blobs import Blobs, read_blob
from .migrations import migrate

__all__ = ["Database", "Snapshot", "StoredPixels", "Told", "channel_of", "removed_error"]

R = TypeVar("R")

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

#: Seconds for which the answer to a change is remembered, for a client that asks again.
_REMEMBERED = 86_400.0


class Told(NamedTuple):
    """An event and whom it is for: the watchers of a job (its id) or of a project (:func:`channel_of`)."""

    channel: str
    event: Event


def channel_of(project: str) -> str:
    """The channel of a project's events; the slash keeps it apart from jobs' ids."""
    return f"project/{project}"


class StoredPixels(msgspec.Struct):
    """Pixels whose data lies in a blob."""

    width: int
    height: int
    format: str
    colorspace: str
    blob: str


class Database:
    """The daemon's memory in ``folder``.

    Every blob has holders: ``job:ID``, ``candidate:ID``, ``thumbnail:ID``, ``decision:ID``. One without is no
    longer needed.

    Attributes:
        blobs: the pixels.
        size: bytes of all blobs that are held.

    Raises:
        BadRequest: the database is damaged.
        Unsupported: it was written by a newer version.
        OutOfSpace: from :meth:`writing`, when the disk is full; nothing was written then.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.blobs = Blobs(folder / "blobs")
        self.path = folder / "bridge.sqlite3"
        self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # told means on disk, also after a power cut
            self._db.execute("PRAGMA foreign_keys = ON")
            migrate(self._db)
            (self.size,) = self._db.execute("SELECT coalesce(sum(size), 0) FROM blob").fetchone()
        except BaseException as error:
            self._db.close()
            if not isinstance(error, sqlite3.DatabaseError):
                raise
            raise BadRequest(
                f"The database {self.path} can't be used: {error}.",
                "Move the data folder aside to begin anew, or bring it back from a backup.",
            ) from error

    def close(self) -> None:
        """Finish writing."""
        self._db.close()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(sql, values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values."""
        self._db.executemany(sql, rows)

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row, or None."""
        return self._db.execute(sql, values).fetchone()

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows."""
        return self._db.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Generator[None]:
        """What is written within is written whole or not at all."""
        size = self.size
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            self.size = size
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if _means_no_space(error):
                raise OutOfSpace(
                    "The disk that holds the bridge's data is full.",
                    "Make room, or start the daemon with another --data-dir.",
                ) from error
            raise

    def once(
        self, request: Change[Any], project: str, answer: type[R], change: Callable[[], tuple[R, list[Told]]]
    ) -> tuple[R, list[Told]]:
        """Do a change in one transaction; asked again with its key it only brings the first answer.

        Raises:
            BadRequest: the key was used for another change.
        """
        key = f"{project}/{request.op}:{request.key}"
        asked = hashlib.sha256(msgspec.msgpack.encode(request)).digest() if request.key else b""
        with self.writing():
            self.execute("DELETE FROM answered WHERE created < ?", (time.time() - _REMEMBERED,))
            known = self.one("SELECT asked, answer FROM answered WHERE key = ?", (key,)) if asked else None
            if known is not None and known[0] != asked:
                raise BadRequest(
                    f"params.key {request.key!r} was used for another {request.op}.",
                    "Choose a key at random for each change.",
                )
            if known is not None:
                return msgspec.msgpack.decode(known[1], type=answer), []
            result, told = change()
            if asked:
                row = (key, asked, msgspec.msgpack.encode(result), time.time())
                self.execute("INSERT INTO answered VALUES (?, ?, ?, ?)", row)
            return result, told

    def journal(self, project: str, topic: str, body: Any) -> Told:
        """Write a lasting event of a project down."""
        self.ensure_project(project)
        (seq,) = self.one(
            "UPDATE project SET seq = seq + 1, used = ? WHERE name = ? RETURNING seq", (time.time(), project)
        )
        self.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?)", (project, seq, topic, msgspec.msgpack.encode(body))
        )
        return Told(channel_of(project), Event(topic, seq, body))

    def ensure_project(self, project: str) -> None:
        """Make a project if there is none of that name."""
        self.execute(
            "INSERT OR IGNORE INTO project (name, created, used) VALUES (?1, ?2, ?2)",
            (project, time.time()),
        )

    # ---- pixels ------------------------------------------------------------------------------------

    def keep(self, pixels: Pixels, holder: str, project: str) -> StoredPixels:
        """Write pixels down for a holder."""
        kept = StoredPixels(
            pixels.width, pixels.height, pixels.format, pixels.colorspace, self.blobs.put(pixels.data)
        )
        self.hold(kept.blob, len(pixels.data), holder, project)
        return kept

    def hold(self, blob: str, size: int, holder: str, project: str) -> None:
        """Note that a holder needs a blob that is on the disk."""
        if self.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (blob, size)).rowcount:
            self.size += size
        shared = self.one("SELECT 1 FROM holding WHERE blob = ? AND project = ? LIMIT 1", (blob, project))
        if shared is None:
            self.execute("UPDATE project SET size = size + ? WHERE name = ?", (size, project))
        self.execute("INSERT OR IGNORE INTO holding VALUES (?, ?, ?)", (holder, blob, project))

    def release(self, holder: str) -> list[str]:
        """A holder needs its blobs no more. The blobs that nobody holds now; unlink them after the commit."""
        free: list[str] = []
        for blob, project in self.all("SELECT blob, project FROM holding WHERE holder = ?", (holder,)):
            self.execute("DELETE FROM holding WHERE holder = ? AND blob = ?", (holder, blob))
            (size,) = self.one("SELECT size FROM blob WHERE digest = ?", (blob,))
            shared = "SELECT 1 FROM holding WHERE blob = ?"
            if self.one(f"{shared} AND project = ? LIMIT 1", (blob, project)) is None:
                self.execute("UPDATE project SET size = size - ? WHERE name = ?", (size, project))
            if self.one(f"{shared} LIMIT 1", (blob,)) is None:
                self.execute("DELETE FROM blob WHERE digest = ?", (blob,))
                self.size -= size
                free.append(blob)
        return free

    def load(self, kept: StoredPixels) -> Pixels:
        """The pixels.

        Raises:
            NotFound: they are missing or damaged.
        """
        return Pixels(kept.width, kept.height, kept.format, self.blobs.get(kept.blob), kept.colorspace)

    def load_packed(self, packed: bytes, removed: float | None) -> Pixels:
        """The same of a row's packed :class:`StoredPixels`; ``removed`` says when they were given up."""
        if removed is not None:
            raise removed_error(removed)
        return self.load(msgspec.msgpack.decode(packed, type=StoredPixels))


class Snapshot(Database):
    """The rows of ``folder`` as they are at one moment, for long reads on any one thread beside the writer's.

    It can't write.
    """

    def __init__(self, folder: Path) -> None:  # not as Database: nothing is made, mended or migrated
        self.path = folder / "bridge.sqlite3"
        self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._db.execute("BEGIN")

    def load(self, kept: StoredPixels) -> Pixels:
        """See :meth:`Database.load`."""
        data = read_blob(self.path.parent / "blobs", kept.blob)
        return Pixels(kept.width, kept.height, kept.format, data, kept.colorspace)


def removed_error(removed: float) -> NotFound:
    """What to say of pixels that were given up at that time."""
    try:
        day = time.strftime("%Y-%m-%d", time.localtime(removed))
    except (OverflowError, ValueError, OSError):  # of an imported project, whose clock said anything
        day = "an unknown day"
    return NotFound(
        f"These pixels were removed on {day} to keep the store within its budget.",
        "Its settings are still there: ask again with its seed (and drafted, if it was chosen from drafts).",
    )


def _means_no_space(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _NO_SPACE
    return isinstance(error, sqlite3.OperationalError) and "full" in str(error)
