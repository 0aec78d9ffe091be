# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker in the real Krita: several documents, changing canvases, a dying daemon, hands and actions."""

import numpy as np
from PIL import Image

from hosts.cocreate import AREA, PHOTO, canvas_box, click, grid


def test_two_documents_and_one_closed_during_its_job(it):
    """Each has its own strip; no result shows over the other; those of a closed one are in the project."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    krita.do("first = document")
    it.verb("fill", count=2)
    krita.new_document(300, 200, name="second")
    krita.until("studio().look.title == 'second' and cells() == []")
    it.made()
    krita.until("all(c.thumbnail for c in jobs()[0].candidates)")
    assert krita.do("(studio().selected, studio().shown, sheet())") == (None, None, None)
    krita.do("first.setSelection(None); first.waitForDone(); first.setModified(False); first.close()")
    krita.until("len(app.documents()) == 1 and cells() == []")
    krita.do("studio().change(whole_project=True)")
    krita.until("len(cells()) == 2")
    krita.do("studio().change(whole_project=False)")


def test_the_canvas_is_resized_during_a_job(it):
    """A fill is placed where it was; an expand is refused in words."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=1)
    krita.do("document.resizeImage(0, 0, document.width() - 60, document.height()); document.waitForDone()")
    it.made()
    krita.until("studio().selected is not None")
    it.accept()
    krita.do("bounds = app.activeDocument().activeNode().bounds()")
    assert krita.do("(bounds.x(), bounds.y(), bounds.width(), bounds.height())") == AREA
    krita.do("from bridge_krita.shared.model import Sides; studio().change(sides=Sides(0, 64, 0, 0))")
    it.verb("expand", count=1)
    krita.do("document.resizeImage(0, 0, document.width() - 20, document.height()); document.waitForDone()")
    it.made()
    krita.until("studio().selected is not None")
    krita.do("studio().refresh()")
    assert krita.do("studio().why_not_do('accept')").startswith("The canvas has another size")
    krita.until("not panel().tools.buttons['accept'].isEnabled()")


def test_a_daemon_that_is_killed_comes_back_with_everything(it):
    """The docker says so, recovers by itself, and the job's candidates are all there."""
    krita = it.krita
    it.open()
    krita.do("document.setSelection(None)")
    it.verb("vary", count=6)
    krita.do("(late,) = jobs()")
    krita.until("len(late.candidates) > 0", 60)
    it.daemon.signal(9)
    it.daemon.wait()
    krita.until("studio().conversation.state == 'waiting'")
    krita.until("not panel().verbs.buttons['vary'].isEnabled()")
    krita.shot("cocreate-no-daemon")
    it.start_daemon()
    it.connected()
    it.made()
    assert krita.do("(late.state, sorted(c.info.index for c in late.candidates))") == ("done", list(range(6)))
    krita.until("all(c.thumbnail for c in late.candidates)")
    krita.shot("cocreate-recovered")


def test_a_candidate_moves_along_when_the_canvas_grew_to_the_left(it):
    """It was made for a place in the picture, and that is where it goes; undone, it goes where that was."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=1)
    it.made()
    krita.until("studio().selected is not None")
    krita.do("filled = studio().selected")
    krita.do("from bridge_krita.shared.model import Sides; studio().change(sides=Sides(64, 0, 32, 0))")
    it.verb("expand", count=1)
    it.made()
    krita.until("studio().selected is not None and studio().selected is not filled")
    it.accept()
    krita.do("studio().refresh(); studio().select(filled.id)")
    place = "(lambda p: (p.x, p.y))(studio().shown.placement)"
    krita.until(f"studio().shown is not None and {place} == ({AREA[0] + 64}, {AREA[1] + 32})")
    it.accept()
    bounds = "app.activeDocument().activeNode().bounds()"
    assert krita.do(f"({bounds}.x(), {bounds}.y())") == (AREA[0] + 64, AREA[1] + 32)
    it.undo()
    krita.until("len(tree()) == 2")
    it.undo()
    krita.until("len(tree()) == 1")
    krita.do("studio().refresh(); studio().select(filled.id)")
    krita.until(f"studio().shown is not None and {place} == ({AREA[0]}, {AREA[1]})")


def test_undo_in_krita_moves_the_project_s_head(it):
    """And redo brings it back: other programs see what the canvas shows."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=1)
    it.made()
    krita.until("studio().selected is not None")
    it.accept()
    krita.do("""
        from bridge_krita.bridge.protocol.projects import GetProject
        heads = []
        def ask():
            link = studio().conversation._link
            link.ask(GetProject(), lambda told: heads.append({h.document: h.version for h in told.heads}))
            return heads[-1].get(studio().look.document) if heads else None
    """)
    krita.until("ask() == chosen_one.version")
    krita.do("studio().refresh()")
    it.undo()
    krita.until("ask() == studio().conversation.board.versions[chosen_one.version].parent")
    krita.do("app.action('edit_redo').trigger()")
    krita.until("ask() == chosen_one.version")


def test_by_actions_alone(it):
    """For shortcuts and scripts: no docker is needed."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    krita.do("docker().hide(); studio().change(count=1)")
    krita.do("app.action('bridge_fill').trigger()")
    it.made()
    krita.until("studio().selected is not None")
    krita.do("before = len(tree()); app.action('bridge_accept').trigger()")
    krita.until("len(tree()) == before + 1")
    krita.do("docker().show()")


def test_by_hand(it):
    """The mouse selects, the mouse presses Fill and Accept, and ctrl+Z takes it back."""
    krita, screen = it.krita, it.krita.screen
    it.open()
    krita.do("app.action('KisToolSelectRectangular').trigger(); studio().change(count=1); before = state()")
    left, top, right, bottom = canvas_box(it)
    middle = ((left + right) // 2, (top + bottom) // 2)
    screen.drag((middle[0] - 60, middle[1] - 40), (middle[0] + 80, middle[1] + 60))
    krita.until("studio().look is not None and studio().look.selection is not None")
    click(it, "panel().verbs.buttons['fill']")
    it.made()
    krita.until("studio().shown is not None and studio().shown.candidate != ''")
    krita.do("chosen_one = studio().selected")
    click(it, "panel().tools.buttons['accept']")
    krita.until("chosen_one.version != '' and len(tree()) == len(before[1]) + 1")
    krita.do("app.activeDocument().waitForDone()")
    screen.click(*middle, 2)  # the canvas has the keys again
    screen.key("ctrl+z")
    krita.until("state() == before")
    krita.do("app.action('KritaShape/KisToolBrush').trigger()")


def test_the_fir_is_gone(it):
    """A painted mask as a selection; these are the pictures of the README."""
    krita = it.krita
    it.open()
    mask = Image.open(PHOTO.with_name("tree-mask.png")).convert("L")
    krita.do(
        """
        chosen = Selection()
        chosen.setPixelData(QByteArray(mask), 0, 0, width, height)
        document.setSelection(chosen)
        app.action("zoom_to_fit").trigger()
        panel().verbs.buttons["expand"].setChecked(False)
        studio().refresh()
        """,
        mask=mask.tobytes(),
        width=mask.width,
        height=mask.height,
    )
    krita.until("studio().look.selection is not None")
    it.verb("fill", count=6, prompt="the slope without the fir")
    krita.until("len([c for c in cells() if c.candidate]) >= 2 and sheet() is not None")
    krita.until("any(c.preview for c in cells()) or finished()")
    krita.shot("readme-filling")
    it.made()
    krita.until("all(c.candidate and c.candidate.thumbnail for c in cells())")
    inside = np.frombuffer(mask.tobytes(), "u1").reshape(mask.height, mask.width) == 255
    before = grid(krita.do("seen()"), 4, mask.width)
    it.accept()
    after = grid(krita.do("seen()"), 4, mask.width)
    assert (
        before[inside].astype(int) - after[inside]
    ).mean() < -10  # the dark fir gives way to what is brighter
    krita.do("document.setSelection(None); studio().refresh()")
    krita.do("from bridge_krita.shared.model import Sides; studio().change(sides=Sides(160, 160, 0, 0))")
    krita.do("app.action('view_zoom_out').trigger(); app.action('view_zoom_out').trigger()")
    it.verb("expand", count=3, prompt="")
    it.made()
    krita.until("studio().shown is not None and all(c.candidate and c.candidate.thumbnail for c in cells())")
    krita.shot("readme-expanding")
    it.accept()
    krita.do("app.action('zoom_to_fit').trigger()")
    it.verb("vary", count=4, amount=0.5)
    it.made()
    krita.until("studio().shown is not None and all(c.candidate and c.candidate.thumbnail for c in cells())")
    krita.shot("readme-varying")
