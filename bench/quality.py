# SPDX-License-Identifier: Apache-2.0
"""Fill quality against OpenCV's Telea and plain pypatchmatch, on the same pictures in the same run.

``python -m bench.quality`` prints the tables and writes contact sheets to ``bench-output/``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench import metrics
from bench.contact_sheet import contact_sheet, marked
from bench.fillers import Filled, fill_by_engine, fill_by_plain, fill_by_telea
from bench.pictures import Sample, big_canvas, samples, square_hole

TRUTH, TELEA, PLAIN, OURS = "untouched", "OpenCV Telea", "pypatchmatch r5", "bridge patchmatch"


@dataclass(frozen=True)
class Figures:
    """What was measured of one fill; see :mod:`bench.metrics`."""

    psnr: float
    ssim: float
    patch: float
    sharp: float
    seam: float
    seconds: float


@dataclass(frozen=True)
class Measured:
    """One sample: each method's figures and picture, and our candidates."""

    sample: Sample
    figures: dict[str, Figures]
    pictures: dict[str, NDArray[np.uint8]]
    candidates: list[NDArray[np.uint8]]
    candidate_figures: list[Figures]
    recipes: list[dict[str, Any]]


def figures_of(sample: Sample, result: NDArray[np.uint8], seconds: float) -> Figures:
    """All figures of one result."""
    truth, hole = sample.picture, sample.hole
    if not np.array_equal(truth[hole == 0], result[hole == 0]):
        raise AssertionError(f"{sample.name}: pixels outside the hole changed")
    return Figures(
        psnr=metrics.psnr(truth, result, hole),
        ssim=metrics.ssim(truth, result, hole),
        patch=metrics.patch_distance(truth, result, hole),
        sharp=metrics.sharpness(truth, result, hole),
        seam=metrics.seam(result, hole),
        seconds=seconds,
    )


def measure(sample: Sample, count: int) -> Measured:
    """Run every method on one sample; candidate 0 is timed alone, the others are made together."""
    picture, hole = sample.picture, sample.hole
    ours = fill_by_engine(picture, hole, (0,))
    fills = {TELEA: fill_by_telea(picture, hole), PLAIN: fill_by_plain(picture, hole), OURS: ours}
    others = fill_by_engine(picture, hole, range(1, count)) if count > 1 else Filled([], 0.0)
    candidates = [*ours.pictures, *others.pictures]
    figures = {TRUTH: figures_of(sample, picture, 0.0)}
    figures |= {name: figures_of(sample, fill.pictures[0], fill.seconds) for name, fill in fills.items()}
    return Measured(
        sample,
        figures,
        {name: fill.pictures[0] for name, fill in fills.items()},
        candidates,
        [figures_of(sample, one, 0.0) for one in candidates],
        [*ours.recipes, *others.recipes],
    )


def _mean(rows: Sequence[Figures], name: str) -> float:
    return float(np.mean([getattr(row, name) for row in rows]))


def quality_table(measured: Sequence[Measured]) -> Table:
    """Means over the samples, a row a method."""
    area = np.mean([(one.sample.hole > 0).mean() for one in measured])
    table = Table(
        title=f"Fill quality, {len(measured)} pictures, holes of {area:.1%} on average",
        caption="in the hole only; patch distance: lower is better; sharpness: 1 is right; "
        "seam: near the untouched picture's is right",
    )
    for column in ("", "PSNR dB", "SSIM", "patch distance", "sharpness", "seam", "median s"):
        table.add_column(column, justify="right" if column else "left")
    for name in (TRUTH, TELEA, PLAIN, OURS):
        rows = [one.figures[name] for one in measured]
        values = [f"{_mean(rows, 'psnr'):.2f}", f"{_mean(rows, 'ssim'):.3f}"]
        values += [f"{_mean(rows, key):.2f}" for key in ("patch", "sharp", "seam")]
        table.add_row(name, *values, f"{np.median([row.seconds for row in rows]):.2f}")
    return table


def pictures_table(measured: Sequence[Measured]) -> Table:
    """Ours against plain pypatchmatch, a row a picture."""
    table = Table(title=f"{OURS} / {PLAIN}")
    for column in ("picture", "PSNR dB", "patch distance", "sharpness", "seam", "s"):
        table.add_column(column, justify="left" if column == "picture" else "right")
    for one in measured:
        ours, plain = one.figures[OURS], one.figures[PLAIN]
        cells = [
            f"{getattr(ours, key):.2f} / {getattr(plain, key):.2f}"
            for key in ("psnr", "patch", "sharp", "seam", "seconds")
        ]
        table.add_row(one.sample.name, *cells)
    return table


def variety(measured: Sequence[Measured]) -> dict[str, float]:
    """How different the candidates are and what that costs, means over the samples.

    ``psnr_loss`` and ``patch_loss`` compare the mean of all candidates with plain pypatchmatch (positive is
    worse), ``..._to_first`` with our own first candidate.
    """
    plain = [one.figures[PLAIN] for one in measured]
    first = [one.candidate_figures[0] for one in measured]
    everyone = [row for one in measured for row in one.candidate_figures]
    inside = [metrics.difference(one.candidates, one.sample.hole) for one in measured]
    return {
        "candidates": float(len(measured[0].candidates)),
        "difference": float(np.mean(inside)),
        "least_difference": float(min(inside)),
        "psnr_loss": _mean(plain, "psnr") - _mean(everyone, "psnr"),
        "patch_loss": _mean(everyone, "patch") - _mean(plain, "patch"),
        "psnr_loss_to_first": _mean(first, "psnr") - _mean(everyone, "psnr"),
        "patch_loss_to_first": _mean(everyone, "patch") - _mean(first, "patch"),
        "seam": _mean(everyone, "seam"),
        "sharpness": _mean(everyone, "sharp"),
    }


def variety_table(figures: dict[str, float]) -> Table:
    """The figures of :func:`variety` in words."""
    table = Table(title=f"{figures['candidates']:.0f} candidates a picture")
    table.add_column("")
    table.add_column("", justify="right")
    rows = {
        "mean difference between candidates, of 255": "difference",
        "the same, least varied picture": "least_difference",
        "PSNR lost against plain pypatchmatch, dB": "psnr_loss",
        "patch distance lost against it": "patch_loss",
        "PSNR lost against our first candidate, dB": "psnr_loss_to_first",
        "patch distance lost against it ": "patch_loss_to_first",
        "seam, all candidates": "seam",
        "sharpness, all candidates": "sharpness",
    }
    for words, key in rows.items():
        table.add_row(words, f"{figures[key]:.2f}")
    return table


def big_hole(folder: Path, *, side: int = 4096, hole: int = 1500) -> dict[str, float]:
    """Time a large hole in a large canvas, in process; writes what it looks like."""
    canvas, mask = big_canvas(side), square_hole(side, hole)
    punched = canvas.copy()
    punched[mask > 0] = 0
    filled = fill_by_engine(punched, mask)
    result = filled.pictures[0]
    middle = slice(side // 2 - hole // 4, side // 2 + hole // 4)
    contact_sheet(
        [[("hole", marked(canvas, mask)), ("filled", result), ("its middle", result[middle, middle])]],
        folder / "big-hole.jpg",
        cell=768,
    )
    return {
        "seconds": filled.seconds,
        "first_preview": filled.first_preview or float("nan"),
        "sharpness": metrics.sharpness(canvas, result, mask),
        "seam": metrics.seam(result, mask),
    }


def write_sheets(measured: Sequence[Measured], folder: Path) -> None:
    """One sheet that compares the methods and one of the candidates."""
    methods = [
        [
            (one.sample.name, marked(one.sample.picture, one.sample.hole)),
            *((name, one.pictures[name]) for name in (TELEA, PLAIN, OURS)),
            ("untouched", one.sample.picture),
        ]
        for one in measured
    ]
    candidates = [
        [
            (one.sample.name, marked(one.sample.picture, one.sample.hole)),
            *((f"seed {seed}", picture) for seed, picture in enumerate(one.candidates)),
        ]
        for one in measured
    ]
    contact_sheet(methods, folder / "methods.jpg", cell=384)
    contact_sheet(candidates, folder / "candidates.jpg", cell=384)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("bench-output"), help="folder for sheets and figures"
    )
    parser.add_argument("--pictures", type=int, default=0, help="only the first N pictures")
    parser.add_argument("--candidates", type=int, default=4, help="candidates a picture")
    parser.add_argument("--no-big", action="store_true", help="leave the 1500 x 1500 hole out")
    chosen = parser.parse_args()
    console = Console(width=110)
    measured: list[Measured] = []
    for sample in samples()[: chosen.pictures or None]:
        console.print(f"[dim]{sample.name} ({sample.source}; {sample.licence})")
        measured.append(measure(sample, chosen.candidates))
    varied = variety(measured)
    figures: dict[str, Any] = {
        "pictures": {
            one.sample.name: {
                "methods": {name: asdict(row) for name, row in one.figures.items()},
                "candidates": [asdict(row) for row in one.candidate_figures],
                "recipes": one.recipes,
            }
            for one in measured
        },
        "variety": varied,
    }
    console.print(pictures_table(measured), quality_table(measured), variety_table(varied))
    write_sheets(measured, chosen.out)
    if not chosen.no_big:
        figures["big_hole"] = big = big_hole(chosen.out)
        console.print(
            f"1500 x 1500 hole in 4096 x 4096: {big['seconds']:.1f} s, first preview after "
            f"{big['first_preview'] * 1000:.0f} ms, sharpness {big['sharpness']:.2f}, seam {big['seam']:.2f}"
        )
    (chosen.out / "quality.json").write_text(json.dumps(figures, indent=1, default=str), "utf-8")
    console.print(f"Sheets and figures are in {chosen.out}/")


if __name__ == "__main__":
    main()
