# SPDX-License-Identifier: Apache-2.0
"""Finding, starting and missing a daemon."""

from pathlib import Path

import pytest

from bridge_server.cli import connect
from bridge_server.cli.connect import connected, data_folder
from bridge_server.protocol.errors import BadRequest, NotFound


def test_the_data_folder_is_absolute_and_the_users_own_by_default(monkeypatch, tmp_path):
    """A relative folder means the one from here; none means this account's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path / "mine"))
    assert data_folder(Path("here")) == tmp_path / "here"
    assert data_folder(None) == tmp_path / "mine"


def test_a_question_starts_no_daemon(tmp_path):
    """Without a note to tell, a missing daemon is an error."""
    with pytest.raises(NotFound, match="No daemon runs"), connected(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    """The daemon is announced, and the reason why it can't be started is no OSError."""
    (tmp_path / "file").touch()
    notes = []
    with (
        pytest.raises(BadRequest, match="can't be used"),
        connected(tmp_path / "file" / "data", notes.append),
    ):
        pass
    assert len(notes) == 1


def test_a_daemon_that_does_not_answer_is_named(tmp_path, monkeypatch):
    """The error says which process and which file are meant."""
    (tmp_path / "daemon.json").write_text(
        '{"address": "ws://127.0.0.1:1", "token": "", "pid": 1, "version": ""}'
    )
    monkeypatch.setattr(connect, "_RUNNING", 0.05)
    with (
        pytest.raises(connect.ConnectionLost, match=r"pid 1\) does not answer.*daemon\.json"),
        connected(tmp_path),
    ):
        pass
