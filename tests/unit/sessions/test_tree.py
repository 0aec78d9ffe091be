# SPDX-License-Identifier: Apache-2.0
"""Reading the tree."""

import pytest

import samples
from bridge_server.protocol.errors import NotFound
from bridge_server.protocol.records import Placement
from bridge_server.protocol.versions import GetTree, Go, Head
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.tree import Piece
from remembering import BY, PROJECT, World, pixels

CANVAS = Placement(0, 0, 640, 480)


@pytest.fixture
def world(tmp_path):
    """A job with eight candidates."""
    world = World(tmp_path)
    world.job("a", 8)
    yield world
    world.close()


@pytest.fixture
def branches(world):
    """Versions 0 to 4: 0 - 1 - 2 and, from 0, 3 - 4."""
    names = [world.accept(f"a-c{index}") for index in range(3)]
    world.conversation.go(Go(names[0]), BY)
    return names + [world.accept(f"a-c{index}") for index in (3, 4)]


def listed(world, **asked):
    """The versions of a page, and what follows."""
    page = world.tree.tree(GetTree(**asked), PROJECT)
    return [each.version for each in page.versions], page.next


def test_versions_are_listed_newest_first_in_pages(world, branches):
    """Each once, none left out; the last page says so."""
    found, before = [], 0
    while True:
        page, before = listed(world, limit=2, before=before)
        found += page
        if not before:
            break
    assert found == branches[::-1]
    assert listed(world, limit=5) == (branches[::-1], 0)
    assert len(listed(world, limit=-3)[0]) == 1


def test_the_way_to_the_start(world, branches):
    """The version itself, its parents, no branches beside; in pages too."""
    zero, one, two, three, four = branches
    assert listed(world, path_of=four) == ([four, three, zero], 0)
    assert listed(world, path_of=two) == ([two, one, zero], 0)
    page, before = listed(world, path_of=two, limit=2)
    assert (page, listed(world, path_of=two, before=before)[0]) == ([two, one], [zero])
    with pytest.raises(NotFound, match="no version 'x'"):
        listed(world, path_of="x")


def test_one_documents_versions(world, branches):
    """None is all, empty is the one without a name."""
    named = world.accept("a-c5", document="d")
    assert listed(world, document="d")[0] == [named]
    assert listed(world, document="")[0] == branches[::-1]
    assert listed(world, document="none") == ([], 0)


def test_other_projects_are_not_shown(world, branches):
    """Neither in the list nor by way of a path."""
    assert world.tree.tree(GetTree(path_of=branches[0]), "poster").versions == []
    assert world.tree.tree(GetTree(), "poster").versions == []
    assert world.tree.heads("poster") == []
    assert world.tree.head("poster", "") == Head("poster", "")


def test_a_version_shows_what_was_offered_until_it_is_modified(world):
    """With the place where it was put."""
    version = world.accept("a-c0", placement=Placement(5, 6, 1, 1))
    shown = world.tree.pixels(version)
    assert (shown.placement, shown.pixels) == (Placement(5, 6, 1, 1), pixels("a-c0"))
    world.modify(version, "final")
    assert world.tree.pixels(version).pixels == pixels("final")
    with pytest.raises(NotFound, match="no version 'x'"):
        world.tree.pixels("x")


def test_a_document_is_the_pieces_of_its_way(world, branches):
    """Lowest first, as thumbnails, with the share that the artist changed; and its canvas where known."""
    decision = world.modify(branches[3], "final")
    world.conversation.measured(decision.decision, 0.5, 9.0)
    world.accept("a-c5", document="d", canvas=CANVAS)
    world.accept("a-c6", document="d")
    (name, pieces, canvas), (other, others, known) = world.tree.documents(PROJECT)
    small = [pixels(f"a-c{index} small", 2, 1) for index in range(8)]
    assert (name, canvas) == ("", None)
    assert pieces == [Piece(samples.PLACE, small[n], share) for n, share in ((0, 0.0), (3, 0.5), (4, 0.0))]
    assert (other, known, len(others)) == ("d", CANVAS, 2)


def test_a_document_before_its_first_version_has_no_pieces(world, branches):
    """All was taken back."""
    world.conversation.go(Go(""), BY)
    assert world.tree.documents(PROJECT) == [("", [], None)]


def test_decisions_come_in_the_order_in_which_they_were_made(world):
    """Whoever made them."""
    kinds = ["more", "less", "more"]
    for number, kind in enumerate(kinds):
        world.conversation.lean("a-c0", kind, str(number), Sitting(f"s{number}", PROJECT, "krita"))
    found = world.tree.decisions("candidate = ?", ("a-c0",))
    assert [each.kind for each in found] == kinds
    assert [each.session for each in found] == ["s0", "s1", "s2"]
