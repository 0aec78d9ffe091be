# SPDX-License-Identifier: Apache-2.0
"""Finding and starting the daemon."""

import json
import os
import subprocess
import sys

import pytest

from bridge_server.client.discovery import default_data_dir, find_daemon, start_daemon
from bridge_server.protocol.discovery import LAUNCHER_FILE, RUNTIME_FILE, RuntimeFile
from bridge_server.protocol.errors import BridgeError, NotFound
from counterpart import eventually

ALIVE = {"address": "ws://127.0.0.1:1", "token": "t", "pid": os.getpid(), "version": "0.1"}

#: A program that behaves like a daemon as far as discovery can see; its arguments are the daemon's.
FAKE = """
import json, os, sys, time
folder = sys.argv[sys.argv.index("--data-dir") + 1]
told = " ".join(sys.argv[1:])
record = {"address": "ws://127.0.0.1:2", "token": told, "pid": os.getpid(), "version": "0.2"}
with open(folder + "/new", "w") as file:
    json.dump(record, file)
os.replace(folder + "/new", folder + "/daemon.json")
sys.stdin.read()
while not os.path.exists(folder + "/stop"):
    time.sleep(0.01)
"""


def write(folder, content):
    """A runtime file with this in it."""
    (folder / RUNTIME_FILE).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def dead_pid():
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def stopping(tmp_path):
    """The data folder of a fake daemon that ends with the test."""
    yield tmp_path
    (tmp_path / "stop").touch()


def test_a_running_daemon_is_found(tmp_path):
    """With all that it takes to reach it; fields of a newer daemon are ignored."""
    write(tmp_path, ALIVE | {"colour": "red"})
    assert find_daemon(tmp_path) == RuntimeFile(**ALIVE)


def test_without_a_runtime_file_there_is_none(tmp_path):
    """Also if the folder does not exist."""
    assert find_daemon(tmp_path) is None
    assert find_daemon(tmp_path / "nowhere") is None


def test_the_file_of_a_killed_daemon_is_not_believed(tmp_path, dead_pid):
    """kill -9 leaves it behind."""
    write(tmp_path, ALIVE | {"pid": dead_pid})
    assert find_daemon(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "7", "\x00\xff", '{"pid": 1}', json.dumps(dict(list(ALIVE.items())[1:]))]
    + [json.dumps(ALIVE | {"pid": pid}) for pid in ("1", None, 0, -1, 2**70, True, 1.5)],
)  # fmt: skip
def test_a_damaged_file_is_no_daemon(tmp_path, content):
    """Whatever is in it, nothing is raised."""
    write(tmp_path, content)
    assert find_daemon(tmp_path) is None


def test_the_default_folder_follows_the_environment(monkeypatch, tmp_path):
    """The same rule as the daemon's."""
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path))
    assert default_data_dir() == tmp_path


def test_a_daemon_is_started_and_found(stopping):
    """With the folder, and as a background one, so that it does not outlive its use for ever."""
    found = start_daemon(stopping, [sys.executable, "-c", FAKE])
    assert found.token == f"serve --background --data-dir {stopping}"
    assert find_daemon(stopping) == found


def test_the_launcher_file_says_how(stopping):
    """The last daemon or the installer left it."""
    (stopping / LAUNCHER_FILE).write_text(json.dumps({"command": [sys.executable, "-c", FAKE]}))
    assert start_daemon(stopping).version == "0.2"


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_without_a_launcher_it_says_what_to_do(tmp_path, content):
    """Nobody ever installed one here, or the file is damaged."""
    if content is not None:
        (tmp_path / LAUNCHER_FILE).write_text(content)
    with pytest.raises(NotFound, match="pip install bridge-server"):
        start_daemon(tmp_path)


def test_a_daemon_that_ends_at_once_is_told_with_its_last_words(tmp_path):
    """Soon, not after the whole patience."""
    code = "import sys; print('one'); sys.exit('The port is taken.')"
    with pytest.raises(BridgeError, match=r"ended at once\. .*The port is taken\."):
        start_daemon(tmp_path, [sys.executable, "-c", code])


def test_a_daemon_that_does_not_get_ready_is_told(tmp_path):
    """After the time it may take."""
    (tmp_path / "stop").touch()
    with pytest.raises(BridgeError, match=r"not ready after 0\.1 s"):
        start_daemon(tmp_path, [sys.executable, "-c", "import time; time.sleep(0.5)"], timeout=0.1)


def test_a_stale_file_whose_number_is_in_use_again_is_not_mistaken_for_the_new_daemon(stopping):
    """After a crash and a restart of the machine any program can have the old daemon's number."""
    write(stopping, ALIVE)
    found = start_daemon(stopping, [sys.executable, "-c", FAKE])
    assert (found.version, found.pid != os.getpid()) == ("0.2", True)


def test_when_another_program_was_faster_its_daemon_is_taken(tmp_path):
    """Two plugins start one each at the same moment; the second ends because the folder is in use."""
    write(tmp_path, ALIVE)
    assert start_daemon(tmp_path, [sys.executable, "-c", "raise SystemExit(1)"]) == RuntimeFile(**ALIVE)


def test_a_daemon_that_was_started_and_killed_is_seen_to_be_gone(stopping):
    """It leaves no zombie with its client, whose number would look alive."""
    found = start_daemon(stopping, [sys.executable, "-c", FAKE])
    os.kill(found.pid, 9)
    eventually(lambda: find_daemon(stopping) is None)


def test_inside_a_flatpak_a_process_number_says_nothing(tmp_path, dead_pid, monkeypatch):
    """There processes are numbered anew; whether the daemon lives is found out by connecting."""
    write(tmp_path, {**ALIVE, "pid": dead_pid})
    assert find_daemon(tmp_path) is None
    monkeypatch.setenv("FLATPAK_ID", "org.kde.krita")
    assert find_daemon(tmp_path).pid == dead_pid
