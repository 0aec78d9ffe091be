# SPDX-License-Identifier: Apache-2.0
"""What the bridge adds to the engine: time, memory, latency. All figures of one table come from one run.

python -m bench.bridge [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import patchmatch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.fillers import Listener, engine_named, fill_by_plain
from bench.pictures import big_canvas, square_hole
from bench.servers import RoundTrip, bare_websocket, echo_table, png_over_http, time_all
from bridge_server.canvas.patches import composite
from bridge_server.client import BridgeClient, find_daemon, region_for
from bridge_server.engines.base import Brief
from bridge_server.protocol.codec import Event
from bridge_server.protocol.messages import (
    Cancel,
    CandidateDone,
    Echo,
    Engines,
    Fill,
    JobState,
    Preview,
    Status,
)
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Context, Placement

__all__ = ["daemon", "main"]

Picture = NDArray[np.uint8]


# ---- a daemon of our own ---------------------------------------------------------------------------


@contextmanager
def daemon() -> Iterator[BridgeClient]:
    """A client of a daemon that lives as long as the context."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _process(Path(folder) / "data") as (data, _),
        BridgeClient(lambda: find_daemon(data), name="bench") as client,
    ):
        client.wait_until_connected(10)
        yield client


@contextmanager
def _process(data: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    serve = ["serve", "--data-dir", str(data), "--log-level", "error"]
    command = [sys.executable, "-m", "bridge_server", *serve]
    with subprocess.Popen(command) as process:
        while find_daemon(data) is None:
            if process.poll() is not None:
                raise RuntimeError("the daemon ended")
            time.sleep(0.002)
        yield data, process
        process.terminate()


@dataclass(frozen=True)
class Told:
    """When what came of a job, in seconds after it was asked for."""

    total: float
    first_preview: float
    engine: float
    patches: list[CandidateDone]


def ask(client: BridgeClient, picture: Picture, mask: Picture, *, count: int = 1) -> Told:
    """One fill of a whole region, waited for."""
    height, width = mask.shape
    started = time.perf_counter()
    request = Fill(
        picture=Pixels(width, height, "rgb8" if picture.shape[2] == 3 else "rgba8", picture.tobytes()),
        mask=Pixels(width, height, "gray8", mask.tobytes()),
        region=Placement(0, 0, width, height),
        count=count,
        seed=0,
    )
    client.send(request)
    first, patches = 0.0, list[CandidateDone]()
    while True:
        happening = client.wait(120)
        body = happening.body if isinstance(happening, Event) else None
        if isinstance(body, Preview) and not first:
            first = time.perf_counter() - started
        elif isinstance(body, CandidateDone):
            patches.append(body)
        elif isinstance(body, JobState) and body.state == "done":
            return Told(
                time.perf_counter() - started, first, sum(patch.info.seconds for patch in patches), patches
            )
        elif isinstance(body, JobState) and body.error_code:
            raise RuntimeError(body.error_message)


def paired(rounds: int, **ways: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each way, taken in turns, after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            seconds = way()
            if number:
                taken[name].append(seconds)
    return taken


def ratio(taken: dict[str, list[float]], way: str, base: str) -> float:
    """The median over the rounds of way / base."""
    return statistics.median(a / b for a, b in zip(taken[way], taken[base], strict=True))


def ms(seconds: list[float]) -> str:
    """Median and range in milliseconds."""
    return f"{statistics.median(seconds) * 1000:.0f} ({min(seconds) * 1000:.0f}-{max(seconds) * 1000:.0f})"


# ---- the tables --------------------------------------------------------------------------------------


def tax(client: BridgeClient, rounds: int) -> Table:
    """The same region through the daemon and by the engine in this process."""
    table = Table(title="Bridge tax: one fill, hole of a quarter of the region's side", caption=_MEDIAN)
    for column in ("region", "through the daemon ms", "in process ms", "ratio", "bridge ms", "canvas ms"):
        table.add_column(column, justify="right")
    for side in (512, 1024):
        picture, mask = big_canvas(side), square_hole(side, side // 4)
        bridge: list[float] = []
        canvas: list[float] = []

        def through(picture: Picture = picture, mask: Picture = mask, bridge: list[float] = bridge) -> float:
            told = ask(client, picture, mask)
            bridge.append(told.total - told.engine)
            return told.total

        def here(picture: Picture = picture, mask: Picture = mask, canvas: list[float] = canvas) -> float:
            with _timed_library() as library:
                started = time.perf_counter()
                list(engine_named().generate(Brief("fill", picture, mask, (0,)), Listener()))
                seconds = time.perf_counter() - started
            canvas.append(seconds - sum(library))
            return seconds

        taken = paired(rounds, through=through, here=here)
        table.add_row(
            f"{side} x {side}",
            ms(taken["through"]),
            ms(taken["here"]),
            f"{ratio(taken, 'through', 'here'):.3f}",
            ms(bridge[1:]),
            ms(canvas[1:]),
        )
    return table


@contextmanager
def _timed_library() -> Iterator[list[float]]:
    """The seconds of each call into pypatchmatch meanwhile."""
    spent: list[float] = []
    originals = {name: getattr(patchmatch, name) for name in ("inpaint", "inpaint_regularity")}

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                spent.append(time.perf_counter() - started)

        return wrapper

    for name, call in originals.items():
        setattr(patchmatch, name, timed(call))
    try:
        yield spent
    finally:
        for name, call in originals.items():
            setattr(patchmatch, name, call)


@contextmanager
def bridge_echo(client: BridgeClient) -> Iterator[RoundTrip]:
    """A round trip through the daemon's ``echo``."""

    def round_trip(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        back = client.call(Echo(Pixels(width, height, "rgba8", picture.tobytes()))).pixels
        return np.frombuffer(back.data, np.uint8).reshape(back.height, back.width, 4)

    yield round_trip


def small_hole(client: BridgeClient, rounds: int) -> Table:
    """A 100 x 100 hole: region planned, sent, filled, received and pasted, against plain pypatchmatch."""
    context = client.call(Engines()).engines[0].context
    canvases = {side: big_canvas(side) for side in (512, 1024, 2048, 4096)}
    ways: dict[str, Callable[[], float]] = {
        "plain": lambda: fill_by_plain(canvases[512], square_hole(512, 100)).seconds
    }
    for side, canvas in canvases.items():
        ways[str(side)] = lambda canvas=canvas: _as_a_plugin(client, canvas, 100, context)
    taken = paired(rounds, **ways)
    table = Table(title="Hole of 100 x 100 in a canvas", caption=_MEDIAN)
    for column in ("canvas", "ms", "against 512", "against plain pypatchmatch on 512"):
        table.add_column(column, justify="right")
    for side in canvases:
        way = str(side)
        row = (ms(taken[way]), f"{ratio(taken, way, '512'):.2f}", f"{ratio(taken, way, 'plain'):.2f}")
        table.add_row(f"{side} x {side}", *row)
    table.add_row("plain, 512 x 512", ms(taken["plain"]), "", "1.00")
    return table


def _as_a_plugin(client: BridgeClient, canvas: Picture, hole: int, context: Context) -> float:
    """Seconds from the selection to the pasted result; the canvas is copied before the clock starts."""
    target = canvas.copy()
    side = canvas.shape[0]
    start = (side - hole) // 2
    started = time.perf_counter()
    region = region_for(Placement(start, start, hole, hole), side, side, context)
    rows, columns = slice(region.y, region.y + region.height), slice(region.x, region.x + region.width)
    mask = np.zeros((region.height, region.width), np.uint8)
    mask[start - region.y :, start - region.x :][:hole, :hole] = 255
    told = ask(client, np.ascontiguousarray(target[rows, columns]), mask)
    done = told.patches[0]
    place = done.info.placement
    patch = np.frombuffer(done.pixels.data, np.uint8).reshape(place.height, place.width, 4)
    target[rows, columns] = composite(target[rows, columns], patch, place.x, place.y)
    return time.perf_counter() - started


def parallel(client: BridgeClient, rounds: int) -> Table:
    """Several candidates on the cores there are."""
    picture, mask = big_canvas(512), square_hole(512, 128)
    counts = (1, 2, 4)
    taken = paired(rounds, **{str(n): lambda n=n: ask(client, picture, mask, count=n).total for n in counts})
    table = Table(title=f"Candidates of a 128 x 128 hole on {os.cpu_count()} cores", caption=_MEDIAN)
    for column in ("candidates", "ms", "against one"):
        table.add_column(column, justify="right")
    for n in counts:
        table.add_row(str(n), ms(taken[str(n)]), f"{ratio(taken, str(n), '1'):.2f}")
    return table


def latency(client: BridgeClient, rounds: int) -> Table:
    """How soon something is seen, and how soon a cancel is."""
    picture, mask = big_canvas(1024), square_hole(1024, 256)
    ask(client, picture, mask)
    previews = [ask(client, picture, mask).first_preview for _ in range(rounds)]
    ends, frees = zip(*(_cancel(client, picture, mask) for _ in range(rounds)), strict=True)
    table = Table(title="Latency at a 1024 x 1024 region, hole of 256 x 256", caption=_MEDIAN)
    table.add_column("")
    table.add_column("ms", justify="right")
    table.add_row("request to draft preview", ms(previews))
    table.add_row("cancel to the job's end at the client", ms(list(ends)))
    table.add_row("cancel to the computing process being gone", ms(list(frees)))
    return table


def _cancel(client: BridgeClient, picture: Picture, mask: Picture) -> tuple[float, float]:
    """Seconds from a cancel inside the library's call to the news of it, and to the end of the process."""
    height, width = mask.shape
    region = Placement(0, 0, width, height)
    picture_, mask_ = (
        Pixels(width, height, "rgb8", picture.tobytes()),
        Pixels(width, height, "gray8", mask.tobytes()),
    )
    job = client.call(Fill(picture_, mask_, region, seed=0)).job
    while not isinstance(getattr(client.wait(60), "body", None), Preview):
        pass
    time.sleep(0.2)  # well inside the uninterruptible call
    busy = [name for name in client.call(Status()).workers if "busy" in name]
    pids = [int(name.split("pid ")[1].split(",")[0]) for name in busy]
    started = time.perf_counter()
    client.send(Cancel(job))
    while getattr(getattr(client.wait(60), "body", None), "state", "") != "cancelled":
        pass
    told = time.perf_counter() - started
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.001)
    return told, time.perf_counter() - started


def start_up(rounds: int) -> Table:
    """From the start of the process to its first answer, and its memory before any worker was needed."""
    seconds: list[float] = []
    memory: list[float] = []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            with (
                _process(Path(folder) / "data") as (data, process),
                BridgeClient(lambda data=data: find_daemon(data), name="bench") as client,
            ):
                client.wait_until_connected(10)
                seconds.append(time.perf_counter() - started)
                memory.append(_resident(process.pid))
    table = Table(title="The daemon, idle", caption=_MEDIAN)
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("start to first answer, ms", ms(seconds[1:]))
    table.add_row("resident memory, MB", f"{statistics.median(memory[1:]):.0f}")
    return table


def _resident(pid: int) -> float:
    """Resident set in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


_MEDIAN = "median (lowest-highest); ratios are medians of pairs taken in turns"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="counted rounds of each table")
    rounds = parser.parse_args().rounds
    console = Console(width=110)
    console.print(start_up(rounds))
    with daemon() as client:
        with bare_websocket() as bare, png_over_http() as png, bridge_echo(client) as ours:
            roads = {"websockets + msgpack": bare, "bridge": ours, "PNG over HTTP": png}
            console.print(echo_table(time_all(roads), "websockets + msgpack"))
        for table in (tax, small_hole, parallel, latency):
            console.print(table(client, rounds))


if __name__ == "__main__":
    main()
