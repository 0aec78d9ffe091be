# SPDX-License-Identifier: GPL-3.0-or-later
"""What an illustrator does with the docker, in the real Krita with a real daemon."""

import numpy as np
import pytest

from hosts.cocreate import AREA, canvas_box, grid
from hosts.room import until

LINEAR = "sRGB-elle-V2-g10.icc"
#: Colour space, feather of the selection, bytes of a pixel.
CASES = [
    ("RGBA", "U8", "", 0, 4),
    ("RGBA", "U8", "", 12, 4),
    ("RGBA", "U8", "ClayRGB-elle-V2-g22.icc", 0, 4),
    ("RGBA", "U16", LINEAR, 12, 8),
    ("RGBA", "F16", LINEAR, 0, 8),
    ("RGBA", "F32", LINEAR, 12, 16),
    ("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc", 12, 2),
    ("CMYKA", "U8", "Chemical proof", 0, 5),
]


@pytest.mark.parametrize(("model", "depth", "profile", "feather", "size"), CASES, ids=str)
def test_fill_from_the_selection_to_the_layer_and_back(it, model, depth, profile, feather, size):
    """Nothing of the document changes before accept; then only what is selected; one undo takes it back."""
    krita, name = it.krita, f"{model}-{depth}-{feather}-{bool(profile)}"
    it.open(model=model, depth=depth, profile=profile)
    width = krita.do("document.width()")
    it.select(*AREA, feather)
    mask = np.frombuffer(
        krita.do("bytes(document.selection().pixelData(0, 0, document.width(), document.height()))"), "u1"
    )
    krita.do("document.setModified(False); before = state(); pixels = seen()")
    it.verb("fill", count=3, prompt="the slope without the tree")
    krita.until("sheet() is not None", 60)
    krita.shot(f"cocreate-{name}-forming")
    it.made()
    krita.until("studio().shown is not None and studio().shown.candidate != ''")
    krita.until("all(c.candidate is not None and c.candidate.thumbnail is not None for c in cells())")
    krita.shot(f"cocreate-{name}-candidate")
    assert krita.do("state() == before and not document.modified()")
    it.accept()
    krita.until("sheet() is None")
    krita.shot(f"cocreate-{name}-accepted")
    placed, kind, _ = krita.do("tree()")[-1]
    assert kind == "paintlayer"
    assert placed in [f"the slope without the tree {number}" for number in (1, 2, 3)]
    old, new = grid(krita.do("pixels"), size, width), grid(krita.do("seen()"), size, width)
    changed = (old != new).any(axis=2)
    covered = mask.reshape(changed.shape) > 0
    assert not changed[~covered].any()
    assert changed[mask.reshape(changed.shape) == 255].mean() > 0.5
    it.undo()
    krita.until("state() == before")
    krita.do("app.action('edit_redo').trigger()")
    krita.until("len(tree()) == len(before[1]) + 1")


def test_it_looks_the_same_over_the_canvas_and_as_a_layer(it):
    """What was shown is what is placed: the screen does not change by the accept, but for the docker."""
    for depth, profile in (("U8", ""), ("U16", LINEAR), ("F32", LINEAR)):
        it.open(depth=depth, profile=profile)
        it.krita.do("app.action('zoom_to_100pct').trigger()")
        it.select(*AREA)  # a soft edge over a linear document is blended in light; over the canvas in sRGB
        it.verb("fill", count=1)
        it.made()
        it.krita.until("studio().shown is not None and studio().shown.candidate != ''")
        it.krita.do("document.setSelection(None); studio().refresh()")  # its ants march
        box = canvas_box(it)
        shown = steady(it, box)
        it.accept()
        it.krita.until("sheet() is None")
        placed = steady(it, box)
        assert np.abs(shown.astype(int) - placed).max() <= 3, (
            depth,
            np.abs(shown.astype(int) - placed).max(),
        )
        it.forget()


def steady(it, box):
    """A picture of the screen once it does not change any more."""
    it.krita.do("document.waitForDone()")
    last = []

    def same():
        now = np.asarray(it.krita.screen.grab().crop(box))
        last.append(now)
        return len(last) > 1 and (last[-1] == last[-2]).all()

    until(same, "a steady screen", 30, 0.2)
    return last[-1]


def test_expand_grows_the_canvas_and_one_undo_takes_it_back(it):
    """Two sides at once; the old picture is where it was, byte for byte."""
    krita = it.krita
    it.open()
    krita.do("before = state(); pixels = seen()")
    krita.do("app.action('zoom_to_fit').trigger(); app.action('view_zoom_out').trigger()")
    it.krita.do("from bridge_krita.shared.model import Sides; studio().change(sides=Sides(0, 96, 0, 64))")
    it.verb("expand", count=2)
    krita.until("sheet() is not None", 60)
    krita.shot("cocreate-expand-forming")
    it.made()
    krita.until("studio().shown is not None and studio().shown.candidate != ''")
    krita.shot("cocreate-expand-candidate")
    it.accept()
    width, height = krita.do("before[2:]")
    assert krita.do("state()[2:]") == (width + 96, height + 64)
    assert krita.do("seen(0, 0, before[2], before[3]) == pixels")
    border = np.frombuffer(krita.do(f"seen({width}, 0, 96, {height + 64})"), "u1").reshape(-1, 4)
    assert (border[:, 3] == 255).all()
    assert len(np.unique(border, axis=0)) > 100
    krita.shot("cocreate-expand-accepted")
    it.undo()
    krita.until("state() == before")


def test_vary_and_refine_with_a_selection_and_without(it):
    """Several candidates that differ; the next and the previous one by action."""
    krita = it.krita
    it.open()
    it.select(*AREA, 6)
    it.verb("vary", count=3, amount=0.6)
    it.made()
    krita.until("studio().selected is not None")
    krita.until("all(c.candidate.thumbnail is not None for c in cells())")
    assert krita.do("len({bytes(c.candidate.thumbnail.data) for c in cells()})") == 3
    krita.do("first = studio().selected.id; app.action('bridge_next').trigger()")
    assert krita.do("studio().selected.id != first")
    krita.do("app.action('bridge_previous').trigger()")
    assert krita.do("studio().selected.id == first")
    krita.shot("cocreate-vary")
    krita.do("document.setSelection(None)")
    it.verb("refine", count=1, strength=0.4)
    it.made()
    assert krita.do("cells()[0].candidate.info.placement.width == document.width()")


def test_cancel_ends_one_job_at_once_and_no_other(it):
    """By its button in the queue; what it had made stays."""
    krita = it.krita
    it.open()
    krita.do("document.setSelection(None)")
    it.verb("vary", count=8)
    it.select(*AREA)
    it.verb("fill", count=2)
    krita.until("len(studio().queue()) == 2 and len(panel().jobs.rows) == 2")
    krita.shot("cocreate-queue")
    krita.do("first = studio().queue()[0]; press(panel().jobs.rows[first.id].cancel); None")
    krita.until("first.state == 'cancelled'", 10)
    it.made()
    assert sorted(krita.do("[job.state for job in jobs()]")) == ["cancelled", "done"]


def test_hold_to_compare_and_reject(it):
    """The document shows through as long as it is held; a rejected one makes room for the next."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=2)
    it.made()
    krita.until("sheet() is not None")
    krita.do("panel().tools.compare.pressed.emit()")
    krita.until("sheet() is None")
    krita.do("panel().tools.compare.released.emit()")
    krita.until("sheet() is not None")
    krita.do("first = studio().selected")
    it.press("panel().tools.buttons['reject']")
    krita.until("first.decision == 'reject' and studio().selected is not first")
    krita.shot("cocreate-rejected")


def test_more_refine_and_copy_from_a_candidate(it):
    """Each makes a job of the same document, or sets the dials."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=1, prompt="stones")
    it.made()
    for button in ("more", "refine"):
        krita.until("studio().selected is not None and not studio().queue()")
        it.press(f"panel().tools.buttons[{button!r}]")
        krita.until("len(studio().queue()) == 1")
        it.made()
    assert krita.do("[job.verb for job in sorted(jobs(), key=lambda j: j.created)]") == [
        "fill",
        "vary",
        "refine",
    ]
    assert krita.do("len({job.document for job in jobs()})") == 1
    krita.do("studio().change(prompt='other')")
    it.press("panel().tools.buttons['copy']")
    assert krita.do("(studio().settings.prompt, studio().settings.seed is not None)") == ("stones", True)


def test_into_the_active_layer_and_as_a_group(it):
    """Both are taken back by one undo."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    krita.do("before = state()")
    it.verb("fill", count=2, place_as="group", prompt="stones")
    it.made()
    krita.until("studio().selected is not None")
    it.accept()
    name, kind, inside = krita.do("tree()")[-1]
    assert (name, kind, len(inside)) == ("stones", "grouplayer", 2)
    it.undo()
    krita.until("state() == before")
    krita.do("studio().change(place_as='into'); studio().select(cells()[0].candidate.id); studio().refresh()")
    it.accept()
    krita.until("state()[1] == before[1] and state()[0] != before[0]")
    it.undo()
    krita.until("state() == before")
    krita.until("app.activeDocument().activeNode() is not None")
    krita.until("app.activeDocument().activeNode().name() == 'Background'")
