# SPDX-License-Identifier: Apache-2.0
"""Projects as files."""

import errno
import json
import threading
import zipfile

import msgspec
import pytest

import samples
from bridge_server.protocol.errors import BadRequest, NotFound, OutOfSpace
from bridge_server.protocol.history import History
from bridge_server.protocol.projects import Collect, Exported
from bridge_server.protocol.taste import Suggest
from bridge_server.protocol.versions import GetTree
from bridge_server.sessions import archive, blobs
from bridge_server.sessions.archive import admit, export_project, read_parcel
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.library import all_of
from remembering import PROJECT, World, of_everything, pixels

GIMP = Sitting("s2", PROJECT, "gimp")


@pytest.fixture
def world(tmp_path):
    """A memory with a project that has some of everything."""
    world = of_everything(tmp_path / "data")
    yield world
    world.close()


def ship(source, target, path, name=""):
    """Out of one memory, into another."""
    export_project(source.folder, PROJECT, path, overwrite=True)
    return admit(target.database, read_parcel(target.database.blobs, path), name)


def seen(world, project):
    """All that a client can ask of a project; ids are told by the order in which they came."""
    found = all_of(world.database.path.parent, project)
    jobs, decisions, versions = found.jobs, found.decisions, found.versions
    ids = {each.job: f"job {n}" for n, each in enumerate(jobs)}
    ids |= {each.decision: f"decision {n}" for n, each in enumerate(decisions)}
    ids |= {each.version: f"version {n}" for n, each in enumerate(versions)}
    candidates = [each.candidate for job in jobs for each in job.candidates]
    ids |= {each: f"candidate {n}" for n, each in enumerate(candidates)}
    ids |= {name: f"session {n}" for n, name in enumerate(dict.fromkeys(job.session for job in jobs))}
    studied = world.lessons.study(project)
    everything = {
        "jobs": [jobs, decisions, versions],
        "events": [samples.stored_events(world.store, job.job) for job in jobs],
        "plans": world.database.all(
            "SELECT plan, drafts FROM job WHERE project = ? ORDER BY number", (project,)
        ),
        "journal": [event for seq in range(100) if (event := world.library.event_after(project, seq))],
        "project": world.library.project(project),
        "history": world.library.history(History(), project).entries,
        "found": [
            [entry.job.job for entry in world.library.history(request, project).entries]
            for request in (
                History("oak"),
                History(host="gimp"),
                History(starred=True),
                History(document="cover.kra"),
            )
        ],
        "tree": world.tree.tree(GetTree(), project).versions,
        "documents": world.tree.documents(project),
        "versions": [world.tree.pixels(each.version) for each in versions],
        "taste": [studied.settings, studied.lessons, studied.candidates],
        "suggested": world.lessons.suggest(Suggest("fill"), project),
        "inputs": [pixels_or_why(world.library.inputs, job.job) for job in jobs],
        "pictures": [pixels_or_why(world.store.candidate, each) for each in candidates],
        "thumbnails": [world.store.candidate(each, thumbnail=True) for each in candidates],
    }
    return renamed(msgspec.to_builtins(everything), ids, project)


def pixels_or_why(read, name):
    """What can be read, or what is said instead."""
    try:
        return read(name)
    except NotFound as error:
        return str(error)


def renamed(value, ids, project):
    """The same without the names that differ between two copies; a prompt is no name."""
    if isinstance(value, dict):
        return {
            key: each if key == "prompt" else "PROJECT" if key == "project" and each == project
            else renamed(each, ids, project)
            for key, each in value.items()
        }  # fmt: skip
    if isinstance(value, (list, tuple)):
        return [renamed(each, ids, project) for each in value]
    return ids.get(value, value) if isinstance(value, str) else value


def test_it_is_the_same_on_another_machine(world, tmp_path):
    """Also the ids, where nothing has them."""
    other = World(tmp_path / "other")
    assert ship(world, other, tmp_path / "p.bridge") == PROJECT
    assert seen(other, PROJECT) == seen(world, PROJECT)
    assert other.store.job("a") == world.store.job("a")
    assert other.library.projects() == world.library.projects()
    other.check_sizes()
    other.close()


def test_it_is_the_same_beside_the_original(world, tmp_path):
    """Every id is another one then; the original is not touched."""
    before = seen(world, PROJECT)
    raw = world.dump()
    assert ship(world, world, tmp_path / "p.bridge", "copy") == "copy"
    assert seen(world, "copy") == seen(world, PROJECT) == before
    after = world.dump()
    for table in ("job", "candidate", "version", "decision", "session"):
        mine = {row[0] if table in ("candidate", "session") else row[1] for row in after[table]}
        assert len(mine) == 2 * len(raw[table])
        assert [row for row in after[table] if row in raw[table]] == raw[table]
    packed = b"".join(row[0] for row in world.database.all("SELECT body FROM journal WHERE project = 'copy'"))
    assert PROJECT.encode() not in packed
    assert world.store.job(all_of(world.database.path.parent, "copy").jobs[1].job).unlike not in ("a-c0", "")
    world.check_sizes()


def test_the_copy_lives_on_by_itself(world, tmp_path):
    """It is worked in, deleted and made again, and neither disturbs the other."""
    before = seen(world, PROJECT)
    ship(world, world, tmp_path / "p.bridge", "copy")
    copy = Sitting("s9", "copy", "krita")
    world.job("new", 1, copy)
    made = world.accept("new-c0", copy, document="cover.kra")
    assert world.tree.version(made).parent == all_of(world.database.path.parent, "copy").versions[0].version
    assert world.library.project("copy").seq == world.library.project(PROJECT).seq + 5
    world.sweep(world.sweeper.begin_delete("copy"))
    assert seen(world, PROJECT) == before
    ship(world, world, tmp_path / "p.bridge", "copy")
    world.sweep(world.sweeper.begin_delete(PROJECT))
    assert seen(world, "copy") == before
    assert admit(world.database, read_parcel(world.database.blobs, tmp_path / "p.bridge"), "") == PROJECT
    assert seen(world, PROJECT) == before
    world.check_sizes()


def test_what_was_removed_stays_removed(world, tmp_path):
    """Its picture is not in the file; its settings and its thumbnail are."""
    world.sweep(world.sweeper.begin(Collect(keep=0), 1))
    other = World(tmp_path / "other")
    ship(world, other, tmp_path / "p.bridge")
    assert seen(other, PROJECT) == seen(world, PROJECT)
    with pytest.raises(NotFound, match="removed on"):
        other.store.candidate("a-c0")
    other.check_sizes()
    other.close()


def test_what_was_being_made_says_that_it_ended(world, tmp_path):
    """Another daemon does not take it up; what was finished of it is there."""
    world.job("r", 1, state="running")
    world.job("q", 0, state="queued")
    other = World(tmp_path / "other")
    ship(world, other, tmp_path / "p.bridge")
    assert other.store.unfinished() == []
    for job in "rq":
        info = other.store.job(job)
        assert (info.state, info.error_code, info.seq) == (
            "failed",
            "interrupted",
            world.store.job(job).seq + 1,
        )
        assert samples.stored_events(other.store, job)[-1].body.state == "failed"
    assert other.store.candidate("r-c0").pixels == pixels("r-c0")
    last = other.library.project(PROJECT).seq
    assert [other.library.event_after(PROJECT, last - n).body.job for n in (2, 1)] == ["r", "q"]
    assert len(world.store.unfinished()) == 2
    other.close()


def test_a_snapshot_while_the_daemon_writes(world, tmp_path, monkeypatch):
    """What comes after the beginning is not in it, and nobody waits for it."""
    before = seen(world, PROJECT)
    read_blob, once = archive.read_blob, threading.Event()

    def read(folder, digest):
        if not once.is_set():
            once.set()
            world.job("late", 2)
            world.accept("late-c0")
        return read_blob(folder, digest)

    monkeypatch.setattr(archive, "read_blob", read)
    other = World(tmp_path / "other")
    ship(world, other, tmp_path / "p.bridge")
    assert once.is_set()
    assert seen(other, PROJECT) == before
    other.close()


def test_what_was_written_is_told(world, tmp_path):
    """Path, size and counts; the file names them too, and what it is."""
    path = tmp_path / "p.bridge"
    told = export_project(world.folder, PROJECT, path, overwrite=False)
    assert told == Exported(str(path), path.stat().st_size, 5, 11)
    with zipfile.ZipFile(path) as file:
        manifest = json.loads(file.read("manifest.json"))
    assert (manifest["format"], manifest["version"], manifest["project"]) == ("bridge-project", 2, PROJECT)
    assert (manifest["counts"]["job"], manifest["counts"]["candidate"]) == (5, 11)


def test_a_file_is_only_replaced_when_asked(world, tmp_path):
    """And then as a whole."""
    path = tmp_path / "p.bridge"
    path.write_text("precious")
    with pytest.raises(BadRequest, match=r"already.*overwrite"):
        export_project(world.folder, PROJECT, path, overwrite=False)
    assert path.read_text() == "precious"
    export_project(world.folder, PROJECT, path, overwrite=True)
    assert zipfile.is_zipfile(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "p.bridge"]


def test_where_it_can_not_be_written(world, tmp_path):
    """No such folder, a folder itself, a file for a folder."""
    for path, message in (
        (tmp_path / "none" / "p", "no folder"),
        (tmp_path / "data", "is a folder"),
        (tmp_path / "data" / "bridge.sqlite3" / "p", "can't be written"),
    ):
        with pytest.raises(BadRequest, match=message):
            export_project(world.folder, PROJECT, path, overwrite=True)
    with pytest.raises(NotFound, match="no project 'x'"):
        export_project(world.folder, "x", tmp_path / "x", overwrite=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize("at", [3, 12, 20])
def test_a_full_disk_leaves_no_half_file(world, tmp_path, monkeypatch, at):
    """Neither a new one nor instead of the old one."""
    path = tmp_path / "p.bridge"
    path.write_text("precious")
    calls = []

    def full(file, *args, **options):
        calls.append(args)
        if len(calls) > at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return writestr(file, *args, **options)

    writestr = zipfile.ZipFile.writestr
    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutOfSpace, match="no room"):
        export_project(world.folder, PROJECT, path, overwrite=True)
    assert path.read_text() == "precious"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "p.bridge"]


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_pixels_that_are_not_there_are_named(world, tmp_path, damage):
    """An export that lacks something is not taken for one."""
    path = world.database.blobs.path(world.database.blobs.put(pixels("a-c1").data))
    path.unlink() if damage == "missing" else path.write_bytes(b"?")
    with pytest.raises(NotFound, match=f"{damage}.*candidate:a-c1"):
        export_project(world.folder, PROJECT, tmp_path / "p", overwrite=True)
    assert not (tmp_path / "p").exists()


def test_a_taken_name_is_refused(world, tmp_path):
    """Nothing has changed then; another name is fine."""
    before = world.dump()
    with pytest.raises(BadRequest, match=r"project 'book cover' already.*another name"):
        ship(world, world, tmp_path / "p")
    assert world.dump() == before
    world.check_sizes()


def test_a_killed_import_leaves_only_orphans(world, tmp_path):
    """Pixels without rows, which the next sweep removes."""
    path = tmp_path / "p"
    export_project(world.folder, PROJECT, path, overwrite=True)
    other = World(tmp_path / "other")
    empty = other.dump()
    read_parcel(other.database.blobs, path)
    other.close()
    again = World(tmp_path / "other")
    assert again.files() == world.files()
    result = again.sweep(again.sweeper.begin(Collect(), 0))
    assert result.orphans == len(world.files())
    assert (again.files(), again.dump()) == (set(), empty)
    again.close()


def test_on_a_full_disk_nothing_comes_in(world, tmp_path, monkeypatch):
    """Foreseen from the sizes, met while writing, or met in the database."""
    path = tmp_path / "p"
    export_project(world.folder, PROJECT, path, overwrite=True)
    other = World(tmp_path / "other")
    empty = other.dump()
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("", (), {"free": 5}))
    with pytest.raises(OutOfSpace):
        read_parcel(other.database.blobs, path)
    monkeypatch.undo()
    parcel = read_parcel(other.database.blobs, path)
    (pages,) = other.database.one("PRAGMA page_count")
    other.database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutOfSpace):
        admit(other.database, parcel, "")
    assert (other.dump(), other.database.size) == (empty, 0)
    other.sweep(other.sweeper.begin(Collect(), 0))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "_write_all", full)
    with pytest.raises(OutOfSpace):
        read_parcel(other.database.blobs, path)
    assert other.files() == set()
    other.close()
