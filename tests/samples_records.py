# SPDX-License-Identifier: Apache-2.0
"""What the sample messages carry."""

from bridge_server.protocol import records as r
from bridge_server.protocol.pixels import Pixels

PICTURE = Pixels(2, 1, "rgb8", b"\x00\x01\x02\xfd\xfe\xff")
MASK = Pixels(2, 1, "gray8", b"\x00\xff")
PATCH = Pixels(1, 1, "rgba8", b"\x10\x20\x30\xff")
REGION = r.Placement(40, -7, 2, 1)
PLACE = r.Placement(41, -7, 1, 1)
DESCRIPTOR = {"lightness": 0.5, "warmth": -0.25}
GUIDE = r.Guide("depth", PICTURE, weight=0.75, start=0.125, end=0.875)
STEERING = r.Steering("an oak", "fog", 0.625, 6.5, [0.5], finish=True)
OTHER = {"lightness": 0.625, "warmth": 0.125}

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
    drafts=["fill", "vary"],
    guides=["depth", "style"],
    settings=[r.Setting("steps", "Steps", "choice", 20, 1.0, 50.0, ["few", "many"], "How many.")],
)
CANDIDATE = r.CandidateInfo("c0ffee", "j0b", 1, 43, PLACE, 0.25, {"patch_radius": 5}, 2.5, "near", DESCRIPTOR)
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
    host="krita",
    document="cover.kra",
    drafts=12,
    drafted=True,
    unlike="c0ffee",
    guides=[r.GuideInfo("depth", 0.75, 0.125, 0.875)],
    steering=STEERING,
    position=3,
    error_code="worker_died",
    error_message="It ended.",
    error_hint="Ask again.",
    candidates=[CANDIDATE],
)
