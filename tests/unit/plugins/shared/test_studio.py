# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist can do in one window."""

from dataclasses import replace

import pytest

from bridge_server.client.happenings import ConnectionChanged
from bridge_server.protocol.errors import BridgeError, TooBusy
from bridge_server.protocol.history import History
from bridge_server.protocol.messages import (
    Cancel,
    CandidateDone,
    Expand,
    Fetch,
    Fill,
    Preview,
    Refine,
    Submitted,
    Vary,
)
from bridge_server.protocol.pixels import Pixels, check_pixels
from bridge_server.protocol.records import Placement
from bridge_server.protocol.versions import Less, More, Reject
from plugins.shared.model import Layout, Sides


def made(studio, link, verb="fill", count=2):
    """A job with all its candidates; their names."""
    studio.change(count=count)
    studio.ask(verb)
    job = link.submitted({"fill": Fill, "vary": Vary, "refine": Refine, "expand": Expand}[verb]).job
    names = [link.candidate(job, index) for index in range(count)]
    link.state(job, "done")
    link.asked.clear()
    return names


def test_fill_sends_the_region_and_nothing_more(studio, link, host):
    """As deep around the selection as the engine asks, in the wire's order, with the coverage."""
    studio.change(prompt="an oak", count=3)
    studio.ask("fill")
    request = link.take(Fill).request
    assert request.region == Placement(0, 0, 20, 20)
    assert host.reads == [(Placement(0, 0, 20, 20), "visible")]
    check_pixels(request.picture, max_pixels=400)
    assert bytes(request.picture.data[:4]) == b"\x03\x02\x01\xff"
    assert bytes(request.mask.data).count(0x80) == 16
    assert bytes(request.mask.data[8 * 20 + 8 : 8 * 20 + 12]) == b"\x80" * 4
    assert (request.prompt, request.count, request.document, request.seed) == ("an oak", 3, "sky.kra-1", None)
    assert studio.conversation.prompts == ["an oak"]


def test_vary_and_refine_take_the_whole_canvas_without_a_selection(studio, link, host):
    """Fill does not: it says what to do."""
    host.now = replace(host.now, selection=None)
    studio.change(amount=0.75, strength=0.25)
    for verb, kind in (("vary", Vary), ("refine", Refine)):
        studio.ask(verb)
        request = link.take(kind).request
        assert request.region == Placement(0, 0, 32, 24)
        assert request.mask.data == b"\xff" * (32 * 24)
    assert (request.strength, studio.why_not("fill")) == (0.25, "Select an area first.")
    studio.ask("fill")
    assert (studio.message, studio.message_bad) == ("Select an area first.", True)


def test_expand_sends_sides_and_no_mask(studio, link):
    """A selection does not matter to it."""
    studio.change(sides=Sides(4, 0, 0, 2))
    studio.ask("expand")
    request = link.take(Expand).request
    assert (request.left, request.right, request.top, request.bottom) == (4, 0, 0, 2)
    assert request.region == Placement(0, 0, 32, 24)


def test_reasons_why_not(studio, link, host, conversation):
    """Each one in words, and they go when their cause goes."""
    assert studio.why_not("fill") == ""
    conversation.change({"sides": Sides(0, 0, 0, 0)})
    assert "by how many pixels" in studio.why_not("expand")
    conversation.change({"sides": Sides(0, 0, 0, 9999)})
    assert "more than the daemon takes" in studio.why_not("expand")
    conversation.change({"source": "layer"})
    host.now = replace(host.now, layer="")
    studio.refresh()
    assert studio.why_not("vary") == "Choose a layer first."
    host.now = replace(host.now, trouble="This document is being saved.")
    studio.refresh()
    assert studio.why_not("fill") == "This document is being saved."
    host.now = None
    studio.refresh()
    assert studio.why_not("fill") == "Open or create a document first."
    link.hear(ConnectionChanged("waiting"))
    assert studio.why_not("fill") == "The daemon is not connected."


def test_what_the_engine_can_t_do_is_not_offered(studio, link, conversation):
    """By what it says about itself."""
    link.connect([replace(conversation.engine, verbs={"fill": []})])
    assert studio.why_not("vary") == "The engine PatchMatch can't do this."
    (name, _) = made(studio, link)
    studio.select(name)
    assert studio.why_not_do("more") == "The engine can't do this."


def test_a_document_that_closes_while_it_is_read_is_told(studio, host):
    """Nothing is sent."""
    now = host.now
    host.look = lambda: now
    host.now = None
    studio.ask("fill")
    assert (studio.message, studio.queue()) == ("The document is closed.", [])


def test_the_strip_shows_what_forms_and_what_is_there(studio, link, host):
    """Newest request first; another document shows its own, or all of the project."""
    studio.change(count=2)
    studio.ask("fill")
    job = link.submitted(Fill).job
    assert [(cell.index, cell.candidate, cell.done) for cell in studio.cells()] == [
        (0, None, 0.0),
        (1, None, 0.0),
    ]
    keys = [cell.key for cell in studio.cells()]
    pixels = Pixels(1, 1, "rgba8", bytes(4))
    link.tell("job.preview", Preview(job, 1, Placement(8, 8, 4, 4), pixels))
    link.candidate(job, 0)
    cells = studio.cells()
    assert [cell.candidate is not None for cell in cells] == [True, False]
    assert cells[1].preview == pixels
    assert [cell.key for cell in cells] == keys
    host.now = replace(host.now, document="sea.kra-2")
    studio.refresh()
    assert studio.cells() == []
    studio.change(whole_project=True)
    assert len(studio.cells()) == 2
    studio.cancel(job)
    link.state(job, "cancelled")
    assert len(studio.cells()) == 1


def test_previews_are_shown_until_the_first_candidate_is_there(studio, link):
    """And the artist's own choice is not taken away again."""
    studio.ask("fill")
    job = link.submitted(Fill).job
    assert studio.shown is None
    pixels = Pixels(1, 1, "rgba8", bytes(4))
    link.tell("job.preview", Preview(job, 0, Placement(8, 8, 4, 4), pixels))
    assert (studio.shown.pixels, studio.shown.candidate) == (pixels, "")
    first = link.candidate(job, 0)
    assert studio.shown.candidate == first
    studio.compare(True)
    assert studio.shown is None
    studio.compare(False)
    studio.select("")
    link.candidate(job, 1)
    assert studio.shown is None


def test_a_result_waits_for_its_document(studio, link, host):
    """It is not shown over another one; it is when the artist comes back."""
    studio.ask("fill")
    job = link.submitted(Fill).job
    host.now = replace(host.now, document="sea.kra-2")
    studio.refresh()
    name = link.candidate(job, 0)
    assert (studio.selected, studio.shown) == (None, None)
    host.now = replace(host.now, document="sky.kra-1")
    studio.refresh()
    assert studio.selected.id == name


def test_a_document_in_front_brings_its_own_history(studio, link, host):
    """Asked for once a connection: in a large project it may lie far back."""
    host.now = replace(host.now, document="sea.kra-2")
    studio.refresh()
    assert link.take(History).request.document == "sea.kra-2"
    host.now = replace(host.now, document="sky.kra-1")
    studio.refresh()
    host.now = replace(host.now, document="sea.kra-2")
    studio.refresh()
    assert [a.request.document for a in link.asked if isinstance(a.request, History)] == []
    link.hear(ConnectionChanged("connected"))
    assert "sea.kra-2" in [a.request.document for a in link.asked if isinstance(a.request, History)]


def test_an_error_goes_when_its_reason_may_be_gone(studio, host):
    """Select an area first: done."""
    host.now = replace(host.now, selection=None)
    studio.ask("fill")
    assert studio.message == "Select an area first."
    host.now = replace(host.now, selection=Placement(1, 1, 2, 2))
    studio.refresh()
    assert (studio.message, studio.message_bad) == ("", False)


def test_a_candidate_that_is_not_here_is_fetched_when_it_is_clicked(studio, link, conversation):
    """It is shown when it has come; a refusal is told."""
    first, second = made(studio, link)
    conversation.pictures._forget((first, "rgba8", "srgb"))
    studio.select("")
    studio.select(first)
    assert studio.shown is None
    asked = link.take(Fetch)
    assert asked.request == Fetch(first, format="rgba8", colorspace="srgb")
    asked.fail(BridgeError("Its pictures were removed."))
    assert studio.message == "Its pictures were removed."
    studio.select_next()
    assert studio.shown.candidate == second
    studio.select(first)
    assert studio.shown.candidate == second  # it does not blink while the other one is on its way
    link.take(Fetch).answer(CandidateDone(None, Pixels(2, 2, "rgba8", bytes(16))))
    assert studio.shown.candidate == first


def test_what_only_the_host_can_show_goes_to_it_in_its_own_order(studio, link, host):
    """With the profile of a wide gamut the host's colour management decides; else 8-bit sRGB is enough."""
    first, second = made(studio, link)
    studio.select(first)
    assert studio.shown.pixels.layout == host.kind
    assert bytes(studio.shown.pixels.data[:4]) == bytes([30, 20, 0, 255])
    host.kind = Layout("rgba", 32, linear=True, plain=True)
    studio.select(second)
    assert studio.shown.pixels.format == "rgba8"
    assert link.asked == []


def test_the_next_candidate_goes_around(studio, link):
    """From nothing to the first, from the last to the first."""
    names = made(studio, link)
    studio.select("")
    seen = []
    for _ in range(3):
        studio.select_next()
        seen.append(studio.selected.id)
    studio.select_next(-1)
    assert seen == [*names, names[0]]
    assert studio.selected.id == names[1]


def test_another_document_shows_nothing_of_this_one(studio, link, host):
    """A candidate over a stranger's canvas would mislead."""
    studio.select(made(studio, link)[0])
    host.now = replace(host.now, document="sea.kra-2")
    studio.refresh()
    assert (studio.selected, studio.shown) == (None, None)
    assert studio.why_not_do("accept") == "Click a candidate first."


def test_reject_goes_on_to_the_next_one(studio, link):
    """The last one rejected, nothing is shown."""
    first, second = made(studio, link)
    studio.select(first)
    studio.do("reject")
    assert link.take(Reject).request.candidates == [first]
    assert studio.selected.id == second
    studio.do("reject")
    assert studio.selected is None
    studio.select(first)
    assert studio.why_not_do("reject") == "This one is rejected already."


def test_more_less_and_refine_of_a_candidate(studio, link):
    """They appear in the queue of its document at once, and show their first candidate."""
    studio.change(prompt="an oak", negative_prompt="fog")
    first, _ = made(studio, link)
    studio.change(negative_prompt="")
    studio.change(count=3, amount=0.25, strength=0.75, prompt="an elm", seed=5, engine="gone")
    studio.select(first)
    studio.do("more")
    request = link.submitted(More)
    assert (request.prompt, request.seed, request.engine) == ("an oak", 5, "patchmatch")
    assert request.negative_prompt == "fog"
    assert (request.candidate, request.verb, request.amount, request.count) == (first, "vary", 0.25, 3)
    assert studio.queue()[0].document == "sky.kra-1"
    new = link.candidate(request.job, 0)
    assert studio.selected.id == new
    studio.do("refine")
    request = link.take(More).request
    assert (request.verb, request.strength, request.prompt) == ("refine", 0.75, "an elm")
    assert request.engine == "patchmatch"
    studio.select(first)
    studio.do("less")
    assert link.take(Less).request.candidate == first


def test_copied_settings_bring_the_same_picture_again(studio, link):
    """Words, engine, amount and seed."""
    studio.change(prompt="an oak", amount=0.9)
    (name,) = made(studio, link, "vary", 1)
    studio.change(prompt="", amount=0.1)
    studio.select(name)
    studio.do("copy")
    settings = studio.settings
    assert (settings.prompt, settings.amount, settings.seed) == ("an oak", 0.9, 7)


def test_one_job_is_cancelled_and_no_other(studio, link):
    """Also one that is not sent yet; what is finished is left alone."""
    jobs = []
    for _ in range(2):
        studio.ask("fill")
        jobs.append(link.submitted(Fill).job)
    studio.cancel(jobs[0])
    assert link.take(Cancel).request.job == jobs[0]
    assert link.asked == []
    link.state(jobs[0], "cancelled")
    link.asked.clear()
    studio.cancel(jobs[0])
    assert link.asked == []
    assert [job.id for job in studio.queue()] == [jobs[1]]


def test_a_job_that_is_cancelled_while_it_is_made_is_not_sent(studio, link):
    """And if it was just sent, it is cancelled there."""
    kept = []
    link.ask_made = lambda make, then, failed: kept.append((make, then))
    studio.ask("fill")
    (job,) = studio.queue()
    studio.cancel(job.id)
    ((make, then),) = kept
    assert make() is None
    link.asked.clear()
    then(Submitted(job.id, 1, 7))
    assert link.take(Cancel).request.job == job.id
    assert job.state == "cancelled"


def test_a_request_that_is_refused_stays_in_the_queue_until_it_is_dismissed(studio, link):
    """With its reason."""
    studio.ask("fill")
    asked = link.take(Fill)
    asked.fail(TooBusy("The queue is full."))
    (job,) = studio.queue()
    assert (job.state, job.trouble) == ("failed", "Too much is waiting already. Cancel something first.")
    studio.dismiss(job.id)
    assert studio.queue() == []


def test_steering_asks_anew_for_what_is_not_made_yet(studio, link):
    """With the settings as they are now; what was made stays."""
    studio.change(count=3, amount=0.2, seed=100)
    studio.ask("vary")
    old = link.submitted(Vary)
    link.candidate(old.job, 0)
    assert studio.why_not_steer(old.job) == "Change the words or the settings first."
    studio.change(prompt="not read by this engine")
    assert studio.why_not_steer(old.job) != ""
    studio.change(amount=0.8)
    assert studio.why_not_steer(old.job) == ""
    studio.steer(old.job)
    assert link.take(Cancel).request.job == old.job
    new = link.take(Vary).request
    assert (new.count, new.amount, new.seed, new.picture) == (2, 0.8, 101, old.picture)
    assert new.job != old.job
    assert studio.conversation.board.jobs[old.job].candidates != []
    assert studio.why_not_steer(new.job) != ""
    for index in range(2):
        link.candidate(new.job, index)
    studio.change(amount=0.1)
    assert studio.why_not_steer(new.job) == "All of it is made already."
    link.state(old.job, "cancelled")
    assert studio.why_not_steer(old.job) == "Only what is being made here can change its course."


@pytest.mark.parametrize("action", ["accept", "reject", "more", "less", "refine", "copy"])
def test_nothing_is_done_without_a_candidate(studio, link, action):
    """But said what is missing."""
    studio.do(action)
    assert (studio.message, link.asked) == ("Click a candidate first.", [])


def test_listeners_are_told_and_let_go(studio, link):
    """A window that is closed hears no more."""
    topics = []
    leave = studio.listen(topics.append)
    studio.change(count=1)
    assert topics == ["settings"]
    leave()
    studio.close()
    link.hear(ConnectionChanged("waiting"))
    assert topics == ["settings"]
