# SPDX-License-Identifier: Apache-2.0
"""A picture in the depth and the colorspace of another document."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import clean, linear_to_srgb, srgb_to_linear
from .formats import LAYOUTS, white_of

__all__ = ["converted"]

Floats = NDArray[np.float32]
Curve = Callable[[Floats], Floats]

#: Pixels that stand in memory as floats at a time.
_STRIP = 2**17


def converted(picture: NDArray[Any], layout: str, *, linear: bool, to_linear: bool) -> NDArray[Any]:
    """The same picture in another layout and, where the two differ, on the other side of the sRGB curve.

    Integers are rounded to the nearest. Floats are held within 0 to 1 only where they become integers, and
    what is not a number is 0 there; among floats the curve goes on past white and below black. Alpha knows no
    curve.

    Args:
        picture: (H, W, C) of any layout.
        layout: one with the picture's channels, or RGBA: grey is repeated, alpha that is not there is full.
        linear: whether the picture's values are proportional to light.
        to_linear: whether the result's are to be.

    Raises:
        ValueError: an unknown layout, or one that lacks a channel of the picture.
    """
    dtype, channels = _target(picture, layout)
    colours, alphas = _parts(picture)
    result = np.empty((*picture.shape[:2], channels), dtype)
    curve = None if linear == to_linear else srgb_to_linear if to_linear else linear_to_srgb
    rows = max(1, _STRIP // max(1, picture.shape[1]))
    for top in range(0, picture.shape[0], rows):
        strip = slice(top, top + rows)
        result[strip, :, :3] = _values(colours[strip], dtype, curve)
        if channels == 4:
            result[strip, :, 3:] = white_of(dtype) if alphas is None else _values(alphas[strip], dtype)
    return result


def _target(picture: NDArray[Any], layout: str) -> tuple[np.dtype[Any], int]:
    if layout not in LAYOUTS:
        raise ValueError(f"unknown pixel format {layout!r}")
    name, channels = LAYOUTS[layout]
    if channels not in (picture.shape[2], 4):
        raise ValueError(f"{layout} lacks a channel of a picture that has {picture.shape[2]}")
    return np.dtype(name).newbyteorder("="), channels


def _parts(picture: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Views of the colours and, if there is one, of the alpha channel."""
    if picture.shape[2] < 4:
        return picture, None
    return picture[..., :3], picture[..., 3:]


def _values(values: NDArray[Any], dtype: np.dtype[Any], curve: Curve | None = None) -> NDArray[Any]:
    if curve is None and values.dtype == dtype:
        return values
    if np.issubdtype(values.dtype, np.integer):
        return _table(values.dtype, dtype, curve)[values]
    return _from_floats(values, dtype, curve)


@cache
def _table(source: np.dtype[Any], dtype: np.dtype[Any], curve: Curve | None) -> NDArray[Any]:
    """What becomes of each integer. Divided by white, not multiplied by its inverse: white is exactly 1."""
    white = white_of(source)
    every = np.arange(int(white) + 1, dtype=np.float32) / np.float32(white)
    return _from_floats(every, dtype, curve)


def _from_floats(values: Floats, dtype: np.dtype[Any], curve: Curve | None) -> NDArray[Any]:
    whole = np.issubdtype(dtype, np.integer)
    result = clean(values) if whole else values
    if curve is not None:
        with np.errstate(over="ignore"):  # the light of what is far past white is infinite
            result = curve(result)
    return np.rint(result * np.float32(white_of(dtype))).astype(dtype) if whole else result
