# SPDX-License-Identifier: Apache-2.0
"""``serve``, ``status``, ``stop`` and ``doctor`` as people type them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from PIL import Image

from bridge_server.client import find_daemon
from commands import COMMAND, answer, begin, may_write_anything, noise, run, soft_mask
from daemons import is_alive, wait_until


def test_status_says_how_the_daemon_is(shared):
    """People get a list, scripts the daemon's own record."""
    finished = run(shared.folder, "status")
    assert finished.returncode == 0
    rows = dict(line.split(maxsplit=1) for line in finished.stdout.splitlines())
    assert rows["pid"] == str(shared.process.pid)
    assert rows["address"].startswith("ws://127.0.0.1:")
    assert rows["jobs"] == "0 running, 0 waiting"
    assert re.fullmatch(re.escape(str(shared.folder)) + r" \(\d+(\.\d)? (bytes|kB|MB)\)", rows["data"])
    record = answer(run(shared.folder, "status", "--json"))
    assert record["pid"] == shared.process.pid
    assert record["data_dir"] == str(shared.folder)
    assert record["data_bytes"] > (shared.folder / "daemon.json").stat().st_size


@pytest.mark.parametrize("command", ["status", "stop"])
def test_without_a_daemon_status_and_stop_say_so(tmp_path, command):
    """Exit code 1 and what to do; no daemon is started for the question."""
    finished = run(tmp_path / "data", command, "--json")
    assert finished.returncode == 1
    error = answer(finished)["error"]
    assert (error["code"], error["hint"]) == (
        "not_found",
        "The picture commands start one when they need it.",
    )
    assert not (tmp_path / "data").exists()


def test_stop_waits_until_the_daemon_is_gone(start):
    """When ``stop`` is back, another daemon can take the data folder."""
    daemon = start(scripted=False)
    finished = run(daemon.folder, "stop")
    assert finished.returncode == 0, finished.stderr
    assert f"pid {daemon.process.pid}" in finished.stdout
    assert find_daemon(daemon.folder) is None
    assert daemon.process.wait(5) == 0
    daemon.start()
    assert answer(run(daemon.folder, "stop", "--json")) == {"stopped": True, "pid": daemon.process.pid}


def test_a_second_daemon_on_one_folder_is_refused(shared):
    """``serve`` says which process is there already, and exits with 1."""
    finished = run(shared.folder, "serve")
    assert finished.returncode == 1
    assert f"A daemon already runs on {shared.folder} (pid {shared.process.pid})" in finished.stderr
    assert "bridge-server stop" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_serve_obeys_its_options_and_ctrl_c(tmp_path):
    """Port, workers and log level from the command line win over the config file; Ctrl-C ends it well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "my.toml").write_text('port = 1\nworkers = 1\nlog_level = "debug"\n')
    options = ["--port", port, "--log-level", "warning", "--config", tmp_path / "my.toml"]
    process = begin(tmp_path / "data", "serve", *options)
    runtime = wait_until(lambda: find_daemon(tmp_path / "data"))
    assert runtime.address == f"ws://127.0.0.1:{port}"
    assert (tmp_path / "data" / "daemon.json").stat().st_mode & 0o777 == 0o600
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--config", "nowhere.toml"], 2, "nowhere.toml"),
        (["--port", "99999"], 2, "0 to 65535"),
        (["--host", "203.0.113.1"], 1, "Can't listen on 203.0.113.1"),
    ],
)
def test_serve_refuses_a_wrong_setting_by_name(tmp_path, options, code, message):
    """A setting that can't be is said in one sentence, without a traceback."""
    finished = run(tmp_path / "data", "serve", *options)
    assert finished.returncode == code
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path):
    """Neither ``serve`` nor a picture command ends in a traceback."""
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    Image.fromarray(noise()).save(tmp_path / "photo.png")
    refine = ["refine", tmp_path / "photo.png", "--strength", 1, "-o", tmp_path / "out.png"]
    for line in (["serve"], refine, ["doctor"]):
        finished = run(folder, *line)
        assert finished.returncode == 1
        assert str(folder) in finished.stderr + finished.stdout
        assert "Traceback" not in finished.stderr


def test_a_runtime_file_of_a_dead_daemon_does_not_stop_anyone(tmp_path):
    """A daemon was killed and its number belongs to another program now: a new one is started."""
    folder = tmp_path / "data"
    folder.mkdir()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"ws://127.0.0.1:{closed.getsockname()[1]}"
    stale = {"address": address, "token": "x", "pid": os.getpid(), "version": "0"}
    (folder / "daemon.json").write_text(json.dumps(stale))
    assert run(folder, "status").returncode == 1
    Image.fromarray(noise()).save(tmp_path / "photo.png")
    Image.fromarray(soft_mask()).save(tmp_path / "mask.png")
    fill = ["fill", tmp_path / "photo.png", "--mask", tmp_path / "mask.png", "-o", tmp_path / "out.png"]
    finished = run(folder, *fill)
    assert finished.returncode == 0, finished.stderr
    assert run(folder, "stop").returncode == 0


def test_doctor_finds_a_healthy_installation_healthy(tmp_path):
    """All checks pass up to a real fill, and the daemon that was started for it is stopped again."""
    finished = run(tmp_path / "data", "doctor")
    assert finished.returncode == 0, finished.stdout
    lines = finished.stdout.splitlines()
    assert lines[-1] == "Everything works."
    names = [line[6:].split(":")[0] for line in lines[:-1]]
    expected = [
        "Python",
        "Packages",
        "Data folder",
        "Disk",
        "Daemon",
        "Token",
        "Engines",
        "Diffusion",
        "A small fill",
    ]
    assert names == expected
    assert find_daemon(tmp_path / "data") is None


def test_doctor_uses_and_keeps_a_daemon_that_runs(shared):
    """With ``--json`` every check is in one object; a daemon that was there stays."""
    finished = run(shared.folder, "doctor", "--json")
    assert finished.returncode == 0, finished.stdout
    said = answer(finished)
    assert said["ok"]
    assert next(check for check in said["checks"] if check["name"] == "Daemon")["detail"].endswith(
        "was running"
    )
    assert is_alive(shared.process.pid)


def test_doctor_names_what_is_wrong_and_what_to_do(start):
    """A token that others can read is found, with the command that mends it, and exit code 1."""
    daemon = start()
    (daemon.folder / "daemon.json").chmod(0o644)
    finished = run(daemon.folder, "doctor")
    assert finished.returncode == 1
    assert "FAIL  Token: open to others" in finished.stdout
    assert "chmod 600" in finished.stdout
    assert finished.stdout.endswith("1 of 9 checks failed.\n")


@pytest.mark.skipif(may_write_anything(), reason="root may write everywhere")
def test_doctor_finds_a_folder_that_cannot_be_written(tmp_path):
    """Nothing is started on a folder that is not ours."""
    (tmp_path / "data").mkdir(mode=0o500)
    finished = run(tmp_path / "data", "doctor")
    assert finished.returncode == 1
    assert "FAIL  Data folder" in finished.stdout


def test_help_and_serve_load_little():
    """Help is instant and the daemon small: neither loads numpy, the picture libraries or rich."""
    code = (
        "import sys, bridge_server.cli.main as m, bridge_server.cli.daemon, bridge_server.app\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'numpy', 'PIL', 'pyvips', 'rich', 'torch'} & set(sys.modules), file=sys.stderr)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stderr.strip() == "set()"


def test_every_command_has_help_with_an_example():
    """``--help`` shows at least one line that can be typed."""
    for command in ("serve", "status", "stop", "doctor", "fill", "expand", "vary", "refine"):
        shown = subprocess.check_output([*COMMAND, command, "--help"], text=True)
        assert f"bridge-server {command}" in shown.split("examples:")[1]
