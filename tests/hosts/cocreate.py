# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole plugin in the real Krita with a real daemon: what an illustrator sees, and buttons to press."""

import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hosts.krita import KritaHost
from plugins.build import build_folder

#: In the photo: larches, with a mountain behind.
AREA = (330, 250, 140, 110)

PHOTO = Path(__file__).parents[2] / "docs" / "demo" / "aitzgorri.jpg"

INSIDE = """
import hashlib
from bridge_krita.application import studio_for
from bridge_krita.qt import QToolButton
_dockers = []  # looking through all widgets takes long
def docker():
    if not _dockers:
        named = (d for d in window().qwindow().findChildren(QDockWidget) if d.objectName() == "bridge_krita")
        _dockers.append(next(named))
    return _dockers[0]
def panel():
    return docker().widget()
def studio():
    return panel().studio
def press(button):
    assert button.isEnabled(), button.toolTip()
    button.click()
def sheet():
    "What lies over the canvas in front."
    found = docker()._overlay._living()
    return found if found is not None and found.isVisible() else None
def seen(x=0, y=0, width=None, height=None):
    d = app.activeDocument()
    d.waitForDone()
    return bytes(d.pixelData(x, y, width or d.width(), height or d.height()))
def tree(node=None):
    node = node or app.activeDocument().rootNode()
    return [(n.name(), n.type(), tree(n)) for n in node.childNodes() if n.type() != "selectionmask"]
def state():
    d = app.activeDocument()
    return hashlib.sha1(seen()).hexdigest(), tree(), d.width(), d.height()
def cells():
    return studio().cells()
def jobs():
    return list(studio().conversation.board.jobs.values())
def finished():
    return bool(jobs()) and all(job.finished for job in jobs())
"""


class Cocreate:
    """Krita, its docker, and the daemon."""

    def __init__(self, room, krita):
        self.room, self.krita, self.daemon = room, krita, None
        self.data = room.home / ".local/share/bridge-server"

    def start_daemon(self):
        """Start a daemon where the plugin looks for it, and wait until the docker has found it."""
        self.daemon = self.room.start_outside(
            [sys.executable, "-m", "bridge_server", "serve", "--data-dir", self.data], "daemon"
        )

    def prepare(self):
        """Names for the code inside."""
        self.krita.do(INSIDE)
        self.krita.until("type(panel()).__name__ == 'Panel'")

    def connected(self):
        """Wait for the daemon's welcome."""
        self.krita.until(
            "studio().conversation.state == 'connected' and studio().conversation.engine is not None"
        )

    def open(self, path=PHOTO, model="RGBA", depth="U8", profile=""):
        """A picture in front, in another colour space if that is wanted, with nothing to undo but that."""
        local = self.room.home / Path(path).name
        local.write_bytes(Path(path).read_bytes())
        self.krita.do("document = app.openDocument(path); view = window().addView(document)", path=str(local))
        self.krita.until("app.activeDocument() == document and document.activeNode() is not None")
        if (model, depth) != ("RGBA", "U8") or profile:
            self.krita.do(
                "document.setColorSpace(model, depth, profile); document.waitForDone()",
                model=model,
                depth=depth,
                profile=profile,
            )
        self.krita.until("docker().isVisible()")  # it shows itself with the first document
        self.krita.do("app.action('zoom_to_fit').trigger()")
        self.krita.do("document.refreshProjection(); document.waitForDone(); studio().refresh()")

    def select(self, x, y, width, height, feather=0):
        """A selection, with soft edges or hard ones."""
        self.krita.do(
            """
            chosen = Selection()
            chosen.select(x, y, width, height, 255)
            if feather:
                chosen.feather(feather)
            document.setSelection(chosen)
            studio().refresh()
            """,
            x=x,
            y=y,
            width=width,
            height=height,
            feather=feather,
        )
        self.krita.until("studio().look is not None and studio().look.selection is not None")

    def press(self, button):
        """A button of the docker, which must be enabled."""
        self.krita.until(f"{button}.isEnabled()")
        self.krita.do(f"press({button})")

    def verb(self, verb, **settings):
        """Set the dials and press one of the four big buttons (of Expand, the one in its panel)."""
        self.krita.do("studio().change(**settings)", settings=settings)
        if verb == "expand":
            self.krita.do("panel().verbs.buttons['expand'].setChecked(True)")
            self.press("panel().verbs.expand.go")
        else:
            self.press(f"panel().verbs.buttons[{verb!r}]")

    def made(self, timeout=120):
        """Wait until everything that was asked for is made."""
        self.krita.until("finished()", timeout)

    def accept(self):
        """Press Accept; wait until the daemon has written the version down."""
        self.krita.do("chosen_one = studio().selected")
        self.press("panel().tools.buttons['accept']")
        self.krita.until("chosen_one.version != ''")
        self.krita.do("app.activeDocument().waitForDone()")

    def undo(self):
        """One press of ctrl+Z's action; busy, Krita ignores it."""
        self.krita.do("app.activeDocument().waitForDone(); app.action('edit_undo').trigger()")

    def forget(self):
        """Nothing is left of a test: jobs end, documents close."""
        self.krita.do("[studio().cancel(job.id) for job in jobs()]")
        self.krita.until("all(job.finished for job in jobs())", 60)
        self.krita.do(
            "studio().select(''); studio().change(place_as='layer', source='visible', seed=None, prompt='')"
        )
        self.krita.close_all()
        self.krita.do("studio().refresh(); studio().conversation.board.clear(); studio().refresh()")


@contextmanager
def cocreate(room, screen, into, *, daemon=True, environment=None):
    """Krita with the built plugin, connected."""
    plugin = build_folder("krita", Path(into))
    host = KritaHost(room, screen, plugins=[plugin])
    host.environment = lambda: environment or {}
    with host as krita:
        it = Cocreate(room, krita)
        if daemon:
            it.start_daemon()
        it.prepare()
        if daemon:
            it.connected()
        yield it


def grid(pixels, size, width):
    """Rows of pixels of so many bytes."""
    return np.frombuffer(pixels, "u1").reshape(-1, width, size)


def canvas_box(it):
    """Where on the screen the middle of the canvas is."""
    x, y, width, height = it.krita.do("""
        from bridge_krita.overlay import canvas_of
        canvas = canvas_of(window().qwindow())
        corner = canvas.mapToGlobal(QPoint(0, 0))
        (corner.x(), corner.y(), canvas.width(), canvas.height())
    """)
    return x + 40, y + 40, x + width - 40, y + height - 40


def click(it, button):
    """With the mouse, in the middle of a button that is enabled."""
    it.krita.until(f"{button}.isEnabled()")
    point = it.krita.do(f"""
        place = {button}.mapToGlobal({button}.rect().center())
        (place.x(), place.y())
    """)
    it.krita.screen.click(*point)
