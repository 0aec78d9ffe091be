# SPDX-License-Identifier: Apache-2.0
"""Drafts against full candidates: what they cost, how well they foretell, how good what comes of them is.

``python -m bench.drafts`` prints the tables and writes a contact sheet to ``bench-output/``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench import metrics
from bench.contact_sheet import contact_sheet, marked
from bench.fillers import fill_by_engine
from bench.pictures import Sample, samples
from bridge_server.canvas.describe import describe
from bridge_server.canvas.masks import bounds
from bridge_server.canvas.patches import assemble
from bridge_server.protocol.descriptor import AXES

STAGES = ("full", "draft", "drafted")


@dataclass(frozen=True)
class Row:
    """One stage of one sample: the pictures of all seeds, their descriptors, and the median seconds each."""

    pictures: list[NDArray[np.uint8]]
    descriptors: NDArray[np.float64]
    seconds: float


@dataclass(frozen=True)
class Measured:
    """One sample, and what each stage made of it."""

    sample: Sample
    rows: dict[str, Row]


def scaled(sample: Sample, side: int) -> Sample:
    """The sample at ``side`` pixels: selections of a few thousand pixels."""
    picture = Image.fromarray(sample.picture).resize((side, side), Image.Resampling.LANCZOS)
    hole = Image.fromarray(sample.hole).resize((side, side), Image.Resampling.NEAREST)
    return Sample(sample.name, np.array(picture), np.array(hole), sample.source, sample.licence)


def measure(sample: Sample, seeds: int) -> Measured:
    """Run every stage for every seed, each alone."""
    box = bounds(sample.hole)
    if box is None:
        raise ValueError(f"{sample.name} has no hole")
    coverage = sample.hole[box.slices]
    rows: dict[str, Row] = {}
    for stage in STAGES:
        filled = [fill_by_engine(sample.picture, sample.hole, (seed,), stage=stage) for seed in range(seeds)]
        pictures = [one.pictures[0] for one in filled]
        found = [describe(assemble(one[box.slices], coverage), linear=False) for one in pictures]
        axes = np.array([[one[axis.name] for axis in AXES] for one in found])
        rows[stage] = Row(pictures, axes, float(np.median([one.seconds for one in filled])))
    return Measured(sample, rows)


def spread(measured: Sequence[Measured], stage: str) -> NDArray[np.float64]:
    """For each axis the median over the samples of the deviation between candidates."""
    return np.median([one.rows[stage].descriptors.std(axis=0, ddof=1) for one in measured], axis=0)


def agreement(measured: Sequence[Measured]) -> NDArray[np.float64]:
    """For each axis the correlation, over seeds, of draft and drafted candidate, mean over the samples."""
    found: list[NDArray[np.float64]] = []
    for one in measured:
        first, second = (one.rows[stage].descriptors for stage in ("draft", "drafted"))
        first, second = first - first.mean(axis=0), second - second.mean(axis=0)
        size = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
        found.append(
            np.divide((first * second).sum(axis=0), size, out=np.full(len(AXES), np.nan), where=size > 0)
        )
    return np.nanmean(found, axis=0)


def stages_table(measured: Sequence[Measured]) -> Table:
    """Cost, quality and variety, a row a stage."""
    table = Table(title=f"Stages, {len(measured)} pictures")
    for column in ("", "s", "of a full one", "PSNR dB", "patch distance", "sharpness", "seam", "difference"):
        table.add_column(column, justify="right" if column else "left")
    for stage in STAGES:
        rows = [(one.sample.picture, one.sample.hole, one.rows[stage]) for one in measured]
        share = [one.rows[stage].seconds / one.rows["full"].seconds for one in measured]
        means = [
            np.mean([metrics.psnr(p, each, h) for p, h, row in rows for each in row.pictures]),
            np.mean([metrics.patch_distance(p, each, h) for p, h, row in rows for each in row.pictures]),
            np.mean([metrics.sharpness(p, each, h) for p, h, row in rows for each in row.pictures]),
            np.mean([metrics.seam(each, h) for _, h, row in rows for each in row.pictures]),
            np.mean([metrics.difference(row.pictures, h) for _, h, row in rows]),
        ]
        cost = [f"{np.median([row.seconds for *_, row in rows]):.3f}", f"{np.median(share):.3f}"]
        table.add_row(stage, *cost, *(f"{value:.2f}" for value in means))
    return table


def pictures_table(measured: Sequence[Measured]) -> Table:
    """Full against drafted, a row a picture."""
    table = Table(title="full / drafted")
    for column in ("picture", "PSNR dB", "patch distance", "difference", "s", "draft's share"):
        table.add_column(column, justify="left" if column == "picture" else "right")
    for one in measured:
        truth, hole, cells = one.sample.picture, one.sample.hole, [one.sample.name]
        for metric in (metrics.psnr, metrics.patch_distance):
            both = (
                np.mean([metric(truth, p, hole) for p in one.rows[s].pictures]) for s in ("full", "drafted")
            )
            cells.append(" / ".join(f"{value:.2f}" for value in both))
        both = (metrics.difference(one.rows[s].pictures, hole) for s in ("full", "drafted"))
        cells.append(" / ".join(f"{value:.1f}" for value in both))
        full, draft, drafted = (one.rows[stage].seconds for stage in ("full", "draft", "drafted"))
        table.add_row(*cells, f"{full:.2f} / {drafted:.2f}", f"{draft / full:.2f}")
    return table


def axes_table(measured: Sequence[Measured]) -> Table:
    """What the axes' scales are set from, and how well drafts foretell, a row an axis."""
    table = Table(title="Axes", caption="deviation between the candidates of a job, median over the pictures")
    for column in ("axis", "scale", "full", "drafted", "draft foretells drafted (correlation)"):
        table.add_column(column, justify="left" if column == "axis" else "right")
    columns = (spread(measured, "full"), spread(measured, "drafted"), agreement(measured))
    for axis, full, drafted, agrees in zip(AXES, *columns, strict=True):
        table.add_row(axis.name, f"{axis.scale:.5f}", f"{full:.5f}", f"{drafted:.5f}", f"{agrees:.3f}")
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench-output"), help="folder for the sheet")
    parser.add_argument("--pictures", type=int, default=0, help="only the first N pictures")
    parser.add_argument("--candidates", type=int, default=8, help="seeds a picture")
    parser.add_argument("--side", type=int, default=352, help="pixels a side that the pictures are scaled to")
    chosen, _ = parser.parse_known_args()
    measured = [
        measure(scaled(sample, chosen.side), chosen.candidates)
        for sample in samples()[: chosen.pictures or None]
    ]
    Console(width=110).print(pictures_table(measured), stages_table(measured), axes_table(measured))
    sheet = [
        [
            (one.sample.name, marked(one.sample.picture, one.sample.hole)),
            *((f"{s} {n}", one.rows[s].pictures[n]) for s in ("full", "drafted") for n in range(3)),
        ]
        for one in measured
    ]
    contact_sheet(sheet, chosen.out / "drafts.jpg", cell=chosen.side)


if __name__ == "__main__":
    main()
