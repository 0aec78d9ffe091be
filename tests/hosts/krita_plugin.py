# SPDX-License-Identifier: Apache-2.0
"""The plugin's modules in the real Krita, straight from the repository, and names to test them with."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from hosts.krita import KritaHost
from hosts.room import RoomError

ROOT = Path(__file__).parents[2]
#: The plugin of the sources, with a stand-in for its Studio behind it.
STAND_IN = """
import sys, types
sys.dont_write_bytecode = True
sys.path[:0] = [{root!r}, {root!r} + "/tests/hosts/inside", {root!r} + "/plugins/vendor"]
import krita_studio
application = types.ModuleType("plugins.krita.application")
application.studio_for = krita_studio.WINDOWS.studio_for
sys.modules["plugins.krita.application"] = application
import plugins.krita
plugins.krita._register()
"""
INSIDE = """
import os, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, "/mnt" + repository)
from bridge_server.protocol.records import Placement
from plugins.krita.colour import SCREEN, Space, convert
from plugins.krita.host import KritaHost, KritaMemory, language
from plugins.shared.host import Gone
from plugins.shared.model import Layer, Layout, Raw, Sides

main = window()
host = KritaHost(main)
memory = KritaMemory()

def steps():
    docker = next(docker for docker in app.dockers() if docker.objectName() == "History")
    model = docker.findChild(QListView).model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]

def tree(node=None):
    node = node or app.activeDocument().rootNode()
    nodes = [n for n in node.childNodes() if n.type() != "selectionmask"]
    mark = lambda n: n.uniqueId().toString()
    return [(n.name(), n.type(), n.blendingMode(), n.opacity(), mark(n), tree(n)) for n in nodes]

def state():
    document = app.activeDocument()
    document.waitForDone()
    size = (document.width(), document.height())
    return (size, tree(), bytes(document.pixelData(0, 0, *size)))

def now():
    return host.look().document

def layer(data, at, name="made", visible=True, **facts):
    return Layer(name, Placement(*at), Raw(at[2], at[3], host.layout(now()), data), facts, visible)

def undo():
    app.activeDocument().waitForDone()  # busy, Krita ignores the press
    app.action("edit_undo").trigger()

def redo():
    app.activeDocument().waitForDone()
    app.action("edit_redo").trigger()

def pixel(colour, count):
    return bytes(colour) * count
"""


@contextmanager
def krita_with_plugin(room, screen, repository):
    """Krita, with ``INSIDE`` in it."""
    with KritaHost(room, screen) as krita:
        krita.do(INSIDE, repository=str(repository))
        yield krita


@contextmanager
def krita_with_stand_in(room, screen):
    """Krita with the plugin's windows over a stand-in Studio; names of ``krita_panel`` in it."""
    plugin = room.run / "plugin" / "bridge_krita"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text(STAND_IN.format(root=f"/mnt{ROOT}"))
    shutil.copy(ROOT / "plugins/krita/bridge_krita.desktop", plugin.parent)
    actions = room.home / ".local/share/krita/actions"
    actions.mkdir(parents=True)
    shutil.copy(ROOT / "plugins/krita/bridge_krita.action", actions)
    with KritaHost(room, screen, plugins=[plugin]) as krita:
        krita.do("import krita_panel, krita_studio; from krita_panel import *")
        krita.do(
            "from plugins.krita.overlay import Overlay, canvas_of; from plugins.krita.slots import Slots"
        )
        yield krita


def settle_and_close(krita):
    """Close all. Krita may crash if it is done at once after some changes of a layer; 0.2 s later not."""
    time.sleep(0.5)
    assert krita.script_errors() == []
    krita.close_all()


def becomes(krita, wanted, timeout=20):
    """Wait until the document in front is as a ``state()`` said."""
    try:
        krita.do("wanted = told", told=wanted)
        krita.until("state() == wanted", timeout)
    except RoomError:
        now = krita.do("state()")
        assert now[:2] == wanted[:2]
        assert now[2] == wanted[2], "other pixels"
