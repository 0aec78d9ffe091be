# SPDX-License-Identifier: Apache-2.0
"""Which pools a daemon has."""

import json
import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from bridge_server import app
from bridge_server.app import WORKER_COMMAND
from bridge_server.config import Config, Diffusers
from bridge_server.models import extra
from bridge_server.protocol.errors import BridgeError


def pools(config, command=None):
    """The pools of a daemon by kind."""
    return app._fleet(config, command)._pools


def usable(config):
    """The kinds of engines whose libraries are there."""
    fleet = app._fleet(config, None)
    return set(fleet.sizes) - fleet._absent


@pytest.fixture
def installed(monkeypatch):
    """The libraries that can be found."""
    found = set()
    monkeypatch.setattr(extra, "find_spec", lambda name: object() if name in found else None)
    return found


def test_without_the_libraries_there_is_one_kind_of_engine(tmp_path, installed):
    """Half of them is none."""
    config = Config(data_dir=tmp_path, workers=3)
    pool = pools(config)["patchmatch"]
    assert (pool.size, pool._command) == (3, list(WORKER_COMMAND))
    for name in ("", "torch"):
        installed.add(name)
        assert usable(config) == {"patchmatch"}
    installed.add("diffusers")
    assert usable(config) == {"patchmatch", "diffusers"}


def serving(folder):
    """A thread that serves ``folder`` and the error that it ended with, once it did."""
    errors = []

    def serve():
        try:
            app.serve(Config(data_dir=folder))
        except BridgeError as error:
            errors.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread, errors


def test_who_finds_a_daemon_just_starting_waits_until_it_can_be_reached(tmp_path):
    """So that a client that sees the second one end knows that the first is there."""
    with FileLock(tmp_path / "daemon.lock"):
        thread, errors = serving(tmp_path)
        thread.join(0.7)
        assert thread.is_alive()
        (tmp_path / "daemon.json").write_text('{"pid": 7}')
        thread.join(10)
    assert "already runs" in str(errors[0])
    assert "(pid 7)" in str(errors[0])


def test_who_finds_a_daemon_just_ending_takes_its_place(tmp_path, monkeypatch):
    """Another program asked for one at that moment."""
    ran = []

    async def run(*given):
        ran.append(given)

    monkeypatch.setattr(app, "_run", run)
    with FileLock(tmp_path / "daemon.lock"):
        thread, errors = serving(tmp_path)
        thread.join(0.2)
        assert not ran
    thread.join(10)
    assert (len(ran), errors) == (1, [])


def test_with_the_libraries_there_is_one_process_for_models(tmp_path, installed):
    """With its settings, its own patience, all cores, and no way to fetch anything."""
    installed.update({"torch", "diffusers"})
    config = Config(
        data_dir=tmp_path, model_idle_exit=60.0, diffusers=Diffusers(device="cuda:1", max_batch=4)
    )
    small, big = pools(config).values()
    *command, settings = big._command
    assert command == [*WORKER_COMMAND, "diffusers", "--models", str(tmp_path / "models"), "--settings"]
    assert json.loads(settings) == {
        "device": "cuda:1", "dtype": "auto", "max_batch": 4, "compile": False, "quantise": "",
        "offload": "auto", "previews": True, "vram_reserve": 1.0,
    }  # fmt: skip
    assert (big.size, big._idle_exit, small._idle_exit) == (1, 60.0, 300.0)
    assert not [name for name in big._environment if "THREADS" in name]
    assert big._environment["HF_HUB_OFFLINE"] == big._environment["TRANSFORMERS_OFFLINE"] == "1"
    assert big._environment["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert small._environment["OMP_NUM_THREADS"] == "1"


def test_another_program_for_the_engines_is_the_only_one(tmp_path, installed):
    """Also where the libraries are installed."""
    installed.update({"torch", "diffusers"})
    assert list(pools(Config(data_dir=tmp_path), ["other"])) == ["patchmatch"]


def test_looking_for_the_libraries_loads_none(tmp_path):
    """The daemon stays small."""
    code = (
        "import sys; from pathlib import Path; from bridge_server.app import _fleet;"
        " from bridge_server.config import Config; _fleet(Config(data_dir=Path(sys.argv[1])), None);"
        " print({'torch', 'diffusers', 'transformers', 'numpy'} & set(sys.modules))"
    )
    said = subprocess.check_output([sys.executable, "-c", code, str(tmp_path)], text=True)
    assert said.strip() == "set()"
