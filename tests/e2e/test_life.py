# SPDX-License-Identifier: Apache-2.0
"""How a daemon begins, serves several clients and ends."""

import stat
import subprocess
import sys
import threading

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bridge_server.client import BridgeClient, find_daemon, start_daemon
from bridge_server.protocol.codec import request_frame
from bridge_server.protocol.messages import PROTOCOL_VERSION, Echo, Hello, Status, Stop
from bridge_server.protocol.pixels import Pixels
from daemons import Daemon, fill, is_alive, outcome, wait_until

PYTHON = [sys.executable, "-m", "bridge_server"]


def test_two_programs_that_start_a_daemon_at_once_share_one(tmp_path):
    """Krita and GIMP opened together: one daemon, both reach it, and it goes when told."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(start_daemon(tmp_path / "data", PYTHON)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2
    assert found[0] == found[1]
    path = tmp_path / "data" / "daemon.log"
    wait_until(lambda: "already runs" in path.read_text())  # else it takes the place of the stopped one
    with BridgeClient(lambda: find_daemon(tmp_path / "data"), name="test") as client:
        client.wait_until_connected(10)
        client.call(Stop())
    wait_until(lambda: not is_alive(found[0].pid))
    log = path.read_text()
    assert log.count("listening on") == 1
    assert "stopped: a client asked for it" in log


def test_a_daemon_in_the_background_heeds_the_settings_file(tmp_path):
    """The idle exit of config.toml counts for a daemon that a program started for itself."""
    (tmp_path / "config.toml").write_text("idle_exit = 0.3\n")
    found = start_daemon(tmp_path, PYTHON)
    wait_until(lambda: not is_alive(found.pid))


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    """The daemon's own files are private; the folder that the user named is not changed."""
    tmp_path.chmod(0o755)
    daemon = Daemon(tmp_path, scripted=False)
    try:
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
        made = [path for path in tmp_path.rglob("*") if path != daemon.log]
        assert made
        assert not [path for path in made if path.stat().st_mode & 0o077]
    finally:
        daemon.kill()


def test_a_daemon_that_ran_once_can_be_started_by_anyone(start, tmp_path):
    """A plugin knows no path of Python's: the launcher file that the daemon left does."""
    daemon = start(scripted=False)
    assert daemon.stop() == 0
    found = start_daemon(daemon.folder)
    with BridgeClient(lambda: found, name="test") as client:
        client.wait_until_connected(10)
        assert client.call(Status()).pid == found.pid
        client.call(Stop())
    wait_until(lambda: not is_alive(found.pid))


def test_a_daemon_that_nobody_needs_ends_by_itself(start):
    """With an idle exit it stays while a client is there and goes after the last one left."""
    daemon = start("--idle-exit", "0.4", scripted=False)
    with daemon.client() as client:
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.process.wait(1.2)
        assert client.call(Status()).connections == 1
    assert daemon.process.wait(20) == 0


def test_the_daemon_itself_loads_neither_torch_nor_numpy():
    """The process that idles beside an art program stays small."""
    code = "import sys, bridge_server.app; print({'numpy', 'torch', 'PIL'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def read_all(socket):
    """Read until the connection ends."""
    while True:
        socket.recv(10)


def test_a_client_that_does_not_read_is_dropped_and_slows_nobody(tmp_path):
    """Replies to a stalled client pile up to a bound, then it is disconnected; another one works on."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.toml").write_text("max_message = 2_000_000\n")
    daemon = Daemon(tmp_path / "data")
    try:
        runtime = daemon.runtime()
        picture = Pixels(600, 600, "rgba8", bytes(600 * 600 * 4))
        with connect(runtime["address"], compression=None, proxy=None, max_size=None, max_queue=1) as stalled:
            hello = Hello(PROTOCOL_VERSION, runtime["token"], "stalled")
            stalled.send(msgpack.packb(request_frame(0, hello)))
            stalled.recv(10)
            with daemon.client() as client:
                for number in range(60):
                    stalled.send(msgpack.packb(request_frame(number, Echo(picture))))
                assert outcome(client, client.call(fill()).job)[0].state == "done"
                wait_until(lambda: "too slow, disconnected" in daemon.log.read_text())
                assert outcome(client, client.call(fill()).job)[0].state == "done"
            with pytest.raises(ConnectionClosed):
                read_all(stalled)
    finally:
        daemon.kill()


def test_a_wrong_setting_is_named(tmp_path):
    """A typo in the config file ends the start with the name of the setting and the file."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "config.toml").write_text("ports = 1\n")
    ended = subprocess.run(
        [*PYTHON, "serve", "--data-dir", str(folder)], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert "unknown field `ports`" in ended.stderr
    assert "config.toml" in ended.stderr
    assert "Traceback" not in ended.stderr
