# SPDX-License-Identifier: Apache-2.0
"""The EXIF work that libvips does not do: EXIF in TIFF files, and a block without its thumbnail.

An EXIF block is ``Exif\\0\\0`` and a small TIFF: a directory of 12-byte entries with the link to the next one
behind it. A TIFF file keeps the same tags in the directory of the picture itself (maker, date, artist …) and
in two sub-directories (exposure and place). See TIFF 6.0, section 2, and Exif 2.32, 4.5.2.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

__all__ = ["exif_of_tiff", "tiff_with_exif", "without_thumbnail"]

_EXIF, _GPS = 0x8769, 0x8825
#: Make, Model, Software, DateTime, Artist, HostComputer, Copyright: the tags that describe, not lay out.
_DESCRIBING = (271, 272, 305, 306, 315, 316, 33432)
#: Pillow's ways to say that a directory is broken; the pixels may be fine.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error)


def exif_of_tiff(path: Path) -> bytes:
    """The EXIF block with what the first directory of a TIFF says; empty if it says nothing, or is odd."""
    exif = Image.Exif()
    try:
        with path.open("rb") as file, _quiet():
            first = _directory(file)
            for tag in _DESCRIBING:
                if tag in first:
                    exif[tag] = first[tag]
            for tag in (_EXIF, _GPS):
                if tag in first:
                    exif.get_ifd(tag).update(dict(_directory(file, int(first[tag]))))
        empty = not len(exif) and not exif.get_ifd(_EXIF) and not exif.get_ifd(_GPS)
        return b"" if empty else exif.tobytes()
    except _BROKEN:
        return b""


def _quiet() -> warnings.catch_warnings[None]:
    """Without Pillow's warnings about broken tags."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def _directory(file: Any, offset: int | None = None) -> Any:
    file.seek(0)
    header = file.read(8)
    if b"\x2b" in header[2:4]:
        header += file.read(8)  # BigTIFF
    directory: Any = ImageFileDirectory_v2(header)
    file.seek(directory.next if offset is None else offset)
    directory.load(file)
    return directory


def tiff_with_exif(tiff: bytes, exif: bytes) -> bytes:
    """A TIFF with the EXIF block's content in its directory, which moves to the file's end.

    Args:
        tiff: a whole file of the classic kind (not BigTIFF) with one directory.
        exif: an EXIF block; nothing is done for an empty or broken one.
    """
    extra: Any = ImageFileDirectory_v2(tiff[:8])
    start = len(tiff) + len(tiff) % 2
    try:
        with _quiet():
            block = Image.Exif()
            block.load(exif)
            for tag in _DESCRIBING:
                if tag in block:
                    extra[tag] = block[tag]
            for tag in (_EXIF, _GPS):
                if block.get_ifd(tag):
                    extra[tag] = dict(block.get_ifd(tag))
            added: bytes = extra.tobytes(start)
    except _BROKEN:
        return tiff
    if not len(extra):
        return tiff
    body = (tiff.ljust(start, b"\0") + added).ljust(start + len(added) + len(added) % 2, b"\0")
    order: Any = "little" if tiff[:2] == b"II" else "big"
    entries = {_number(entry[:2], order): entry for entry in _entries(body, start, order)}
    entries |= {
        _number(entry[:2], order): entry for entry in _entries(tiff, _number(tiff[4:8], order), order)
    }
    directory = len(entries).to_bytes(2, order) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return body[:4] + len(body).to_bytes(4, order) + body[8:] + directory


def _entries(tiff: bytes, start: int, order: Any) -> list[bytes]:
    """The entries of the directory at ``start``; longer values lie elsewhere in the file."""
    count = _number(tiff[start : start + 2], order)
    return [tiff[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]


def _number(data: bytes, order: Any) -> int:
    return int.from_bytes(data, order)


def without_thumbnail(exif: bytes) -> bytes:
    """An EXIF block whose first directory links to no second one, where the thumbnail is."""
    order: Any = "little" if exif[6:8] == b"II" else "big"
    start = 6 + _number(exif[10:14], order)
    link = start + 2 + 12 * _number(exif[start : start + 2], order)
    if not exif.startswith(b"Exif\0\0") or link + 4 > len(exif):
        return exif
    return exif[:link] + bytes(4) + exif[link + 4 :]
