# SPDX-License-Identifier: Apache-2.0
"""Files named by the SHA-256 of what is in them, so that nothing is kept twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from ..protocol.errors import NotFound

__all__ = ["Blobs"]


class Blobs:
    """A folder of blobs. Safe to use from several threads.

    Every method may raise OSError; the caller knows whether that means a full disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():  # of a process that was killed while it wrote
            leftover.unlink()

    def path(self, digest: str) -> Path:
        """Where a blob lies, whether it is there or not."""
        return self._folder / digest[:2] / digest

    def put(self, data: bytes) -> str:
        """Store ``data`` and return its digest (64 hex digits). On return it is on the disk."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if _size(target) == len(data):
            return digest
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _sync_folder(self._folder)
        fd, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(fd, "wb", buffering=0) as file:
                _write_all(file.fileno(), data)
                os.fsync(file.fileno())
            Path(name).replace(target)
            _sync_folder(target.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        return digest

    def get(self, digest: str) -> bytes:
        """The data of a blob.

        Raises:
            NotFound: there is none, or what is there is damaged.
        """
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"The stored pixels {digest[:12]} are missing.") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise NotFound(f"The stored pixels {digest[:12]} are damaged.")
        return data


def _size(path: Path) -> int:
    """Bytes in a file; -1 if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _sync_folder(folder: Path) -> None:
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
