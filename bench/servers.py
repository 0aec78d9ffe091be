# SPDX-License-Identifier: Apache-2.0
"""What a picture's way there and back costs by the two plainest roads, to compare the bridge with.

* :func:`bare_websocket`: websockets and msgpack and nothing else, the same frame as the bridge's ``echo``.
* :func:`png_over_http`: what most plugins do: PNG by Pillow over ``http.server``, encoded and decoded at
  both ends.

Each server runs in a process of its own. A round trip starts and ends with an (H, W, 4) uint8 array.
``python -m bench.servers`` times both; :func:`time_all` takes any other road beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.client import connect

from bench.pictures import photo_rgba

__all__ = ["SIZES", "RoundTrip", "bare_websocket", "echo_table", "png_over_http", "time_all"]

RoundTrip = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

#: megapixels -> (width, height)
SIZES: dict[float, tuple[int, int]] = {
    0.25: (512, 512),
    1: (1024, 1024),
    4: (2048, 2048),
    16: (4096, 4096),
}

#: Pillow's own default; what a plugin gets that does not ask for another.
_PNG_LEVEL = 6


# ---- servers, each in its own process ------------------------------------------------------------


async def _serve_websocket() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            frame = msgpack.unpackb(message)
            reply = {"kind": "reply", "id": frame["id"], "result": {"pixels": frame["params"]["pixels"]}}
            await connection.send(msgpack.packb(reply))

    async with serve(echo, "127.0.0.1", 0, compression=None, max_size=None) as server:
        _announce(server.sockets[0].getsockname()[1])
        await server.serve_forever()


class _PngHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # the name that http.server calls
        picture = _from_png(self.rfile.read(int(self.headers["Content-Length"])))
        body = _to_png(picture)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _serve_http() -> None:
    with HTTPServer(("127.0.0.1", 0), _PngHandler) as server:
        _announce(server.server_port)
        server.serve_forever()


def _announce(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


@contextmanager
def _server(kind: str) -> Iterator[int]:
    """The port of a server process that lives as long as the context."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.servers", "--serve", kind], stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout is not None
            yield int(child.stdout.readline())
        finally:
            child.kill()


# ---- clients -------------------------------------------------------------------------------------


def _to_png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=_PNG_LEVEL)
    return file.getvalue()


def _from_png(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@contextmanager
def bare_websocket() -> Iterator[RoundTrip]:
    """A round trip by websockets and msgpack, on one open connection."""
    with (
        _server("websocket") as port,
        connect(f"ws://127.0.0.1:{port}", compression=None, max_size=None) as connection,
    ):

        def round_trip(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            height, width = picture.shape[:2]
            pixels = {
                "width": width,
                "height": height,
                "format": "rgba8",
                "data": picture.tobytes(),
                "colorspace": "srgb",
            }
            request = {"kind": "request", "id": 1, "op": "echo", "params": {"pixels": pixels}}
            connection.send(msgpack.packb(request))
            back = msgpack.unpackb(connection.recv())["result"]["pixels"]
            return np.frombuffer(back["data"], np.uint8).reshape(back["height"], back["width"], 4)

        yield round_trip


@contextmanager
def png_over_http() -> Iterator[RoundTrip]:
    """A round trip by PNG and HTTP, on one open connection."""
    with _server("http") as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def round_trip(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            connection.request("POST", "/", _to_png(picture), {"Content-Type": "image/png"})
            return _from_png(connection.getresponse().read())

        try:
            yield round_trip
        finally:
            connection.close()


# ---- measuring -----------------------------------------------------------------------------------


def time_all(
    roads: Mapping[str, RoundTrip], *, sizes: Sequence[float] = tuple(SIZES), seconds: float = 3.0
) -> dict[float, dict[str, list[float]]]:
    """Seconds of round trips, {megapixels: {road: one figure a round}}, the roads taking turns in each round.

    Args:
        roads: name -> round trip; each must give the same pixels back.
        sizes: keys of :data:`SIZES`.
        seconds: how long to go on with one size; at least 3 rounds, at most 40, after warming up.
    """
    timed: dict[float, dict[str, list[float]]] = {}
    for size in sizes:
        picture = photo_rgba(*SIZES[size])
        for name, road in roads.items():
            if not np.array_equal(road(picture), picture):
                raise AssertionError(f"{name} gave other pixels back")
        for road in roads.values():  # new processes take a while until their memory is laid out
            warm = time.perf_counter() + seconds / 10
            while time.perf_counter() < warm:
                road(picture)
        rounds: dict[str, list[float]] = {name: [] for name in roads}
        end = time.perf_counter() + seconds
        for number in range(40):
            if number >= 3 and time.perf_counter() > end:
                break
            for name, road in roads.items():
                started = time.perf_counter()
                road(picture)
                rounds[name].append(time.perf_counter() - started)
        timed[size] = rounds
    return timed


def echo_table(timed: Mapping[float, Mapping[str, Sequence[float]]], base: str) -> Table:
    """Median milliseconds of each road and size, and the median over the rounds of road / ``base``."""
    table = Table(title="RGBA there and back, median ms (x: against " + base + " in the same round)")
    table.add_column("")
    for size in timed:
        table.add_column(f"{size:g} MP", justify="right")
    for name in next(iter(timed.values())):
        cells: list[str] = []
        for rounds in timed.values():
            ratios = [own / other for own, other in zip(rounds[name], rounds[base], strict=True)]
            cells.append(f"{statistics.median(rounds[name]) * 1000:.1f} (x {statistics.median(ratios):.2f})")
        table.add_row(name, *cells)
    return table


def main() -> None:
    """Serve, if asked to, or time both roads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=("websocket", "http"), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each size")
    chosen = parser.parse_args()
    if chosen.serve == "websocket":
        asyncio.run(_serve_websocket())
    elif chosen.serve == "http":
        _serve_http()
    else:
        with bare_websocket() as bare, png_over_http() as png:
            timed = time_all({"websockets + msgpack": bare, "PNG over HTTP": png}, seconds=chosen.seconds)
        Console(width=110).print(echo_table(timed, "websockets + msgpack"))


if __name__ == "__main__":
    main()
