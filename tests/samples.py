# SPDX-License-Identifier: Apache-2.0
"""One of each message, for the tests of the wire."""

from bridge_server.protocol import messages as m
from bridge_server.protocol import records as r
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.work import (
    CancelTask,
    Ready,
    Task,
    TaskCandidate,
    TaskEnded,
    TaskPreview,
    TaskProgress,
)

PICTURE = Pixels(2, 1, "rgb8", b"\x00\x01\x02\xfd\xfe\xff")
MASK = Pixels(2, 1, "gray8", b"\x00\xff")
PATCH = Pixels(1, 1, "rgba8", b"\x10\x20\x30\xff")
REGION = r.Placement(40, -7, 2, 1)
PLACE = r.Placement(41, -7, 1, 1)

ENGINE = r.EngineInfo(
    name="patchmatch",
    version="2.2.0",
    title="PatchMatch",
    verbs={"fill": [], "expand": ["prompt"]},
    steers=["strength"],
    context=r.Context(0.5, 64, 256),
    description="Fills from the picture itself.",
    batches=True,
    cancel_grace=0.05,
    model="sdxl",
    model_hash="ab12",
)
CANDIDATE = r.CandidateInfo("c0ffee", "j0b", 1, 43, PLACE, 0.25, {"patch_radius": 5})
JOB = r.JobInfo(
    job="j0b",
    verb="vary",
    state="failed",
    seq=4,
    session="s1",
    project="book cover",
    engine="patchmatch",
    count=2,
    created=1.5,
    engine_version="1",
    model="sd15",
    model_hash="ab12",
    seed=42,
    prompt="a tree",
    negative_prompt="text",
    strength=0.75,
    amount=0.25,
    parameters={"patch_radius": 5},
    region=REGION,
    position=3,
    error_code="worker_died",
    error_message="It ended.",
    error_hint="Ask again.",
    candidates=[CANDIDATE],
)
DONE = m.CandidateDone(CANDIDATE, PATCH)
_VERB = {
    "engine": "patchmatch",
    "prompt": "a tree",
    "negative_prompt": "text",
    "count": 2,
    "seed": 42,
    "strength": 0.75,
    "parameters": {"patch_radius": 5},
    "priority": -1,
    "if_gone": "cancel",
    "job": "j0b",
}

#: op -> a request with no field at its default
REQUESTS = {
    request.op: request
    for request in (
        m.Hello(1, "t0ken", "a test/1.0", "krita", "book cover", "s1"),
        m.Status(),
        m.Engines(),
        m.Echo(PICTURE),
        m.Fill(PICTURE, MASK, REGION, **_VERB),
        m.Expand(PICTURE, REGION, left=1, right=2, top=3, bottom=4, **_VERB),
        m.Vary(PICTURE, MASK, REGION, **_VERB, amount=0.25),
        m.Refine(PICTURE, MASK, REGION, **_VERB),
        m.Cancel("j0b"),
        m.GetJob("j0b"),
        m.ListJobs(every_session=True, limit=7),
        m.Fetch("c0ffee"),
        m.Watch("j0b", 3),
        m.Stop(),
    )
}

_SUBMITTED = m.Submitted("j0b", 2, 42)

#: op -> its result
RESULTS = {
    "hello": m.Welcome(1, "0.1.0", "s1", 65536, 4096),
    "status": m.DaemonStatus("0.1.0", 77, "ws://127.0.0.1:5", "/data", 1.5, 1, 2, 3, ["worker-1"]),
    "engines": m.EngineList([ENGINE]),
    "echo": m.Echo(PICTURE),
    "fill": _SUBMITTED,
    "expand": _SUBMITTED,
    "vary": _SUBMITTED,
    "refine": _SUBMITTED,
    "cancel": m.Ack(),
    "job": JOB,
    "jobs": m.JobList([JOB]),
    "fetch": DONE,
    "watch": JOB,
    "stop": m.Ack(),
}

#: topic -> body
EVENTS = {
    "job.state": m.JobState("j0b", "failed", "worker_died", "It ended.", "Ask again.", resumed=True),
    "job.progress": m.JobProgress("j0b", 1, 0.5),
    "job.preview": m.Preview("j0b", 1, REGION, PATCH),
    "job.candidate": DONE,
    "daemon.stops": m.DaemonStops("SIGTERM"),
}

#: name -> message between the daemon and a worker
WORK = {
    type(message).__name__: message
    for message in (
        Ready([ENGINE]),
        Task(
            "j0b:1", "patchmatch", "expand", PICTURE, MASK, [1], [43], [1, 2, 3, 4], "a tree", "text",
            0.75, 0.25, {"patch_radius": 5},
        ),
        CancelTask("j0b:1"),
        TaskProgress("j0b:1", 1, 0.5),
        TaskPreview("j0b:1", 1, PLACE, PATCH),
        TaskCandidate("j0b:1", 1, 43, PLACE, PATCH, 0.25, {"patch_radius": 5}),
        TaskEnded("j0b:1", "engine_failed", "It failed.", "Ask again."),
    )
}  # fmt: skip


def stored_events(store, job, after=0):
    """The lasting events of a job, read one after the other as a replay does."""
    events = []
    while (event := store.event_after(job, events[-1].seq if events else after)) is not None:
        events.append(event)
    return events
