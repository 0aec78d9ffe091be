# SPDX-License-Identifier: Apache-2.0
"""Labelled sheets of pictures, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["contact_sheet", "marked"]

_GAP = 6
_LABEL = 20
_INK = (235, 235, 235)
_PAPER = (32, 32, 32)

Row = Sequence[tuple[str, NDArray[Any]]]


def marked(picture: NDArray[np.uint8], hole: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of an (H, W, 3) picture with the hole (H, W) tinted in magenta."""
    cover = hole[..., None].astype(np.float32) / 255 * 0.75
    return (picture * (1 - cover) + np.array([255, 0, 200], np.float32) * cover).astype(np.uint8)


def contact_sheet(rows: Sequence[Row], path: Path, *, cell: int = 256) -> None:
    """Write a sheet as PNG or JPEG: each row is a sequence of (label, (H, W, 3) uint8 picture).

    Args:
        rows: may differ in length.
        path: where to write; its folder is made if need be.
        cell: longest side of a picture on the sheet, in pixels; smaller pictures are not enlarged.
    """
    shrunk = [[(label, _thumbnail(picture, cell)) for label, picture in row] for row in rows]
    heights = [_LABEL + _GAP + max(image.height for _, image in row) for row in shrunk]
    columns = max(len(row) for row in shrunk)
    sheet = Image.new("RGB", (columns * (cell + _GAP) + _GAP, sum(heights) + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    y = _GAP
    for row, height in zip(shrunk, heights, strict=True):
        for i, (label, image) in enumerate(row):
            x = _GAP + i * (cell + _GAP)
            draw.text((x, y), label, _INK, font)
            sheet.paste(image, (x, y + _LABEL))
        y += height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=92)


def _thumbnail(picture: NDArray[Any], cell: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    image.thumbnail((cell, cell), Image.Resampling.LANCZOS)
    return image
