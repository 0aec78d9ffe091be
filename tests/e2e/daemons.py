# SPDX-License-Identifier: Apache-2.0
"""Real daemons in processes of their own, and the client that talks to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bridge_server.client import BridgeClient, find_daemon
from bridge_server.protocol.codec import Event
from bridge_server.protocol.messages import CandidateDone, Fill, JobState
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement

SCRIPTED = Path(__file__).parents[1] / "scripted_daemon.py"
FINAL = ("done", "failed", "cancelled")


class Daemon:
    """A daemon on ``folder``; ``scripted`` has workers that obey their requests' parameters."""

    def __init__(self, folder, *arguments, scripted=True):
        self.folder = Path(folder)
        self._command = [sys.executable, str(SCRIPTED), str(folder)] if scripted else None
        self._arguments = arguments
        self.log = self.folder.with_suffix(".log")
        self.process = None
        self.start()

    def start(self):
        """Start it (again) and wait until it can be reached."""
        command = self._command or [
            *(sys.executable, "-m", "bridge_server", "serve"),
            *("--data-dir", str(self.folder)),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, *map(str, self._arguments)], stdout=log, stderr=log)
        wait_until(lambda: self.runtime() or self.process.poll() is not None)
        assert self.runtime(), self.log.read_text()

    def runtime(self):
        """What the runtime file says if this daemon wrote it, else None."""
        try:
            found = json.loads((self.folder / "daemon.json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if found["pid"] == self.process.pid else None

    def client(self, **options):
        """A connected client."""
        client = BridgeClient(lambda: find_daemon(self.folder), name="test", **options)
        try:
            client.wait_until_connected(10)
        except BaseException:
            client.close()
            raise
        return client

    def kill(self):
        """SIGKILL, as the system does when memory runs out."""
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def wait_until(condition, seconds=20.0):
    """Poll for something another process does; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return result


def fill(width=32, height=24, value=90, **fields):
    """A fill whose selection is the inner quarter of a plain picture."""
    mask = bytearray(width * height)
    for y in range(height // 4, height // 2):
        mask[y * width + width // 4 : y * width + width // 2] = b"\xff" * (width // 2 - width // 4)
    return Fill(
        picture=Pixels(width, height, "rgba8", bytes((value, value, value, 255)) * (width * height)),
        mask=Pixels(width, height, "gray8", bytes(mask)),
        region=Placement(100, 200, width, height),
        **fields,
    )


def events_of(client, job, seconds=30.0):
    """The lasting events of a job up to its end, as they come."""
    deadline = time.monotonic() + seconds
    while True:
        happening = client.wait(max(0.0, deadline - time.monotonic()))
        assert happening is not None, f"job {job} did not end"
        if not isinstance(happening, Event):
            continue
        body = happening.body
        if isinstance(body, CandidateDone) and body.info.job == job:
            yield happening
        elif isinstance(body, JobState) and body.job == job:
            yield happening
            if body.state in FINAL:
                return


def outcome(client, job):
    """The final JobState of a job and its candidates."""
    events = list(events_of(client, job))
    return events[-1].body, [e.body for e in events if isinstance(e.body, CandidateDone)]


def is_alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
