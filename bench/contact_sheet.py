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
    columns = max(len(row) for row in rows)
    step = cell + _GAP
    size = (columns * step + _GAP, len(rows) * (step + _LABEL) + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for j, row in enumerate(rows):
        for i, (label, picture) in enumerate(row):
            x, y = _GAP + i * step, _GAP + j * (step + _LABEL)
            draw.text((x, y + 1), label, _INK, font)
            image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
            image.thumbnail((cell, cell), Image.Resampling.LANCZOS)
            sheet.paste(image, (x, y + _LABEL))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=92)
