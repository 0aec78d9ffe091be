# SPDX-License-Identifier: Apache-2.0
"""One of each message about projects, versions, history and taste, and of each errand."""

from bridge_server.protocol import errands as e
from bridge_server.protocol import history as h
from bridge_server.protocol import projects as p
from bridge_server.protocol import report as r
from bridge_server.protocol import taste as t
from bridge_server.protocol import versions as v
from bridge_server.protocol.records import Placement
from samples_records import CANDIDATE, DESCRIPTOR, GUIDE, JOB, MASK, OTHER, PATCH, PICTURE, PLACE, REGION

CANVAS = Placement(0, 0, 640, 480)
VERSION = v.VersionInfo(
    version="v2",
    project="book cover",
    document="cover.kra",
    parent="v1",
    candidate="c0ffee",
    job="j0b",
    verb="vary",
    prompt="a tree",
    created=3.5,
    session="s1",
    host="krita",
    placement=PLACE,
    name="the oak",
    starred=True,
    modified=True,
)
DECISION = v.DecisionInfo(
    decision="d1",
    project="book cover",
    candidate="c0ffee",
    kind="modify",
    session="s1",
    host="krita",
    created=4.5,
    version="v2",
    changed=0.125,
    difference=7.5,
)
HEAD = v.Head("book cover", "cover.kra", "v2", can_undo=True, undo_to="v1", redo_to="v3")
PROJECT = p.ProjectInfo(
    project="book cover",
    seq=57,
    created=1.5,
    last_used=4.5,
    jobs=2,
    candidates=3,
    versions=1,
    size=4096,
    hosts=["krita", "gimp"],
    heads=[HEAD],
)
SETTINGS = t.TasteSettings(on=False, scope="all", exploration=0.5, pins={"warmth": 0.75})
TASTE = t.TasteInfo(
    project="book cover",
    settings=SETTINGS,
    lessons=9,
    needed=3,
    active=True,
    summary="warmer (pinned), smoother",
    axes=[t.TasteAxis("warmth", "warmer", 1.125, 0.75, pinned=0.75)],
    liked=["c0ffee"],
    disliked=["c0de"],
)
LESSON = t.Lesson([DESCRIPTOR, OTHER], liked=[0], disliked=[1])
DATA = t.TasteData("bridge-taste-1", SETTINGS, [LESSON])
COLLECTED = p.Collected(candidates=3, jobs=2, orphans=1, freed=4096, size=8192, budget=6144, over=2048)
MOVED = v.Moved(HEAD, VERSION)
RATE = r.Rate(3, 4, share=0.75, low=0.25, high=0.875)
SPREAD = r.Spread(5, median=2.5, low=1.25, high=3.75)
MEASURES = r.Measures(
    label="book cover",
    host="krita, gimp",
    began=1.5,
    ended=4.5,
    jobs=2,
    offered=3,
    accepted=RATE,
    rejected=RATE,
    first_accepted=RATE,
    time_to_accept=SPREAD,
    iterations=SPREAD,
    left_open=1,
    breadth=SPREAD,
    divergence=SPREAD,
    prompt_drift=SPREAD,
    changed=SPREAD,
    difference=SPREAD,
)

_AGAIN = {"count": 2, "seed": 42, "priority": -1, "if_gone": "cancel", "job": "j0b"}

#: Requests with no field at its default.
REQUESTS = (
    p.ListProjects(),
    p.GetProject("book cover"),
    p.Follow(57, 1.5),
    p.DeleteProject("book cover"),
    p.ExportProject("/home/ada/cover.zip", "book cover", overwrite=True),
    p.ImportProject("/home/ada/cover.zip", "second cover"),
    p.Collect(budget=6144, keep=60.5, dry_run=True),
    v.Accept("c0ffee", "cover.kra", PLACE, CANVAS, "the oak", "v1", "v0", key="k3y"),
    v.Reject(["c0ffee", "c0de"], key="k3y"),
    v.Modify("v2", PATCH, PLACE, key="k3y"),
    v.More(
        "c0ffee",
        amount=0.25,
        **_AGAIN,
        verb="refine",
        strength=0.3,
        prompt="an oak",
        negative_prompt="fog",
        engine="patchmatch",
        toward="c0de",
    ),
    v.Less("c0ffee", **_AGAIN),
    v.Undo("cover.kra", "v1", key="k3y"),
    v.Redo("cover.kra", "v1", key="k3y"),
    v.Go("v2", "cover.kra", "v1", key="k3y"),
    v.Mark("v2", name="the oak", starred=True, key="k3y"),
    v.GetTree(document="cover.kra", path_of="v2", project="book cover", before=12, limit=7),
    v.GetVersion("v2", "rgbaf32", "linear"),
    h.History(
        text="oak",
        host="krita",
        verb="vary",
        engine="patchmatch",
        document="cover.kra",
        since=1.5,
        until=4.5,
        accepted=True,
        starred=True,
        project="book cover",
        before=12,
        limit=7,
    ),
    h.GetInputs("j0b"),
    h.Compare("c0ffee", "c0de"),
    t.GetTaste("book cover"),
    t.SetTaste(on=False, scope="all", exploration=0.5, pins={"warmth": 0.75}, key="k3y"),
    t.Forget(key="k3y"),
    t.SaveTaste("book cover"),
    t.LoadTaste(DATA, key="k3y"),
    t.Suggest("vary", "patchmatch"),
    r.GetReport("book cover"),
)

#: op -> its result, but for those that answer with a job
RESULTS = {
    "projects": p.ProjectList([PROJECT]),
    "project": PROJECT,
    "follow": PROJECT,
    "delete_project": COLLECTED,
    "export_project": p.Exported("/home/ada/cover.zip", 4096, 2, 3),
    "import_project": PROJECT,
    "collect": COLLECTED,
    "accept": v.Accepted(VERSION, HEAD),
    "reject": v.Decisions([DECISION]),
    "modify": DECISION,
    "undo": MOVED,
    "redo": MOVED,
    "go": MOVED,
    "mark": VERSION,
    "tree": v.Tree([VERSION], next=11),
    "version": v.VersionDone(VERSION, PLACE, PATCH),
    "history": h.HistoryPage([h.HistoryEntry(JOB, [DECISION], [VERSION])], next=11),
    "inputs": h.JobInputs("j0b", REGION, PICTURE, MASK, [1, 2, 3, 4], [GUIDE]),
    "compare": h.Comparison(
        CANDIDATE,
        CANDIDATE,
        {"seed": [42, 43], "prompt": ["a tree", ""]},
        ["warmer", "smoother"],
        overlap=0.75,
        changed=0.5,
        difference=12.5,
    ),
    "taste": TASTE,
    "set_taste": TASTE,
    "forget_taste": TASTE,
    "save_taste": DATA,
    "load_taste": TASTE,
    "suggest": t.Suggestion("vary", "patchmatch", 5, {"amount": 0.25}, {"patch_radius": 5}),
    "report": r.Report(
        project="book cover",
        whole=MEASURES,
        sessions=[MEASURES],
        days=[MEASURES],
        shares=[r.Share("cover.kra", 307_200, canvas_known=True, machine=0.25, both=0.125, artist=0.625)],
        depth=5,
        branches=2,
    ),
}

#: topic -> body
EVENTS = {
    "project.job": p.ProjectJob("book cover", "j0b", "vary", "done", "s1", "krita", "cover.kra"),
    "project.decision": DECISION,
    "project.version": VERSION,
    "project.head": HEAD,
    "project.taste": t.TasteChanged("book cover", SETTINGS),
    "project.deleted": p.ProjectDeleted("book cover"),
    "store.collected": COLLECTED,
}

#: What the clerk is asked, and answers.
ERRANDS = (
    e.Learn("t1", [LESSON], {"warmth": 0.75}),
    e.Learned("t1", TASTE.axes, "warmer", [[0, 0]], [[0, 1]]),
    e.Choose("t2", [DESCRIPTOR, OTHER], 1, 42, [LESSON], {"warmth": 0.75}, 0.25, unlike=OTHER),
    e.Chosen("t2", [1, 0], ["near", "surprise"]),
    e.Differ("t3", PATCH, PLACE, PATCH, REGION, DESCRIPTOR, OTHER, final=True),
    e.Differs("t3", 0.75, 0.5, 12.5, ["warmer"]),
    e.Overlay("t4", PICTURE, REGION, PATCH, PLACE),
    e.Overlaid("t4", PICTURE, REGION, MASK),
    e.Convert("t5", PATCH, "rgba16", "linear"),
    e.Converted("t5", PATCH),
    e.Reckon("t6", "/data", "book cover"),
    e.Reckoned("t6", RESULTS["report"]),
)
