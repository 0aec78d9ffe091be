# SPDX-License-Identifier: Apache-2.0
"""The checks that need no daemon; the whole list is in ``tests/e2e/test_cli_daemon.py``."""

import pytest

from bridge_server.cli.doctor import check_disk, check_folder, check_packages, check_private, check_python
from bridge_server.cli.models import state
from bridge_server.models.card import Card
from bridge_server.models.shelf import Shelf


@pytest.mark.parametrize(("version", "ok"), [((3, 11, 0), True), ((3, 14, 1), True), ((3, 10, 9), False)])
def test_an_old_python_is_found(version, ok):
    """3.11 is the oldest."""
    finding = check_python(version)
    assert finding.ok is ok
    assert finding.detail.startswith(".".join(map(str, version)))


def test_a_missing_package_is_named_by_pips_name():
    """The advice can be typed as it is."""
    finding = check_packages({"json": "pip", "no_such_module": "some-package"})
    assert not finding.ok
    assert "some-package" in finding.detail
    assert "-m pip install" in finding.advice
    assert check_packages().ok


def test_a_folder_is_made_and_tried(tmp_path):
    """One that can't be made says why and leaves nothing behind."""
    assert check_folder(tmp_path / "new" / "data").ok
    assert list((tmp_path / "new" / "data").iterdir()) == []
    (tmp_path / "file").touch()
    finding = check_folder(tmp_path / "file" / "data")
    assert not finding.ok
    assert "--data-dir" in finding.advice


def test_a_full_disk_is_found(tmp_path):
    """Also when the folder does not exist yet; what the data take of it is said."""
    assert check_disk(tmp_path / "not" / "yet", least=1).ok
    (tmp_path / "blob").write_bytes(bytes(1500))
    assert check_disk(tmp_path, least=1).detail.endswith(" free; the data folder holds 1.5 kB")
    assert not check_disk(tmp_path, least=2**80).ok


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "ok"),
    [(0o600, 0o700, True), (0o640, 0o700, False), (0o600, 0o755, False)],
)
def test_a_token_that_others_can_read_is_found(tmp_path, file_mode, folder_mode, ok):
    """The file and its folder are looked at."""
    path = tmp_path / "daemon.json"
    path.touch()
    path.chmod(file_mode)
    tmp_path.chmod(folder_mode)
    finding = check_private(tmp_path)
    assert finding.ok is ok
    assert ok or "chmod" in finding.advice


def test_a_missing_runtime_file_is_found(tmp_path):
    """A daemon that wrote none can't be found by anyone."""
    assert not check_private(tmp_path).ok


@pytest.mark.parametrize(
    ("installed", "models", "offered", "started", "ok", "words"),
    [
        (False, [], [], False, True, "not installed"),
        (False, ["a"], [], False, False, "pip install"),
        (True, [], [], False, True, "no base model"),
        (True, ["a", "b"], ["a", "b"], False, True, "2 base models, offered"),
        (True, ["a", "b"], [], False, False, "Stop the daemon: it started before the extra was installed"),
        (True, ["a", "b"], ["a"], False, False, "models check b"),
        (True, ["a"], [], True, False, "models check a"),
    ],
)
def test_the_diffusion_engine_is_told_about(
    tmp_path, monkeypatch, installed, models, offered, started, ok, words
):
    """Installed or not, its models, whether the daemon has them; one whose files are gone is none."""
    monkeypatch.setattr(state, "installed", lambda: installed)
    for id_ in models:
        Shelf(tmp_path / "models").put(Card(id_, "base", "sd15", id_, str(tmp_path)))
    Shelf(tmp_path / "models").put(Card("gone", "base", "sd15", "G", str(tmp_path / "none")))
    engines = ["patchmatch", *(f"diffusers/{each}" for each in offered)]
    fine, detail, advice = state.engine_state(tmp_path, engines, started=started)
    assert fine is ok
    assert words in f"{detail} {advice}"
