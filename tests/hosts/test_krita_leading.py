# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker in the real Krita with an engine that heeds words, guides, steering and settings of its own."""

import sys
from pathlib import Path

import pytest

from hosts.cocreate import AREA, cocreate

HEEDING = Path(__file__).parents[1] / "heeding.py"

SLOW = {"heeding": {"steps": 200, "step": 0.05}}

ROW = "next(iter(panel().jobs.rows.values()))"


@pytest.fixture(scope="module")
def cocreating(room, screen, tmp_path_factory):
    """Krita and a daemon with the engine ``heeding``; ``listed`` names more engines."""
    folder = tmp_path_factory.mktemp("plugin")
    with cocreate(room, screen, folder, daemon=False) as it:
        it.listed = folder / "engines"
        it.daemon = room.start_outside([sys.executable, HEEDING, it.data, it.listed], "daemon")
        it.connected()
        it.krita.do("studio().change(engine='heeding')")
        it.krita.until("studio().conversation.engine.name == 'heeding'")
        yield it


@pytest.fixture(autouse=True)
def tidy(it):
    """The dials are as they were."""
    yield
    it.krita.do("studio().change(engine='heeding', parameters={}, guide='', guide_weight=1.0)")


def look_anew(it, *listed):
    """The daemon looks for its engines; these are there besides."""
    it.listed.write_text("\n".join(listed))
    it.krita.do("""
        from bridge_krita.bridge.protocol.messages import Engines
        studio().conversation._link.ask(Engines(fresh=True))
    """)


def theme(krita, name):
    """Choose it in the menu."""
    krita.do(
        """
        from bridge_krita.qt import QAction
        actions = window().qwindow().findChildren(QAction)
        next(a for a in actions if a.text().replace("&", "").lower() == name).trigger()
        panel().setFocus()
        """,
        name=name,
    )


def float_docker(krita):
    """By itself and 250 pixels wide, so that all of it is seen."""
    krita.do("docker().setFloating(True); docker().move(40, 60); docker().resize(250, 900)")
    krita.until("docker().isFloating() and docker().width() <= 262")


def in_german(krita):
    """Another docker beside, in German."""
    krita.do(
        """
        import bridge_krita, pathlib
        from bridge_krita.panel import Panel
        from bridge_krita.shared.texts import use_language
        locale = pathlib.Path(bridge_krita.__file__).parent / "locale"
        use_language("de", locale)
        german = Panel(studio())
        german.own.heading.setChecked(True)
        german.verbs.buttons["expand"].setChecked(True)
        dock = QDockWidget("Co-create", window().qwindow())
        dock.setFont(docker().font())
        dock.setWidget(german)
        window().qwindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.setFloating(True)
        dock.show()
        dock.move(400, 60)
        dock.resize(250, 860)
        """
    )
    krita.until("dock.windowHandle().isExposed() and not german._gather.isActive()")


def test_the_model_s_settings_and_a_guide_fit_into_the_docker(it):
    """Open, with values changed and a guide chosen, bright and dark, English and German."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    theme(krita, "krita bright")
    float_docker(krita)
    krita.until("panel().own.isVisible() and panel().guide.isVisible()")
    krita.do("studio().change(prompt='an oak by the brook', strength=0.4)")
    krita.shot("leading-closed")
    krita.do("panel().own.heading.setChecked(True)")
    krita.do("panel().own.fields['steps']._spin.setValue(30)")
    krita.do("panel().own.fields['loras']._lines['ink'][0].click()")
    krita.do("panel().guide.kind.setCurrentIndex(1); panel().guide.kind.activated.emit(1)")
    krita.do("panel().guide.weight.setValue(80)")
    krita.until("panel().own.reset.isEnabled() and panel().guide.weight.isEnabled()")
    kept = {"steps": 30, "loras": {"ink": 1.0}}
    assert krita.do("studio().settings.parameters") == {"heeding": kept}
    assert krita.do("(studio().settings.guide, studio().settings.guide_weight)") == ("scribble", 0.8)
    krita.shot("leading-open-bright")
    assert krita.do("panel().widget().width() <= panel().viewport().width()")
    theme(krita, "krita dark")
    krita.until("docker().palette().window().color().lightness() < 128 and not panel().grab().isNull()")
    krita.shot("leading-open-dark")
    in_german(krita)
    krita.shot("leading-open-german")
    assert krita.do("german.widget().width() <= german.viewport().width()")
    assert krita.do("german.own.heading.text()") == "Modelleinstellungen: 2 geändert"
    krita.do("use_language('en', locale); dock.close(); dock.deleteLater()")
    krita.do("press(panel().own.reset)")
    krita.until("studio().settings.parameters == {} and not panel().own.reset.isEnabled()")
    assert krita.do("panel().own.fields['steps']._spin.value()") == 4
    krita.do("docker().setFloating(False)")


def test_the_active_layer_guides_also_when_it_is_hidden(it):
    """Its picture alone over the region goes along, with kind and weight; the rest goes as ever."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    krita.do(
        """
        layer = document.createNode("sketch", "paintlayer")
        document.rootNode().addChildNode(layer, None)
        layer.setPixelData(QByteArray(bytes([10, 20, 200, 255]) * 400), 340, 260, 20, 20)
        layer.setVisible(False)
        document.setActiveNode(layer)
        document.refreshProjection(); document.waitForDone(); studio().refresh()
        """
    )
    krita.until("app.activeDocument().activeNode().name() == 'sketch'")
    it.verb("fill", count=1, guide="scribble", guide_weight=0.5, parameters={"heeding": {"guidance": 7.5}})
    it.made()
    recipe = krita.do("jobs()[0].candidates[0].info.recipe")
    krita.do("""
        from bridge_krita.bridge.protocol.history import GetInputs
        told = []
        studio().conversation._link.ask(GetInputs(jobs()[0].id), told.append)
    """)
    krita.until("len(told) == 1")
    krita.do("""
        inputs, (guide,) = told[0], told[0].guides
        at = ((260 - inputs.region.y) * inputs.region.width + 340 - inputs.region.x) * 4
        pixel = lambda picture, place: bytes(picture.data[place : place + 4])
    """)
    assert krita.do("(guide.kind, guide.weight)") == ("scribble", 0.5)
    assert krita.do("guide.picture.width == inputs.region.width == inputs.picture.width")
    assert krita.do("(pixel(guide.picture, at), pixel(guide.picture, 0))") == (
        bytes([200, 20, 10, 255]),
        bytes(4),
    )
    assert krita.do("pixel(inputs.picture, at) != pixel(guide.picture, at)")
    assert "guidance" in recipe["told"]


def test_steering_changes_the_words_of_a_running_job(it):
    """By its button: the same job goes on, the strip says the new words, and the candidate has them."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=1, prompt="a fir", parameters=SLOW)
    krita.until("len(panel().jobs.rows) == 1 and jobs()[0].state == 'running'")
    krita.until(f"not {ROW}.steer.isEnabled()")
    krita.do("studio().change(prompt='an oak', parameters={'heeding': {**slow, 'guidance': 9.0}})",
             slow=SLOW["heeding"])  # fmt: skip
    it.press(f"{ROW}.steer")
    krita.until(f"not {ROW}.steer.isEnabled() and {ROW}.title.toolTip() == 'Fill: an oak'")
    krita.until("panel().strip.model().lines[0].job.prompt == 'an oak'")
    krita.shot("leading-steered")
    it.press(f"{ROW}.finish")
    it.made(20)
    assert krita.do("[(job.state, len(job.candidates)) for job in jobs()]") == [("done", 1)]
    recipe = krita.do("jobs()[0].candidates[0].info.recipe")
    assert (recipe["prompt"], recipe["guidance"]) == ("an oak", 9.0)


def test_taken_now_a_job_ends_with_what_there_is(it):
    """Its button is there only where the engine can, and once."""
    krita = it.krita
    it.open()
    it.select(*AREA)
    it.verb("fill", count=3, parameters={"heeding": {"steps": 60, "step": 0.05}})
    krita.until("len(panel().jobs.rows) == 1 and len(jobs()[0].candidates) == 1")
    krita.shot("leading-running")
    krita.do(f"row = {ROW}; press(row.finish); None")
    krita.until("not row.finish.isEnabled()", 5)
    it.made(20)
    assert krita.do("(jobs()[0].state, len(jobs()[0].candidates) < 3)") == ("done", True)


def test_a_model_that_comes_and_goes(it):
    """It can be chosen without connecting anew; gone, the default is used and that is said."""
    krita = it.krita
    it.open()
    look_anew(it, "pulled")
    krita.until("panel().head.engine.findData('pulled') >= 0")
    krita.do("studio().change(engine='pulled')")
    krita.until("panel().head.engine.currentData() == 'pulled'")
    look_anew(it)
    krita.until("panel().head.engine.currentData() == 'scripted'")
    krita.until("'Pulled' in panel().notes.words.text()")
    krita.shot("leading-gone")
    krita.until("not panel().own.isVisible()")
