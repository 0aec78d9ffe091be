# SPDX-License-Identifier: Apache-2.0
"""Between a picture's own values and the 8-bit sRGB picture that an engine works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .formats import white_of

__all__ = [
    "Tone",
    "clean",
    "exact",
    "linear_to_srgb",
    "restore",
    "srgb_to_linear",
    "visible",
    "working",
]

Floats = NDArray[np.float32]

#: Below this encoded value the tone curve of an HDR picture is the identity.
KNEE = 0.75


def srgb_to_linear(encoded: Floats) -> Floats:
    """IEC 61966-2-1, extended past 1 by its power law and below 0 by its line."""
    power = ((np.maximum(encoded, 0) + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(encoded <= 0.04045, encoded / np.float32(12.92), power).astype(np.float32)


def linear_to_srgb(linear: Floats) -> Floats:
    """The inverse of :func:`srgb_to_linear`."""
    power = np.maximum(linear, 0) ** np.float32(1 / 2.4)
    curve = np.float32(1.055) * power - np.float32(0.055)
    return np.where(linear <= 0.0031308, linear * np.float32(12.92), curve).astype(np.float32)


def clean(values: Floats) -> Floats:
    """Within 0 to 1, NaN as 0; ``np.clip`` would pass it on."""
    return np.fmin(np.fmax(values, np.float32(0)), np.float32(1))


@dataclass(frozen=True)
class Tone:
    """How the values of one picture become 0 to 1, monotonously, and back.

    Encoded values up to :data:`KNEE` stay; from there to ``peak`` a logarithm of the same slope at the
    knee leads to 1. A picture without values over 1 has ``bend`` 0 and the identity.

    Attributes:
        white: the value of white in the picture's own dtype.
        linear: whether the picture's values are proportional to light.
        bend: the logarithm's constant; 0 for none.
    """

    white: float
    linear: bool = False
    bend: float = 0.0

    def encode(self, values: NDArray[Any]) -> Floats:
        """Own values to 0 to 1; below 0 becomes 0."""
        result = values.astype(np.float32)
        if self.white != 1.0:
            result *= np.float32(1 / self.white)
        if self.linear:
            result = linear_to_srgb(result)
        if self.bend:
            over = np.log1p(self.bend * np.maximum(result - KNEE, 0)) / self.bend
            result = np.where(result > KNEE, KNEE + over, result)
        return np.clip(result, 0, 1).astype(np.float32)

    def decode(self, encoded: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
        """The inverse; integers are rounded."""
        result = encoded
        if self.bend:
            over = np.expm1(self.bend * np.maximum(encoded - np.float32(KNEE), 0)) / self.bend
            result = np.where(encoded > KNEE, KNEE + over, encoded).astype(np.float32)
        if self.linear:
            result = srgb_to_linear(result)
        if not np.issubdtype(dtype, np.integer):
            return result.astype(dtype)
        return np.clip(np.rint(result * np.float32(self.white)), 0, self.white).astype(dtype)

    @staticmethod
    def of(picture: NDArray[Any], shown: NDArray[np.bool_], *, linear: bool) -> Tone:
        """The curve for the pixels of ``picture`` (H, W, C) that are ``shown`` (H, W)."""
        white = white_of(picture.dtype)
        if np.issubdtype(picture.dtype, np.integer):
            return Tone(white, linear)
        colours = picture[..., : min(3, picture.shape[2])][shown]
        peak = float(colours.max()) if colours.size else 1.0
        if linear and peak > 1:
            peak = float(linear_to_srgb(np.full(1, peak, np.float32))[0])
        return Tone(white, linear, _bend(peak))


def _bend(peak: float) -> float:
    """The positive a with log(1 + a (peak - knee)) = a (1 - knee); 0 for a peak of 1 or less."""
    if peak <= 1.0 + 1e-6:
        return 0.0
    low, high = 1e-9, 1.0
    reach, room = peak - KNEE, 1 - KNEE
    while np.log1p(high * reach) > high * room:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if np.log1p(middle * reach) > middle * room:
            low = middle
        else:
            high = middle
    return float(high)


def visible(picture: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels of an (H, W, C) picture can be seen and therefore copied.

    A pixel counts if it is at least half as opaque as the most opaque one, so that the invisible colour of
    transparent pixels never shows while a faint layer still works as a whole. Float pixels that are not
    finite do not count.
    """
    shown = np.ones(picture.shape[:2], np.bool_)
    floats = not np.issubdtype(picture.dtype, np.integer)
    if floats:
        shown &= np.isfinite(picture).all(axis=2)
    if picture.shape[2] == 4:
        alpha = picture[..., 3]
        most = float(np.max(alpha, where=shown, initial=0)) if floats else float(alpha.max())
        shown &= alpha >= most / 2 if most > 0 else False
    return shown


def working(picture: NDArray[Any], tone: Tone) -> NDArray[np.uint8]:
    """The (H, W, 3) 8-bit sRGB picture of an (H, W, C) one; grey is repeated."""
    colours = picture[..., :3] if picture.shape[2] >= 3 else picture[..., :1]
    if picture.dtype == np.uint8 and not tone.linear:
        return np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))
    if picture.dtype == np.uint16 and not tone.linear:
        eight = ((colours.astype(np.uint32) + 128) // 257).astype(np.uint8)
    else:
        clean = np.nan_to_num(colours, nan=0.0, posinf=0.0, neginf=0.0)
        eight = np.rint(tone.encode(clean) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(eight, (*eight.shape[:2], 3)))


def exact(picture: NDArray[Any], tone: Tone) -> Floats:
    """As :func:`working`, 0 to 255, but not rounded."""
    colours = picture[..., :3] if picture.shape[2] >= 3 else picture[..., :1]
    clean = np.nan_to_num(colours, nan=0.0, posinf=0.0, neginf=0.0)
    values = tone.encode(clean) * np.float32(255)
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))


def restore(encoded: NDArray[Any], tone: Tone, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Working values, uint8 or float32 of 0 to 255 (H, W, 3), as values of the picture's own dtype."""
    if dtype == np.uint8 and not tone.linear:
        if encoded.dtype == np.uint8:
            return encoded
        return np.clip(np.rint(encoded), 0, 255).astype(np.uint8)
    scaled = encoded.astype(np.float32) * np.float32(1 / 255)
    return tone.decode(np.clip(scaled, 0, 1), dtype)
