# SPDX-License-Identifier: Apache-2.0
"""The real Krita takes the plugin, by its own importer and from ``bridge-server install krita``."""

import json
import os
import re
import subprocess
import sys

import pytest

from hosts.krita import KritaHost
from plugins.build import build_archive
from standin import REPOSITORY

LOADED = """
import sys
module = sys.modules.get("bridge_krita")
names = {name.partition(".")[0] for name in sys.modules}
foreign = sorted(names & {"websockets", "msgpack", "bridge_server"})
action = app.action("bridge_fill")
docker = any(docker.objectName() == "bridge_krita" for docker in app.dockers())
(module and module.__file__, foreign, action is not None and action.text(), docker)
"""


@pytest.fixture
def command(room):
    """``bridge-server install krita``, in the room's home folder; what it says as JSON."""

    def run(*options):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "BRIDGE_"))}
        env |= {"HOME": str(room.home), "PYTHONPATH": str(REPOSITORY)}
        line = [sys.executable, "-m", "bridge_server", "install", "krita", "--json", *options]
        return json.loads(
            subprocess.run(line, env=env, cwd=REPOSITORY, capture_output=True, check=True).stdout
        )

    return run


def traces(room, *known):
    """What is left of the plugin in the home folder, but for its docker's place: Krita keeps that of any."""
    named = [path for path in room.home.rglob("*bridge_krita*") if path.name != "bridge_krita.zip"]
    config = (room.home / ".config/kritarc").read_bytes().splitlines()
    dockers = {line for line in config if line.startswith(b"[MainWindow][DockWidget ")}
    return named + [line for line in config if b"bridge_krita" in line and line not in {*dockers, *known}]


def loaded(krita):
    """Where the plugin was loaded from, if it was, and what its action is called; a docker it has, or not."""
    where, foreign, action, docker = krita.do(LOADED)
    assert docker == bool(where)
    said = [line for line in krita.program.output().splitlines() if "krita.scripting" in line]
    assert not [line for line in said if "Could not import bridge_krita" in line], "\n".join(said)
    assert foreign == []
    assert krita.script_errors() == []
    return where, action


def test_the_importer_takes_the_archive(room, screen):
    """By the menu; after a restart it runs, and its action has its name from the .action file."""
    archive = build_archive("krita", room.run / "dist")
    with KritaHost(room, screen) as krita:
        assert loaded(krita)[0] is None
        krita.import_plugin(archive)
        assert (krita.resources / "actions/bridge_krita.action").exists()
        assert krita.do("app.readSetting('python', 'enable_bridge_krita', '')") == "true"
        assert krita.quit() == 0
    with KritaHost(room, screen) as krita:
        where, action = loaded(krita)
        assert where == str(krita.resources / "pykrita/bridge_krita/__init__.py")
        assert action
        krita.new_document()
        krita.shot("krita-imported")
        assert krita.script_errors() == []
        assert krita.quit() == 0


def test_uninstall_removes_what_the_importer_brought(command, room):
    """Every file of it, and the line that switched it on."""
    assert traces(room)
    before = (room.home / ".config/kritarc").read_bytes()
    (place,) = command("--uninstall")["places"]
    assert len(place["changed"]) == 4
    assert traces(room) == []
    after = (room.home / ".config/kritarc").read_bytes()
    without = re.sub(rb"\n\[bridge_krita\]\n([^\[\n].*\n)*", b"", before)
    assert after == without.replace(b"enable_bridge_krita=true\n", b"")


def test_installed_beside_an_open_krita_it_runs_after_the_restart(command, room, screen):
    """What Krita writes when it ends does not switch it off again."""
    with KritaHost(room, screen) as krita:
        assert loaded(krita) == (None, False)
        said = command()
        assert [place["before"] for place in said["places"]] == [False]
        krita.do("app.writeSetting('python', 'something', 'else')")
        assert krita.quit() == 0
    assert json.loads((room.home / ".local/share/bridge-server/launcher.json").read_bytes()) == {
        "command": [sys.executable, "-m", "bridge_server"]
    }
    with KritaHost(room, screen) as krita:
        where, action = loaded(krita)
        assert where == str(krita.resources / "pykrita/bridge_krita/__init__.py")
        assert action
        assert command()["places"][0]["before"]  # over the running one
        assert krita.quit() == 0


def test_uninstalled_beside_an_open_krita_no_trace_is_left(command, room, screen):
    """Nor does Krita bring back what it had loaded; only what was set in the docker it writes at its end."""
    with KritaHost(room, screen) as krita:
        assert loaded(krita)[0]
        command("--uninstall")
        assert krita.quit() == 0
    assert traces(room, b"[bridge_krita]") == []
    with KritaHost(room, screen) as krita:
        assert loaded(krita) == (None, False)
        assert krita.quit() == 0
    assert traces(room, b"[bridge_krita]") == []
