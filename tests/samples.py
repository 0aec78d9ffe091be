# SPDX-License-Identifier: Apache-2.0
"""One of each message, for the tests of the wire."""

import samples_conversation as conversation
from bridge_server.protocol import messages as m
from bridge_server.protocol import steering as s
from bridge_server.protocol.work import (
    CancelTask,
    Ready,
    SteerTask,
    Task,
    TaskCandidate,
    TaskDraft,
    TaskEnded,
    TaskPreview,
    TaskProgress,
    Together,
)
from samples_records import (
    CANDIDATE,
    DESCRIPTOR,
    ENGINE,
    GUIDE,
    JOB,
    MASK,
    PATCH,
    PICTURE,
    PLACE,
    REGION,
    STEERING,
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
    "document": "cover.kra",
    "taste": True,
    "drafted": True,
    "unlike": "c0ffee",
    "guides": [GUIDE],
    "live": "str0kes",
}

#: op -> a request with no field at its default
REQUESTS = {
    request.op: request
    for request in (
        m.Hello(1, "t0ken", "a test/1.0", "krita", "book cover", "s1"),
        m.Status(),
        m.Engines(fresh=True),
        m.Echo(PICTURE),
        m.Fill(PICTURE, MASK, REGION, **_VERB),
        m.Expand(PICTURE, REGION, left=1, right=2, top=3, bottom=4, **_VERB),
        m.Vary(PICTURE, MASK, REGION, **_VERB, amount=0.25),
        m.Refine(PICTURE, MASK, REGION, **_VERB),
        m.Cancel("j0b"),
        s.Steer("j0b", "an oak", "fog", 0.625, 6.5, [0.5]),
        s.Finish("j0b"),
        m.GetJob("j0b"),
        m.ListJobs(every_session=True, limit=7),
        m.Fetch("c0ffee", thumbnail=True, format="rgba16", colorspace="linear"),
        m.Watch("j0b", 3),
        m.Stop(),
        *conversation.REQUESTS,
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
    "steer": s.Steered("j0b", STEERING),
    "finish": s.Steered("j0b", STEERING),
    "job": JOB,
    "jobs": m.JobList([JOB]),
    "fetch": DONE,
    "watch": JOB,
    "stop": m.Ack(),
    "more": _SUBMITTED,
    "less": _SUBMITTED,
    **conversation.RESULTS,
}

#: topic -> body
EVENTS = {
    "job.state": m.JobState("j0b", "failed", "worker_died", "It ended.", "Ask again.", resumed=True),
    "job.progress": m.JobProgress("j0b", 1, 0.5),
    "job.preview": m.Preview("j0b", 1, REGION, PATCH),
    "job.drafts": m.DraftsProgress("j0b", 3, 12),
    "job.candidate": DONE,
    "job.steered": s.Steered("j0b", STEERING),
    "daemon.engines": m.EngineList([ENGINE]),
    "daemon.stops": m.DaemonStops("SIGTERM"),
    **conversation.EVENTS,
}

_TASK = Task(
    "j0b:1", "patchmatch", "expand", PICTURE, MASK, [1], [43], [1, 2, 3, 4], "a tree", "text",
    0.75, 0.25, {"patch_radius": 5}, "drafted", [GUIDE], STEERING,
)  # fmt: skip

#: name -> message between the daemon and a worker
WORK = {
    type(message).__name__: message
    for message in (
        Ready([ENGINE]),
        _TASK,
        Together("both", [_TASK]),
        CancelTask("j0b:1"),
        SteerTask("j0b:1", STEERING),
        TaskProgress("j0b:1", 1, 0.5),
        TaskPreview("j0b:1", 1, PLACE, PATCH),
        TaskDraft("j0b:d1", 1, 43, DESCRIPTOR),
        TaskCandidate("j0b:1", 1, 43, PLACE, PATCH, 0.25, PATCH, DESCRIPTOR, {"patch_radius": 5}),
        TaskEnded("j0b:1", "engine_failed", "It failed.", "Ask again."),
        *conversation.ERRANDS,
    )
}  # fmt: skip


def stored_events(store, job, after=0):
    """The lasting events of a job, read one after the other as a replay does."""
    events = []
    while (event := store.event_after(job, events[-1].seq if events else after)) is not None:
        events.append(event)
    return events
