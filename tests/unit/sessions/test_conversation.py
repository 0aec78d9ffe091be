# SPDX-License-Identifier: Apache-2.0
"""Decisions, and what they do to the tree."""

from dataclasses import replace

import pytest

import samples
from bridge_server.protocol.errors import BadRequest, Conflict, NotFound, OutOfSpace
from bridge_server.protocol.history import History
from bridge_server.protocol.records import Placement
from bridge_server.protocol.versions import Accept, Go, Head, Mark, Modify, Redo, Reject, Undo
from bridge_server.sessions import blobs
from bridge_server.sessions.conversation import Sitting
from remembering import BY, PROJECT, World, pixels

STRANGER = Sitting("s3", "poster", "gimp")


@pytest.fixture
def world(tmp_path):
    """Three jobs with two candidates each."""
    world = World(tmp_path)
    for job in "abc":
        world.job(job, 2)
    yield world
    world.close()


def topics(told):
    """What is told, and to whom."""
    assert {channel for channel, _ in told} <= {f"project/{PROJECT}"}
    return [event.topic for _, event in told]


def undo(world, document=""):
    """Where undo leads."""
    return world.conversation.undo(Undo(document), BY)[0].head.version


def redo(world, document=""):
    """Where redo leads."""
    return world.conversation.redo(Redo(document), BY)[0].head.version


def test_an_accepted_candidate_is_a_version_on_the_head(world):
    """With everything that is known of it; the first has no parent."""
    first = world.accept("a-c0")
    canvas, place = Placement(0, 0, 640, 480), Placement(9, 8, 1, 1)
    accepted, told = world.conversation.accept(
        Accept("b-c1", placement=place, canvas=canvas, name="the oak"), replace(BY, host="gimp")
    )
    made = accepted.version
    assert topics(told) == ["project.decision", "project.version", "project.head"]
    assert (made.parent, made.candidate, made.job, made.verb, made.prompt) == (
        first, "b-c1", "b", "fill", "a tree",
    )  # fmt: skip
    assert (made.placement, made.name, made.host, made.session) == (place, "the oak", "gimp", "s1")
    assert world.tree.version(first).parent == ""
    assert world.tree.version(first).placement == samples.PLACE
    assert accepted.head == Head(PROJECT, "", made.version, can_undo=True, undo_to=first)
    [decision] = world.tree.decisions("version = ?", (made.version,))
    assert (decision.kind, decision.candidate) == ("accept", "b-c1")
    assert world.tree.documents(PROJECT)[0][2] == canvas


def test_the_same_candidate_can_be_accepted_again(world):
    """On another document, or a second time on one: each is a version."""
    assert len({world.accept("a-c0"), world.accept("a-c0"), world.accept("a-c0", document="d")}) == 3
    assert world.library.project(PROJECT).versions == 3


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        ("accept", Accept("a-c0", key="k")),
        ("reject", Reject(["a-c0", "a-c1"], key="k")),
        ("undo", Undo(key="k")),
        ("redo", Redo(key="k")),
        ("go", Go("", key="k")),
    ],
)
def test_asked_again_with_its_key_nothing_happens_twice(world, call, request_):
    """The first answer comes again, and nobody is told twice."""
    world.accept("b-c0")
    world.accept("c-c0")
    undo(world)
    answer, told = getattr(world.conversation, call)(request_, BY)
    assert told
    after = world.dump()
    assert getattr(world.conversation, call)(request_, BY) == (answer, [])
    assert world.dump() == after


def test_a_key_is_one_of_its_verb(world):
    """The same key for another request is another request."""
    world.accept("a-c0")
    world.conversation.undo(Undo(key="k"), BY)
    moved, told = world.conversation.redo(Redo(key="k"), BY)
    assert moved.head.can_undo
    assert told


def test_leaning_happens_once(world):
    """More and less like this one are decisions, once for each job that they ask for."""
    first = world.conversation.lean("a-c0", "more", "job1", BY)
    assert (first[0].kind, topics(first[1])) == ("more", ["project.decision"])
    assert world.conversation.lean("a-c0", "more", "job1", BY) == (first[0], [])
    assert world.conversation.lean("a-c0", "less", "job1", BY)[0].kind == "less"
    assert len(world.tree.decisions("candidate = 'a-c0'", ())) == 2


def test_a_rejection_is_whole_or_not_at_all(world):
    """One wrong name, and none is rejected."""
    before = world.dump()
    with pytest.raises(NotFound, match="no candidate 'x'"):
        world.conversation.reject(Reject(["a-c0", "x"]), BY)
    assert world.dump() == before
    decisions, told = world.conversation.reject(Reject(["a-c0", "b-c0"]), BY)
    assert [each.candidate for each in decisions.decisions] == ["a-c0", "b-c0"]
    assert topics(told) == ["project.decision"] * 2


def test_undo_and_redo_walk_the_tree(world):
    """To the start and back; at both ends they stay, and tell nobody."""
    a, b, c = (world.accept(f"{job}-c0") for job in "abc")
    assert [undo(world), undo(world), undo(world)] == [b, a, ""]
    moved, told = world.conversation.undo(Undo(), BY)
    assert (moved.head, moved.version, told) == (Head(PROJECT, "", redo_to=a), None, [])
    assert [redo(world), redo(world), redo(world)] == [a, b, c]
    moved, told = world.conversation.redo(Redo(), BY)
    assert (moved.head.version, moved.version.version, told) == (c, c, [])


def test_undo_before_anything_was_done(world):
    """The start of the tree is a place like any other."""
    assert (undo(world), redo(world), undo(world, "other")) == ("", "", "")
    first = world.accept("a-c0")
    assert world.tree.version(first).parent == ""


def test_redo_after_branching_goes_the_newer_way(world):
    """The older branch is still there, and can be gone to; redo follows the way that was taken last."""
    a = world.accept("a-c0")
    b = world.accept("b-c0")
    undo(world)
    c = world.accept("c-c0")
    assert world.tree.version(c).parent == a
    assert redo(world) == c
    assert (undo(world), redo(world)) == (a, c)
    world.conversation.go(Go(b), BY)
    assert (undo(world), redo(world)) == (a, b)


def test_documents_have_heads_of_their_own(world):
    """Undo on one does not move the other."""
    a = world.accept("a-c0", document="one")
    b = world.accept("b-c0", document="two")
    assert world.tree.version(b).parent == ""
    assert undo(world, "one") == ""
    heads = {head.document: (head.version, head.redo_to) for head in world.tree.heads(PROJECT)}
    assert heads == {"one": ("", a), "two": (b, "")}
    assert redo(world, "two") == b


def test_a_head_can_stand_on_another_documents_version(world):
    """GIMP goes on from what Krita made; the way back and forth is GIMP's own."""
    a = world.accept("a-c0", document="krita")
    b = world.accept("b-c0", document="krita")
    moved, told = world.conversation.go(Go(b, "gimp"), BY)
    assert (moved.version.version, topics(told)) == (b, ["project.head"])
    c = world.accept("c-c0", document="gimp")
    assert world.tree.version(c).parent == b
    assert [undo(world, "gimp"), undo(world, "gimp"), undo(world, "gimp")] == [b, a, ""]
    assert [redo(world, "gimp"), redo(world, "gimp"), redo(world, "gimp")] == [a, b, c]
    assert world.tree.head(PROJECT, "krita").version == b


def test_going_nowhere_tells_nobody(world):
    """The head is there already."""
    a = world.accept("a-c0")
    assert world.conversation.go(Go(a), BY)[1] == []
    with pytest.raises(NotFound, match="no version 'x'"):
        world.conversation.go(Go("x"), BY)


def test_another_project_can_not_decide(world):
    """Each way in, and nothing has changed."""
    version = world.accept("a-c0")
    world.database.ensure_project("poster")
    before = world.dump()
    talk = world.conversation
    for call in (
        lambda: talk.accept(Accept("a-c0"), STRANGER),
        lambda: talk.reject(Reject(["a-c0"]), STRANGER),
        lambda: talk.lean("a-c0", "more", "k", STRANGER),
        lambda: talk.modify(Modify(version, pixels("x"), samples.PLACE), STRANGER),
        lambda: talk.go(Go(version), STRANGER),
        lambda: talk.mark(Mark(version, starred=True), STRANGER),
    ):
        with pytest.raises(BadRequest, match=r"belongs to the project 'book cover'.*Work in that project"):
            call()
    assert world.dump() == before
    assert undo(world) == ""


def test_modified_twice_the_last_one_counts(world):
    """Both are kept; the version shows the last."""
    version = world.accept("a-c0")
    request = Modify(version, pixels("first"), Placement(1, 2, 8, 4), key="k")
    first, told = world.conversation.modify(request, BY)
    assert topics(told) == ["project.decision", "project.version"]
    assert told[1].event.body.modified
    assert world.conversation.modify(request, BY) == (first, [])
    assert world.tree.pixels(version).pixels == pixels("first")
    second = world.modify(version, "second")
    shown = world.tree.pixels(version)
    assert (shown.pixels, shown.placement) == (pixels("second"), Placement(0, 0, 8, 4))
    assert world.tree.final(first.decision) == (Placement(1, 2, 8, 4), pixels("first"))
    assert [each.decision for each in world.tree.unmeasured(PROJECT)] == [first.decision, second.decision]
    world.check_sizes()


def test_a_measure_is_noted_and_told(world):
    """With the decision as it is now."""
    decision = world.modify(world.accept("a-c0"), "final")
    [told] = world.conversation.measured(decision.decision, 0.25, 12.5)
    assert told.event.body == replace(decision, changed=0.25, difference=12.5)
    assert world.tree.unmeasured(PROJECT) == []
    assert world.conversation.measured("gone", 0.1, 0.1) == []


def test_marks_change_what_they_name(world):
    """None leaves as it is; an empty name takes it away."""
    version = world.accept("a-c0", name="oak")
    info, told = world.conversation.mark(Mark(version, starred=True), BY)
    assert (info.name, info.starred, topics(told)) == ("oak", True, ["project.version"])
    assert world.conversation.mark(Mark(version, name="elm"), BY)[0].starred
    assert world.library.history(History("elm"), PROJECT).entries
    assert not world.library.history(History("oak"), PROJECT).entries
    info = world.conversation.mark(Mark(version, name="", starred=False), BY)[0]
    assert (info.name, info.starred) == ("", False)


def test_the_projects_journal_tells_all_of_it_in_order(world):
    """Without gaps, whatever failed in between."""
    world.accept("a-c0")
    with pytest.raises(NotFound):
        world.accept("x")
    world.modify(world.accept("b-c0"), "final")
    undo(world)
    last = world.library.project(PROJECT).seq
    events = [world.library.event_after(PROJECT, seq) for seq in range(last)]
    assert [event.seq for event in events] == list(range(1, last + 1))
    assert world.library.event_after(PROJECT, last) is None
    accepted = ["decision", "version", "head"]
    topics_ = [event.topic.split(".")[1] for event in events]
    assert topics_ == ["job"] * 6 + accepted + accepted + ["decision", "version", "head"]


def test_on_a_full_disk_nothing_is_decided(world, monkeypatch):
    """The final pixels found no room."""
    version = world.accept("a-c0")
    before = world.dump()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs, "_write_all", full)
    with pytest.raises(OutOfSpace):
        world.modify(version, "final")
    assert world.dump() == before
    world.check_sizes()


@pytest.mark.parametrize(
    "ask",
    [
        lambda world, at: world.conversation.undo(Undo(at=at), BY),
        lambda world, at: world.conversation.redo(Redo(at=at), BY),
        lambda world, at: world.conversation.go(Go("", at=at), BY),
        lambda world, at: world.conversation.accept(Accept("b-c0", at=at), BY),
    ],
    ids=["undo", "redo", "go", "accept"],
)
def test_a_head_that_another_program_moved_is_not_moved_by_mistake(world, ask):
    """Two hosts that take the same step back go back once."""
    first, second = world.accept("a-c0"), world.accept("a-c1")
    before = world.dump()
    with pytest.raises(Conflict, match=f"stands at {second}, not at {first}"):
        ask(world, first)
    with pytest.raises(Conflict, match="not at the start"):
        ask(world, "")
    assert world.dump() == before
    ask(world, second)


def test_a_candidate_is_placed_as_large_as_it_is(world):
    """A version's placement is where its pixels lie, so nobody has to guess how they were scaled."""
    place = samples.PLACE
    with pytest.raises(BadRequest, match="A candidate is placed as large as it is"):
        world.accept("a-c0", placement=replace(place, width=place.width * 4))
    assert world.accept("a-c0", placement=replace(place, x=-50))


def test_final_pixels_come_along_to_another_place(world):
    """A version that is placed elsewhere with its name shows what the artist made of it, moved as it is."""
    version = world.accept("a-c0")
    world.modify(version, "final")
    place = world.tree.version(version).placement
    there = world.accept("a-c0", document="b", placement=replace(place, x=place.x + 7), version=version)
    done, before = world.tree.pixels(there), world.tree.pixels(version)
    assert done.pixels == before.pixels
    assert done.placement == replace(before.placement, x=before.placement.x + 7)
    assert not world.tree.version(world.accept("a-c0", document="c")).modified
    with pytest.raises(BadRequest, match="is not one of the candidate b-c0"):
        world.accept("b-c0", version=version)


def test_a_document_that_never_moved_is_none(world):
    """An undo under a mistyped name leaves nothing behind."""
    world.conversation.undo(Undo("tpyo"), BY)
    assert world.tree.heads(PROJECT) == []
