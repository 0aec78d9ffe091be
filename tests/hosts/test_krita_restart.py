# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and ends: no daemon yet, Krita closed during a job, another language."""

import sys

import pytest

from hosts.cocreate import cocreate
from hosts.room import Room, until
from hosts.screen import Screen


@pytest.fixture
def place(root, request):
    """A room and a screen of the test's own: each begins as on a fresh account."""
    from hosts.conftest import ARTEFACTS  # noqa: PLC0415  the same folder as the others'

    with Room(root, keep=ARTEFACTS / "logs" / request.node.name) as room:
        yield room, Screen(room, ARTEFACTS)


def test_one_click_starts_the_daemon(place, tmp_path):
    """With what the installer has written; no terminal is needed."""
    room, screen = place
    command = room.lend("bridge-server", [sys.executable, "-m", "bridge_server"])
    with cocreate(room, screen, tmp_path, daemon=False) as it:
        krita = it.krita
        it.open()
        krita.until("studio().conversation.state == 'waiting'")
        krita.until("not panel().verbs.buttons['vary'].isEnabled()")
        assert not krita.do(
            "panel().head.start.isVisible()"
        )  # nobody knows how, so no button that can't work
        it.data.mkdir(parents=True, exist_ok=True)
        (it.data / "launcher.json").write_text(f'{{"command": ["{command}"]}}')
        krita.do("docker().hide(); studio().conversation._bell.ring('connection'); docker().show()")
        krita.until("panel().head.start.isVisible()")
        screen.shot("cocreate-start")
        krita.do("press(panel().head.start)")
        it.connected()
        krita.until("panel().verbs.buttons['vary'].isEnabled()")
        assert krita.script_errors() == []


def test_what_was_asked_for_is_there_after_krita_was_closed(place, tmp_path):
    """Krita ends in the middle of a job, the daemon goes on; the next start shows the candidates."""
    room, screen = place
    with cocreate(room, screen, tmp_path / "first") as it:
        it.open()
        it.krita.do("document.setSelection(None)")
        it.verb("vary", count=4)
        it.krita.until("jobs()[0].state in ('queued', 'running')")
        assert it.krita.quit() == 0
    with cocreate(room, screen, tmp_path / "second", daemon=False) as it:
        it.connected()
        it.open()
        it.krita.until(
            "len(cells()) == 4 and all(c.candidate and c.candidate.thumbnail for c in cells())", 120
        )
        it.krita.do("studio().select(cells()[0].candidate.id)")
        it.krita.until("sheet() is not None")
        screen.shot("cocreate-after-the-restart")
        it.accept()
        assert it.krita.do("len(tree())") == 2
        assert it.krita.script_errors() == []


def test_in_german(place, tmp_path):
    """The language of Krita is that of the docker; nothing is cut off at its usual width."""
    room, screen = place
    with cocreate(room, screen, tmp_path, environment={"LANG": "de_DE.UTF-8", "LANGUAGE": "de"}) as it:
        krita = it.krita
        it.open()
        it.select(330, 250, 140, 110)
        assert krita.do("panel().verbs.buttons['fill'].text()") == "Füllen"
        it.verb("fill", count=2, prompt="der Hang ohne den Baum")
        it.made()
        krita.until("sheet() is not None")
        cut = krita.do("""
            [b.text() for b in [*panel().verbs.buttons.values(), panel().tools.buttons["accept"]]
             if b.width() < b.minimumSizeHint().width()]
        """)
        assert cut == []
        screen.shot("cocreate-german")
        until(lambda: krita.do("panel().head.words.text()").startswith("Verbunden"), "the state in German")
        assert krita.script_errors() == []
