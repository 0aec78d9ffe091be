# SPDX-License-Identifier: Apache-2.0
"""The plugin's windows in the real Krita, over a stand-in Studio: looks, keys, actions."""

import pytest

from hosts.krita_plugin import krita_with_stand_in
from hosts.room import until

NAMES = [
    *("fill", "expand", "vary", "refine", "accept", "reject", "more", "less"),
    *("next", "previous", "compare", "cancel", "start"),
]


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


def settle(krita):
    """Wait until what was gathered is shown, and the dockers are where Qt believes they are."""
    krita.until("not any(dock.widget()._gather.isActive() for dock in krita_panel.shown)")

    def in_place():
        return all(
            f"X={x}\nY={y}\n" in krita.screen.hand("getwindowgeometry", "--shell", window)
            for window, x, y in krita.do("floating()")
        )

    until(in_place, "the dockers in their places")
    krita.until("all(dock.windowHandle().isExposed() for dock in krita_panel.shown if dock.isFloating())")


@pytest.mark.parametrize("theme", ["krita dark", "krita bright"])
@pytest.mark.parametrize("long", [False, True], ids=["english", "long"])
@pytest.mark.parametrize("width", [250, 420])
def test_every_state_has_room(krita, theme, long, width):
    """No text is cut off, nothing is wider than the docker, and all that takes keys has a name."""
    krita.do("theme(name)", name=theme)
    krita.do(
        """
        panels = [
            open_panel(studio, width, 860, at=(10 + place * (width + 8), 60), long=long)
            for place, studio in enumerate(list(states().values())[: 1600 // (width + 8)])
        ]
        """,
        long=long,
        width=width,
    )
    settle(krita)
    krita.shot(f"docker-{theme.split()[1]}-{'long' if long else 'english'}-{width}")
    krita.do("[panel.verbs.buttons['expand'].setChecked(True) for panel in panels]")
    krita.do("[panel.options.heading.setChecked(True) for panel in panels]")
    krita.do("[panel.own.heading.setChecked(True) for panel in panels]")
    settle(krita)
    krita.shot(f"docker-{theme.split()[1]}-{'long' if long else 'english'}-{width}-unfolded")
    assert krita.do("[text for panel in panels for text in squeezed(panel) + nameless(panel)]") == []
    krita.do("theme('krita dark')")


def test_docked_and_low(krita):
    """In Krita's column of dockers, where it is about 250 pixels high, the verbs are in sight."""
    krita.new_document()
    krita.do("panel = open_panel(states()['working'], docked=True)")
    settle(krita)
    krita.shot("docker-docked")
    assert krita.do("panel.verbs.buttons['fill'].visibleRegion().isEmpty()") is False
    assert krita.do("squeezed(panel)") == []


def test_icons_follow_the_theme(krita):
    """Light on dark, dark on light, without being made anew."""
    krita.do("panel = open_panel(states()['working'])")
    code = """
        image = panel.verbs.buttons['fill'].icon().pixmap(22, 22).toImage()
        colours = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
        min(colour.lightness() for colour in colours if colour.alpha() > 200)
    """
    assert krita.do("theme('krita dark')") < 128
    until(lambda: krita.do(code) > 150, "light icons")
    assert krita.do("theme('krita bright')") > 128
    until(lambda: krita.do(code) < 100, "dark icons")
    krita.do("theme('krita dark')")


def test_progress_moves_nothing(krita):
    """While a candidate forms no widget is made, none moves, and one row of the strip is drawn again."""
    krita.do("studio = states()['working']; panel = open_panel(studio)")
    settle(krita)
    krita.do(
        """
        job, changed = studio.jobs[0], []
        panel.strip.model().dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
        panel.strip.model().modelReset.connect(lambda: changed.append("reset"))
        before, widgets = places(panel), len(panel.findChildren(QWidget))
        studio.progress(job, 0.8)
        """
    )
    settle(krita)
    assert krita.do("changed") == [(3, 3)]
    assert krita.do("places(panel) == before and len(panel.findChildren(QWidget)) == widgets")


def test_the_prompt_grows_and_asks(krita, screen):
    """Enter is a new line, ctrl+Enter asks for the last verb, ctrl+Up and ctrl+Down bring earlier ones."""
    krita.do("studio = states()['empty']; studio.change(prompt=''); panel = open_panel(studio)")
    settle(krita)
    low = krita.do("panel.prompt.edit.height()")
    screen.click(*krita.do("middle(panel.prompt.edit)"))
    krita.until("panel.prompt.edit.hasFocus()")
    screen.type("one")
    screen.key("Return", "Return")
    screen.type("b")
    krita.until("studio.conversation.settings.prompt == 'one\\n\\nb'")
    assert krita.do("panel.prompt.edit.height()") > low
    screen.key("ctrl+Up")
    krita.until("studio.conversation.settings.prompt == krita_studio.PROMPTS[0]")
    screen.key("ctrl+Up")
    krita.until("studio.conversation.settings.prompt == krita_studio.PROMPTS[1]")
    screen.key("ctrl+Down", "ctrl+Down")
    krita.until("studio.conversation.settings.prompt == 'one\\n\\nb'")
    krita.do("panel.verbs.buttons['vary'].click()")
    screen.key("ctrl+Return")
    krita.until("studio.calls.count(('ask', 'vary')) == 2")


def test_keys_in_the_strip_are_the_strips(krita, screen):
    """Arrows, Enter, Delete, held Space; Krita's own Delete would have cleared the layer."""
    krita.new_document(64, 64)
    krita.do(
        """
        document.activeNode().setPixelData(QByteArray(b"\\x20\\x10\\xe0\\xff" * 64 * 64), 0, 0, 64, 64)
        studio = states()['working']
        studio.select('')
        panel = open_panel(studio, height=860)
        """
    )
    settle(krita)
    screen.click(*krita.do("cell_middle(panel.strip, 1)"))
    krita.until("studio.selected is not None and studio.selected.id == 'c-2-0'")
    screen.key("Right")
    krita.until("studio.selected.id == 'c-2-1'")
    screen.key("Down")  # over the two that still form, and over the heading
    krita.until("studio.selected.id.startswith('c-1-')")
    screen.key("Return", "Delete")
    krita.until("[call for call in studio.calls if call[0] == 'do'] == [('do', 'accept'), ('do', 'reject')]")
    screen.hand("keydown", "space")
    krita.until("studio.comparing")
    screen.hand("keyup", "space")
    krita.until("not studio.comparing")
    screen.key("Escape")
    krita.until("studio.selected is None")
    assert krita.do("bytes(document.activeNode().pixelData(9, 9, 1, 1))") == b"\x20\x10\xe0\xff"


def test_buttons_do_what_they_say(krita):
    """Each tool calls its deed; compare only as long as it is held; what can't be done says why."""
    krita.do("studio = states()['working']; panel = open_panel(studio, height=860); studio.calls.clear()")
    settle(krita)
    krita.do("[button.click() for button in panel.tools.buttons.values()]")
    deeds = ["accept", "reject", "more", "less", "refine", "copy"]
    assert krita.do("[call for call in studio.calls if call[0] == 'do']") == [("do", deed) for deed in deeds]
    krita.do("studio.show('c-1-2')")
    settle(krita)
    krita.do("panel.tools.compare.setDown(True); panel.tools.compare.pressed.emit()")
    assert krita.do("studio.comparing")
    krita.do("panel.tools.compare.released.emit(); studio.select('')")
    settle(krita)
    assert not krita.do("studio.comparing or any(b.isEnabled() for b in panel.tools.buttons.values())")
    assert "Choose a candidate first." in krita.do("panel.tools.buttons['more'].toolTip()")
    krita.do("row = next(iter(panel.jobs.rows.values())); row.cancel.click(); row.steer.click()")
    assert krita.do("studio.calls[-2:]") == [("cancel", "job-2"), ("steer", "job-2")]
    krita.do("row.finish.click(); panel.own.heading.click(); panel.own.fields['steps']._spin.setValue(8)")
    kept = ("change", {"parameters": {"diffusers": {"steps": 8}}})
    assert krita.do("studio.calls[-2:]") == [("finish", "job-2"), kept]


def test_only_the_artist_chooses(krita):
    """Cells that come and go choose nothing: another document's have others, or there are none."""
    krita.do("studio = states()['working']; panel = open_panel(studio, height=860); both = list(studio.jobs)")
    for left in ("both[:1]", "both[1:]", "[]"):
        krita.do("studio.jobs = both; studio.select('c-1-2')")
        settle(krita)
        assert krita.do("panel.strip.currentIndex().row()") > 0
        krita.do(f"studio.calls.clear(); studio.jobs = {left}")
        krita.do("studio.selected = studio.selected if studio.selected.job in studio.jobs else None")
        krita.do("wanted = studio.selected; studio.ring('strip')")
        settle(krita)
        assert krita.do("studio.calls, studio.selected is wanted") == ([], True)
        assert krita.do("[index.row() for index in panel.strip.selectedIndexes()]") == krita.do(
            "[panel.strip.model().row_of(wanted.id)] if wanted else []"
        )


def test_a_hidden_panel_looks_too(krita):
    """With the last document Krita hides the docker; the end of that document must not go unnoticed."""
    krita.do("studio = states()['working']; panel = open_panel(studio); krita_panel.shown[0].hide()")
    krita.do("before = studio.refreshed")
    krita.until("not panel.isVisible() and studio.refreshed > before + 1")


def test_a_verb_that_can_not_be_asked_says_why(krita, screen):
    """In its tooltip, and in words below while the mouse is over it."""
    krita.do("studio = states()['empty']; studio.reasons = {'fill': 'Select an area first.'}")
    krita.do(
        "studio.message = 'Placed as a new layer.'; panel = open_panel(studio); panel.verbs.last = 'vary'"
    )
    settle(krita)
    assert krita.do("panel.notes.words.text()") == "Placed as a new layer."
    assert not krita.do("panel.verbs.buttons['fill'].isEnabled()")
    assert krita.do("panel.verbs.buttons['fill'].toolTip()") == "Select an area first."
    screen.hand("mousemove", "--sync", *krita.do("middle(panel.verbs.buttons['refine'])"))
    screen.hand("mousemove", "--sync", *krita.do("middle(panel.verbs.buttons['fill'])"))
    krita.until("panel.notes.words.text() == 'Select an area first.'")
    screen.hand("mousemove", "--sync", *krita.do("middle(panel.verbs.buttons['vary'])"))
    krita.until("panel.notes.words.text() == 'Placed as a new layer.'")


def choose_new(krita, screen):
    """The last entry of the projects, as its user does."""
    screen.click(*krita.do("middle(project)"))
    krita.until("project.view().isVisible()")
    screen.key("End", "Return")
    krita.until("project.isEditable() and project.lineEdit().hasFocus()")


def test_a_new_project_is_named_in_place(krita, screen):
    """The last entry turns the choice into a field; Enter makes the project, Escape gives up."""
    krita.do("studio = states()['empty']; panel = open_panel(studio); project = panel.head.project")
    settle(krita)
    choose_new(krita, screen)
    screen.type("Left")
    screen.key("Escape")
    krita.until("not project.isEditable() and project.currentText() == 'Book cover'")
    choose_new(krita, screen)
    screen.type("Poster")
    screen.key("Return")
    krita.until("not project.isEditable() and project.currentText() == 'Poster'")
    assert krita.do("studio.conversation.calls") == [("choose_project", "Poster")]


def test_scrolling_changes_no_value(krita, screen):
    """The wheel over a number moves the panel, not the number."""
    krita.do("studio = states()['empty']; panel = open_panel(studio, height=300)")
    settle(krita)
    screen.click(*krita.do("middle(panel.dials.strength)"), button=5)
    krita.until("panel.verticalScrollBar().value() > 0")
    assert krita.do("studio.conversation.settings.strength") == 0.5


def test_a_slip_is_told_not_thrown(krita):
    """An exception in a slot becomes words in the panel; Krita's "Script error" stays away."""
    krita.do("studio = states()['empty']; panel = open_panel(studio)")
    krita.do("studio.ask = lambda verb: 1 / 0; panel.verbs.buttons['fill'].click()")
    assert "division by zero" in krita.do("panel.notes.words.text()")
    assert krita.script_errors() == []
    krita.program.log.write_text("")  # what was logged here was meant to be


def test_actions_are_in_the_menu_and_for_scripts(krita):
    """Tools > Co-create has each with its picture; triggered by name they reach this window's studio."""
    krita.new_document()
    assert krita.do("sorted(n for n in NAMES if app.action('bridge_' + n) is None)", NAMES=NAMES) == []
    found = krita.do("""
        bar = window().qwindow().menuBar().actions()
        tools = next(a.menu() for a in bar if a.text().replace("&", "") == "Tools")
        menu = next(a.menu() for a in tools.actions() if a.text() == "Co-create")
        [(a.objectName(), a.icon().isNull()) for a in menu.actions() if not a.isSeparator()]
    """)
    assert [name for name, _ in found] == [f"bridge_{name}" for name in NAMES]
    assert not any(bare for _, bare in found)
    krita.do("studio = krita_studio.WINDOWS.studio_for(window()); studio.calls.clear()")
    krita.do("made = studio.add('fill', 'bricks', 2); run = studio.add('fill', '', 0, 2, 'running')")
    for name in ("fill", "next", "next", "previous", "accept", "more", "compare", "cancel", "start"):
        krita.do("app.action('bridge_' + name).trigger()", name=name)
    assert krita.do("[call for call in studio.calls if call[0] != 'change']") == [
        ("ask", "fill"),
        ("select", "c-1-0"),
        ("select", "c-1-1"),
        ("select", "c-1-0"),
        ("do", "accept"),
        ("do", "more"),
        ("compare", True),
        ("cancel", "job-2"),
    ]
    assert krita.do("studio.conversation.calls") == []  # it is there
    krita.do("studio.conversation.can_start = True; app.action('bridge_start').trigger()")
    assert krita.do("studio.conversation.calls") == ["start_daemon"]
    assert krita.do("app.action('bridge_compare').isChecked()")
    krita.do("app.action('bridge_compare').trigger()")
    assert not krita.do("studio.comparing")


def test_an_action_tells_what_went_wrong_in_it(krita):
    """On the canvas; not again what went wrong before."""
    krita.new_document()
    krita.do("""
        from plugins.krita.extension import WindowActions
        studio, floated = krita_studio.WINDOWS.studio_for(window()), []
        say, WindowActions._say = WindowActions._say, lambda actions, text: floated.append(text)
        def refuse(deed):
            studio.message, studio.message_bad = "No.", True
            studio.ring("message")
        studio.do = refuse
    """)
    for name in ("accept", "accept", "next", "cancel"):
        krita.do("app.action('bridge_' + name).trigger()", name=name)
    krita.do("WindowActions._say = say; del studio.do; studio.message, studio.message_bad = '', False")
    assert krita.do("floated") == ["No.", "No."]


def test_each_window_has_its_own(krita):
    """A second window gets a docker with a studio of its own, and takes both along when it closes."""
    krita.new_document()
    krita.do("other = app.openWindow()")
    krita.until("len(krita_studio.WINDOWS.studios) == 2")
    docker = "next(dock for dock in other.dockers() if dock.objectName() == 'bridge_krita')"
    krita.until(f"type({docker}.widget()).__name__ == 'Panel'")
    krita.do("gone = krita_studio.WINDOWS.studios.pop()[1]; QTimer.singleShot(0, other.qwindow().close)")
    krita.until("len(app.windows()) == 1")
    krita.until("not gone._hearers")
    krita.do("gone.ring('look', 'shown', 'strip')")


def test_it_ends_well(shared):
    """Krita's exit code is 0 with everything that was open."""
    shared.new_document()
    shared.do("panel = open_panel(states()['working'])")
    assert shared.quit() == 0
