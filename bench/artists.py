# SPDX-License-Identifier: Apache-2.0
"""Simulated artists: where they ask for fills, what they secretly like, and what they find good enough.

What they like is measured with scikit-image on the pixels of a fill, and none of it is what the partner
learns from (:mod:`bridge_server.canvas.describe`): shares and percentiles instead of means, CIELAB and HSV
instead of OKLab, co-occurrence and binary patterns instead of blurs.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2hsv, rgb2lab
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import laplace, sobel
from skimage.measure import shannon_entropy

from bench.fillers import engine_named, fill_by_engine
from bench.pictures import load

__all__ = ["MEASURES", "OTHERS", "POOL", "REPORTED", "Artist", "Place", "Pool", "measured", "places", "pools"]

Picture = NDArray[np.uint8]

#: Side of a picture, and of the square at its rim that no hole's middle lies in.
SIDE, _RIM = 192, 40

#: Candidates of other seeds, made without taste, that say what is usual at a place.
POOL = 16

#: Name -> scale; windows of these are the pictures. Grey ones are left out, half of the artists see colour.
_SOURCES = {
    "astronaut": 1.0, "chelsea": 1.71, "china.jpg": 1.2, "coffee": 1.28, "flower.jpg": 1.2,
    "hubble_deep_field": 1.0, "immunohistochemistry": 1.0, "retina": 1.0, "rocket": 1.2,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A hole in a picture.

    Attributes:
        picture: (192, 192, 3) sRGB.
        hole: (192, 192), 255 in the hole.
        seed: of the first candidate.
    """

    name: str
    round: int
    picture: Picture
    hole: Picture
    seed: int


@dataclass(frozen=True)
class Artist:
    """Likes what has much of the measures with positive weights; ``noise`` is a choice's own, in deviations.

    An artist without weights decides by chance.
    """

    name: str
    weights: Mapping[str, float]
    noise: float = 0.5


#: The figures are about these. No parameter was chosen by looking at them.
REPORTED = (
    Artist("warm and smooth", {"warm": 1.0, "homogeneity": 1.0}),
    Artist("bold", {"contrast": 1.0, "lbp": 1.0}),
    Artist("muted and calm", {"saturation": -1.0, "laplace": -1.0}),
    Artist("no preference", {}, noise=1.0),
)

#: What parameters were chosen by, on other windows (``places(..., other=True)``).
OTHERS = (
    Artist("green and light", {"green": 1.0, "light": 1.0}),
    Artist("intricate", {"steep": 1.0, "entropy": 1.0}),
    Artist("cool and plain", {"hue": -1.0, "entropy": -1.0}),
    Artist("no preference", {}, noise=1.0),
)


# ---- places ----------------------------------------------------------------------------------------


@cache
def _windows(source: str) -> list[Picture]:
    """The windows of a source side by side, the most contrasty first."""
    whole = Image.fromarray(load(source))
    scale = _SOURCES[source]
    size = round(whole.width * scale), round(whole.height * scale)
    scaled = np.array(whole.resize(size, Image.Resampling.LANCZOS))
    height, width = (n // SIDE for n in scaled.shape[:2])
    found = [
        np.ascontiguousarray(scaled[y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE])
        for y in range(height)
        for x in range(width)
    ]
    return sorted(found, key=lambda one: -float(np.std(one.mean(axis=2))))


def _hole(rng: np.random.Generator) -> Picture:
    """An ellipse of 36 to 60 pixels somewhere."""
    x, y = rng.uniform(_RIM, SIDE - _RIM, 2)
    long, short = rng.uniform(24, 30), rng.uniform(18, 24)
    turn = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
    across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
    return np.where(np.hypot(along / long, across / short) <= 1, np.uint8(255), np.uint8(0))


def places(pictures: int, rounds: int, *, other: bool = False) -> list[Place]:
    """Round after round, every picture once, each time with another hole.

    Args:
        pictures: how many; there are 25 (of the others 18).
        rounds: how many.
        other: windows that the others don't have.
    """
    ranks = (1, 3) if other else (0, 2, 4)
    named = [
        (f"{source.removesuffix('.jpg')} {rank}", _windows(source)[rank])
        for rank in ranks
        for source in _SOURCES
        if rank < len(_windows(source))
    ]
    if pictures > len(named):
        raise ValueError(f"there are {len(named)} pictures")
    made: list[Place] = []
    for number in range(rounds):
        for name, picture in named[:pictures]:
            seed = zlib.crc32(f"{name}/{number}".encode())
            made.append(Place(name, number, picture, _hole(np.random.default_rng(seed)), seed))
    return made


# ---- what is measured ------------------------------------------------------------------------------

MEASURES = (
    "warm", "green", "hue", "saturation", "light", "contrast",
    "homogeneity", "lbp", "laplace", "steep", "entropy",
)  # fmt: skip


def measured(place: Place, result: Picture) -> NDArray[np.float64]:
    """All MEASURES of a filled picture.

    ``warm``, ``light``, ``green``: the share of the hole that is yellower, lighter, greener (CIELAB) than the
    median of the picture around it. ``hue``: how near the pixels' hues are to orange (HSV). ``saturation``:
    of HSV. ``contrast``: from the 5th to the 95th percentile of L*. ``homogeneity``: of the co-occurrence of
    16 greys at distance 1 (Haralick 1973). ``lbp``: entropy of uniform local binary patterns (Ojala 2002).
    ``laplace``: the Laplacian's variance, logarithmic. ``steep``: mean Sobel. ``entropy``: of 32 greys.
    """
    inside, (rows, columns) = place.hole > 0, np.nonzero(place.hole)
    box = slice(rows.min() - 3, rows.max() + 4), slice(columns.min() - 3, columns.max() + 4)
    hole, patch = inside[box], result[box]
    lab, hsv = rgb2lab(patch), rgb2hsv(patch)[hole]
    around = np.median(rgb2lab(place.picture)[~inside], axis=0)
    light, red, yellow = lab[hole].T
    grey = np.rint(patch @ np.array([0.2126, 0.7152, 0.0722])).astype(np.uint8)
    pairs = graycomatrix(grey // 16, [1], [0, np.pi / 2], levels=16, symmetric=True, normed=True)
    patterns = np.bincount(local_binary_pattern(grey, 8, 1, "uniform")[hole].astype(int), minlength=10)
    values = {
        "warm": np.mean(yellow > around[2]),
        "green": np.mean(red < around[1]),
        "hue": np.mean(hsv[:, 1] * np.cos(2 * np.pi * (hsv[:, 0] - 1 / 12))),
        "saturation": np.mean(hsv[:, 1]),
        "light": np.mean(light > around[0]),
        "contrast": np.subtract(*np.percentile(light, [95, 5])),
        "homogeneity": np.mean(graycoprops(pairs, "homogeneity")),
        "lbp": _entropy(patterns),
        "laplace": np.log(np.var(laplace(grey / 255.0)[hole]) + 1e-9),
        "steep": np.mean(sobel(grey / 255.0)[hole]),
        "entropy": shannon_entropy(grey[hole] // 8),
    }
    return np.array([float(values[name]) for name in MEASURES])


def _entropy(counts: NDArray[np.int_]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


# ---- what is usual at a place ----------------------------------------------------------------------


@dataclass(frozen=True)
class Pool:
    """The measures (POOL, M) of candidates of other seeds, made without taste."""

    values: NDArray[np.float64]

    def utility(self, artist: Artist, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,): how much the artist likes (n, M) measured fills; here 0 +- 1 is usual."""
        if not artist.weights:
            return np.zeros(len(values))
        weights = np.array([artist.weights.get(name, 0.0) for name in MEASURES])

        def worth(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            spread = self.values.std(axis=0, ddof=1)
            return (rows - self.values.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf) @ weights

        usual = worth(self.values)
        return (worth(values) - usual.mean()) / max(float(usual.std(ddof=1)), 1e-9)

    def bar(self, artist: Artist, share: float) -> float:
        """What ``share`` of the usual fills, as the artist sees them, does not reach."""
        chance = np.random.default_rng(0).normal(0, artist.noise, (100, 1))
        return float(np.quantile(self.utility(artist, self.values) + chance, share))


def _pool(place: Place, count: int) -> NDArray[np.float64]:
    seeds = range(place.seed + 1000, place.seed + 1000 + count)
    filled = fill_by_engine(place.picture, place.hole, seeds)
    return np.array([measured(place, one) for one in filled.pictures])


def pools(wanted: Sequence[Place], cache_at: Path, *, processes: int = 2) -> list[Pool]:
    """Each place's pool; those not in the file ``cache_at`` are made and put there."""
    version = f"{engine_named().info.version}/{POOL}/{MEASURES}"
    known: dict[str, list[list[float]]] = json.loads(cache_at.read_text()) if cache_at.exists() else {}
    keys = [_key(place, version) for place in wanted]
    missing = [place for place, key in zip(wanted, keys, strict=True) if key not in known]
    if missing:
        with multiprocessing.get_context("spawn").Pool(processes) as workers:
            made = workers.map(partial(_pool, count=POOL), missing, chunksize=1)
        known |= {_key(place, version): rows.tolist() for place, rows in zip(missing, made, strict=True)}
        cache_at.parent.mkdir(parents=True, exist_ok=True)
        cache_at.write_text(json.dumps(known), "utf-8")
    return [Pool(np.array(known[key])) for key in keys]


def _key(place: Place, version: str) -> str:
    data = place.picture.tobytes() + place.hole.tobytes() + f"{place.seed}/{version}".encode()
    return hashlib.sha256(data).hexdigest()[:24]
