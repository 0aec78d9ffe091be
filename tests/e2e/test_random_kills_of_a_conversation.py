# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at twenty random moments of a session in which an artist asks, decides, undoes and paints over."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import TooBusy, WorkerDied
from bridge_server.protocol.history import History
from bridge_server.protocol.messages import CandidateDone, Fetch
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import Collect, Follow, GetProject
from bridge_server.protocol.taste import SetTaste
from bridge_server.protocol.versions import (
    Accept,
    DecisionInfo,
    GetTree,
    GetVersion,
    Go,
    Mark,
    Modify,
    More,
    Redo,
    Reject,
    Undo,
    VersionInfo,
)
from daemons import fill, wait_until

KILLS = 20


class Artist:
    """Goes on asking and deciding, and remembers what she was told."""

    def __init__(self, client, chance):
        self._client, self._chance = client, chance
        self.candidates, self.versions, self.decisions, self.events = {}, {}, {}, []
        self.done = 0

    def listen(self):
        """Take in what was told since; a project's events come once, in order, without a gap."""
        while (happening := self._client.poll()) is not None:
            body = happening.body if isinstance(happening, Event) else None
            if isinstance(body, CandidateDone):
                self.candidates[body.info.candidate] = body
            if isinstance(happening, Event) and happening.topic.startswith("project."):
                if self.events:
                    assert happening.seq == self.events[-1] + 1
                self.events.append(happening.seq)
            if isinstance(body, VersionInfo):
                self.versions[body.version] = body
            if isinstance(body, DecisionInfo):
                self.decisions[body.decision] = body

    def act(self):
        """One thing, of all that an artist does."""
        self.listen()
        actions = [self._ask, self._ask, self._accept, self._accept, self._reject, self._move, self._move,
                   self._mark, self._paint_over, self._more, self._steer_taste]  # fmt: skip
        self._chance.choice(actions)()
        self.done += 1

    def _any(self, of):
        return self._chance.choice(list(of)) if of else None

    def _ask(self):
        work = {"steps": 2, "step": 0.01}
        taste = self._chance.random() < 0.5
        self._client.call(fill(count=2, seed=self._chance.randrange(1000), taste=taste, parameters=work))

    def _accept(self):
        if name := self._any(self.candidates):
            accepted = self._client.call(Accept(name, document=self._chance.choice(["a", "b"])))
            self.versions[accepted.version.version] = accepted.version

    def _reject(self):
        if name := self._any(self.candidates):
            for decision in self._client.call(Reject([name])).decisions:
                self.decisions[decision.decision] = decision

    def _move(self):
        back = Go(self._any(self.versions) or "", document="a")
        self._client.call(self._chance.choice([Undo("a"), Redo("a"), back]))

    def _mark(self):
        if name := self._any(self.versions):
            self.versions[name] = self._client.call(Mark(name, name=f"name {self._chance.random()}"))

    def _more(self):
        if name := self._any(self.candidates):
            self._client.call(More(name, count=1))

    def _steer_taste(self):
        self._client.call(SetTaste(pins={"lightness": self._chance.uniform(-1, 1)}))

    def _paint_over(self):
        if not (name := self._any(self.versions)):
            return
        version = self.versions[name]
        place = version.placement
        shade = self._chance.randrange(256)
        pixels = Pixels(
            place.width, place.height, "rgba8", bytes((shade, 0, 0, 255)) * (place.width * place.height)
        )
        decision = self._client.call(Modify(version.version, pixels, place))
        self.decisions[decision.decision] = decision


def children_of(pid):
    """The processes that a daemon has started: workers and the clerk."""
    found = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def killer(daemon, chance, artist, over):
    """Kill the daemon or one of its processes, again and again; a killed daemon is started again.

    Some of what the artist does goes well in between, however slow the machine is.
    """
    for _ in range(KILLS):
        enough = artist.done + chance.randrange(5)
        wait_until(lambda enough=enough: artist.done >= enough, 60)
        time.sleep(chance.uniform(0, 0.3))
        children = children_of(daemon.process.pid)
        if children and chance.random() < 0.4:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(children), signal.SIGKILL)
        else:
            daemon.kill()
            daemon.start()
    over.set()


def check_tree(client, artist):
    """Nobody's parent is missing, nothing was made by its own child, heads stand on what there is."""
    tree = {version.version: version for version in client.call(GetTree(limit=1000)).versions}
    for version in tree.values():
        seen, at = set(), version
        while at.parent:
            assert at.version not in seen, "a circle"
            seen.add(at.version)
            at = tree[at.parent]
    for head in client.call(GetProject()).heads:
        assert not head.version or head.version in tree
    for name, told in artist.versions.items():
        assert (tree[name].parent, tree[name].candidate) == (told.parent, told.candidate)
        assert client.call(GetVersion(name)).info == tree[name]


def check_history(client, artist):
    """Every candidate and every decision that she was told of."""
    decisions, before = {}, 0
    while True:
        page = client.call(History(before=before, limit=200))
        for entry in page.entries:
            decisions |= {info.decision: info for info in entry.decisions}
        if not (before := page.next):
            break
    for name, told in artist.decisions.items():
        assert (decisions[name].candidate, decisions[name].kind) == (told.candidate, told.kind)
    for name, told in artist.candidates.items():
        assert client.call(Fetch(name)) == told


def check_files(folder):
    """Every file is of a blob that somebody holds, and every such blob is there."""
    files = {path.name for path in (folder / "blobs").glob("??/*")}
    with sqlite3.connect(folder / "bridge.sqlite3") as db:
        held = {digest for (digest,) in db.execute("SELECT DISTINCT blob FROM holding")}
        known = {digest for (digest,) in db.execute("SELECT digest FROM blob")}
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert files == held == known
    assert list((folder / "blobs" / "incoming").iterdir()) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_the_artist_was_told_is_lost(start, seed):
    """Candidates, decisions, versions and the tree survive; what a kill left over, a sweep removes."""
    chance = random.Random(seed)
    daemon = start()
    over = threading.Event()
    with daemon.client(host="krita", project="book cover") as client:
        client.call(Follow())
        artist = Artist(client, chance)
        thread = threading.Thread(target=killer, args=(daemon, random.Random(seed + 1), artist, over))
        thread.start()
        while not over.is_set():
            with contextlib.suppress(
                WorkerDied, TooBusy
            ):  # what a kill may cost: a new job, never an old one
                artist.act()
        thread.join()
        client.call(GetProject(), timeout=60)
        deadline = time.monotonic() + 60
        while client.call(GetProject()).seq > (artist.events[-1] if artist.events else 0):
            assert time.monotonic() < deadline
            artist.listen()
        artist.listen()
        assert len(artist.versions) > 3
        assert artist.candidates
        check_tree(client, artist)
        check_history(client, artist)
        client.call(Collect(keep=0, budget=0))
    daemon.stop()
    check_files(daemon.folder)
