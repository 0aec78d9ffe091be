# SPDX-License-Identifier: Apache-2.0
"""Two hosts in one project: what one does the other hears, sees, places and takes further."""

import struct
import subprocess

import pytest

from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import BadRequest, NotFound
from bridge_server.protocol.history import Compare, GetInputs, History
from bridge_server.protocol.messages import Fetch, GetJob
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import DeleteProject, Follow, GetProject, ProjectJob
from bridge_server.protocol.records import Placement
from bridge_server.protocol.report import GetReport
from bridge_server.protocol.taste import GetTaste, SetTaste, Suggest, TasteChanged
from bridge_server.protocol.versions import (
    Accept,
    DecisionInfo,
    GetTree,
    GetVersion,
    Go,
    Head,
    Less,
    Mark,
    Modify,
    More,
    Redo,
    Reject,
    Undo,
    VersionInfo,
)
from daemons import fill, is_alive, outcome, wait_until


@pytest.fixture
def daemon(start):
    """A daemon of the test's own."""
    return start()


@pytest.fixture
def krita(daemon):
    """An illustrator."""
    with daemon.client(host="krita", project="book cover") as client:
        yield client


@pytest.fixture
def gimp(daemon):
    """A designer in the same project."""
    with daemon.client(host="gimp", project="book cover") as client:
        yield client


def make(client, **fields):
    """A finished job's candidates."""
    job = client.call(fill(**fields)).job
    state, candidates = outcome(client, job)
    assert state.state == "done", state
    return sorted(candidates, key=lambda done: done.info.index)


def news_of(client, count):
    """So many of the project's events."""
    heard = []
    while len(heard) < count:
        happening = client.wait(20)
        assert happening is not None, heard
        if isinstance(happening, Event) and happening.topic.startswith("project."):
            heard.append(happening)
    return heard


def news(client, enough):
    """The project's events until one fulfils a condition; their numbers have no gap."""
    heard = []
    while not heard or not enough(heard[-1].body):
        happening = client.wait(20)
        assert happening is not None, heard
        if isinstance(happening, Event) and happening.topic.startswith("project."):
            heard.append(happening)
    assert [event.seq for event in heard] == list(range(heard[0].seq, heard[0].seq + len(heard)))
    return [event.body for event in heard]


def test_what_one_host_does_the_other_hears(krita, gimp):
    """Jobs, decisions, versions and heads, live, in the order in which they happened."""
    gimp.call(Follow())
    candidates = make(krita, count=3, prompt="an old fir")
    accepted = krita.call(Accept(candidates[1].info.candidate, document="cover.kra"))
    krita.call(Reject([candidates[0].info.candidate]))
    heard = news(gimp, lambda body: isinstance(body, DecisionInfo) and body.kind == "reject")
    kinds = [type(body) for body in heard]
    assert kinds == [ProjectJob, ProjectJob, DecisionInfo, VersionInfo, Head, DecisionInfo]
    assert [body.state for body in heard[:2]] == ["queued", "done"]
    assert {body.host for body in heard[:4]} == {"krita"}
    assert heard[3] == accepted.version
    assert heard[4] == accepted.head
    assert (accepted.head.version, accepted.head.can_undo) == (accepted.version.version, True)


def test_a_version_of_one_host_is_placed_in_another(krita, gimp):
    """Its pixels come losslessly, and the place where the other host put them is kept."""
    (candidate,) = make(krita)
    version = krita.call(Accept(candidate.info.candidate, document="cover.kra")).version
    done = gimp.call(GetVersion(version.version))
    assert (done.info, done.pixels) == (version, candidate.pixels)
    there = Placement(7, 8, done.pixels.width, done.pixels.height)
    canvas = Placement(0, 0, 200, 100)
    placed = gimp.call(Accept(candidate.info.candidate, "poster.xcf", placement=there, canvas=canvas))
    assert (placed.version.placement, placed.version.host) == (there, "gimp")
    heads = {head.document: head.version for head in krita.call(GetProject()).heads}
    assert heads == {"cover.kra": version.version, "poster.xcf": placed.version.version}


def test_an_offer_comes_in_the_depth_of_another_document(krita, gimp):
    """As linear floats and back to the same bytes; alpha is only scaled. The version as the candidate."""
    (candidate,) = make(krita)
    name, kept = candidate.info.candidate, candidate.pixels
    version = krita.call(Accept(name)).version
    deep = gimp.call(Fetch(name, format="rgbaf32", colorspace="linear"))
    assert deep.info == candidate.info
    assert (deep.pixels.format, deep.pixels.colorspace) == ("rgbaf32", "linear")
    values = struct.unpack(f"<{len(kept.data)}f", deep.pixels.data)
    light = [((v / 255 + 0.055) / 1.055) ** 2.4 if v > 10 else v / 255 / 12.92 for v in kept.data]
    light[3::4] = [alpha / 255 for alpha in kept.data[3::4]]
    assert values == pytest.approx(light, abs=1e-6)
    assert gimp.call(GetVersion(version.version, "rgbaf32", "linear")).pixels == deep.pixels
    final = krita.call(Modify(version.version, deep.pixels, version.placement))
    back = gimp.call(GetVersion(final.version, "rgba8", "srgb"))
    assert (back.pixels, back.info.modified) == (kept, True)
    with pytest.raises(BadRequest, match=r"params\.format is 'cmyk'"):
        gimp.call(Fetch(name, format="cmyk"))


def test_undo_redo_and_a_branch(krita, gimp):
    """The tree keeps every way; a host that looks on sees the same head."""
    names = [done.info.candidate for done in make(krita, count=3)]
    first, second = (krita.call(Accept(name)).version.version for name in names[:2])
    assert krita.call(Undo()).head.version == first
    assert gimp.call(Redo()).head.version == second
    assert gimp.call(Undo()).version.version == first
    third = gimp.call(Accept(names[2])).version
    assert third.parent == first
    assert krita.call(Redo()).head.version == third.version, "a redo leads nowhere but along the new branch"
    back = krita.call(Go(second))
    assert (back.head.version, back.head.undo_to) == (second, first)
    tree = {version.version: version.parent for version in krita.call(GetTree()).versions}
    assert tree == {first: "", second: first, third.version: first}
    path = krita.call(GetTree(path_of=third.version)).versions
    assert [version.version for version in path] == [third.version, first]
    assert krita.call(Undo()).version.version == first
    start = krita.call(Undo())
    assert (start.version, start.head.version, start.head.can_undo) == (None, "", False)
    assert krita.call(Undo()).head == start.head
    assert krita.call(Redo()).head.version == first


def test_a_change_that_is_asked_again_happens_once(krita):
    """As a client does that lost the answer with its connection."""
    (candidate,) = make(krita)
    accept = Accept(candidate.info.candidate, key="once")
    assert krita.call(accept) == krita.call(accept)
    assert len(krita.call(GetTree()).versions) == 1
    undo = Undo(key="back")
    krita.call(undo)
    krita.call(Redo())
    krita.call(undo)
    assert krita.call(GetProject()).heads[0].version


def test_the_history_finds_what_was_asked(krita, gimp):
    """By words, host, what was accepted, names and stars; with everything that was decided."""
    fir = make(krita, count=2, prompt="an old fir tree")
    make(gimp, prompt="rough sea")
    version = krita.call(Accept(fir[1].info.candidate)).version
    krita.call(Reject([fir[0].info.candidate]))
    krita.call(Mark(version.version, name="the crooked one", starred=True))

    def prompts(**search):
        return [entry.job.prompt for entry in gimp.call(History(**search)).entries]

    assert prompts() == ["rough sea", "an old fir tree"]
    assert prompts(text="TREE old") == prompts(text="fi") == ["an old fir tree"]
    assert prompts(text="crook") == prompts(starred=True) == prompts(accepted=True) == ["an old fir tree"]
    assert prompts(host="gimp") == ["rough sea"]
    assert prompts(text="fir sea") == prompts(engine="other") == prompts(until=1.0) == []
    page = gimp.call(History(limit=1))
    assert [entry.job.prompt for entry in page.entries] == ["rough sea"]
    (entry,) = gimp.call(History(limit=1, before=page.next)).entries
    assert {info.kind: info.candidate for info in entry.decisions} == {
        "accept": fir[1].info.candidate,
        "reject": fir[0].info.candidate,
    }
    assert (entry.versions[0].name, entry.versions[0].starred) == ("the crooked one", True)


def test_a_job_can_be_asked_for_again_as_it_was(krita, gimp):
    """Its inputs and settings give the same pixels, from another host too."""
    (candidate,) = make(krita, prompt="moss", parameters={"side": 5})
    info = gimp.call(GetJob(candidate.info.job))
    inputs = gimp.call(GetInputs(info.job))
    again = fill(prompt=info.prompt, parameters=info.parameters, seed=candidate.info.seed)
    assert (inputs.picture, inputs.mask, inputs.region) == (again.picture, again.mask, again.region)
    (twin,) = make(gimp, prompt=info.prompt, parameters=info.parameters, seed=candidate.info.seed)
    assert twin.pixels == candidate.pixels


def test_the_final_work_is_kept_and_measured(krita, gimp):
    """What the artist painted over an offer comes back from the version, and the distance is told."""
    gimp.call(Follow())
    (candidate,) = make(krita)
    version = krita.call(Accept(candidate.info.candidate)).version
    pixels = candidate.pixels
    half = len(pixels.data) // 2
    painted = Pixels(pixels.width, pixels.height, pixels.format, b"\xff" * half + pixels.data[half:])
    krita.call(Modify(version.version, painted, version.placement))
    heard = news(gimp, lambda body: isinstance(body, DecisionInfo) and body.changed is not None)
    assert heard[-1].changed == pytest.approx(0.5, abs=0.02)
    assert heard[-1].difference > 1
    done = gimp.call(GetVersion(version.version))
    assert (done.pixels, done.info.modified) == (painted, True)
    report = gimp.call(GetReport())
    assert report.whole.changed.median == heard[-1].changed
    (share,) = report.shares
    assert (share.machine, share.both) == pytest.approx((0.5, 0.5), abs=0.03)


def test_two_candidates_are_compared(krita):
    """In words, settings and figures."""
    first = make(krita, seed=1, prompt="moss")[0]
    second = make(krita, seed=2, prompt="fern")[0]
    found = krita.call(Compare(first.info.candidate, second.info.candidate))
    assert (found.first, found.second) == (first.info, second.info)
    assert found.settings == {"prompt": ["moss", "fern"], "seed": [1, 2]}
    assert (found.overlap, found.changed) == (1.0, 1.0)
    assert found.words


def test_thumbnails_are_small(krita):
    """For a list of hundreds of candidates."""
    (candidate,) = make(krita, width=400, height=300)
    small = krita.call(Fetch(candidate.info.candidate, thumbnail=True))
    assert small.info == candidate.info
    assert 48 <= max(small.pixels.width, small.pixels.height) <= 96
    assert small.pixels.format == "rgba8"


def test_more_and_less_like_this(krita):
    """More is a variation of the candidate as if it were painted; less is chosen away from it; both teach."""
    (candidate,) = make(krita, prompt="moss", seed=3)
    info = candidate.info
    more = krita.call(More(info.candidate, count=2))
    assert outcome(krita, more.job)[0].state == "done"
    asked, inputs = krita.call(GetJob(more.job)), krita.call(GetInputs(more.job))
    assert (asked.verb, asked.prompt, len(asked.candidates)) == ("vary", "moss", 2)
    place = asked.candidates[0].placement
    assert place == info.placement
    row = (info.placement.y - inputs.region.y) * inputs.region.width + info.placement.x - inputs.region.x
    assert inputs.picture.data[4 * row : 4 * row + 3] == candidate.pixels.data[:3]
    less = krita.call(Less(info.candidate, count=2))
    assert outcome(krita, less.job)[0].state == "done"
    asked = krita.call(GetJob(less.job))
    assert (asked.verb, asked.unlike, asked.drafts) == ("fill", info.candidate, 12)
    (entry,) = [e for e in krita.call(History()).entries if e.job.job == info.job]
    assert [decision.kind for decision in entry.decisions] == ["more", "less"]


def test_taste_learns_and_is_the_artists_to_steer(krita, gimp):
    """From three choices on it chooses; what it learned is told; off is as without it."""
    gimp.call(Follow())
    for seed in (10, 20, 30):
        lightest = max(make(krita, count=4, seed=seed), key=lambda done: done.info.descriptor["lightness"])
        krita.call(Accept(lightest.info.candidate))
    taste = krita.call(GetTaste())
    assert (taste.active, taste.lessons, taste.needed) == (True, 3, 3)
    assert len(taste.liked) == 3
    offered = {done.info.offered for done in make(krita, count=4)}
    assert offered == {"near", "surprise"}
    plain = make(krita, count=2, seed=5)
    assert {done.info.offered for done in plain} == {""}
    corrected = krita.call(SetTaste(on=False, pins={"lightness": -1.0}))
    settings = corrected.settings
    assert "darker (pinned)" in corrected.summary
    assert not corrected.active
    heard = news(gimp, lambda body: isinstance(body, TasteChanged))
    assert heard[-1] == TasteChanged("book cover", settings)
    off = make(krita, count=2)
    assert {done.info.offered for done in off} == {""}
    assert [done.info.seed for done in off] == [off[0].info.seed, off[0].info.seed + 1]
    assert [done.pixels for done in make(krita, count=2, seed=5)] == [done.pixels for done in plain]
    assert krita.call(Suggest("fill")).accepted == 3


def test_another_projects_candidate_is_refused_in_words(daemon, krita):
    """Its project has its own tree; nothing is changed by asking."""
    (candidate,) = make(krita)
    with daemon.client(project="poster") as other:
        with pytest.raises(BadRequest, match="belongs to the project 'book cover', this is 'poster'"):
            other.call(Accept(candidate.info.candidate))
        with pytest.raises(NotFound, match="no candidate 'nobody'"):
            other.call(Reject(["nobody"]))
        with pytest.raises(BadRequest, match="belongs to the project"):
            other.call(More(candidate.info.candidate))
        assert other.call(GetTree()).versions == []
        assert other.call(GetProject()).seq == 0
    with pytest.raises(BadRequest, match=r"params\.project"):
        daemon.client(project="../x")


def test_a_follower_that_comes_back_misses_nothing(daemon, krita):
    """The client asks again from the last number it saw, and hears every event once."""
    with daemon.client(host="gimp", project="book cover") as gimp:
        gimp.call(Follow())
        names = [done.info.candidate for done in make(krita, count=2)]
        krita.call(Reject(names[:1]))
        heard = news(gimp, lambda body: isinstance(body, DecisionInfo))
        daemon.kill()
        daemon.start()
        krita.call(Accept(names[1]))
        later = news(gimp, lambda body: isinstance(body, Head))
    assert [type(body) for body in heard + later] == [
        ProjectJob, ProjectJob, DecisionInfo, DecisionInfo, VersionInfo, Head,
    ]  # fmt: skip


def test_who_looks_on_hears_of_a_deletion_and_of_what_comes_after(krita, gimp):
    """A project of the same name begins anew, with its events numbered from 1."""
    gimp.call(Follow())
    make(krita)
    assert krita.call(DeleteProject("book cover")).candidates == 1
    make(krita)
    heard = news_of(gimp, 5)
    assert [event.topic for event in heard] == [
        "project.job", "project.job", "project.deleted", "project.job", "project.job",
    ]  # fmt: skip
    assert [event.seq for event in heard] == [1, 2, 0, 1, 2]
    assert krita.call(GetProject()).candidates == 1


def family(pid):
    """The processes that a process has started, and theirs: number -> command."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in found.stdout.splitlines()]
    members, grown = {str(pid)}, True
    while grown:
        more = {number for number, parent, _ in rows if parent in members} - members
        members |= more
        grown = bool(more)
    return {int(number): command for number, _, command in rows if number in members - {str(pid)}}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_clerk_starts_when_it_is_needed_and_ends_with_the_daemon(daemon, krita, end):
    """An idle daemon is one process; no other one is left, however it ends."""
    assert family(daemon.process.pid) == {}
    make(krita)
    assert not [command for command in family(daemon.process.pid).values() if "clerk" in command]
    krita.call(GetTaste())
    processes = family(daemon.process.pid)
    assert len([command for command in processes.values() if "bridge_server.workers.clerk" in command]) == 1
    if end == "stop":
        assert daemon.stop() == 0
        assert not [pid for pid in processes if is_alive(pid)]
    else:
        daemon.kill()
        wait_until(lambda: not [pid for pid in processes if is_alive(pid)])
