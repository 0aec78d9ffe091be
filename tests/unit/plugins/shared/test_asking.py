# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests with guides and with a model's own settings."""

from dataclasses import replace

from bridge_server.protocol.messages import Expand, Fill
from bridge_server.protocol.records import GuideInfo
from plugins.shared.model import Sides
from pluginside import ENGINE, HEEDING


def made(studio, link):
    """A fill with one candidate; its name."""
    studio.change(count=1)
    studio.ask("fill")
    job = link.submitted(Fill).job
    name = link.candidate(job)
    link.state(job, "done")
    link.asked.clear()
    return name


def heeding(studio, link, **settings):
    """An engine with guides and settings is chosen."""
    link.connect([ENGINE, HEEDING])
    studio.change(engine=HEEDING.name, **settings)
    link.asked.clear()


def test_the_active_layer_goes_along_as_a_guide(studio, link, host):
    """Read with the picture, over the same region, in the wire's order; with its weight."""
    heeding(studio, link, guide="scribble", guide_weight=0.75)
    studio.ask("fill")
    request = link.take(Fill).request
    assert [source for _area, source in host.reads] == ["visible", "layer"]
    assert host.reads[0][0] == host.reads[1][0] == request.region
    (guide,) = request.guides
    assert (guide.kind, guide.weight, bytes(guide.picture.data[:4])) == (
        "scribble",
        0.75,
        b"\x09\x08\x07\xff",
    )
    assert studio.queue()[0].guides == [GuideInfo("scribble", 0.75)]
    host.reads.clear()
    studio.change(source="layer")
    studio.ask("fill")
    request = link.take(Fill).request
    assert [source for _area, source in host.reads] == ["layer"]  # once is enough
    assert request.guides[0].picture == request.picture


def test_expand_takes_a_style_and_no_other_guide(studio, link, host):
    """Over the old canvas a sketch says nothing about what is new."""
    heeding(studio, link, guide="scribble", sides=Sides(4, 0, 0, 0))
    studio.ask("expand")
    assert link.take(Expand).request.guides == []
    studio.change(guide="style")
    studio.ask("expand")
    assert [guide.kind for guide in link.take(Expand).request.guides] == ["style"]


def test_a_guide_that_the_engine_does_not_heed_is_not_sent(studio, link, host):
    """It stays chosen for the engine that does."""
    heeding(studio, link, guide="canny")
    studio.ask("fill")
    assert link.take(Fill).request.guides == []
    studio.change(guide="scribble", engine="patchmatch")
    studio.ask("fill")
    assert link.take(Fill).request.guides == []
    assert [source for _area, source in host.reads] == ["visible", "visible"]


def test_a_guide_needs_a_layer(studio, link, host):
    """Said before it is asked."""
    heeding(studio, link, guide="depth")
    host.now = replace(host.now, layer="")
    studio.refresh()
    assert studio.why_not("fill") == "Choose the layer first that is the guide."
    studio.change(guide="")
    assert studio.why_not("fill") == ""


def test_a_model_s_own_settings_go_along_where_they_differ(studio, link):
    """And no other engine gets them."""
    heeding(studio, link, parameters={HEEDING.name: {"steps": 8, "guidance": 7.0, "loras": {"ink": 1}}})
    studio.ask("fill")
    assert link.take(Fill).request.parameters == {"steps": 8, "loras": {"ink": 1}}
    studio.change(engine="patchmatch")
    studio.ask("fill")
    assert link.take(Fill).request.parameters == {}


def test_copied_settings_bring_the_model_s_own_and_the_guide(studio, link):
    """As they were for this candidate; the artist is told where the guide is read."""
    heeding(studio, link, guide="style", guide_weight=0.5, parameters={HEEDING.name: {"steps": 8}})
    name = made(studio, link)
    studio.change(guide="", guide_weight=1.0, parameters={HEEDING.name: {"guidance": 3.0}, "other": {"a": 1}})
    studio.select(name)
    studio.do("copy")
    assert studio.settings.parameters == {HEEDING.name: {"steps": 8}, "other": {"a": 1}}
    assert (studio.settings.guide, studio.settings.guide_weight) == ("style", 0.5)
    assert "active layer" in studio.message
    studio.change(guide="")
    plain = made(studio, link)
    studio.change(guide="style")
    studio.select(plain)
    studio.do("copy")
    assert studio.settings.guide == ""
