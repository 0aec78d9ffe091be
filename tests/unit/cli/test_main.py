# SPDX-License-Identifier: Apache-2.0
"""Where the command line begins: dispatch and exit codes."""

import json

import pytest

from bridge_server.cli import daemon
from bridge_server.cli.main import main
from bridge_server.protocol.errors import WorkerDied


def test_nothing_typed_shows_help(capsys):
    """A newcomer sees what there is."""
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "expand" in capsys.readouterr().out


def test_the_version_can_be_asked(capsys):
    """For bug reports."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("bridge-server ")


def test_a_wrong_option_shows_usage_and_is_2(capsys):
    """As every Unix command does."""
    assert main(["status", "--colour"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("usage:")
    assert "--colour" in err


@pytest.mark.parametrize(
    ("error", "code"), [(WorkerDied("It ended."), 1), (KeyboardInterrupt(), 130), (MemoryError(), 1)]
)
def test_what_a_command_raises_becomes_an_exit_code(monkeypatch, capsys, error, code):
    """No traceback for what an artist should hear about, and JSON where it was asked for."""

    def fail(given):
        raise error

    monkeypatch.setattr(daemon, "status", fail)
    assert main(["status", "--json"]) == code
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["message"]
    assert "Traceback" not in err
