# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: everything that the demo made, and what taste has learned, in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from ..protocol.pixels import Pixels

__all__ = ["Labelled", "contact_sheet", "detail_box", "rows_sheet"]

_WIDTH, _GAP, _CAPTION = 1680, 24, 34
_PAPER, _INK = (28, 28, 30), (226, 226, 222)
_FILLED, _VARIED = (255, 86, 66), (92, 170, 255)

Size = tuple[int, int]


@dataclass(frozen=True)
class Labelled:
    """A picture file and what to write under it."""

    file: Path
    label: str


def contact_sheet(
    path: Path,
    *,
    photo: Labelled,
    fill_mask: Path,
    vary_mask: Path,
    fills: Sequence[Labelled],
    varied: Sequence[Labelled],
    expanded: Labelled,
) -> None:
    """Draw the sheet and write it to ``path``: the photo beside ``varied``, ``fills`` in a row, ``expanded``.

    ``fills`` are shown from near, around ``fill_mask``; ``varied`` likewise around ``vary_mask``.
    """
    columns = max(3, len(fills))
    cell_width = (_WIDTH - (columns + 1) * _GAP) // columns
    cell = (cell_width, cell_width * 2 // 3)
    step = cell[1] + _CAPTION + _GAP
    wide = _fitted(_open(expanded.file), (_WIDTH - 2 * _GAP, _WIDTH))
    big_height = 2 * cell[1] + _CAPTION + _GAP
    big_width = _WIDTH - 3 * _GAP - cell[0]
    sheet = Image.new("RGB", (_WIDTH, 3 * step + _GAP + wide.height + _CAPTION + _GAP), _PAPER)

    original = _outlined(_outlined(_open(photo.file), _open(fill_mask), _FILLED), _open(vary_mask), _VARIED)
    big = _fitted(original, (big_width, big_height))
    _put(sheet, big, (_GAP, _GAP), photo.label)
    size = original.size
    for row, each in enumerate(varied[:2]):
        view = _detail(_open(each.file), detail_box(_bounds(vary_mask), size, cell), cell)
        _put(sheet, view, (_WIDTH - _GAP - cell[0], _GAP + row * step), each.label)
    for column, each in enumerate(fills):
        view = _detail(_open(each.file), detail_box(_bounds(fill_mask), size, cell), cell)
        _put(sheet, view, (_GAP + column * (cell[0] + _GAP), _GAP + 2 * step), each.label)
    _put(sheet, wide, (_GAP, _GAP + 3 * step), expanded.label)
    sheet.save(path)


def rows_sheet(path: Path, rows: Sequence[tuple[str, Sequence[Pixels]]], *, cell: int = 160) -> None:
    """Write rows of 8-bit RGBA pictures, each under its title, in cells of ``cell`` pixels a side."""
    longest = max([len(pictures) for _, pictures in rows] + [3])
    step = cell + _CAPTION + _GAP
    sheet = Image.new("RGB", (_GAP + longest * (cell + _GAP), _GAP + len(rows) * step), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for row, (title, pictures) in enumerate(rows):
        top = _GAP + row * step
        draw.text((_GAP, top), title, _INK, font)
        for column, pixels in enumerate(pictures):
            picture = Image.frombytes("RGBA", (pixels.width, pixels.height), pixels.data)
            fitted = _fitted(picture, (cell, cell))
            sheet.paste(fitted, (_GAP + column * (cell + _GAP), top + _CAPTION), fitted)
    sheet.save(path)


def detail_box(bounds: tuple[int, int, int, int], picture: Size, cell: Size) -> tuple[int, int, int, int]:
    """The part of a picture around ``bounds`` (left, top, right, bottom), of the cell's proportions.

    It shows the selection and half as much again around it, and stays inside the picture where it fits.
    """
    left, top, right, bottom = bounds
    scale = 1.6 * max((right - left) / cell[0], (bottom - top) / cell[1])
    scale = min(scale, picture[0] / cell[0], picture[1] / cell[1])
    width, height = round(cell[0] * scale), round(cell[1] * scale)
    x = min(max((left + right - width) // 2, 0), picture[0] - width)
    y = min(max((top + bottom - height) // 2, 0), picture[1] - height)
    return x, y, x + width, y + height


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _bounds(mask: Path) -> tuple[int, int, int, int]:
    image = _open(mask).convert("L")
    return image.getbbox() or (0, 0, image.width, image.height)


def _outlined(picture: Image.Image, mask: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The picture with a line where the selection's coverage is half."""
    inside = mask.convert("L").point([0] * 128 + [255] * 128)
    line = ImageChops.difference(inside.filter(ImageFilter.MaxFilter(5)), inside)
    result = picture.copy()
    result.paste(colour, mask=line)
    return result


def _fitted(picture: Image.Image, room: Size) -> Image.Image:
    scale = min(room[0] / picture.width, room[1] / picture.height)
    size = (round(picture.width * scale), round(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _detail(picture: Image.Image, box: tuple[int, int, int, int], cell: Size) -> Image.Image:
    return picture.resize(cell, Image.Resampling.LANCZOS, box=box)


def _put(sheet: Image.Image, picture: Image.Image, at: Size, label: str) -> None:
    sheet.paste(picture, at)
    font = ImageFont.load_default(20)
    ImageDraw.Draw(sheet).text((at[0], at[1] + picture.height + 7), label, _INK, font)
