# SPDX-License-Identifier: Apache-2.0
"""Files named by the SHA-256 of what is in them, so that nothing is kept twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..protocol.errors import NotFound

__all__ = ["Blobs", "read_blob", "sync_folder"]


class Blobs:
    """A folder of blobs. Safe to use from several threads.

    Every method may raise OSError; the caller knows whether that means a full disk.

    Attributes:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():  # of a process that was killed while it wrote
            leftover.unlink()

    def path(self, digest: str) -> Path:
        """Where a blob lies, whether it is there or not."""
        return _path(self.folder, digest)

    def put(self, data: bytes) -> str:
        """Store ``data`` and return its digest (64 hex digits). On return it is on the disk."""
        digest = hashlib.sha256(data).hexdigest()
        if _size(self.path(digest)) != len(data):
            self._write([data], digest)
            sync_folder(self.path(digest).parent)
        return digest

    def put_checked(self, chunks: Iterable[bytes], digest: str, size: int) -> None:
        """Store what comes from elsewhere. It is surely on the disk once :meth:`sync` returns.

        Raises:
            ValueError: it is not what its digest and size say; nothing was stored then.
        """
        checked = _checked(chunks, digest, size)
        if _size(self.path(digest)) == size:
            for _ in checked:
                pass
        else:
            self._write(checked, digest)

    def sync(self) -> None:
        """Make all names survive a power cut."""
        for folder in self.folder.iterdir():
            sync_folder(folder)

    def _write(self, chunks: Iterable[bytes], digest: str) -> None:
        target = self.path(digest)
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            sync_folder(self.folder)
        fd, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(fd, "wb", buffering=0) as file:
                for chunk in chunks:
                    _write_all(file.fileno(), chunk)
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def get(self, digest: str) -> bytes:
        """The data of a blob.

        Raises:
            NotFound: there is none, or what is there is damaged.
        """
        return read_blob(self.folder, digest)

    def size(self, digest: str) -> int:
        """Bytes of a blob; 0 if it is not there."""
        return max(0, _size(self.path(digest)))

    def unlink(self, digest: str) -> int:
        """Remove a blob that nobody needs or is about to put. The bytes that are free now."""
        size = self.size(digest)
        self.path(digest).unlink(missing_ok=True)
        return size

    def digests(self) -> Iterator[str]:
        """What lies on the disk, needed or not. Blobs may come and go meanwhile."""
        for folder in sorted(self.folder.iterdir()):
            if len(folder.name) == 2:
                yield from (path.name for path in sorted(folder.iterdir()) if path.name[:2] == folder.name)


def read_blob(folder: Path, digest: str) -> bytes:
    """The data of a blob in a folder that may be another's, who is writing to it.

    Raises:
        NotFound: there is none, or what is there is damaged.
    """
    try:
        data = _path(folder, digest).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"The stored pixels {digest[:12]} are missing.") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise NotFound(f"The stored pixels {digest[:12]} are damaged.")
    return data


def _checked(chunks: Iterable[bytes], digest: str, size: int) -> Iterator[bytes]:
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
        size -= len(chunk)
        if size < 0:
            break
        yield chunk
    if size or found.hexdigest() != digest:
        raise ValueError(f"the pixels {digest[:12]} are not what their name says")


def _path(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest


def _size(path: Path) -> int:
    """Bytes in a file; -1 if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut, where the system has a way to."""
    if sys.platform != "win32":
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
