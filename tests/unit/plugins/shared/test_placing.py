# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepting puts pixels into the document and tells the daemon."""

from dataclasses import replace

import pytest

from bridge_server.client.happenings import ConnectionChanged
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.messages import CandidateDone, Expand, Fetch, Fill
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from bridge_server.protocol.versions import Accept, Accepted, Go, Head, VersionInfo
from plugins.shared.model import Layout, Sides
from pluginside import StandInHost


def offer(studio, link, verb=Fill, **where):
    """A finished job of two, the first one selected."""
    studio.change(count=2, prompt="  an  oak ")
    studio.ask(verb.op)
    job = link.submitted(verb).job
    names = [link.candidate(job, index, **where) for index in range(2)]
    link.state(job, "done")
    link.asked.clear()
    return names


def version(candidate, name="v1", parent=""):
    """As the daemon answers an accept."""
    info = VersionInfo(
        name,
        "default",
        "sky.kra-1",
        parent,
        candidate,
        "j",
        "fill",
        "",
        1.0,
        "s",
        "krita",
        Placement(0, 0, 1, 1),
    )
    return Accepted(info, Head("default", "sky.kra-1", name))


def test_accept_places_a_layer_and_tells(studio, link, host):
    """Named by the words, in the document's order of channels, with what it was made with."""
    first, _ = offer(studio, link)
    studio.do("accept")
    ((kind, layer, above_active),) = host.done
    assert (kind, layer.name, layer.placement, above_active) == (
        "layer",
        "an oak 1",
        Placement(2, 2, 2, 2),
        False,
    )
    assert bytes(layer.pixels.data[:4]) == bytes([30, 20, 0, 255])
    assert {
        "candidate": first,
        "seed": 7,
        "verb": "fill",
        "prompt": "  an  oak ",
    }.items() <= layer.facts.items()
    asked = link.take(Accept)
    assert (asked.request.document, asked.request.canvas) == ("sky.kra-1", Placement(0, 0, 32, 24))
    asked.answer(version(first))
    assert host.versions == {"layer-1": "v1"}
    assert (studio.selected, studio.message) == (None, "Placed as a new layer: an oak 1")
    assert studio.conversation.board.candidates[first].version == "v1"


def test_from_the_active_layer_it_goes_right_above_it(studio, link, host):
    """Where the engine saw it."""
    studio.change(source="layer")
    offer(studio, link)
    studio.do("accept")
    assert host.done[0][2] is True


def test_into_the_active_layer_and_as_a_group(studio, link, host):
    """A group holds all candidates, the chosen one on top and alone visible."""
    offer(studio, link)
    studio.change(place_as="into")
    studio.do("accept")
    assert host.done[0][0] == "into"
    studio.select_next()
    studio.change(place_as="group")
    studio.select_next()
    studio.do("accept")
    kind, name, layers = host.done[1]
    assert (kind, name) == ("group", "an oak")
    assert [(layer.name, layer.visible) for layer in layers] == [("an oak 2", True), ("an oak 1", False)]


def test_into_a_layer_that_takes_nothing_is_refused_in_words(studio, link, host):
    """Before anything is fetched; and if another layer is chosen while it is fetched, nothing is touched."""
    offer(studio, link)
    studio.change(place_as="into")
    host.now = replace(host.now, not_into="The active layer is locked.")
    studio.refresh()
    assert studio.why_not_do("accept") == "The active layer is locked."
    studio.change(place_as="layer")
    assert studio.why_not_do("accept") == ""
    host.now = replace(host.now, not_into="")
    studio.refresh()
    host.kind = Layout("bgra", 16)
    studio.change(place_as="into")
    studio.do("accept")
    host.now = replace(host.now, layer="Another")
    link.take(Fetch).answer(CandidateDone(None, Pixels(2, 2, "rgba16", bytes(32))))
    assert studio.message == "Another layer was chosen meanwhile. Accept again."
    assert host.done == []


def test_an_expand_grows_the_canvas(studio, link, host):
    """By what of it reaches over; placed as a layer whatever the setting says."""
    studio.change(sides=Sides(4, 0, 0, 2), place_as="group")
    offer(studio, link, Expand, placement=Placement(-4, 0, 36, 26))
    studio.do("accept")
    assert host.done[0][:2] == ("grow", Sides(4, 0, 0, 2))
    studio.refresh()
    studio.select_next()
    assert studio.why_not_do("accept") == "The canvas has another size than when this was asked for."


def test_an_expand_of_an_earlier_start_grows_the_canvas_once(studio, link, host, conversation):
    """Then nobody remembers how large the canvas was, but where what was sent of it ended."""
    studio.change(sides=Sides(0, 4, 0, 0))
    first, second = offer(studio, link, Expand, placement=Placement(0, 0, 36, 24))
    job = conversation.board.candidates[first].job
    job.canvas, job.region = (0, 0), Placement(0, 0, 32, 24)
    studio.do("accept")
    assert host.done[0][:2] == ("grow", Sides(0, 4, 0, 0))
    studio.refresh()
    studio.select(second)
    assert "another size" in studio.why_not_do("accept")
    host.undo()
    host.now = replace(host.now, width=32)
    studio.refresh()
    assert studio.why_not_do("accept") == ""


def test_a_fill_of_a_larger_document_does_not_grow_this_one(studio, link, host, conversation):
    """It is placed where it was made, as far as there is room."""
    first, _ = offer(studio, link, placement=Placement(20, 2, 40, 2))
    conversation.board.candidates[first].job.canvas = (0, 0)
    studio.do("accept")
    assert host.done[0][0] == "layer"


def test_a_candidate_moves_along_when_the_canvas_grows_to_the_left_or_the_top(studio, link, host):
    """Over the canvas and as a layer; an undo of the growth brings it back."""
    first, _ = offer(studio, link)
    studio.change(sides=Sides(4, 0, 6, 0))
    studio.ask("expand")
    job = link.submitted(Expand).job
    wide = link.candidate(job, placement=Placement(-4, -6, 36, 30))
    studio.select(wide)
    studio.do("accept")
    studio.refresh()
    studio.select(first)
    assert studio.shown.placement == Placement(6, 8, 2, 2)
    layer = host.undo()
    assert studio.shown.placement == Placement(2, 2, 2, 2)
    host.redo(layer)
    studio.do("accept")
    assert host.done[-1][1].placement == Placement(6, 8, 2, 2)
    assert link.take(Accept).request.placement == Placement(-4, -6, 36, 30)
    assert link.take(Accept).request.placement == Placement(6, 8, 2, 2)


def test_a_fill_stays_where_it_was_when_the_canvas_was_cropped(studio, link, host):
    """It does not grow the canvas again."""
    offer(studio, link, placement=Placement(20, 2, 10, 2))
    host.now = replace(host.now, width=24)
    studio.refresh()
    studio.do("accept")
    assert host.done[0][0] == "layer"


def test_a_canvas_that_is_cropped_while_pixels_are_fetched_is_not_grown_by_old_numbers(studio, link, host):
    """The artist is told to accept again."""
    studio.change(sides=Sides(4, 0, 0, 2))
    offer(studio, link, Expand, placement=Placement(-4, 0, 36, 26))
    host.kind = Layout("bgra", 16)
    studio.do("accept")
    host.now = replace(host.now, width=20)
    link.take(Fetch).answer(CandidateDone(None, Pixels(36, 26, "rgba16", bytes(36 * 26 * 8))))
    assert studio.message == "The canvas was changed meanwhile. Accept again."
    assert host.done == []


def test_a_document_closed_meanwhile_loses_nothing(studio, link, host, conversation):
    """The candidate stays undecided and can be placed elsewhere."""
    first, _ = offer(studio, link)
    conversation.pictures._forget((first, "rgba8", "srgb"))
    studio.do("accept")
    host.now = replace(host.now, document="other")
    asked = link.take(Fetch)
    assert studio.why_not_do("accept") == "Another one is just being placed."
    asked.answer(CandidateDone(None, Pixels(2, 2, "rgba8", bytes(16))))
    assert studio.message == "The document is closed."
    assert (host.done, link.kinds()) == ([], [])
    assert conversation.board.candidates[first].decision == ""


def test_a_project_that_is_left_meanwhile_gets_nothing(studio, link, host, conversation):
    """Its candidate must not be placed in the name of another project."""
    offer(studio, link)
    host.kind = Layout("bgra", 16)
    studio.do("accept")
    asked = link.take(Fetch)
    conversation.choose_project("other")
    asked.answer(CandidateDone(None, Pixels(2, 2, "rgba16", bytes(32))))
    assert studio.message == "The project was changed meanwhile. Accept again."
    assert host.done == []


def test_a_host_that_fails_in_its_own_way_is_told_too(studio, link, host):
    """And the next accept works."""
    offer(studio, link)
    place, host.place = host.place, None
    with pytest.raises(TypeError):
        studio.do("accept")
    assert studio.message_bad
    host.place = place
    assert studio.why_not_do("accept") == ""


def test_without_the_daemon_only_what_is_here_can_be_accepted(studio, link, conversation):
    """It is told when the daemon is back; what would have to be fetched is not promised."""
    first, _ = offer(studio, link)
    link.hear(ConnectionChanged("waiting"))
    assert studio.why_not_do("accept") == ""
    conversation.pictures._forget((first, "rgba8", "srgb"))
    assert studio.why_not_do("accept") == "The daemon is not connected."


def test_an_accept_that_was_undone_before_it_was_answered_is_taken_back(studio, link, host):
    """The head goes where the canvas is."""
    first, _ = offer(studio, link)
    studio.do("accept")
    host.undo()
    link.take(Accept).answer(version(first, "v2", "v1"))
    assert link.take(Go).request == Go("v1", "sky.kra-1")


def test_pixels_that_can_t_be_had_are_told(studio, link, conversation):
    """And the next accept works."""
    first, _ = offer(studio, link)
    conversation.pictures._forget((first, "rgba8", "srgb"))
    studio.do("accept")
    link.take(Fetch).fail(BridgeError("Its pictures were removed."))
    assert studio.message == "Its pictures were removed."
    assert studio.why_not_do("accept") == ""


def test_a_result_goes_into_a_deeper_document(studio, link, host):
    """A candidate of an 8-bit document, accepted in a 16-bit one."""
    first, _ = offer(studio, link)
    host.kind = Layout("bgra", 16, linear=True)
    studio.do("accept")
    asked = link.take(Fetch)
    assert asked.request == Fetch(first, format="rgba16", colorspace="linear")
    asked.answer(CandidateDone(None, Pixels(2, 2, "rgba16", bytes(range(32)), "linear")))
    assert bytes(host.done[0][1].pixels.data[:8]) == bytes([4, 5, 2, 3, 0, 1, 6, 7])


def test_the_artist_s_undo_and_redo_move_the_head(studio, link, host):
    """Each to what the canvas shows; layers that vanish otherwise are merged, which is no way back."""
    names = offer(studio, link)
    for number, name in enumerate(names):
        studio.select(name)
        studio.do("accept")
        link.take(Accept).answer(version(name, f"v{number + 1}", f"v{number}" if number else ""))
        studio.refresh()
    layer = host.undo()
    studio.refresh()
    assert link.take(Go).request == Go("v1", "sky.kra-1")
    decisions = [cell.candidate.decision for cell in studio.cells()]
    assert (decisions, studio.message) == (["accept", ""], "")
    host.redo(layer)
    studio.refresh()
    assert link.take(Go).request == Go("v2", "sky.kra-1")
    assert [cell.candidate.decision for cell in studio.cells()] == ["accept", "accept"]
    host.undo(), host.undo()
    studio.refresh()
    assert link.take(Go).request == Go("", "sky.kra-1")
    host.there.append(layer)
    studio.refresh()
    host.steps += 1  # an undo of something else
    studio.refresh()
    assert link.asked == []


def test_two_windows_each_have_their_own_choice(studio, link, conversation):
    """One conversation, two canvases."""
    other = type(studio)(conversation, StandInHost())
    other.refresh()
    first, _ = offer(studio, link)
    assert studio.selected.id == first
    assert other.selected is None
    assert len(other.cells()) == 2
