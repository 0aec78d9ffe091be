# SPDX-License-Identifier: Apache-2.0
"""EXIF in TIFF files, which libvips neither reads nor writes. The pixels are not touched.

A TIFF keeps EXIF as tags of its first directory (maker, date, artist …) and as two sub-directories (exposure
and place). Everywhere else EXIF is a block that is itself a small TIFF.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

__all__ = ["exif_of_tiff", "tiff_with_exif"]

_EXIF, _GPS = 0x8769, 0x8825
#: Make, Model, Software, DateTime, Artist, HostComputer, Copyright: the tags that describe, not lay out.
_DESCRIBING = (271, 272, 305, 306, 315, 316, 33432)


def exif_of_tiff(path: Path) -> bytes:
    """The EXIF block with what the first directory of a TIFF says; empty if it says nothing, or is odd."""
    exif = Image.Exif()
    try:
        with path.open("rb") as file:
            first = _directory(file)
            for tag in _DESCRIBING:
                if tag in first:
                    exif[tag] = first[tag]
            for tag in (_EXIF, _GPS):
                if tag in first:
                    exif.get_ifd(tag).update(dict(_directory(file, int(first[tag]))))
        empty = not len(exif) and not exif.get_ifd(_EXIF) and not exif.get_ifd(_GPS)
        return b"" if empty else exif.tobytes()
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, OverflowError):
        return b""  # Pillow's ways to say that a directory is broken; the pixels may be fine


def _directory(file: Any, offset: int | None = None) -> Any:
    file.seek(0)
    header = file.read(8)
    if header[2:3] in {b"\x2b"} or header[3:4] in {b"\x2b"}:
        header += file.read(8)  # BigTIFF
    directory: Any = ImageFileDirectory_v2(header)
    file.seek(directory.next if offset is None else offset)
    directory.load(file)
    return directory


def tiff_with_exif(tiff: bytes, exif: bytes) -> bytes:
    """A TIFF with the EXIF block's content, as a new first directory at the file's end.

    Args:
        tiff: a whole file of the classic kind (not BigTIFF) with one directory.
        exif: an EXIF block; nothing is done for an empty one.
    """
    if not exif:
        return tiff
    block = Image.Exif()
    block.load(exif)
    first = _directory(io.BytesIO(tiff))
    for tag in _DESCRIBING:
        if tag in block:
            first[tag] = block[tag]
    for tag in (_EXIF, _GPS):
        values = dict(block.get_ifd(tag))
        if values:
            first[tag] = values
    padding = b"\0" * (len(tiff) % 2)
    offset = len(tiff) + len(padding)
    order = "little" if tiff[:2] == b"II" else "big"
    return tiff[:4] + offset.to_bytes(4, order) + tiff[8:] + padding + first.tobytes(offset)
