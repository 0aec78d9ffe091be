# SPDX-License-Identifier: Apache-2.0
"""``serve``, ``status`` and ``stop`` without a daemon; with one, see ``tests/e2e/test_cli_daemon.py``."""

import pytest

from bridge_server.cli.arguments import parse
from bridge_server.cli.daemon import serve, stop_daemon
from bridge_server.protocol.errors import NotFound


def test_nothing_can_be_stopped_where_nothing_runs(tmp_path):
    """It is an error, so that a script knows."""
    with pytest.raises(NotFound):
        stop_daemon(tmp_path)


def test_serve_gives_what_was_typed_to_the_daemon(tmp_path, monkeypatch):
    """Options that were given win, the others keep the config's own defaults."""
    served = []
    monkeypatch.setattr("bridge_server.app.serve", served.append)
    line = ["serve", "--data-dir", str(tmp_path), "--port", "8717", "--idle-exit", "2.5", "--workers", "3"]
    assert serve(parse(line)) == 0
    config = served[0]
    assert (config.data_dir, config.port, config.idle_exit, config.workers) == (tmp_path, 8717, 2.5, 3)
    assert (config.host, config.log_level) == ("127.0.0.1", "info")


def test_a_wrong_config_file_is_exit_code_2(tmp_path, capsys):
    """The file and the setting are named."""
    (tmp_path / "config.toml").write_text("prot = 1\n")
    assert serve(parse(["serve", "--data-dir", str(tmp_path)])) == 2
    assert "prot" in capsys.readouterr().err
