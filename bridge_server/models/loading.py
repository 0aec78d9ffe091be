# SPDX-License-Identifier: Apache-2.0
"""Loading files so that a break costs little: what is finished and right stays, the rest is taken up again.

In the folder: ``files/`` with what is finished, ``done.json`` that lists it, ``parts/`` with what is not.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from ..protocol.errors import BadRequest, BridgeError, OutOfSpace
from .hub import Hub, Listing, Remote, disk_error
from .watch import Watch
from .weights import sha256_of

__all__ = ["DONE", "Loading"]

#: The list of what is finished; of no use any more once all is.
DONE = "done.json"

#: What must stay free beyond the files, as a share of them.
_SPARE = 1.05


class Loading:
    """The loading of some files of a repository into a folder."""

    def __init__(self, folder: Path, hub: Hub, listing: Listing, watch: Watch) -> None:
        self.files = folder / "files"
        self._folder, self._hub, self._listing, self._watch = folder, hub, listing, watch
        self._list = folder / DONE
        self._done = _read(self._list)

    def rest(self, wanted: Sequence[Remote]) -> int:
        """Bytes that are still to be loaded."""
        return sum(file.size - self._loaded(file) for file in wanted)

    def check_room(self, wanted: Sequence[Remote]) -> None:
        """Whether the disk can take them.

        Raises:
            OutOfSpace: it can't.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        needed, free = self.rest(wanted) * _SPARE, shutil.disk_usage(self._folder).free
        if needed > free:
            raise OutOfSpace(
                f"There is no room: this needs {needed / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free.",
                "Make room, or choose another disk with --data-dir.",
            )

    def load(self, wanted: Sequence[Remote]) -> None:
        """Load what is missing, the smallest first, and see that each file is what the hub says.

        Raises:
            BridgeError: it broke off, the disk is full, or what came is wrong.
        """
        for file in sorted(wanted, key=lambda each: (each.size, each.path)):
            if self._loaded(file) < file.size or not self._finished(file):
                try:
                    self._one(file)
                except OSError as error:
                    raise disk_error(error) from error

    def settle(self, wanted: Sequence[Remote]) -> None:
        """Leave ``files/`` with the wanted and nothing else: it becomes the model."""
        keep = {file.path for file in wanted}
        for path in [each for each in self.files.rglob("*") if each.is_file()]:
            if path.relative_to(self.files).as_posix() not in keep:
                path.unlink()
        shutil.rmtree(self._folder / "parts", ignore_errors=True)

    def _one(self, file: Remote) -> None:
        target, part = self.files / _safe(file.path), self._folder / "parts" / f"{file.hash or 'none'}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not file.sha256:
            part.unlink(missing_ok=True)  # small, and perhaps sent compressed: that can't be taken up again
        with part.open("ab") as into:
            there = into.tell()
            if there > file.size:
                into.truncate(0)
                there = 0
            if there < file.size:
                counted: Any = _Counted(into, self._watch)
                self._hub.fetch(self._listing, file, counted, done=there)
        if file.hash and _digest(part, file) != file.hash:
            part.unlink()
            raise BridgeError(
                f"{file.path} did not arrive as the hub has it: its hash is wrong.",
                "It was thrown away. Run the same command again; if that does not help, try another mirror.",
            )
        part.replace(target)
        self._done[file.path] = file.hash
        fresh = self._list.with_suffix(".new")
        fresh.write_text(json.dumps(self._done))
        fresh.replace(self._list)

    def _finished(self, file: Remote) -> bool:
        path = self.files / _safe(file.path)
        return (
            file.path in self._done
            and self._done[file.path] == file.hash
            and path.is_file()
            and path.stat().st_size == file.size
        )

    def _loaded(self, file: Remote) -> int:
        if self._finished(file):
            return file.size
        part = self._folder / "parts" / f"{file.hash}.part"
        return min(part.stat().st_size, file.size) if file.sha256 and part.is_file() else 0


class _Counted:
    """A file that tells how much is written to it."""

    def __init__(self, file: IO[bytes], watch: Watch) -> None:
        self._file, self._watch = file, watch

    def write(self, data: bytes) -> int:
        """Write all of it."""
        count = self._file.write(data)
        self._watch.step(count)
        return count

    def tell(self) -> int:
        """Where it stands."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere."""
        return self._file.seek(offset, whence)

    def truncate(self) -> int:
        """Cut it off here: what comes after was counted for nothing."""
        here = self._file.tell()
        self._watch.step(here - self._file.seek(0, 2))
        self._file.seek(here)
        return self._file.truncate()


def _digest(path: Path, file: Remote) -> str:
    if file.sha256:
        return sha256_of(path)
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _safe(path: str) -> str:
    """A path in a repository, which must stay below the folder it is put in."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
        raise BadRequest(f"The repository has a file {path!r}, which could go anywhere.", "Take another.")
    return path


def _read(path: Path) -> dict[str, str]:
    try:
        content: Any = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: str(value) for name, value in cast("dict[str, Any]", content).items()}
