# SPDX-License-Identifier: Apache-2.0
"""libvips: loading it, and what its pictures say beside their pixels."""

from __future__ import annotations

import io
import sys
from functools import cache
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from ..protocol.errors import Unsupported
from .exif import without_thumbnail

__all__ = ["Field", "exif_fields", "is_linear", "kept_fields", "load_vips", "reason", "upright"]

#: One metadata field of libvips: its GType, name and value.
Field = tuple[int, str, Any]

_KEPT = ("icc-profile-data", "exif-data", "xmp-data", "iptc-data", "image-description", "resolution-unit")
_KEPT_PREFIXES = ("exif-ifd", "png-comment-")
#: What speaks of the stored rows or of the thumbnail rather than of the picture.
_DROPPED = ("exif-ifd0-Orientation", "exif-ifd1-")


@cache
def load_vips() -> Any:
    """The pyvips module, imported late: it loads a library of 18 MB.

    Raises:
        Unsupported: it is not installed or does not load.
    """
    try:
        import pyvips  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise Unsupported(
            f"The library that reads pictures does not load: {error}.",
            f"Install it with: {sys.executable} -m pip install 'pyvips[binary]'",
        ) from error
    vips: Any = pyvips
    vips.cache_set_max(0)  # its cache knows files by name and would serve an old picture
    return vips


def reason(error: Exception) -> str:
    """The last line of a libvips error, which names the cause."""
    detail = str(getattr(error, "detail", "") or error).strip()
    return detail.splitlines()[-1].rstrip(".") if detail else "no reason was given"


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation (1 to 8; others count as 1) of an (H, W, C) picture."""
    if orientation in {5, 6, 7, 8}:
        array = array.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        array = array[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        array = array[::-1]
    return array


def exif_fields(exif: bytes) -> list[Field]:
    """An EXIF block as libvips keeps it: the block and a field for each of its tags."""
    if not exif:
        return []
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "JPEG", exif=exif)
    return kept_fields(load_vips().Image.new_from_buffer(file.getvalue(), ""))


def kept_fields(image: Any, *, turned: bool = False) -> list[Field]:
    """What a written file takes over from ``image``; ``turned`` if its rows were turned upright."""
    kept: list[Field] = []
    for name in image.get_fields():
        if (name in _KEPT or name.startswith(_KEPT_PREFIXES)) and not name.startswith(_DROPPED):
            value = image.get(name)
            if name == "xmp-data" and turned:
                value = _xmp_upright(value)
            elif name == "exif-data":
                value = without_thumbnail(value)
            kept.append((image.get_typeof(name), name, value))
    return kept


def _xmp_upright(xmp: bytes) -> bytes:
    for number in b"2345678":
        digit = bytes([number])
        xmp = xmp.replace(b'tiff:Orientation="' + digit + b'"', b'tiff:Orientation="1"')
        xmp = xmp.replace(b"<tiff:Orientation>" + digit + b"<", b"<tiff:Orientation>1<")
    return xmp


def is_linear(icc: bytes) -> bool:
    """Whether an ICC profile's tone curve is a straight line (ICC.1:2022, 10.6 curveType, 10.18)."""
    count = int.from_bytes(icc[128:132], "big")
    for at in range(132, 132 + 12 * min(count, 100), 12):
        if icc[at : at + 4] in {b"rTRC", b"kTRC"}:
            start = int.from_bytes(icc[at + 4 : at + 8], "big")
            kind, first = icc[start : start + 4], int.from_bytes(icc[start + 8 : start + 12], "big")
            if kind == b"curv":
                gamma = int.from_bytes(icc[start + 12 : start + 14], "big")
                return first == 0 or (first == 1 and gamma == 0x0100)
            # parametric curve of type 0: a pure power, as s15Fixed16
            power = int.from_bytes(icc[start + 12 : start + 16], "big")
            return kind == b"para" and first >> 16 == 0 and power == 0x10000
    return False
