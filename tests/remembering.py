# SPDX-License-Identifier: Apache-2.0
"""A memory with small jobs in it, for the tests of what lasts."""

import hashlib
import itertools
from dataclasses import replace

import samples
from bridge_server.protocol.messages import JobState
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Guide, Placement
from bridge_server.protocol.taste import Forget, SetTaste
from bridge_server.protocol.versions import Accept, Go, Mark, Modify, Reject, Undo
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.memory import Memory
from bridge_server.sessions.store import Chosen, JobRecord

PROJECT = "book cover"
BY = Sitting("s1", PROJECT, "krita")


def pixels(text, width=8, height=4):
    """A picture whose content follows from a text: 128 bytes."""
    data = hashlib.shake_128(text.encode()).digest(width * height * 4)
    return Pixels(width, height, "rgba8", data)


class World(Memory):
    """A memory that is quickly filled. Its clock goes on by a second a job and a candidate."""

    def __init__(self, folder):
        super().__init__(folder)
        self.folder = folder
        self._clock = itertools.count(1_000)
        self._places = {}

    def job(self, job, count=1, by=BY, verb="fill", state="done", **asked):
        """A job with so many candidates, ``job-c0`` and on."""
        descriptors = asked.pop("descriptors", None)
        picture, mask = asked.pop("picture", None), asked.pop("mask", None)
        common = {"job": job, "count": max(count, 1), "document": "", "unlike": "", "drafted": False}
        common |= {"guides": []}
        request = replace(samples.REQUESTS[verb], **common | asked)
        request = replace(request, picture=picture or pixels(f"{job} picture"))
        if verb != "expand":
            request = replace(request, mask=mask or replace(samples.MASK, data=job.encode()[:2].ljust(2)))
        if "region" in asked:
            self._places[job] = request.region
        created = float(next(self._clock))
        engine = replace(samples.ENGINE, name=request.engine)
        record = JobRecord(job, by.session, by.project, request, engine, 42, created, host=by.host)
        told = self.store.add_job(record)
        for index in range(count):
            told += self.candidate(job, index, descriptor=descriptors[index] if descriptors else None)
        if state != "queued":
            told += self.store.set_state(JobState(job, state))
        return told

    def candidate(self, job, index=0, descriptor=None, patch=None):
        """One more candidate."""
        name = f"{job}-c{index}"
        info = replace(
            samples.CANDIDATE, candidate=name, job=job, index=index, created=float(next(self._clock))
        )
        info = replace(info, placement=self._places.get(job, info.placement))
        info = replace(info, descriptor={"warmth": index / 10} if descriptor is None else descriptor)
        return self.store.add_candidate(info, patch or pixels(name), pixels(f"{name} small", 2, 1))

    def accept(self, candidate, by=BY, **fields):
        """Its version's id."""
        return self.conversation.accept(Accept(candidate, **fields), by)[0].version.version

    def modify(self, version, text, by=BY):
        """Keep a final picture that follows from a text."""
        return self.conversation.modify(Modify(version, pixels(text), Placement(0, 0, 8, 4)), by)[0]

    def sweep(self, sweep):
        """Do all of a sweep."""
        while self.sweeper.step(sweep):
            pass
        return sweep.result

    def dump(self):
        """All rows of all tables but those of the full text's own."""
        tables = self.database.all(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'words_%'"
        )
        return {
            name: self.database.all(f"SELECT {'rowid, ' * (name == 'words')}* FROM {name} ORDER BY 1, 2")
            for (name,) in tables
        }

    def files(self):
        """The digests of what lies on the disk."""
        return set(self.database.blobs.digests())

    def check_sizes(self):
        """What is counted along the way is what counting anew finds."""
        database = self.database
        assert database.size == database.one("SELECT coalesce(sum(size), 0) FROM blob")[0]
        assert database.all("SELECT digest FROM blob WHERE digest NOT IN (SELECT blob FROM holding)") == []
        assert {digest for (digest,) in database.all("SELECT digest FROM blob")} <= self.files()
        for name, *counted in database.all("SELECT name, jobs, candidates, versions, size FROM project"):
            jobs = "SELECT id FROM job WHERE project = ?1"
            held = "SELECT blob FROM holding WHERE project = ?1"
            found = [
                database.one(f"SELECT {sql}", (name,))[0]
                for sql in (
                    "count(*) FROM job WHERE project = ?1",
                    f"count(*) FROM candidate WHERE job IN ({jobs})",
                    "count(*) FROM version WHERE project = ?1",
                    f"coalesce(sum(size), 0) FROM blob WHERE digest IN ({held})",
                )
            ]
            assert counted == found, name


def of_everything(folder):
    """A memory with a project that has some of everything."""
    world, gimp = World(folder), Sitting("s2", PROJECT, "gimp")
    talk = world.conversation
    world.store.add_session("s1", PROJECT, "krita", "plugin/1")
    world.job("a", 4, prompt="a lonely oak", document="cover.kra")
    oak = world.accept("a-c1", name="the oak", document="cover.kra", canvas=samples.REGION)
    talk.reject(Reject(["a-c0", "a-c2"]), BY)
    talk.lean("a-c3", "more", "k1", BY)
    world.job("b", 2, gimp, "expand", unlike="a-c0", prompt="a-c0")  # a prompt that reads like an id stays
    world.store.set_plan("b", (Chosen(42, "near"), Chosen(7, "surprise")))
    world.modify(world.accept("b-c0", gimp, document="cover.xcf"), "final", gimp)
    world.accept("b-c1", gimp, document="cover.xcf")
    talk.undo(Undo("cover.xcf"), gimp)
    talk.go(Go(oak, "cover.xcf"), gimp)
    talk.mark(Mark(oak, starred=True), BY)
    talk.measured(world.tree.decisions("kind = 'modify'", ())[0].decision, 0.5, 12.0)
    world.job("v", 2, gimp, "vary", guides=[Guide("toward", pixels("v toward"))])
    world.accept("v-c0", gimp)
    world.lessons.forget(Forget(), PROJECT)
    world.lessons.load(samples.REQUESTS["load_taste"], PROJECT)
    world.lessons.set(SetTaste(on=True, scope="project"), PROJECT)
    world.job("w", 3, verb="refine", state="queued")
    world.store.steer("w", samples.STEERING)
    world.store.set_state(JobState("w", "done"))
    world.accept("w-c2")
    world.job("f", 0, state="failed")
    return world
