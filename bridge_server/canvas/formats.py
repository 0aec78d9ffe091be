# SPDX-License-Identifier: Apache-2.0
"""Raw rows of pixels to arrays and back."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYOUTS", "as_array", "as_bytes", "format_of", "white_of"]

#: format -> (dtype of one value, channels)
LAYOUTS: dict[str, tuple[str, int]] = {
    "gray8": ("u1", 1),
    "rgb8": ("u1", 3),
    "rgba8": ("u1", 4),
    "rgba16": ("<u2", 4),
    "rgbaf32": ("<f4", 4),
}


def as_array(data: bytes, width: int, height: int, layout: str) -> NDArray[Any]:
    """The picture in ``data`` as a read-only (height, width, channels) view, without copying.

    Args:
        data: rows top to bottom without padding; 16-bit and float values are little-endian.
        width: in pixels.
        height: in pixels.
        layout: a key of :data:`LAYOUTS`.

    Raises:
        ValueError: an unknown layout, or data of another length than the size asks for.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown pixel format {layout!r}")
    dtype, channels = LAYOUTS[layout]
    flat = np.frombuffer(data, dtype=dtype)
    if flat.size != width * height * channels:
        raise ValueError(f"{len(data)} bytes are not {width} x {height} pixels of the format {layout}")
    if sys.byteorder == "big":
        flat = flat.astype(flat.dtype.newbyteorder("="))
    return flat.reshape(height, width, channels)


def as_bytes(picture: NDArray[Any]) -> bytes:
    """The rows of an (H, W) or (H, W, C) picture as little-endian bytes without padding."""
    dtype = LAYOUTS[format_of(picture)][0]
    return picture.astype(dtype, copy=False).tobytes()


def format_of(picture: NDArray[Any]) -> str:
    """The name of the format that holds an (H, W) or (H, W, C) picture.

    Raises:
        ValueError: no format holds this dtype and number of channels.
    """
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    for name, (dtype, count) in LAYOUTS.items():
        if count == channels and np.dtype(dtype).newbyteorder("=") == picture.dtype:
            return name
    raise ValueError(f"no pixel format for {channels} channels of {picture.dtype}")


def white_of(dtype: np.dtype[Any]) -> float:
    """The value of full white or full coverage in ``dtype``: 255, 65535, or 1.0 for float."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0
