# SPDX-License-Identifier: Apache-2.0
"""The real Krita can be started, driven, looked at and ended."""

import zipfile

import pytest

from hosts.host import Refused
from hosts.krita import DESKTOP, KritaHost
from hosts.room import until


@pytest.fixture(scope="module")
def shared(room, screen):
    """One Krita for the module."""
    with KritaHost(room, screen) as krita:
        yield krita


@pytest.fixture
def krita(shared, screen):
    """The same Krita, with no document open."""
    yield shared
    assert shared.script_errors() == []
    shared.close_all()


def test_versions(krita):
    """It is Krita 5.2 or later with a Python that plugins are written for."""
    krita_version, python = krita.do("import sys; (app.version(), sys.version_info[:2])")
    assert tuple(map(int, krita_version.split(".")[:2])) >= (5, 2)
    assert python >= (3, 11)


def test_pixels_make_the_round_trip(krita):
    """What setPixelData writes, pixelData reads; the selection's coverage likewise."""
    krita.new_document(64, 48)
    pixels = bytes(range(256)) * 4 * 3  # 64x12, BGRA
    fill = """
        layer = document.createNode("made", "paintlayer")
        document.rootNode().addChildNode(layer, None)
        layer.setPixelData(QByteArray(pixels), 0, 6, 64, 12)
        selection = Selection()
        selection.select(4, 8, 20, 10, 128)
        document.setSelection(selection)
    """
    krita.do(fill, pixels=pixels)
    assert krita.do("bytes(layer.pixelData(0, 6, 64, 12))") == pixels
    assert krita.do("bytes(document.selection().pixelData(3, 8, 3, 1))") == b"\x00\x80\x80"


def test_what_is_painted_is_on_the_screen(krita):
    """The picture of the screen is not black, and the layer's red covers the canvas's middle."""
    krita.new_document(400, 300)
    krita.do("""
        document.activeNode().setPixelData(QByteArray(b"\\x20\\x10\\xe0\\xff" * 400 * 300), 0, 0, 400, 300)
        document.refreshProjection()
    """)
    until(lambda: krita.screen.grab().getpixel((700, 500)) == (0xE0, 0x10, 0x20), "red on the canvas")
    assert len(krita.shot("krita").getcolors(2**24)) > 200


def test_the_hands_reach_it(krita):
    """A stroke drawn with the mouse is in the layer, and the key for undo takes it back."""
    krita.new_document(400, 300)
    krita.do("""
        app.action("KritaShape/KisToolBrush").trigger()
        before = bytes(document.pixelData(0, 0, 400, 300))
    """)
    changed = "document.waitForDone(); bytes(document.pixelData(0, 0, 400, 300)) != before"
    krita.screen.drag((650, 450), (750, 550))
    until(lambda: krita.do(changed), "the stroke")
    krita.shot("krita-stroke")
    krita.screen.key("ctrl+z")
    until(lambda: not krita.do(changed), "the undo")


def test_undo_by_action(krita):
    """A layer added through the API goes with ``edit_undo``."""
    krita.new_document()
    krita.do("""
        document.rootNode().addChildNode(document.createNode("made", "paintlayer"), None)
        document.waitForDone()
    """)
    assert krita.do("[node.name() for node in document.topLevelNodes()]")[-1] == "made"
    krita.do("app.action('edit_undo').trigger()")
    krita.until("[node.name() for node in document.topLevelNodes()] == ['Background']")


def test_an_error_inside_reaches_the_test(krita):
    """With its traceback; the next call works."""
    with pytest.raises(Refused, match="ZeroDivisionError"):
        krita.do("1 / 0")
    with pytest.raises(Refused, match="only plain values travel"):
        krita.do("app")
    assert krita.do("1 + 1") == 2


def test_a_dialog_can_be_driven_while_it_is_open(krita):
    """``begin`` leaves the dialog open, ``do`` reaches into it."""
    asked = krita.begin("QMessageBox.question(None, 'Really?', '?') == QMessageBox.StandardButton.Yes")
    krita.screen.window("Really?")
    krita.shot("krita-dialog")
    krita.do("QApplication.activeModalWidget().button(QMessageBox.StandardButton.Yes).click()")
    assert krita.answer(asked)


def test_an_exception_in_a_slot_is_noticed(krita):
    """Krita opens a window for it, which would be in the way of all that follows."""
    krita.do("""
        def slip():
            raise ValueError("in a slot")
        QTimer.singleShot(0, slip)
    """)
    krita.screen.window("Script error")
    krita.shot("krita-script-error")
    assert "ValueError: in a slot" in krita.script_errors()[0]
    assert krita.script_errors() == []


def test_a_plugin_can_be_imported_by_the_real_importer(krita, room):
    """Its files lie in the resource folder afterwards."""
    path = room.run / "imported.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imported.desktop", DESKTOP.format(name="imported"))
        archive.mkdir("imported")  # the importer looks for the folder itself
        archive.writestr("imported/__init__.py", "")
        archive.writestr("imported/Manual.html", "<p>None</p>")
    krita.import_plugin(path)
    assert (krita.resources / "pykrita/imported/__init__.py").exists()
    assert krita.do("app.readSetting('python', 'enable_imported', '')") == "true"


def test_it_ends_well_and_leaves_nothing(room, screen, shared):
    """Exit code 0, and no process of Krita's is left; last, for it ends the module's Krita."""
    shared.new_document()
    assert shared.quit() == 0
    assert not [line for line in room.ask("running").values() if "krita" in line]
