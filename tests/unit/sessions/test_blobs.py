# SPDX-License-Identifier: Apache-2.0
"""Content-addressed files."""

import errno
import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.protocol.errors import NotFound
from bridge_server.sessions import blobs as module
from bridge_server.sessions.blobs import Blobs, read_blob


def files(folder):
    """Every file below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_put_can_be_got(tmp_path):
    """Under the SHA-256 of its content, also by a later process."""
    digest = Blobs(tmp_path).put(b"pixels")
    assert digest == hashlib.sha256(b"pixels").hexdigest()
    assert Blobs(tmp_path).get(digest) == b"pixels"


@settings(max_examples=25)  # each waits for the disk
@given(st.lists(st.binary(max_size=50), max_size=6))
def test_equal_data_is_kept_once(tmp_path_factory, contents):
    """As many files as different contents, empty ones included."""
    folder = tmp_path_factory.mktemp("blobs")
    blobs = Blobs(folder)
    digests = [blobs.put(data) for data in contents]
    assert files(folder) == sorted(set(digests))
    assert [blobs.get(digest) for digest in digests] == contents


def test_a_missing_blob_is_not_found(tmp_path):
    """With the beginning of its name, for the log."""
    with pytest.raises(NotFound, match=r"aaaaaaaaaaaa are missing"):
        Blobs(tmp_path).get("a" * 64)


@pytest.mark.parametrize("damage", [b"pixelz", b"pix", b""])
def test_a_damaged_blob_is_found_out(tmp_path, damage):
    """Wrong pixels are never handed out."""
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"pixels")
    blobs.path(digest).write_bytes(damage)
    with pytest.raises(NotFound, match="damaged"):
        blobs.get(digest)


def test_a_cut_blob_is_written_anew(tmp_path):
    """What lies there with another length does not count as kept."""
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"pixels")
    blobs.path(digest).write_bytes(b"pix")
    assert blobs.put(b"pixels") == digest
    assert blobs.get(digest) == b"pixels"


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    """What was being written when the daemon died does not fill the disk."""
    Blobs(tmp_path)
    (tmp_path / "incoming" / "tmpabc").write_bytes(b"half")
    Blobs(tmp_path)
    assert files(tmp_path) == []


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    """The disk fills up in the middle: no file under the final name, none under a temporary one."""
    blobs = Blobs(tmp_path)

    def half(fd, data):
        os.write(fd, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write_all", half)
    with pytest.raises(OSError, match="No space"):
        blobs.put(b"pixels")
    assert files(tmp_path) == []
    monkeypatch.undo()
    assert blobs.get(blobs.put(b"pixels")) == b"pixels"


def test_short_writes_are_continued(tmp_path, monkeypatch):
    """The system may take fewer bytes at once than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:7])))
    blobs = Blobs(tmp_path)
    data = bytes(range(256))
    assert blobs.get(blobs.put(data)) == data


def test_what_is_removed_can_be_put_again(tmp_path):
    """The bytes that became free are told; what is not there frees none."""
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"pixels")
    assert (blobs.size(digest), blobs.unlink(digest)) == (6, 6)
    assert (blobs.size(digest), blobs.unlink(digest)) == (0, 0)
    assert list(blobs.digests()) == []
    assert blobs.get(blobs.put(b"pixels")) == b"pixels"


def test_what_lies_there_is_listed(tmp_path):
    """Neither what is still being written nor what somebody else put there."""
    blobs = Blobs(tmp_path)
    digests = {blobs.put(bytes([number])) for number in range(20)}
    (tmp_path / "incoming" / "tmpabc").write_bytes(b"half")
    (tmp_path / min(digests)[:2] / ".DS_Store").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert set(blobs.digests()) == digests
    assert len(list(blobs.digests())) == 20


def test_the_list_bears_changes_meanwhile(tmp_path):
    """A sweep removes what it is shown."""
    blobs = Blobs(tmp_path)
    for number in range(20):
        blobs.put(bytes([number]))
    assert sum(blobs.unlink(digest) for digest in blobs.digests()) == 20


def test_what_comes_from_elsewhere_is_checked(tmp_path):
    """In pieces, also if it is there already; what is wrong leaves nothing."""
    blobs = Blobs(tmp_path)
    digest = hashlib.sha256(b"pixels").hexdigest()
    for chunks, size in (
        ([b"pix", b"elz"], 6),
        ([b"pix"], 6),
        ([b"pixels"], 5),
        ([], 6),
        ([b"pixels", b"s"], 6),
    ):
        with pytest.raises(ValueError, match=digest[:12]):
            blobs.put_checked(iter(chunks), digest, size)
    assert files(tmp_path) == []
    for _ in range(2):
        blobs.put_checked(iter([b"pix", b"els"]), digest, 6)
    blobs.sync()
    assert blobs.get(digest) == b"pixels"
    with pytest.raises(ValueError, match=digest[:12]):
        blobs.put_checked(iter([b"pixelz"]), digest, 6)
    assert blobs.get(digest) == b"pixels"


def test_anothers_blobs_can_be_read(tmp_path):
    """Without disturbing what they are writing."""
    digest = Blobs(tmp_path).put(b"pixels")
    (tmp_path / "incoming" / "tmpabc").write_bytes(b"half")
    assert read_blob(tmp_path, digest) == b"pixels"
    assert (tmp_path / "incoming" / "tmpabc").exists()
    with pytest.raises(NotFound, match="missing"):
        read_blob(tmp_path, "a" * 64)
