# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the plugin's Studio inside Krita: no daemon, every state at will, calls are kept."""

import math
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import CandidateInfo, Context, EngineInfo, Placement, Setting
from plugins.krita.qt import QImage
from plugins.shared.cells import Cell
from plugins.shared.model import Candidate, Job, Layout, Look, Raw, Settings, Shown

VERBS = {
    "fill": ["prompt", "negative_prompt", "seed"],
    "expand": ["prompt", "negative_prompt", "seed"],
    "vary": ["prompt", "negative_prompt", "amount", "seed"],
    "refine": ["prompt", "negative_prompt", "strength", "seed"],
}
SETTINGS = [
    Setting("steps", "Steps", "integer", 28, 1, 150, description="More steps take longer and are finer."),
    Setting("guidance", "Guidance", "number", 7.0, 0, 50, description="How closely the words are followed."),
    Setting("sampler", "Sampler", "choice", "", choices=["", "ddim", "dpm++ 2m"]),
    Setting("trigger", "Words that are put before all others", "text", ""),
    Setting("loras", "LoRAs", "weights", {}, -2, 2, choices=["ink", "watercolour-on-rough-paper"]),
]
WORDS = EngineInfo(
    *("diffusers", "1", "Diffusion", VERBS, ["prompt", "finish"], Context(), "Reads words."),
    guides=["scribble", "lineart", "canny", "depth", "style"],
    settings=SETTINGS,
)
WORDLESS = EngineInfo(
    "patchmatch", "1", "PatchMatch", {"fill": ["seed"], "expand": ["seed"], "vary": ["amount"]}, [], Context()
)
DOCUMENT = "doc-1"
PROMPTS = [
    "a stormy sky over the sea",
    "mossy old bricks, close up",
    "a lighthouse with warm windows at dusk",
]


@cache
def picture(width, height, seed, alpha=255):
    """Something with colours and edges, different for each seed."""
    data = bytearray()
    for y in range(height):
        for x in range(width):
            wave = math.sin((x + 3 * seed) / 9) + math.cos((y - 2 * seed) / 7)
            hue = (seed * 47) % 255
            data += bytes((int(127 + 60 * wave) & 255, (hue + y) % 256, (200 + x - hue) % 256, alpha))
    return Pixels(width, height, "rgba8", bytes(data))


class Conversation:
    """As ``plugins.shared.conversation.Conversation``."""

    def __init__(self):
        self.state, self.words, self.can_start = "connected", "Connected", False
        self.engines, self.engine = [WORDLESS, WORDS], WORDS
        self.projects, self.project = ["default", "Book cover"], "Book cover"
        self.settings = Settings(prompt="a stormy sky over the sea")
        self.prompts = list(PROMPTS)
        self.calls = []
        self.ring = print

    def heeds(self, verb, setting):
        """As the real one."""
        return self.engine is not None and setting in self.engine.verbs.get(verb, [])

    def start_daemon(self):
        """Kept."""
        self.calls.append("start_daemon")

    def choose_project(self, name):
        """Kept, and done."""
        self.calls.append(("choose_project", name))
        self.projects = [*self.projects, name] if name not in self.projects else self.projects
        self.project = name
        self.ring("projects")


class Studio:
    """As ``plugins.shared.studio.Studio``; ``calls`` has what the widgets asked for."""

    def __init__(self, host=None):
        self.conversation, self.host = Conversation(), host or SimpleNamespace()
        self.look = Look(DOCUMENT, "sky.kra", 1024, 768, Placement(100, 80, 300, 200), "Background")
        self.selected = self.shown = None
        self.comparing = False
        self.message, self.message_bad = "", False
        self.calls, self.refreshed, self.reasons = [], 0, {}
        self.jobs, self.waiting = [], []
        self._hearers = []
        self.conversation.ring = self.ring

    # ---- what the widgets use ------------------------------------------------------------------------

    def listen(self, hear):
        """As the real one."""
        self._hearers.append(hear)
        return lambda: self._hearers.remove(hear) if hear in self._hearers else None

    def refresh(self):
        """Counted."""
        self.refreshed += 1

    def change(self, **settings):
        """Kept, and done."""
        self.calls.append(("change", settings))
        self.conversation.settings = replace(self.conversation.settings, **settings)
        names = {engine.name: engine for engine in self.conversation.engines}
        if "engine" in settings:
            self.conversation.engine = names[settings["engine"]]
            self.ring("engines")
        self.ring("settings")

    def why_not(self, verb):
        """What a test has set."""
        return self.reasons.get(verb, "")

    def ask(self, verb):
        """Kept."""
        self.calls.append(("ask", verb))

    def cells(self):
        """A cell for each candidate that is wanted."""
        return [cell for job in self.jobs for cell in self._cells(job)]

    def queue(self):
        """What a test has set."""
        return self.waiting

    def select(self, candidate_id):
        """Kept, and done."""
        self.calls.append(("select", candidate_id))
        found = (candidate for job in self.jobs for candidate in job.candidates)
        self.selected = next((each for each in found if each.id == candidate_id), None)
        self.ring("strip", "shown")

    def select_next(self, step=1):
        """As the real one."""
        ids = [cell.candidate.id for cell in self.cells() if cell.candidate]
        here = ids.index(self.selected.id) if self.selected else -1
        if ids:
            self.select(ids[(here + step) % len(ids)])

    def compare(self, on):
        """Kept, and done."""
        self.calls.append(("compare", on))
        self.comparing = on
        self.ring("shown")

    def why_not_do(self, action):
        """Something must be selected."""
        return self.reasons.get(action, "") if self.selected else "Choose a candidate first."

    def do(self, action):
        """Kept."""
        self.calls.append(("do", action))

    def cancel(self, job_id):
        """Kept."""
        self.calls.append(("cancel", job_id))

    def cancel_all(self):
        """Kept, job by job."""
        for job in self.waiting:
            self.cancel(job.id)

    def dismiss(self, job_id):
        """Kept, and done."""
        self.calls.append(("dismiss", job_id))
        self.waiting = [job for job in self.waiting if job.id != job_id]
        self.ring("jobs")

    def steer(self, job_id):
        """Kept."""
        self.calls.append(("steer", job_id))

    def why_not_steer(self, job_id):
        """What a test has set."""
        return self.reasons.get("steer", "")

    def can_finish(self, job_id):
        """As the engine that is chosen."""
        return "finish" in self.conversation.engine.steers

    def finish(self, job_id):
        """Kept."""
        self.calls.append(("finish", job_id))

    def why_not_finish(self, job_id):
        """What a test has set."""
        return self.reasons.get("finish", "")

    # ---- what tests use ------------------------------------------------------------------------------

    def ring(self, *topics):
        """Tell the widgets."""
        for topic in topics:
            for hear in list(self._hearers):
                hear(topic)

    def add(self, verb, prompt, made, count=None, state="done", decisions=()):
        """A request with candidates; a running one has a preview of its next one."""
        number = len(self.jobs) + 1
        job = Job(f"job-{number}", verb, state, count or made, prompt=prompt, document=DOCUMENT)
        job.engine, job.seed, job.created = "diffusers", 1000 + number, float(number)
        for index in range(made):
            info = CandidateInfo(
                f"c-{number}-{index}", job.id, index, job.seed + index, Placement(100, 80, 300, 200), 1.0
            )
            offered = ("", "near", "surprise", "far")[index % 4]
            candidate = Candidate(replace(info, offered=offered), job, picture(96, 64, number * 9 + index))
            candidate.decision = decisions[index] if index < len(decisions) else ""
            job.candidates.append(candidate)
        if state == "running":
            job.progress[made] = 0.4
            self.waiting.append(job)
        self.jobs.insert(0, job)
        return job

    def progress(self, job, share):
        """The candidate that is being made comes along."""
        job.progress[len(job.candidates)] = share
        self.ring("jobs", "strip")

    def show(self, candidate="", size=(300, 200), alpha=255, document=DOCUMENT, place=(100, 80)):
        """Lay a picture over the canvas; without a candidate it is a preview."""
        pixels = replace(picture(size[0] // 4, size[1] // 4, 5, alpha))
        if candidate:
            pixels = Raw(pixels.width, pixels.height, Layout("rgba", 8), pixels.data)
        self.shown = Shown(document, Placement(*place, *size), pixels, candidate)
        self.ring("shown")

    @staticmethod
    def _cells(job):
        made = {candidate.info.index: candidate for candidate in job.candidates}
        for index in range(job.count):
            share = 1.0 if index in made else job.progress.get(index, 0.0)
            preview = picture(48, 32, job.seed + int(share * 10)) if 0 < share < 1 else None
            yield Cell(job, index, made.get(index), preview, share)


class Host:
    """What the overlay needs of a host."""

    def __init__(self, window):
        self.view = window.activeView
        self.pictures = 0

    def picture(self, document, raw):
        """Counted."""
        self.pictures += 1
        return QImage(raw.data, raw.width, raw.height, raw.width * 4, QImage.Format.Format_RGBA8888).copy()


class Windows:
    """As ``plugins.krita.application``: a studio for each window."""

    def __init__(self):
        self.studios = []

    def studio_for(self, window):
        """The same for the same window."""
        for known, studio in self.studios:
            if known == window:
                return studio
        studio = Studio(Host(window))
        self.studios.append((window, studio))
        return studio


WINDOWS = Windows()
