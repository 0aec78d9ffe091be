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
from bridge_server.sessions.blobs import Blobs


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
