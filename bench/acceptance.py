# SPDX-License-Identifier: Apache-2.0
"""What simulated artists accepted with taste off and on, in tables with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from bench.artists import Artist

__all__ = ["Career", "Outcome", "acceptance_table", "diversity_table", "gain", "rounds_table", "wilson"]

_BOOTSTRAPS = 4000


@dataclass(frozen=True)
class Outcome:
    """What an artist made of an offer.

    Attributes:
        utility: of each candidate, in deviations of what is usual there.
        accepted: the candidate's index; -1 for none.
        looks: mean distance of two shown candidates as the partner describes them.
        lab: mean CIELAB difference of two in the hole.
    """

    picture: str
    round: int
    utility: list[float]
    accepted: int
    rejected: list[int]
    looks: float
    lab: float
    offered: list[str]
    seconds: float


@dataclass(frozen=True)
class Career:
    """All that one artist did: the same requests in the same order.

    Attributes:
        off: without taste.
        drafted: without taste, but each candidate made from its draft, as with taste.
        on: with taste.
        summary: what the partner says it learned.
        firsts: request -> the first pictures without and with taste.
    """

    artist: Artist
    off: list[Outcome]
    drafted: list[Outcome]
    on: list[Outcome]
    summary: str
    firsts: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927)."""
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half


def gain(pairs: Sequence[tuple[str, float, float]]) -> tuple[float, float, float]:
    """The mean of on - off and its 95 % interval: a paired bootstrap over pictures (Efron 1979).

    Args:
        pairs: of each request its picture, the figure with taste off, and with taste on.
    """
    names = sorted({name for name, _, _ in pairs})
    sums = np.array([sum(on - off for name, off, on in pairs if name == one) for one in names])
    counts = np.array([sum(name == one for name, _, _ in pairs) for one in names])
    drawn = np.random.default_rng(0).integers(0, len(names), (_BOOTSTRAPS, len(names)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return float(sums.sum() / counts.sum()), float(low), float(high)


def paired(
    done: Sequence[Career], figure: Callable[[Outcome], float], *, against: str = "off"
) -> list[tuple[str, float, float]]:
    """A figure of each request without taste (``off`` or ``drafted``) and with it."""
    return [
        (off.picture, figure(off), figure(on))
        for one in done
        for off, on in zip(getattr(one, against), one.on, strict=True)
    ]


def first(outcome: Outcome) -> float:
    """Whether the first candidate was accepted."""
    return float(outcome.accepted == 0)


def _share(values: Sequence[float]) -> str:
    low, high = wilson(round(sum(values)), len(values))
    return f"{np.mean(values):.0%} ({low:.0%}-{high:.0%})"


def _gain(pairs: Sequence[tuple[str, float, float]], *, share: bool = True) -> str:
    low_high = gain(pairs)
    if share:
        return "{:+.0f} ({:+.0f} to {:+.0f})".format(*(100 * value for value in low_high))
    return "{:+.2f} ({:+.2f} to {:+.2f})".format(*low_high)


def acceptance_table(done: Sequence[Career]) -> Table:
    """How often what was shown first was accepted, a row an artist."""
    table = Table(
        title=f"First candidate accepted, {len(done[0].on)} requests an artist",
        caption="95 % intervals: Wilson; differences in points, paired bootstrap over pictures. drafted: "
        "without taste, candidates made from drafts. worth: of the first one, in deviations of the usual",
    )
    columns = ("artist", "off", "on", "on - off", "on - drafted", "any: off", "on", "worth, on - off")
    for column in columns:
        table.add_column(column, justify="left" if column == "artist" else "right")
    tasteful = [one for one in done if one.artist.weights]
    for name, some in [(one.artist.name, [one]) for one in done] + [("all with a preference", tasteful)]:
        if not some:
            continue
        pairs = paired(some, first)
        whole = paired(some, lambda outcome: float(outcome.accepted >= 0))
        worth = paired(some, lambda outcome: outcome.utility[0])
        table.add_row(
            name,
            *(_share([pair[side] for pair in pairs]) for side in (1, 2)),
            _gain(pairs),
            _gain(paired(some, first, against="drafted")),
            *(f"{np.mean([pair[side] for pair in whole]):.0%}" for side in (1, 2)),
            _gain(worth, share=False),
        )
    return table


def rounds_table(done: Sequence[Career]) -> Table:
    """How acceptance of the first candidate grows, round by round, over the artists with a preference."""
    table = Table(title="First candidate accepted, by round, artists with a preference")
    for column in ("round", "off", "on", "on - off"):
        table.add_column(column, justify="right")
    tasteful = [one for one in done if one.artist.weights]
    for number in sorted({outcome.round for one in tasteful for outcome in one.on}):
        pairs = [
            (off.picture, first(off), first(on))
            for one in tasteful
            for off, on in zip(one.off, one.on, strict=True)
            if on.round == number
        ]
        table.add_row(
            str(number + 1), *(_share([pair[side] for pair in pairs]) for side in (1, 2)), _gain(pairs)
        )
    return table


def diversity_table(done: Sequence[Career]) -> Table:
    """How different what is shown together is, and how long it took, a row an artist."""
    table = Table(
        title="What is shown together, off / on",
        caption="typical differences: as the partner describes them; medians of seconds",
    )
    columns = ("artist", "typical differences", "on : off", "CIELAB difference", "on : off", "seconds")
    for column in columns:
        table.add_column(column, justify="left" if column == "artist" else "right")
    for name, some in [*((one.artist.name, [one]) for one in done), ("all", list(done))]:
        cells: list[str] = []
        for figure in (lambda outcome: outcome.looks, lambda outcome: outcome.lab):
            pairs = paired(some, figure)
            off, on = (float(np.mean([pair[side] for pair in pairs])) for side in (1, 2))
            ratio = gain([(p, 0.0, math.log(max(b, 1e-9) / max(a, 1e-9))) for p, a, b in pairs])
            cells += [f"{off:.2f} / {on:.2f}", "{:.2f} ({:.2f}-{:.2f})".format(*np.exp(ratio))]
        times = paired(some, lambda outcome: outcome.seconds)
        cells.append(" / ".join(f"{np.median([pair[side] for pair in times]):.2f}" for side in (1, 2)))
        table.add_row(name, *cells)
    return table
