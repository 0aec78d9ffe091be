# SPDX-License-Identifier: Apache-2.0
"""A project as one file: a zip with ``manifest.json``, ``rows/TABLE.msgpack`` and ``blobs/DIGEST``.

Writing and reading run on threads of their own beside the store's. While they do, nothing may be swept.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..protocol.checks import check_project_name
from ..protocol.errors import BadRequest, NotFound, OutOfSpace, Unsupported
from ..protocol.projects import Exported
from .blobs import Blobs, read_blob, sync_folder
from .database import Database, Snapshot
from .parcel import IDS, Parcel, Row, columns

__all__ = ["FORMAT", "VERSION", "admit", "export_project", "read_parcel"]

#: How the manifest calls the file, and the newest shape that is understood.
FORMAT, VERSION = "bridge-project", 2

#: Bytes that a table's rows, and the manifest, may take; and that are read of a blob at once.
_MOST_ROWS, _MOST_MANIFEST, _CHUNK = 512 * 2**20, 2**20, 2**20

_OF_JOBS = "job IN (SELECT id FROM job WHERE project = ?1)"

#: Table -> which rows belong to the project ?1, and in which order.
_ROWS = {
    "project": "name = ?1",
    "session": "project = ?1 OR id IN (SELECT session FROM job WHERE project = ?1) ORDER BY created",
    "job": "project = ?1 ORDER BY number",
    "candidate": f"{_OF_JOBS} ORDER BY rowid",
    "event": f"{_OF_JOBS} ORDER BY job, seq",
    "version": "project = ?1 ORDER BY number",
    "decision": "project = ?1 ORDER BY number",
    "document": "project = ?1",
    "trail": "project = ?1",
    "journal": "project = ?1 ORDER BY seq",
    "lesson": "project = ?1 ORDER BY number",
    "blob": "digest IN (SELECT blob FROM holding WHERE project = ?1)",
}


class _Manifest(msgspec.Struct):
    """What is in the file. A newer ``version`` than ours is not read any further."""

    format: str
    version: int
    project: str = ""
    counts: dict[str, int] = {}


# ---- out -----------------------------------------------------------------------------------------


def export_project(folder: Path, project: str, path: Path, *, overwrite: bool) -> Exported:
    """Write a project into a file, as it is at this moment, whatever the daemon writes meanwhile.

    Pixels that were removed are left out. A file that can't be finished is not there at all.

    Args:
        folder: the daemon's data.
        project: its name.
        path: where to.
        overwrite: whether to replace what is there.

    Raises:
        BadRequest: the file can't be written there.
        NotFound: there is no such project, or pixels of it are missing or damaged.
        OutOfSpace: the file's disk is full.
    """
    with (
        _writing(path, overwrite=overwrite) as temporary,
        contextlib.closing(Snapshot(folder)) as db,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
    ):
        counts = _write(db, folder / "blobs", project, file)
    return Exported(str(path), path.stat().st_size, counts["job"], counts["candidate"])


def _write(db: Snapshot, blobs: Path, project: str, file: zipfile.ZipFile) -> dict[str, int]:
    rows = {
        table: db.execute(
            f"SELECT {', '.join(columns(row_type))} FROM {table} WHERE {_ROWS[table]}", (project,)
        ).fetchall()
        for table, row_type in Parcel.tables().items()
    }
    if not rows["project"]:
        raise NotFound(f"There is no project {project[:80]!r}.", "List the projects to see which there are.")
    counts = {table: len(found) for table, found in rows.items()}
    file.writestr("manifest.json", msgspec.json.encode(_Manifest(FORMAT, VERSION, project, counts)))
    for table, found in rows.items():
        file.writestr(f"rows/{table}.msgpack", msgspec.msgpack.encode(found))
    for digest, _ in rows["blob"]:
        try:
            data = read_blob(blobs, digest)
        except NotFound as error:
            (holder,) = db.execute(
                "SELECT holder FROM holding WHERE blob = ? AND project = ?", (digest, project)
            ).fetchone()
            raise NotFound(
                f"The project can't be exported. {error.message} They belong to {holder}.",
                "Bring the data folder back from a backup.",
            ) from error
        file.writestr(f"blobs/{digest}", data)
    return counts


@contextlib.contextmanager
def _writing(path: Path, *, overwrite: bool) -> Generator[Path]:
    """A temporary file that takes the place of ``path`` once it is whole."""
    if path.is_dir():
        raise BadRequest(f"{path} is a folder.", "Give the name of a file.")
    _check_free(path, overwrite=overwrite)
    temporary = None
    try:
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
        os.close(fd)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        _check_free(path, overwrite=overwrite)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _in_words(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _check_free(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise BadRequest(f"There is a file {path} already.", "Give another name, or --overwrite.")


def _in_words(error: OSError, path: Path) -> BadRequest | OutOfSpace:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutOfSpace(f"The disk of {path} has no room for the project.", "Make room, or choose another.")
    if isinstance(error, FileNotFoundError):
        return BadRequest(f"There is no folder {path.parent}.", "Make it first, or choose another.")
    return BadRequest(f"{path} can't be written: {error.strerror}.", "Choose another place.")


# ---- in ------------------------------------------------------------------------------------------


def read_parcel(blobs: Blobs, path: Path) -> Parcel:
    """Read a file, check all that is in it, and put its pixels on the disk, for :func:`admit`.

    Until then nobody holds those pixels: if it never comes to that, the next sweep removes them.

    Raises:
        BadRequest: there is no such file, or it is no project, cut off or damaged.
        Unsupported: a newer version wrote it.
        OutOfSpace: its pixels don't find room.
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise BadRequest(f"{path} is no file.", "Give a file that was exported.")
    try:
        with zipfile.ZipFile(path) as file:
            return _read(file, blobs, path)
    except FileNotFoundError as error:
        raise BadRequest(f"There is no file {path}.") from error
    except _DAMAGED as error:
        raise BadRequest(
            f"{path} is damaged or holds no project: {error}.", "Export the project again, or copy it again."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(path) from error
        raise BadRequest(f"{path} can't be read: {error.strerror or error}.") from error


#: What reading a file raises that is not as we wrote it. RuntimeError: it is encrypted.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError, msgspec.MsgspecError,
)  # fmt: skip


def _no_room(path: Path) -> OutOfSpace:
    return OutOfSpace(
        f"The disk that holds the bridge's data has no room for the pictures of {path}.", "Make room."
    )


def _read(file: zipfile.ZipFile, blobs: Blobs, path: Path) -> Parcel:
    manifest = msgspec.json.decode(_entry(file, "manifest.json", _MOST_MANIFEST), type=_Manifest)
    if manifest.format != FORMAT:
        raise ValueError(f"it calls itself {manifest.format[:80]!r}")
    if manifest.version > VERSION:
        raise Unsupported(f"{path} was written by a newer bridge-server.", "Update this one.")
    rows: dict[str, Any] = {
        table: msgspec.msgpack.decode(_entry(file, f"rows/{table}.msgpack", _MOST_ROWS), type=list[row_type])
        for table, row_type in Parcel.tables().items()
    }
    parcel = Parcel(**rows)
    parcel.check()
    parcel.end_unfinished()
    if sum(row.size for row in parcel.blob) > shutil.disk_usage(blobs.folder).free:
        raise _no_room(path)
    for row in parcel.blob:
        blobs.put_checked(_chunks(file, f"blobs/{row.digest}"), row.digest, row.size)
    blobs.sync()
    return parcel


def _entry(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    with file.open(name) as entry:
        data = entry.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} is larger than {most} bytes")
    return data


def _chunks(file: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with file.open(name) as entry:
        while chunk := entry.read(_CHUNK):
            yield chunk


def admit(database: Database, parcel: Parcel, name: str) -> str:
    """Make a parcel a project, on the store's thread, under ``name`` or, if that is empty, its own.

    What has an id that is known here already gets a new one. A parcel can be admitted once.

    Raises:
        BadRequest: there is a project of that name.
        OutOfSpace: the disk is full.
    """
    name = name or parcel.project[0].name
    check_project_name(name)
    try:
        with database.writing():
            if database.one("SELECT 1 FROM project WHERE name = ?", (name,)) is not None:
                raise BadRequest(
                    f"There is a project {name!r} already.",
                    "Give another name (--as), or delete that one first.",
                )
            parcel.rename(name, {kind: _taken(database, parcel, kind) for kind in IDS})
            _insert(database, parcel, name)
    except sqlite3.IntegrityError as error:
        raise BadRequest(f"The file contradicts itself: {error}.", "Export the project again.") from error
    return name


def _taken(database: Database, parcel: Parcel, kind: str) -> set[str]:
    ids = msgspec.json.encode([row.id for row in getattr(parcel, kind)]).decode()
    rows = database.all(f"SELECT id FROM {kind} WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    return {row[0] for row in rows}


def _insert(database: Database, parcel: Parcel, name: str) -> None:
    project = parcel.project[0]
    size = sum(row.size for row in parcel.blob)
    database.execute(
        "INSERT INTO project (name, created, used, seq, jobs, candidates, versions, size, taste)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name, project.created, project.used, project.seq, len(parcel.job), len(parcel.candidate),
            len(parcel.version), size, project.taste,
        ),
    )  # fmt: skip
    for table in ("session", "job", "version", "decision", "document", "trail", "journal", "lesson"):
        _insert_rows(database, table, getattr(parcel, table), {"project": name})
        if table == "job":  # which versions and decisions refer to by way of the candidates
            _insert_rows(database, "candidate", parcel.candidate, {})
            _insert_rows(database, "event", parcel.event, {})
    _insert_words(database, parcel)
    _insert_blobs(database, parcel, name)
    forgotten = [row.id for row in parcel.decision if row.number <= project.forgotten]
    if forgotten:
        database.execute(
            "UPDATE project SET forgotten = (SELECT number FROM decision WHERE id = ?) WHERE name = ?",
            (forgotten[-1], name),
        )


def _insert_rows(database: Database, table: str, rows: Sequence[Row], more: dict[str, str]) -> None:
    if not rows:
        return
    names = [column for column in columns(type(rows[0])) if column != "number"]
    values = ", ".join("?" * (len(names) + len(more)))
    database.many(
        f"INSERT INTO {table} ({', '.join([*names, *more])}) VALUES ({values})",
        ([*(getattr(row, column) for column in names), *more.values()] for row in rows),
    )


def _insert_words(database: Database, parcel: Parcel) -> None:
    """What each job is found by, as when it was asked and its versions named."""
    texts: dict[str, list[str]] = {}
    for job in parcel.job:
        asked = msgspec.msgpack.decode(job.request)
        texts[job.id] = [asked["prompt"], asked["negative_prompt"]]
    for version in parcel.version:
        texts[version.job].append(version.name)
    database.many(
        "INSERT INTO words (rowid, text) SELECT number, ? FROM job WHERE id = ?",
        (("\n".join(text), job) for job, text in texts.items()),
    )


def _insert_blobs(database: Database, parcel: Parcel, name: str) -> None:
    for row in parcel.blob:
        if database.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (row.digest, row.size)).rowcount:
            database.size += row.size
    database.many(
        "INSERT OR IGNORE INTO holding VALUES (?, ?, ?)",
        ((holder, kept.blob, name) for holder, kept in parcel.held()),
    )
