# SPDX-License-Identifier: Apache-2.0
"""Files that are not as we wrote them."""

import zipfile

import msgspec
import pytest

import samples
from bridge_server.protocol.errors import BadRequest, Unsupported
from bridge_server.protocol.history import History
from bridge_server.sessions import archive
from bridge_server.sessions.archive import admit, export_project, read_parcel
from remembering import PROJECT, World, of_everything


@pytest.fixture
def world(tmp_path):
    """A memory with a project that has some of everything."""
    world = of_everything(tmp_path / "data")
    yield world
    world.close()


def altered(source, target, change):
    """A copy of an export with its entries changed: a dict of name -> bytes."""
    with zipfile.ZipFile(source) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name, data)


def in_rows(table, change):
    """A change of one table's rows, which are lists."""

    def alter(entries):
        rows = msgspec.msgpack.decode(entries[f"rows/{table}.msgpack"])
        rows = change(rows) or rows
        entries[f"rows/{table}.msgpack"] = msgspec.msgpack.encode(rows)

    return alter


def put(row, column, value):
    """Set one value of a table's row."""
    return lambda rows: rows[row].__setitem__(column, value)


def repacked(row, column, **fields):
    """Set fields of a message within a row."""

    def change(rows):
        message = msgspec.msgpack.decode(rows[row][column])
        rows[row][column] = msgspec.msgpack.encode(message | fields)

    return change


def first_blob(value):
    """Replace the first blob's data."""
    return lambda entries: entries.update({min(n for n in entries if n.startswith("blobs/")): value})


WRONG = {
    "no manifest": lambda entries: entries.pop("manifest.json"),
    "not ours": lambda entries: entries.update({"manifest.json": b'{"format": "x", "version": 1}'}),
    "no json": lambda entries: entries.update({"manifest.json": b"\xff"}),
    "no rows": lambda entries: entries.pop("rows/job.msgpack"),
    "rows cut": lambda entries: entries.update({"rows/job.msgpack": entries["rows/job.msgpack"][:-9]}),
    "two projects": in_rows("project", lambda rows: rows * 2),
    "an id that is none": in_rows("job", put(0, 0, "../../etc/passwd")),
    "an unknown verb": in_rows("job", put(0, 2, "destroy")),
    "a number too large": in_rows("job", put(0, 6, 2**63)),
    "a text for a number": in_rows("job", put(0, 6, "many")),
    "no request": in_rows("job", put(0, 5, b"\x80")),
    "no engine": in_rows("job", put(0, 4, b"\xc1")),
    "a digest that leads away": in_rows("blob", put(0, 0, "../" * 21 + "a")),
    "a job that is not there": in_rows("job", lambda rows: rows[1:]),
    "a job twice": in_rows("job", lambda rows: [*rows, rows[0]]),
    "another candidate's settings": in_rows("candidate", repacked(0, 3, candidate="a-c1")),
    "pixels of another size": in_rows("candidate", repacked(0, 4, width=9)),
    "pixels without a shape": in_rows("candidate", repacked(0, 4, width=-8, height=-4)),
    "pixels of no format": in_rows("candidate", repacked(0, 4, format="jpeg")),
    "an event of nothing": in_rows("event", put(0, 2, None)),
    "a version's parent that is not there": in_rows("version", put(0, 2, "b-c0")),
    "a circle of versions": in_rows("version", lambda rows: rows[::-1]),
    "a head that is not there": in_rows("document", put(0, 1, "x")),
    "a lost final picture": in_rows("decision", lambda rows: [
        [*row[:9], None, *row[10:]] if row[4] == "modify" else row for row in rows
    ]),
    "news of nothing": in_rows("journal", put(0, 1, "daemon.stops")),
    "a lost blob": lambda entries: entries.pop(min(n for n in entries if n.startswith("blobs/"))),
    "other pixels": first_blob(bytes(128)),
    "too few pixels": first_blob(b""),
    "too many pixels": first_blob(bytes(10_000_000)),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_is_not_as_we_wrote_it_is_refused_in_words(world, tmp_path, what):
    """Before anything is in the database, and never with a traceback."""
    export_project(world.folder, PROJECT, tmp_path / "p", overwrite=True)
    altered(tmp_path / "p", tmp_path / "wrong", WRONG[what])
    other = World(tmp_path / "other")
    empty = other.dump()
    with pytest.raises(BadRequest, match=r"damaged or holds no project|contradicts itself"):
        admit(other.database, read_parcel(other.database.blobs, tmp_path / "wrong"), "")
    assert (other.dump(), other.database.size) == (empty, 0)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "other", "p", "wrong"]
    other.close()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_file_is_refused_in_words(world, tmp_path, share):
    """As after a copy that broke off; so is one with a byte turned over."""
    path = tmp_path / "p"
    export_project(world.folder, PROJECT, path, overwrite=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadRequest, match="damaged or holds no project"):
        read_parcel(world.database.blobs, path)
    at = int(len(data) * share)
    path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
    with pytest.raises(BadRequest):
        admit(world.database, read_parcel(world.database.blobs, path), "")


def test_a_newer_file_says_so(world, tmp_path):
    """Whatever its rows look like."""
    newer = b'{"format": "bridge-project", "version": 3, "project": "x"}'
    export_project(world.folder, PROJECT, tmp_path / "p", overwrite=True)
    altered(
        tmp_path / "p",
        tmp_path / "newer",
        lambda entries: (entries.clear(), entries.update({"manifest.json": newer})),
    )
    with pytest.raises(Unsupported, match="newer"):
        read_parcel(world.database.blobs, tmp_path / "newer")


def test_a_bomb_of_rows_is_not_unpacked(world, tmp_path, monkeypatch):
    """No more is read of a table than it may take."""
    monkeypatch.setattr(archive, "_MOST_ROWS", 1_000_000)
    export_project(world.folder, PROJECT, tmp_path / "p", overwrite=True)
    altered(
        tmp_path / "p",
        tmp_path / "bomb",
        lambda entries: entries.update({"rows/job.msgpack": bytes(9_000_000)}),
    )
    with pytest.raises(BadRequest, match="larger than"):
        read_parcel(world.database.blobs, tmp_path / "bomb")


def test_what_is_no_file_is_said(world, tmp_path):
    """Nothing there, a folder, something else."""
    (tmp_path / "text").write_text("hello")
    for name, message in (("none", "no file"), ("data", "is no file"), ("text", "holds no project")):
        with pytest.raises(BadRequest, match=message):
            read_parcel(world.database.blobs, tmp_path / name)


def test_a_file_from_before_jobs_could_be_steered_is_read(world, tmp_path):
    """Its rows lack the columns that came since."""

    def shorten(entries):
        in_rows("event", lambda rows: [row for row in rows if row[-1] != "job.steered"])(entries)
        for table in ("job", "event"):
            in_rows(table, lambda rows: [row[:-1] for row in rows])(entries)

    export_project(world.folder, PROJECT, tmp_path / "p", overwrite=True)
    altered(tmp_path / "p", tmp_path / "old", shorten)
    admit(world.database, read_parcel(world.database.blobs, tmp_path / "old"), "copy")
    assert all(entry.job.steering is None for entry in world.library.history(History(), "copy").entries)
    (oak,) = world.library.history(History("lonely"), "copy").entries
    topics = [event.topic for event in samples.stored_events(world.store, oak.job.job)]
    assert topics == ["job.state", *["job.candidate"] * 4, "job.state"]
