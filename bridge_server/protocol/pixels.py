# SPDX-License-Identifier: Apache-2.0
"""The pixel payload: raw rows, top to bottom, no padding, channels interleaved."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadRequest, TooLarge

__all__ = ["BYTES_PER_PIXEL", "COLORSPACES", "RGBA_FORMATS", "Pixels", "check_pixels"]

#: Bytes of one pixel by format. 16-bit integers and 32-bit floats are little-endian.
BYTES_PER_PIXEL: dict[str, int] = {"gray8": 1, "rgb8": 3, "rgba8": 4, "rgba16": 8, "rgbaf32": 16}

#: The formats of candidates.
RGBA_FORMATS: tuple[str, ...] = ("rgba8", "rgba16", "rgbaf32")

#: How values relate to light: the sRGB curve, or proportional to it. Alpha is always linear and never
#: premultiplied.
COLORSPACES: tuple[str, ...] = ("srgb", "linear")


@dataclass(frozen=True)
class Pixels:
    """A picture or a mask.

    ``data`` holds exactly ``width * height * BYTES_PER_PIXEL[format]`` bytes.
    """

    width: int
    height: int
    format: str
    data: bytes
    colorspace: str = "srgb"


def check_pixels(pixels: Pixels, *, max_pixels: int, where: str = "pixels") -> None:
    """Raise BadRequest or TooLarge unless the size, the format and the length of the data agree.

    Args:
        pixels: the payload to check.
        max_pixels: the most pixels (width x height) that are allowed.
        where: what to call the payload in the message, for example ``params.mask``.
    """
    if pixels.format not in BYTES_PER_PIXEL:
        known = ", ".join(BYTES_PER_PIXEL)
        raise BadRequest(f"{where}.format is {pixels.format!r}.", f"Use one of {known}.")
    if pixels.colorspace not in COLORSPACES:
        known = ", ".join(COLORSPACES)
        raise BadRequest(f"{where}.colorspace is {pixels.colorspace!r}.", f"Use one of {known}.")
    if pixels.width < 1 or pixels.height < 1:
        raise BadRequest(
            f"{where} is {pixels.width} x {pixels.height} pixels.", "Both sides must be at least 1."
        )
    if pixels.width * pixels.height > max_pixels:
        raise TooLarge(
            f"{where} claims {pixels.width} x {pixels.height} pixels; the limit is {max_pixels}.",
            "Send a smaller region, or raise max_pixels in the daemon's config.",
        )
    expected = pixels.width * pixels.height * BYTES_PER_PIXEL[pixels.format]
    if len(pixels.data) != expected:
        raise BadRequest(
            f"{where}.data has {len(pixels.data)} bytes; {pixels.width} x {pixels.height} "
            f"{pixels.format} needs {expected}.",
            "Send raw rows without padding.",
        )
