# SPDX-License-Identifier: Apache-2.0
"""What lies over the canvas in the real Krita, over a stand-in Studio."""

import pytest

from hosts.krita_plugin import krita_with_stand_in
from hosts.room import until


@pytest.fixture(scope="module")
def shared(room, screen):
    """One Krita for the module."""
    with krita_with_stand_in(room, screen) as krita:
        yield krita


@pytest.fixture
def krita(shared):
    """The same Krita; afterwards no panel, no document, and nothing went wrong in a slot."""
    yield shared
    shared.do("close_panels()")
    assert shared.script_errors() == []
    assert "in the panel" not in shared.program.output()
    shared.close_all()


OVERLAY = """
    from bridge_server.protocol.pixels import Pixels
    from bridge_server.protocol.records import Placement
    from plugins.shared.model import Layout, Look, Raw, Shown
    studio = krita_studio.Studio(krita_studio.Host(window()))
    overlay = Overlay(studio, window().qwindow(), studio.host, Slots())
    def lay(candidate, *where):
        data = bytes((224, 16, 32, 255)) * 16
        made = Raw(4, 4, Layout("rgba", 8), data) if candidate else Pixels(4, 4, "rgba8", data)
        studio.shown = Shown("doc-1", Placement(*where), made, candidate)
        studio.ring("shown")
    def on_screen(x, y):
        "Where a point of the document is on the screen."
        point = canvas_of(window().qwindow()).mapToGlobal(overlay._sheet._mapping().map(QPoint(x, y)))
        return (point.x(), point.y())
"""
RED = (224, 16, 32)


def is_red(krita, x, y):
    """Whether the screen is red where a point of the document is."""
    return krita.screen.grab().getpixel(krita.do("on_screen(x, y)", x=x, y=y)) == RED


def test_the_overlay_lies_where_the_candidate_will(krita):
    """Also beside the canvas, zoomed, turned and mirrored; nothing is in the layers or in the history."""
    krita.new_document(400, 300)
    krita.do(OVERLAY)
    undo = krita.do("app.action('edit_undo').text()")
    krita.do("view.canvas().setZoomLevel(1.0); lay('c-1', -100, 50, 200, 200)")
    until(lambda: is_red(krita, -50, 100), "red beside the canvas")
    assert not is_red(krita, 150, 100)
    krita.do("view.canvas().setZoomLevel(0.5); view.canvas().setRotation(30); view.canvas().setMirror(True)")
    krita.until("abs(overlay._sheet._drawn.determinant()) < 0.9")
    until(lambda: is_red(krita, -90, 60) and is_red(krita, 90, 240), "red in both corners")
    assert not is_red(krita, 110, 100)
    krita.shot("overlay-turned")
    assert krita.do("[node.name() for node in document.topLevelNodes()]") == ["Background"]
    assert krita.do("app.action('edit_undo').text()") == undo
    krita.do("studio.shown = None; studio.ring('shown')")
    assert not krita.do("overlay.visible()")


def test_a_candidate_is_converted_once(krita):
    """The host's conversion costs time: only for another candidate, never for a preview."""
    krita.new_document(400, 300)
    krita.do(OVERLAY)
    krita.do("lay('', 100, 100, 100, 100)")
    until(lambda: is_red(krita, 150, 150), "the preview")
    krita.shot("overlay-preview")
    assert krita.do("studio.host.pictures") == 0
    krita.do("lay('c-1', 100, 100, 100, 100); studio.ring('shown', 'look'); studio.ring('shown')")
    assert krita.do("studio.host.pictures") == 1
    until(lambda: is_red(krita, 150, 150), "the candidate")


def test_the_overlay_goes_with_its_document(krita):
    """Another document in front, a closed one, a second window: no error, and nothing left over."""
    krita.new_document(400, 300, name="one")
    krita.do("first = document")
    krita.do(OVERLAY)
    assert krita.do("lay('c-1', 100, 100, 100, 100); overlay.visible()")
    krita.new_document(200, 200, name="two")
    krita.do("studio.look = Look('doc-2', 'two', 200, 200); studio.ring('look')")
    assert not krita.do("overlay.visible()")
    krita.do(
        "studio.shown = Shown('doc-2', Placement(0, 0, 9, 9), studio.shown.pixels, 'c'); studio.ring('shown')"
    )
    assert krita.do("overlay.visible()")
    krita.do("document.setModified(False); document.close()")
    krita.until("app.activeDocument() == first")
    assert not krita.do("overlay.visible()")
    krita.do("studio.look = Look('doc-1', 'one', 400, 300); lay('', 100, 100, 100, 100)")
    until(lambda: is_red(krita, 150, 150), "the overlay on the first again")
    krita.do("studio._hearers.clear(); overlay.deleteLater()")
