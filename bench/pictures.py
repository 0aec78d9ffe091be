# SPDX-License-Identifier: Apache-2.0
"""The pictures and holes that fill quality and speed are measured on.

Every picture comes from an installed package (scikit-image, scikit-learn), so nothing is downloaded and
nothing is committed. A hole is the same bytes on every run and machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SIDE", "Sample", "big_canvas", "load", "photo_rgba", "samples", "square_hole"]

#: Width and height of every sample.
SIDE = 512

#: Rows that every photo of :func:`photo_rgba` has.
_BAND = 400

_CC0 = "CC0 1.0"
_PUBLIC = "public domain"
_CC_BY = "CC BY 2.0"

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One picture with a hole in it.

    Attributes:
        picture: (512, 512, 3) uint8 sRGB, complete: what lies under the hole is the truth.
        hole: (512, 512) uint8, 255 in the hole, 0 elsewhere; 4.4 to 8.8 % of the area.
    """

    name: str
    picture: NDArray[np.uint8]
    hole: NDArray[np.uint8]
    source: str
    licence: str


@dataclass(frozen=True)
class _Crop:
    """A 512 x 512 window at (x, y) of a package's picture that was scaled by ``scale`` before."""

    name: str
    picture: str
    scale: float
    x: int
    y: int
    shape: str


_SOURCES: dict[str, tuple[str, str]] = {
    "astronaut": ("skimage.data.astronaut, NASA", _PUBLIC),
    "brick": ("skimage.data.brick, CC0Textures Bricks25 (grey)", _CC0),
    "chelsea": ("skimage.data.chelsea, Stefan van der Walt", _CC0),
    "china.jpg": ("sklearn.datasets, danielbuechele on Flickr", _CC_BY),
    "coffee": ("skimage.data.coffee, Rachel Michetti", _CC0),
    "flower.jpg": ("sklearn.datasets, vultilion on Flickr", _CC_BY),
    "grass": ("skimage.data.grass, linolafett on DeviantArt (grey)", _CC0),
    "gravel": ("skimage.data.gravel, CC0Textures Gravel04 (grey)", _CC0),
    "hubble_deep_field": ("skimage.data.hubble_deep_field, NASA", _PUBLIC),
    "immunohistochemistry": ("skimage.data.immunohistochemistry, CMMI", "no known restrictions"),
    "retina": ("skimage.data.retina, Mikael Häggström", _CC0),
    "rocket": ("skimage.data.rocket, SpaceX", _PUBLIC),
}

_CROPS = (
    _Crop("astronaut", "astronaut", 1.0, 0, 0, "stroke"),
    _Crop("brick", "brick", 1.0, 0, 0, "blob"),
    _Crop("cat", "chelsea", 1.71, 150, 0, "three"),
    _Crop("pagoda left", "china.jpg", 1.2, 40, 0, "three"),
    _Crop("pagoda right", "china.jpg", 1.2, 256, 0, "two"),
    _Crop("coffee left", "coffee", 1.28, 0, 0, "edge"),
    _Crop("coffee right", "coffee", 1.28, 256, 0, "three"),
    _Crop("dahlia", "flower.jpg", 1.2, 100, 0, "mixed"),
    _Crop("grass", "grass", 1.0, 0, 0, "stroke"),
    _Crop("gravel", "gravel", 1.0, 0, 0, "corner"),
    _Crop("galaxies left", "hubble_deep_field", 1.0, 0, 100, "two"),
    _Crop("galaxies right", "hubble_deep_field", 1.0, 488, 300, "three"),
    _Crop("tissue", "immunohistochemistry", 1.0, 0, 0, "mixed"),
    _Crop("retina disc", "retina", 1.0, 100, 400, "ellipse"),
    _Crop("retina vessels", "retina", 1.0, 560, 120, "edge"),
    _Crop("rocket left", "rocket", 1.2, 0, 0, "three"),
    _Crop("rocket right", "rocket", 1.2, 256, 0, "two"),
)


@cache
def load(name: str) -> NDArray[np.uint8]:
    if name.endswith(".jpg"):
        from sklearn.datasets import load_sample_image  # noqa: PLC0415  # half a second

        picture = load_sample_image(name)
    else:
        import skimage.data  # noqa: PLC0415  # half a second

        picture = getattr(skimage.data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(picture, dtype=np.uint8)


def _scaled(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if picture.shape[:2] == (height, width):
        return picture
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _crop(crop: _Crop) -> NDArray[np.uint8]:
    whole = load(crop.picture)
    height, width = (round(n * crop.scale) for n in whole.shape[:2])
    part = _scaled(whole, width, height)[crop.y : crop.y + SIDE, crop.x : crop.x + SIDE]
    if part.shape != (SIDE, SIDE, 3):
        raise ValueError(f"crop {crop.name!r} leaves its picture: {part.shape}")
    return np.ascontiguousarray(part)


def _ellipse(rng: np.random.Generator, x: float, y: float, grow: float = 1.0) -> Field:
    """Signed distance, about pixels, to a turned ellipse around (x, y); negative inside."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    turn, flat = rng.uniform(0, np.pi), rng.uniform(0.55, 0.9)
    along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
    across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
    return (np.hypot(along * np.sqrt(flat), across / np.sqrt(flat)) - 60 * grow).astype(np.float64)


def _blob(rng: np.random.Generator, x: float, y: float, grow: float = 1.0) -> Field:
    """Signed distance, about pixels, to a lobed shape around (x, y)."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    angle = np.arctan2(rows - y, columns - x)
    radius = np.ones_like(angle)
    for lobes in (2, 3, 5, 8):
        radius += rng.uniform(0.1, 0.8) / lobes * np.cos(lobes * angle + rng.uniform(0, 2 * np.pi))
    return np.hypot(rows - y, columns - x) / np.maximum(radius, 0.3) - 60 * grow


def _stroke(rng: np.random.Generator, x: float, y: float) -> Field:
    """Distance, in pixels, to a line of four segments through the picture that starts near (x, y)."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    nearest = np.full((SIDE, SIDE), np.inf)
    angle = np.arctan2(SIDE / 2 - y, SIDE / 2 - x)
    for _ in range(4):
        angle += rng.uniform(-0.9, 0.9)
        length = rng.uniform(70, 110)
        dx, dy = np.cos(angle) * length, np.sin(angle) * length
        t = np.clip(((columns - x) * dx + (rows - y) * dy) / length**2, 0, 1)
        nearest = np.minimum(nearest, np.hypot(columns - x - t * dx, rows - y - t * dy))
        x, y = x + dx, y + dy
    return nearest - 12.0


def _inner(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(150, 362)), float(rng.uniform(150, 362))


_SHAPES: dict[str, Callable[[np.random.Generator], Field]] = {
    "ellipse": lambda rng: _ellipse(rng, *_inner(rng)),
    "blob": lambda rng: _blob(rng, *_inner(rng)),
    "stroke": lambda rng: _stroke(rng, float(rng.uniform(60, 130)), float(rng.uniform(60, 450))),
    "two": lambda rng: np.minimum(
        _ellipse(rng, 140, float(rng.uniform(120, 390)), 0.7),
        _blob(rng, 370, float(rng.uniform(120, 390)), 0.7),
    ),
    "three": lambda rng: np.minimum.reduce(
        [
            _blob(rng, 110, float(rng.uniform(100, 412)), 0.6),
            _ellipse(rng, 256, float(rng.uniform(100, 412)), 0.5),
            _blob(rng, 402, float(rng.uniform(100, 412)), 0.6),
        ]
    ),
    "mixed": lambda rng: np.minimum(_stroke(rng, 60, 440), _ellipse(rng, 350, 160, 0.6)),
    "edge": lambda rng: _blob(rng, float(rng.uniform(150, 362)), 500, 1.2),
    "corner": lambda rng: np.minimum(_ellipse(rng, 505, 10, 1.0), _blob(rng, 180, 330, 0.7)),
}


def _hole(shape: str, seed: int, share: float) -> NDArray[np.uint8]:
    """A mask of that shape whose area is ``share`` of the picture, grown or shrunk to fit exactly."""
    field = _SHAPES[shape](np.random.default_rng(seed))
    inside = field <= np.quantile(field, share)
    return np.where(inside, np.uint8(255), np.uint8(0))


def samples() -> list[Sample]:
    """All samples, always the same ones; their holes cover 6.6 % of the area on average."""
    made: list[Sample] = []
    for index, crop in enumerate(_CROPS):
        # 11 and 17 have no common divisor: large and small holes alternate.
        share = 0.044 + 0.044 * (index * 11 % len(_CROPS)) / (len(_CROPS) - 1)
        hole = _hole(crop.shape, zlib.crc32(crop.name.encode()), share)
        source, licence = _SOURCES[crop.picture]
        made.append(Sample(crop.name, _crop(crop), hole, source, licence))
    return made


def _mirrored(tile: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    pair = np.concatenate([tile, tile[:, ::-1]], axis=1)
    four = np.concatenate([pair, pair[::-1]], axis=0)
    rows, columns = -(-height // four.shape[0]), -(-width // four.shape[1])
    return np.ascontiguousarray(np.tile(four, (rows, columns, 1))[:height, :width])


def big_canvas(side: int, *, grain: float = 4.0) -> NDArray[np.uint8]:
    """A (side, side, 3) uint8 canvas for timing: a landscape at half the width, mirrored, with film grain.

    Args:
        side: width and height in pixels.
        grain: standard deviation of the grain, 0 to 255; without it an enlarged photo is too smooth.
    """
    photo = load("china.jpg")
    width = side // 2
    tile = _scaled(photo, width, width * photo.shape[0] // photo.shape[1])
    canvas = _mirrored(tile, side, side)
    noise = np.random.default_rng(side).normal(0, grain, (side, side, 1)).astype(np.float32)
    return np.clip(canvas + noise + 0.5, 0, 255).astype(np.uint8)


def photo_rgba(width: int, height: int) -> NDArray[np.uint8]:
    """A (height, width, 4) uint8 picture for transfer tests: real photos side by side, opaque, no noise.

    Up to 5,955 pixels no photo comes twice in one row, so that a compressor finds no exact repetition.
    """
    names = ("china.jpg", "coffee", "flower.jpg", "rocket", "astronaut", "hubble_deep_field")
    names += ("retina", "immunohistochemistry")
    bands: list[NDArray[np.uint8]] = []
    for turn in range(-(-height // _BAND)):
        first = turn % len(names)
        band = np.concatenate([load(name)[:_BAND] for name in names[first:] + names[:first]], axis=1)
        bands.append(np.tile(band, (1, -(-width // band.shape[1]), 1))[:, :width])
    picture = np.full((height, width, 4), 255, np.uint8)
    picture[..., :3] = np.concatenate(bands)[:height]
    return picture


def square_hole(side: int, hole: int) -> NDArray[np.uint8]:
    """A (side, side) uint8 mask with a square hole of ``hole`` pixels in its middle."""
    mask = np.zeros((side, side), np.uint8)
    start = (side - hole) // 2
    mask[start : start + hole, start : start + hole] = 255
    return mask
