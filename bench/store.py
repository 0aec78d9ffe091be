# SPDX-License-Identifier: Apache-2.0
"""What a project costs as it grows: three stores, real daemons on them, the same questions to each in turns.

python -m bench.store [--rounds N] [--sizes 100 1000 10000]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.bridge import ask
from bench.pictures import big_canvas, square_hole
from bridge_server.client import BridgeClient, find_daemon
from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.history import GetInputs, History
from bridge_server.protocol.messages import Cancel, Fetch, Fill, GetJob, JobState, Vary
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import Collect, Follow, GetProject, ListProjects
from bridge_server.protocol.records import CandidateInfo, Context, EngineInfo, Placement
from bridge_server.protocol.report import GetReport
from bridge_server.protocol.taste import GetTaste, Suggest
from bridge_server.protocol.versions import Accept, GetTree, GetVersion, Go, Mark, Modify, Redo, Reject, Undo
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.memory import Memory
from bridge_server.sessions.store import JobRecord

__all__ = ["main"]

PROJECT, HOSTS = "book cover", ("krita", "gimp", "blender")
DOCUMENTS = ("cover.kra", "back.kra", "spine.xcf", "oak.xcf", "scene.blend")
A_JOB = 4  #: Candidates of a job.
DAYS = 90 * 86_400.0
ENGINE = EngineInfo("patchmatch", "1", "PatchMatch", {"fill": [], "vary": []}, [], Context())

#: A word of most prompts, one of three in each store, and one of none.
COMMON, RARE, NONE = "light", "quetzal", "xylophone"
WORDS = (
    "oak", "river", "stone", "evening", "castle", "bird", "cloud", "mossy", "red", "golden", "quiet",
    "storm", "bridge", "window", "lantern", "path", "forest", "winter", "harbour", "mountain", "old",
    "broken", "tall", "glass", "rope", "field", "flower", "smoke", "silver", "shadow", "autumn", "rain",
    "meadow", "roof", "tower", "boat", "sand", "cliff", "grass", "fence", "garden", "statue", "copper",
    "velvet", "night", "dawn", "crow", "horse", "wheel", "ivy",
)  # fmt: skip


# ---- filling a store -------------------------------------------------------------------------------


@dataclass
class Filled:
    """A store and what there is to ask about in it."""

    folder: Path
    candidates: int
    raw: int = 0
    decisions: int = 0
    seconds: float = 0.0
    synced: float = 0.0  #: Candidates a second, synced to the disk, at the store's full size.
    names: list[str] = field(default_factory=list)
    fresh: Iterator[str] = field(default_factory=lambda: iter(()))
    jobs: list[str] = field(default_factory=list)
    created: list[float] = field(default_factory=list)
    deepest: str = ""
    page: int = 0  #: ``before`` of the 50th page, or of the last whole one.


class Filler:
    """Writes an artist's months into a store, through the code that the daemon uses."""

    def __init__(self, folder: Path, candidates: int) -> None:
        self.memory = Memory(folder)
        self.filled = Filled(folder, candidates)
        self._jobs = candidates // A_JOB
        self._sittings = [Sitting(f"s-{host}", PROJECT, host) for host in HOSTS]
        self._place: tuple[str, Placement, Pixels, Pixels] | None = None
        self._heads: dict[str, list[str]] = {name: [] for name in DOCUMENTS}

    def fill(self) -> Filled:
        """All jobs; the last ten as the daemon does, each picture and each step synced to the disk."""
        for by in self._sittings:
            self.memory.store.add_session(by.session, PROJECT, by.host, "bench")
        synced = min(10, self._jobs // 2)
        started = time.perf_counter()
        self.memory.database.execute("PRAGMA synchronous = OFF")
        with mock.patch("os.fsync"):
            for number in range(self._jobs - synced):
                self._job(number)
        self.filled.seconds = time.perf_counter() - started
        self.memory.database.execute("PRAGMA synchronous = FULL")
        os.sync()  # what went before is not to be paid for by what is timed
        spent = sum(self._job(number) for number in range(self._jobs - synced, self._jobs))
        self.filled.synced = synced * A_JOB / spent
        self.filled.deepest = max(self._heads.values(), key=len)[-1]
        self.memory.close()
        self.filled.fresh = itertools.cycle(self.filled.names)
        return self.filled

    def _job(self, number: int) -> float:
        """A job, its candidates, and what was decided about them. The seconds that the candidates took."""
        rng = random.Random(number)
        by = self._sittings[number * 7 // 10 % 3]
        if self._place is None:
            self._place = self._new_place(rng)
        document, region, picture, mask = self._place
        job, created = f"{number:016x}", time.time() - DAYS * (1 - number / self._jobs) - 3600
        cls = Vary if rng.random() < 0.2 else Fill
        asked = cls(
            picture, mask, region, engine="patchmatch", prompt=self._prompt(number, rng), count=A_JOB,
            seed=number, parameters={"patch_radius": rng.choice((3, 5, 7))}, job=job, document=document,
        )  # fmt: skip
        self.memory.store.add_job(
            JobRecord(job, by.session, PROJECT, asked, ENGINE, number, created, host=by.host)
        )
        self.filled.raw += len(picture.data) + len(mask.data)
        self.filled.jobs.append(job)
        self.filled.created.append(created)
        started = time.perf_counter()
        names = [self._candidate(job, index, region, created, rng) for index in range(A_JOB)]
        spent = time.perf_counter() - started
        self.memory.store.set_state(JobState(job, "done"))
        self._decide(names, document, by, rng)
        return spent

    def _new_place(self, rng: random.Random) -> tuple[str, Placement, Pixels, Pixels]:
        width, height = rng.randrange(128, 257), rng.randrange(128, 257)
        region = Placement(rng.randrange(3000), rng.randrange(2000), width, height)
        mask = Pixels(width, height, "gray8", self._noise(rng, width * height))
        return rng.choice(DOCUMENTS), region, self._pixels(rng, width, height), mask

    def _prompt(self, number: int, rng: random.Random) -> str:
        words = rng.sample(WORDS, 4)
        if number % 5 < 3:
            words.append(COMMON)
        if number in (1, self._jobs // 2, self._jobs - 2):
            words.append(RARE)
        return " ".join(words)

    def _candidate(self, job: str, index: int, region: Placement, created: float, rng: random.Random) -> str:
        width, height = rng.randrange(64, 161), rng.randrange(64, 161)
        place = Placement(region.x, region.y, width, height)
        looks = {axis.name: 0.5 + rng.gauss(0, axis.scale) for axis in AXES}
        name = f"{job}-{index}"
        info = CandidateInfo(
            name, job, index, index, place, 0.5, {"patch_radius": 5}, created + 1 + index, "", looks
        )
        small = 96 / max(width, height, 96)
        patch, thumbnail = (
            self._pixels(rng, width, height),
            self._pixels(rng, int(width * small), int(height * small)),
        )
        self.memory.store.add_candidate(info, patch, thumbnail)
        self.filled.raw += len(patch.data) + len(thumbnail.data)
        self.filled.names.append(name)
        return name

    def _decide(self, names: list[str], document: str, by: Sitting, rng: random.Random) -> None:
        """A third of all jobs ends with an accept; a word or two about most of the others' offers."""
        talk = self.memory.conversation
        for name in names[1:]:
            if rng.random() < 0.4:
                kind = rng.choice(("more", "less", "reject", "reject"))
                if kind == "reject":
                    talk.reject(Reject([name]), by)
                else:
                    talk.lean(name, kind, f"k{name}", by)
                self.filled.decisions += 1
        if rng.random() < 0.32 or not self._heads[document]:
            self._accept(names[0], document, by, rng)
            self._place = None  # on to another one

    def _accept(self, candidate: str, document: str, by: Sitting, rng: random.Random) -> None:
        talk, way = self.memory.conversation, self._heads[document]
        if len(way) > 3 and rng.random() < 0.15:  # a branch
            del way[-rng.randrange(1, 4) :]
            talk.go(Go(way[-1], document), by)
        name = " ".join(rng.sample(WORDS, 2)) if rng.random() < 0.25 else ""
        canvas = Placement(0, 0, 3500, 2500)
        version = talk.accept(Accept(candidate, document, canvas=canvas, name=name), by)[0].version
        way.append(version.version)
        self.filled.decisions += 1
        if rng.random() < 0.3:
            talk.mark(Mark(version.version, starred=True), by)
        if rng.random() < 0.05:
            place = version.placement
            final = self._pixels(rng, place.width, place.height)
            decision = talk.modify(Modify(version.version, final, place), by)[0]
            talk.measured(decision.decision, 0.4, 9.0)
            self.filled.raw += len(final.data)
            self.filled.decisions += 1

    @staticmethod
    def _noise(rng: random.Random, size: int) -> bytes:
        return np.random.default_rng(rng.getrandbits(32)).bytes(size)

    def _pixels(self, rng: random.Random, width: int, height: int) -> Pixels:
        return Pixels(width, height, "rgba8", self._noise(rng, width * height * 4))


# ---- asking a daemon -------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon on a folder."""
    serve = ["serve", "--data-dir", str(data), "--log-level", "error"]
    with subprocess.Popen([sys.executable, "-m", "bridge_server", *serve]) as process:
        try:
            while find_daemon(data) is None:
                if process.poll() is not None:
                    raise RuntimeError("the daemon ended")
                time.sleep(0.002)
            yield process
        finally:
            process.terminate()


def connect(data: Path) -> BridgeClient:
    client = BridgeClient(lambda: find_daemon(data), name="bench", host="krita", project=PROJECT)
    client.wait_until_connected(10)
    return client


#: Does something once and says how much was shown.
Way = Callable[[], int]

#: For each store: median seconds, how much was shown, the median ratio of the largest store to it.
Found = tuple[list[float], list[int], list[float]]


def timed(rounds: int, ways: list[Way]) -> Found:
    """Each store's way, taken in turns."""
    taken: list[list[float]] = [[] for _ in ways]
    shown = [0 for _ in ways]
    for number in range(rounds + 1):
        for index, way in enumerate(ways):
            started = time.perf_counter()
            shown[index] = way()
            seconds = time.perf_counter() - started
            if number:  # the first one warms up
                taken[index].append(seconds)
    return _found(taken, shown)


def _found(taken: list[list[float]], shown: list[int]) -> Found:
    ratios = [
        statistics.median(last / one for last, one in zip(taken[-1], each, strict=True)) for each in taken
    ]
    return [statistics.median(each) for each in taken], shown, ratios


class Asked:
    """The questions to one store."""

    def __init__(self, filled: Filled, client: BridgeClient) -> None:
        self.filled, self.client = filled, client
        self._names = itertools.cycle(filled.names[:20])
        self._jobs = itertools.cycle(filled.jobs[:5])
        self._seed = itertools.count()
        self._whole_page()

    def _whole_page(self) -> None:
        page, before = self.client.call(History()), 0
        for _ in range(49):
            if not page.next:
                break
            before, page = page.next, self.client.call(History(before=page.next))
            if len(page.entries) == 20:
                self.filled.page = before

    def open(self) -> int:
        client = connect(self.filled.folder)
        client.call(GetProject())
        client.call(Follow())
        client.close()
        return 1

    def ask(self, request: Any, count: Callable[[Any], int] = lambda _: 1) -> Way:
        return lambda: count(self.client.call(request, timeout=120))

    def history(self, **terms: Any) -> Way:
        return self.ask(History(**terms), lambda page: len(page.entries))

    def tree(self, **terms: Any) -> Way:
        return self.ask(GetTree(**terms), lambda page: len(page.versions))

    def days(self) -> Way:
        created = self.filled.created
        middle = len(created) // 2
        return self.history(since=created[middle - 10] - 0.5, until=created[middle + 9] + 0.5)

    def fetch(self, *, thumbnail: bool = False) -> Way:
        def way() -> int:
            self.client.call(Fetch(next(self._names), thumbnail=thumbnail))
            return 1

        return way

    def inputs(self) -> int:
        self.client.call(GetInputs(next(self._jobs)))
        return 1

    def follow(self) -> Way:
        seq = self.client.call(GetProject()).seq

        def way() -> int:
            self.client.call(Follow(after=seq - 20))
            return 20

        return way

    def accept(self) -> int:
        self.client.call(Accept(next(self.filled.fresh), document="bench"))
        return 1

    def beside_report(self) -> float:
        """The longest wait of an accept while a report is made, in seconds."""
        report, longest = self.client.send(GetReport()), 0.0
        while not report.done():
            started = time.perf_counter()
            self.accept()
            longest = max(longest, time.perf_counter() - started)
        return longest

    def submit(self) -> int:
        """Ask for a picture of 64 x 64 and take it back: what is written down, not what is computed."""
        region = Placement(0, 0, 64, 64)
        picture = Pixels(64, 64, "rgba8", np.random.default_rng(next(self._seed)).bytes(64 * 64 * 4))
        mask = Pixels(64, 64, "gray8", square_hole(64, 24).tobytes())
        request = Fill(picture, mask, region, prompt="a bench", seed=0, taste=False)
        job = self.client.call(request).job
        self.client.call(Cancel(job))
        return 1


def questions(asked: Asked) -> list[tuple[str, Way, int]]:
    """Each with its name and how many rounds of 20 there are of it."""
    ask, history, tree = asked.ask, asked.history, asked.tree
    return [
        ("open: connect, project, follow", asked.open, 20),
        ("projects", ask(ListProjects()), 20),
        ("project", ask(GetProject()), 20),
        ("follow, 20 events missed", asked.follow(), 20),
        ("history, first page of 20", history(), 20),
        ("history, 50th page (or last whole one)", history(before=asked.filled.page), 20),
        ("history, page of 100", history(limit=100), 20),
        ("search, a word of 60 % of the prompts", history(text=COMMON), 20),
        ("search, the beginning of it", history(text=COMMON[:3]), 20),
        ("search, two words", history(text=f"{COMMON} oak"), 20),
        ("search, a rare word", history(text=RARE), 20),
        ("search, a word of none", history(text=NONE), 20),
        ("search, that common word, one host", history(text=COMMON, host="gimp"), 20),
        ("history of one host", history(host="gimp"), 20),
        ("history of a host without jobs", history(host="nobody"), 20),
        ("history of a document", history(document="spine.xcf"), 20),
        ("history of a document without jobs", history(document="nothing.kra"), 20),
        ("history, accepted", history(accepted=True), 20),
        ("history, starred", history(starred=True), 20),
        ("history of some days", asked.days(), 20),
        ("job", ask(GetJob(asked.filled.jobs[1])), 20),
        ("inputs of a job", asked.inputs, 20),
        ("tree, page of 20", tree(limit=20), 20),
        ("tree, page of 200", tree(), 20),
        ("tree, the way to a deep version, page of 20", tree(path_of=asked.filled.deepest, limit=20), 20),
        ("version", ask(GetVersion(asked.filled.deepest)), 20),
        ("fetch", asked.fetch(), 20),
        ("fetch a thumbnail", asked.fetch(thumbnail=True), 20),
        ("accept", asked.accept, 20),
        ("undo", ask(Undo("bench")), 20),
        ("redo", ask(Redo("bench")), 20),
        ("submit and cancel a job", asked.submit, 20),
        ("suggest", ask(Suggest("fill")), 20),
        ("taste (at most 200 lessons)", ask(GetTaste(), lambda taste: taste.lessons), 20),
        ("taste of another project, without decisions", ask(GetTaste(project="sketches")), 20),
        ("search in another project, that common word", history(text=COMMON, project="sketches"), 20),
        ("report (reads all)", ask(GetReport(), lambda report: report.whole.offered), 5),
        ("collect, dry (looks at all files)", ask(Collect(dry_run=True, keep=0.0), lambda _: 0), 5),
    ]


# ---- tables ----------------------------------------------------------------------------------------


def questions_table(stores: list[Filled], rounds: int) -> Table:
    """The same questions to each store."""
    table = Table(title="Time by what is stored", caption=_MEDIAN)
    table.add_column("")
    for store in stores:
        table.add_column(f"ms at {store.candidates:,}", justify="right")
    for store in stores[:-1]:
        table.add_column(f"against {store.candidates:,}", justify="right")
    table.add_column("shown", justify="right")
    _row(table, "start of the daemon", timed(max(3, rounds // 4), [_start(store) for store in stores]))
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(serving(store.folder)) for store in stores]
        clients = [stack.enter_context(connect(store.folder)) for store in stores]
        ask(clients[-1], big_canvas(512)[:64, :64], square_hole(64, 24))  # the engines are known from here on
        asked = [Asked(*pair) for pair in zip(stores, clients, strict=True)]
        for same in zip(*map(questions, asked), strict=True):
            name, _, share = same[0]
            ways = [way for _, way, _ in same]
            _row(table, name, timed(max(3, rounds * share // 20), ways))
        waits = [[each.beside_report() for _ in range(max(3, rounds // 4))] for each in asked]
        _row(table, "longest wait of an accept beside a report", _found(waits, [1] * len(asked)))
        memory = [_resident(process.pid) for process in running]
    table.add_row("memory of the daemon afterwards, MB", *(f"{size:.0f}" for size in memory))
    return table


def _start(store: Filled) -> Way:
    def way() -> int:
        with serving(store.folder), connect(store.folder):
            return 1

    return way


def _row(table: Table, name: str, found: Found) -> None:
    taken, shown, ratios = found
    said = " / ".join(map(str, shown)) if len(set(shown)) > 1 else str(shown[0])
    against = [f"{ratio:.2f}" for ratio in ratios[:-1]]
    table.add_row(name, *(f"{each * 1000:.2f}" for each in taken), *against, said)


def sizes_table(stores: list[Filled]) -> Table:
    """What lies on the disk."""
    table = Table(title="Size and writing")
    table.add_column("")
    for store in stores:
        table.add_column(f"{store.candidates:,} candidates", justify="right")
    mib = [
        (store.raw / 2**20, _bytes(store.folder / "blobs") / 2**20, _bytes(store.folder, "bridge.*") / 2**20)
        for store in stores
    ]
    rows = {
        "jobs": [f"{len(store.jobs):,}" for store in stores],
        "decisions": [f"{store.decisions:,}" for store in stores],
        "pixels that were given, MiB": [f"{raw:.1f}" for raw, _, _ in mib],
        "pixels on disk (each once), MiB": [f"{blobs:.1f}" for _, blobs, _ in mib],
        "saved by keeping each once": [f"{1 - blobs / raw:.1%}" for raw, blobs, _ in mib],
        "database, MiB": [f"{db:.1f}" for _, _, db in mib],
        "database, KiB a candidate": [
            f"{db * 1024 / store.candidates:.2f}" for (_, _, db), store in zip(mib, stores, strict=True)
        ],
        "database against the pixels": [f"{db / blobs:.1%}" for _, blobs, db in mib],
        "candidates a second, synced": [f"{store.synced:.0f}" for store in stores],
        "candidates a second, jobs and decisions too, unsynced": [
            f"{store.candidates / store.seconds:.0f}" for store in stores
        ],
    }
    for name, values in rows.items():
        table.add_row(name, *values)
    return table


def _bytes(folder: Path, pattern: str = "**/*") -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def _resident(pid: int) -> float:
    """Resident set in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), float("nan"))


_MEDIAN = "medians; ratios are medians of the pairs taken in turns; shown: entries, where not the same in all"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="counted rounds of each question")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000], help="candidates")
    parser.add_argument("--kept", type=Path, help="copy the stores there, to look into")
    arguments = parser.parse_args()
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as folder:
        stores = [Filler(Path(folder) / str(size), size).fill() for size in arguments.sizes]
        console.print(sizes_table(stores))
        if arguments.kept:
            shutil.copytree(folder, arguments.kept, ignore=shutil.ignore_patterns("blobs"))
        console.print(questions_table(stores, arguments.rounds))


if __name__ == "__main__":
    main()
