# SPDX-License-Identifier: Apache-2.0
"""Does the partner learn a taste? Simulated artists work through a real daemon, with taste and without.

``python -m bench.taste`` prints the tables, and writes contact sheets and all figures to ``bench-output/``.
What is usual at each place is kept in ``bench-output/taste-pools.json``; delete it to have it made again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from skimage.color import rgb2lab

from bench.acceptance import Career, Outcome, acceptance_table, diversity_table, rounds_table
from bench.artists import OTHERS, REPORTED, Artist, Place, Pool, measured, places, pools
from bench.contact_sheet import contact_sheet, marked
from bridge_server.canvas.patches import composite
from bridge_server.client import BridgeClient, find_daemon
from bridge_server.protocol.codec import Event
from bridge_server.protocol.descriptor import distance
from bridge_server.protocol.messages import FINAL_STATES, CandidateDone, Fill, JobState
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from bridge_server.protocol.taste import GetTaste
from bridge_server.protocol.versions import Accept, Reject

COUNT = 4

#: The share of usual fills that an artist does not accept, and the share that an artist rejects.
BAR, BAD = 0.7, 0.25

#: How many pictures there are on a contact sheet.
_SHOWN = 8


@dataclass(frozen=True)
class Offer:
    """What was shown at one place: pictures, what the partner says they look like, and measures."""

    pictures: list[NDArray[np.uint8]]
    descriptors: list[dict[str, float]]
    offered: list[str]
    values: NDArray[np.float64]
    seconds: float


# ---- over the wire ---------------------------------------------------------------------------------


@contextmanager
def daemon() -> Iterator[Callable[[str], BridgeClient]]:
    """A daemon on a folder of its own; gives a function that makes a client in a project."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        serve = ["serve", "--data-dir", str(data), "--log-level", "error"]
        with subprocess.Popen([sys.executable, "-m", "bridge_server", *serve]) as process:
            while find_daemon(data) is None:
                if process.poll() is not None:
                    raise RuntimeError("the daemon ended")
                time.sleep(0.01)

            def client(project: str) -> BridgeClient:
                made = BridgeClient(lambda: find_daemon(data), name="bench", project=project)
                made.wait_until_connected(10)
                return made

            try:
                yield client
            finally:
                process.terminate()


def asked(client: BridgeClient, place: Place, *, taste: bool, drafted: bool) -> tuple[Offer, list[str]]:
    """Ask for candidates at a place; also returns their ids."""
    height, width = place.hole.shape
    opaque = np.dstack([place.picture, np.full_like(place.hole, 255)])
    request = Fill(
        picture=Pixels(width, height, "rgba8", opaque.tobytes()),
        mask=Pixels(width, height, "gray8", place.hole.tobytes()),
        # every hole lies elsewhere on the canvas
        region=Placement(place.round * width, 0, width, height),
        document=place.name,
        count=COUNT,
        seed=place.seed,
        taste=taste,
        drafted=drafted,
    )
    started = time.perf_counter()
    found = _candidates(client, client.call(request).job)
    seconds = time.perf_counter() - started
    pictures = [_laid(place, one) for one in found]
    values = np.array([measured(place, one) for one in pictures])
    looks = [one.info.descriptor for one in found]
    offer = Offer(pictures, looks, [one.info.offered for one in found], values, seconds)
    return offer, [one.info.candidate for one in found]


def _candidates(client: BridgeClient, job: str) -> list[CandidateDone]:
    found: list[CandidateDone] = []
    while True:
        happening = client.wait(120)
        if happening is None:
            raise TimeoutError(f"job {job} did not end")
        if not isinstance(happening, Event):
            continue
        body = happening.body
        if isinstance(body, CandidateDone) and body.info.job == job:
            found.append(body)
        elif isinstance(body, JobState) and body.job == job and body.state in FINAL_STATES:
            if body.state != "done":
                raise RuntimeError(str(body))
            return sorted(found, key=lambda one: one.info.index)


def _laid(place: Place, done: CandidateDone) -> NDArray[np.uint8]:
    """The candidate over its picture."""
    at, pixels = done.info.placement, done.pixels
    patch = np.frombuffer(pixels.data, np.uint8).reshape(pixels.height, pixels.width, 4)
    return composite(place.picture, patch, at.x - place.round * place.hole.shape[1], at.y)


def work(
    client: BridgeClient, artist: Artist, place: Place, pool: Pool, *, taste: bool, drafted: bool = False
) -> tuple[Offer, Outcome]:
    """Ask, decide, and say so."""
    offer, names = asked(client, place, taste=taste, drafted=drafted)
    outcome = judged(artist, place, pool, offer)
    if outcome.accepted >= 0:
        client.call(Accept(names[outcome.accepted], document=place.name))
    if outcome.rejected:
        client.call(Reject([names[index] for index in outcome.rejected]))
    return offer, outcome


def judged(artist: Artist, place: Place, pool: Pool, offer: Offer) -> Outcome:
    """What the artist makes of an offer: the same offer at the same place always the same.

    The first candidate is accepted if it is above the bar, else the best if that is; what is among the
    lowest quarter of the usual fills is rejected.
    """
    rng = np.random.default_rng(zlib.crc32(f"{artist.name}/{place.name}/{place.round}".encode()))
    utility = pool.utility(artist, offer.values)
    seen = utility + rng.normal(0, artist.noise, len(utility))
    best = 0 if seen[0] > pool.bar(artist, BAR) else int(seen.argmax())
    accepted = best if seen[best] > pool.bar(artist, BAR) else -1
    low = pool.bar(artist, BAD)
    rejected = [int(index) for index in np.flatnonzero(seen < low) if index != accepted]
    pairs = list(combinations(range(len(utility)), 2))
    hole = place.hole > 0
    inside = [rgb2lab(picture[hole]) for picture in offer.pictures]
    return Outcome(
        place.name,
        place.round,
        [float(each) for each in utility],
        accepted,
        rejected,
        float(np.mean([distance(offer.descriptors[a], offer.descriptors[b]) for a, b in pairs])),
        float(np.mean([np.linalg.norm(inside[a] - inside[b], axis=1).mean() for a, b in pairs])),
        offer.offered,
        offer.seconds,
    )


# ---- the whole of it -------------------------------------------------------------------------------


def _without(
    client: Callable[[str], BridgeClient],
    project: str,
    artist: Artist,
    wanted: Sequence[Place],
    usual: Sequence[Pool],
    *,
    drafted: bool,
) -> list[Offer]:
    with client(project) as off:
        return [
            work(off, artist, place, pool, taste=False, drafted=drafted)[0]
            for place, pool in zip(wanted, usual, strict=True)
        ]


def careers(artists: Sequence[Artist], wanted: Sequence[Place], usual: Sequence[Pool]) -> Iterator[Career]:
    """Let the artists work, one after the other, each in two projects.

    What is made without taste depends on the seeds alone, so the first artist's offers are what the others
    are shown without taste too. Candidates that taste chose are made from their drafts, which changes how
    they look; what comes of that alone is seen in candidates made so without taste.
    """
    with daemon() as client:
        plain, small = (
            _without(client, project, artists[0], wanted, usual, drafted=project == "off-drafted")
            for project in ("off", "off-drafted")
        )
        for artist in artists:
            without = [judged(artist, *each) for each in zip(wanted, usual, plain, strict=True)]
            by_draft = [judged(artist, *each) for each in zip(wanted, usual, small, strict=True)]
            outcomes: list[Outcome] = []
            firsts: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}
            with client(artist.name.replace(" ", "-")) as on:
                for number, (place, pool) in enumerate(zip(wanted, usual, strict=True)):
                    offer, outcome = work(on, artist, place, pool, taste=True)
                    outcomes.append(outcome)
                    firsts[number] = (plain[number].pictures[0], offer.pictures[0])
                summary = on.call(GetTaste()).summary
            yield Career(artist, without, by_draft, outcomes, summary, firsts)


def write_sheet(career: Career, wanted: Sequence[Place], path: Path) -> None:
    """What was shown first in the last round but one, with taste off and on."""
    last = max(place.round for place in wanted)
    late = [n for n, place in enumerate(wanted) if place.round == max(0, last - 1)][:_SHOWN]
    rows = []
    for number in late:
        place, (off, on) = wanted[number], career.firsts[number]
        worths = career.off[number].utility[0], career.on[number].utility[0]
        rows.append(
            [
                (place.name, marked(place.picture, place.hole)),
                (f"off: {worths[0]:+.1f}", off),
                (f"on: {worths[1]:+.1f}", on),
            ]
        )
    contact_sheet(rows, path, cell=192)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench-output"), help="folder for the figures")
    parser.add_argument("--artists", type=int, default=4, help="only the first N artists")
    parser.add_argument("--pictures", type=int, default=20, help="pictures, at most 25")
    parser.add_argument("--rounds", type=int, default=10, help="requests for each picture")
    parser.add_argument(
        "--others", action="store_true", help="the artists and pictures parameters are chosen by"
    )
    chosen = parser.parse_args()
    console = Console(width=120)
    artists = (OTHERS if chosen.others else REPORTED)[: chosen.artists]
    wanted = places(chosen.pictures, chosen.rounds, other=chosen.others)
    usual = pools(wanted, chosen.out / "taste-pools.json")
    done: list[Career] = []
    for career in careers(artists, wanted, usual):
        console.print(f"[dim]{career.artist.name}: learned {career.summary}")
        write_sheet(career, wanted, chosen.out / f"taste-{career.artist.name.replace(' ', '-')}.png")
        done.append(career)
    console.print(acceptance_table(done), rounds_table(done), diversity_table(done))
    figures = {
        one.artist.name: {
            side: [asdict(each) for each in getattr(one, side)] for side in ("off", "drafted", "on")
        }
        for one in done
    }
    (chosen.out / "taste.json").write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
