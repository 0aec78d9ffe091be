# SPDX-License-Identifier: GPL-3.0-or-later
"""A host program and a link to the daemon that exist in memory only, for the plugins' shared parts."""

from dataclasses import dataclass, field, replace

from bridge_server.client.happenings import ConnectionChanged
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.messages import CandidateDone, EngineList, JobState, Submitted
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import CandidateInfo, Context, EngineInfo, Placement, Setting
from plugins.shared.host import Gone
from plugins.shared.model import Layout, Look, Raw, Sides

ENGINE = EngineInfo(
    "patchmatch",
    "1",
    "PatchMatch",
    {"fill": [], "expand": [], "vary": ["amount"], "refine": ["strength"]},
    [],
    Context(ratio=0.5, min_margin=8, min_side=16),
)

#: One that heeds words and guides, has settings of its own, and can be led while it works.
HEEDING = EngineInfo(
    "diffusers/tiny",
    "1",
    "Tiny",
    {
        "fill": ["prompt", "negative_prompt"],
        "expand": ["prompt"],
        "vary": ["prompt", "amount"],
        "refine": ["prompt", "strength"],
    },
    ["prompt", "negative_prompt", "strength", "guidance", "weights", "finish"],
    ENGINE.context,
    batches=True,
    guides=["style", "toward", "scribble", "depth"],
    settings=[
        Setting("steps", "Steps", "integer", 28, 1, 150),
        Setting("guidance", "Guidance", "number", 7.0, 0, 50),
        Setting("sampler", "Sampler", "choice", "", choices=["", "ddim"]),
        Setting("trigger", "Trigger", "text", ""),
        Setting("loras", "LoRAs", "weights", {}, -2, 2, choices=["ink", "wash"]),
    ],
)

PLACE = Placement(2, 2, 2, 2)


class MemoryOnly(dict):
    """``Memory`` that forgets at the end."""

    def recall(self, key):
        """Empty: nothing was kept."""
        return self.get(key, "")

    def keep(self, key, text):
        """Until the end."""
        self[key] = text


@dataclass
class Asked:
    """A request that waits for the test's answer."""

    request: object
    then: object
    failed: object

    def answer(self, result):
        """As the daemon would."""
        if self.then is not None:
            self.then(result)

    def fail(self, error):
        """As the daemon would."""
        if self.failed is not None:
            self.failed(error)


@dataclass
class StandInLink:
    """Keeps what was asked; the test answers and tells events."""

    asked: list = field(default_factory=list)
    opened: list = field(default_factory=list)
    installed: bool = True
    sandboxed: bool = False
    most_pixels: int = 10_000
    host: str = "krita"
    hear: object = None
    starts: list = field(default_factory=list)

    def open(self, project, hear):
        """Remember who listens."""
        self.opened.append(project)
        self.hear = hear

    def close(self):
        """Nothing is there to be closed."""
        self.opened.append(None)

    def ask(self, request, then=None, failed=None, *, always=False):
        """Keep it."""
        self.asked.append(Asked(request, then, failed))

    def ask_made(self, make, then, failed):
        """Make it at once."""
        try:
            request = make()
        except BridgeError as error:
            failed(error)
            return
        if request is not None:
            self.ask(request, then, failed)

    def make(self, make, then, failed):
        """Compute it at once."""
        try:
            made = make()
        except BridgeError as error:
            failed(error)
            return
        then(made)

    def start_daemon(self, then, failed):
        """Keep the two ends of it."""
        self.starts.append((then, failed))

    # ---- for the tests ------------------------------------------------------------------------------

    def take(self, kind):
        """The oldest request of a kind that was not taken yet."""
        found = next(asked for asked in self.asked if isinstance(asked.request, kind))
        self.asked.remove(found)
        return found

    def kinds(self):
        """Names of the requests that were not taken yet."""
        return [type(asked.request).__name__ for asked in self.asked]

    def tell(self, topic, body, seq=1):
        """An event."""
        self.hear(Event(topic, seq, body))

    def connect(self, engines=(ENGINE,)):
        """The daemon is there, and says what it can do."""
        self.hear(ConnectionChanged("connected"))
        next(a for a in self.asked if type(a.request).__name__ == "Engines").answer(EngineList(list(engines)))
        self.asked.clear()

    def submitted(self, kind):
        """Answer the next submit; its request."""
        asked = self.take(kind)
        asked.answer(Submitted(asked.request.job, 1, 7))
        return asked.request

    def candidate(self, job, index=0, placement=PLACE):
        """A candidate of a job is done; its name."""
        name = f"{job[:6]}-{index}"
        data = bytes([index, 20, 30, 255]) * (placement.width * placement.height)
        info = CandidateInfo(name, job, index, 7 + index, placement, 0.1)
        self.tell(
            "job.candidate", CandidateDone(info, Pixels(placement.width, placement.height, "rgba8", data))
        )
        return name

    def state(self, job, state, **more):
        """A job's new state."""
        self.tell("job.state", JobState(job, state, **more))


class StandInHost:
    """One document of plain grey, 32 x 24, and what was done to it."""

    def __init__(self):
        self.now = Look("sky.kra-1", "sky.kra", 32, 24, Placement(8, 8, 4, 4), "Background")
        self.kind = Layout("bgra", 8)
        self.done, self.there, self.steps, self.versions = [], [], 0, {}
        self.reads, self.grows = [], {}

    def look(self):
        """What the test has set."""
        return self.now

    def _check(self, document):
        if self.now is None or self.now.document != document:
            raise Gone("The document is closed.")

    def layout(self, document):
        """8-bit unless the test says otherwise."""
        self._check(document)
        return self.kind

    def read(self, document, area, source):
        """Blue 1, green 2, red 3; of the layer alone 7, 8, 9."""
        self._check(document)
        self.reads.append((area, source))
        pixel = bytes([1, 2, 3, 255]) if source == "visible" else bytes([7, 8, 9, 255])
        return Raw(area.width, area.height, self.kind, pixel * (area.width * area.height))

    def coverage(self, document, area):
        """Half within the selection, nothing around it."""
        self._check(document)
        at = self.now.selection
        rows = bytearray(area.width * area.height)
        for y in range(at.y - area.y, at.y - area.y + at.height):
            start = y * area.width + at.x - area.x
            rows[start : start + at.width] = b"\x80" * at.width
        return Raw(area.width, area.height, None, bytes(rows))

    def size(self, document):
        """As it is now."""
        self._check(document)
        return self.now.width, self.now.height

    def _placed(self, *what):
        self.done.append(what)
        name = f"layer-{len(self.done)}"
        self.there.append(name)
        return name

    def place(self, document, layer, *, above_active):
        """A layer."""
        self._check(document)
        return self._placed("layer", layer, above_active)

    def place_into(self, document, layer):
        """Another layer stands for both."""
        self._check(document)
        return self._placed("into", layer)

    def place_group(self, document, name, layers, *, above_active):
        """Several layers."""
        self._check(document)
        return self._placed("group", name, list(layers))

    def grow(self, document, sides: Sides, layer):
        """A larger canvas."""
        self._check(document)
        placed = self._placed("grow", sides, layer)
        self.grows[placed] = tuple(layer.facts["grown"])
        self.now = replace(
            self.now,
            width=self.now.width + sides.left + sides.right,
            height=self.now.height + sides.top + sides.bottom,
        )
        return placed

    def grown(self, document):
        """Those whose layers are there."""
        self._check(document)
        return [self.grows[name] for name in self.there if name in self.grows]

    def standing(self, document):
        """Those that the test left there."""
        self._check(document)
        return [self.versions[name] for name in self.there if name in self.versions]

    def note_version(self, document, layer, version):
        """Remember it."""
        self.versions[layer] = version

    def steps_taken(self):
        """As the test has set it."""
        return self.steps

    # ---- for the tests ------------------------------------------------------------------------------

    def undo(self):
        """Take the latest layer away, as the artist's undo does; returns it."""
        self.steps += 1
        return self.there.pop()

    def redo(self, layer):
        """Bring a layer back."""
        self.steps += 1
        self.there.append(layer)
