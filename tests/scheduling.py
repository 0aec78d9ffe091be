# SPDX-License-Identifier: Apache-2.0
"""A scheduler on a real store, with workers that a test moves by hand."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace

import samples
from bridge_server.jobs.chooser import Chooser
from bridge_server.jobs.scheduler import Scheduler
from bridge_server.protocol.errands import Chosen, Convert, Differs, Learned, Overlaid, Reckon
from bridge_server.protocol.errors import Cancelled
from bridge_server.protocol.messages import VERBS, CandidateDone, JobState
from bridge_server.protocol.records import Placement, Setting
from bridge_server.protocol.work import TaskCandidate, TaskDraft, TaskEnded, TaskProgress
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.memory import Memory
from bridge_server.workers.clerk import answer

SOON = 10
THUMBNAIL = replace(samples.PATCH, data=b"\x11\x21\x31\xff")
FINAL = ("done", "failed", "cancelled")
_STEERS = ["prompt", "negative_prompt", "strength", "guidance", "weights", "finish"]
_EVERY = {"verbs": {key: [] for key in VERBS}, "steers": _STEERS}
ENGINES = [
    replace(samples.ENGINE, name="one", batches=False, drafts=["fill"], **_EVERY),
    replace(samples.ENGINE, name="all", batches=True, verbs={"fill": []}, drafts=[], steers=[]),
    replace(
        samples.ENGINE,
        name="big/model",
        batches=True,
        drafts=[],
        guides=["depth", "toward"],
        settings=[Setting("guidance", "Guidance", "number", 7.0, 0.0, 50.0)],
        **_EVERY,
    ),
]


class Run:
    """One task at a worker."""

    def __init__(self, task, listener, kind):
        self.task, self.say, self.kind = task, listener, kind
        self.ended = asyncio.get_running_loop().create_future()

    def make(self, index, pixels=samples.PATCH, **recipe):
        """Say that a candidate is finished."""
        seed = self.task.seeds[self.task.indices.index(index)]
        place = Placement(1, 0, 1, 1)
        look = {"lightness": seed / 100}
        self.say(TaskCandidate(self.task.task, index, seed, place, pixels, 0.1, THUMBNAIL, look, recipe))

    def draft(self, index):
        """Say what a draft looks like."""
        seed = self.task.seeds[self.task.indices.index(index)]
        self.say(TaskDraft(self.task.task, index, seed, {"lightness": seed / 100}))

    def progress(self, index, done):
        """Say how far it is."""
        self.say(TaskProgress(self.task.task, index, done))

    def end(self, code="", message=""):
        """Say the last word."""
        self.ended.set_result(TaskEnded(self.task.task, code, message))

    def die(self, error):
        """Break down."""
        self.ended.set_exception(error)

    @property
    def parts(self):
        """Of several together: the part of each job."""
        return {task.task.partition(":")[0]: Part(task, self.say, self.kind) for task in self.task.tasks}


class Part(Run):
    """One of several tasks together at a worker."""

    def end(self, code="", message=""):
        """Say its last word; that of all is still to come."""
        self.say(TaskEnded(self.task.task, code, message))


class Workers:
    """Stands in for a Fleet of two pools: engines named ``big/...`` have one worker of their own."""

    def __init__(self, size=2):
        self.sizes = {"small": size, "big": 1}
        self.names = []
        self.started = asyncio.Queue()
        self.cancelled, self.steered = [], []
        self._runs = {}

    def kind_of(self, engine):
        """As a Fleet's."""
        return "big" if engine.startswith("big/") else "small"

    async def engines(self, *, fresh=False):
        """As a Fleet's."""
        return ENGINES

    async def run(self, engine, task, listener):
        """As a Fleet's; ends when the test says so."""
        run = self._runs[task.task] = Run(task, listener, self.kind_of(engine))
        self.started.put_nowait(run)
        kinds = [each.kind for each in self._runs.values()]
        assert all(kinds.count(kind) <= size for kind, size in self.sizes.items()), "more tasks than workers"
        try:
            return await run.ended
        finally:
            del self._runs[task.task]

    def cancel(self, engine, task, grace):
        """As a Fleet's, at once; one of several together is only noted."""
        self.cancelled.append((task, grace))
        run = self._runs.get(task)
        if run is not None and not run.ended.done():
            run.die(Cancelled("Cancelled."))

    def steer(self, engine, task, steering):
        """As a Fleet's."""
        self.steered.append((task, steering))


class Clerk:
    """Stands in for a Clerk: chooses the last drafts, or fails as it is told.

    ``asked`` are the choices that were asked for, ``errands`` the names of all errands.
    """

    def __init__(self):
        self.asked, self.errands = [], []
        self.error = None
        self.found = Differs("", 1.0, 0.25, 3.0, ["warmer"])

    async def choose(self, **errand):
        """As a Clerk's, at once."""
        self.asked.append(errand)
        self._do("choose")
        most = len(errand["drafts"])
        chosen = [most - 1 - number for number in range(errand["count"])]
        return Chosen("", chosen, ["near"] * len(chosen))

    async def learn(self, lessons, pins):
        """As a Clerk's; likes and dislikes what the first lesson offers first and last."""
        self._do("learn")
        return Learned("", [], f"{len(lessons)} lessons, {len(pins)} pins", [[0, 0]] if lessons else [], [])

    async def differ(self, *_patches, final=False):
        """As a Clerk's; ``found``."""
        self._do("differ final" if final else "differ")
        return self.found

    async def overlay(self, picture, region, _patch, _placement):
        """As a Clerk's; nothing is painted."""
        self._do("overlay")
        return Overlaid("", picture, region, samples.MASK)

    async def convert(self, pixels, layout, colorspace):
        """As a Clerk's."""
        self._do("convert")
        return answer(Convert("", pixels, layout, colorspace))

    async def reckon(self, _folder, project):
        """As a Clerk's, from the stage's own folder."""
        self._do("reckon")
        return answer(Reckon("", str(self.folder), project))

    def _do(self, errand):
        self.errands.append(errand)
        if self.error is not None:
            raise self.error


class Stage:
    """Everything a test of the scheduler needs, and the events in the order in which they were told.

    Those of jobs and those of projects stand apart.
    """

    def __init__(self, folder, *, size=2, max_queued=8, clerk=None):
        self.memory = Memory(folder)
        self.store = self.memory.store
        self.clerk = clerk or Clerk()
        self.clerk.folder = folder
        self.writer = ThreadPoolExecutor(1)
        self.workers = Workers(size)
        self.events, self.project_events = [], []
        self._news = asyncio.Event()
        self.scheduler = Scheduler(
            self.store,
            self.writer,
            self.workers,
            Chooser(self.store, self.memory.lessons, self.writer, self.clerk),
            self._publish,
            max_pixels=100,
            max_queued=max_queued,
        )

    def _publish(self, channel, event):
        self.on_publish(channel, event)
        (self.project_events if "/" in channel else self.events).append((channel, event))
        self._news.set()

    def on_publish(self, job, event):
        """For a test to look at the world at that moment."""

    async def submit(self, job, session="s1", **fields):
        """A small fill."""
        plain = {"job": job, "engine": "one", "count": 1, "if_gone": "finish"}
        off = {"taste": False, "drafted": False, "unlike": "", "guides": [], "live": ""}
        request = replace(samples.REQUESTS["fill"], **plain | off | fields)
        async with asyncio.timeout(SOON):
            return await self.scheduler.submit(request, Sitting(session, "book cover", "krita"))

    async def started(self):
        """The next task that reaches a worker."""
        async with asyncio.timeout(SOON):
            return await self.workers.started.get()

    async def both_started(self):
        """The next two tasks, in the order of their candidates."""
        return sorted([await self.started(), await self.started()], key=lambda run: run.task.indices)

    async def until(self, condition):
        """Wait for an event after which something holds."""
        async with asyncio.timeout(SOON):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def end_of(self, job):
        """The final state of a job."""
        await self.until(lambda: self.states(job) and self.states(job)[-1] in FINAL)
        return next(e.body for j, e in reversed(self.events) if j == job and isinstance(e.body, JobState))

    def states(self, job):
        """The states of a job as they were told."""
        return [e.body.state for j, e in self.events if j == job and isinstance(e.body, JobState)]

    def lasting(self, job):
        """The numbers of its lasting events."""
        return [e.seq for j, e in self.events if j == job and isinstance(e.body, (JobState, CandidateDone))]

    def stored(self, job):
        """The same numbers as the store has them."""
        return [event.seq for event in samples.stored_events(self.store, job)]

    def abandon(self):
        """End as ``kill -9`` does: nothing more is written or told."""
        dispatcher = self.scheduler._dispatcher
        dispatcher._stopped = True
        for lane in dispatcher._lanes.values():
            for task in lane.tasks:
                task.cancel()
        self.writer.shutdown()
        self.memory.close()


@asynccontextmanager
async def stage(folder, **options):
    """A stage that is orderly closed."""
    it = Stage(folder, **options)
    try:
        yield it
    finally:
        await it.scheduler.stop()
        it.writer.shutdown()
        it.memory.close()
