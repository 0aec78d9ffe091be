# SPDX-License-Identifier: Apache-2.0
"""The checks that need no daemon; the whole list is in ``tests/e2e/test_cli_daemon.py``."""

import pytest

from bridge_server.cli.doctor import check_disk, check_folder, check_packages, check_private, check_python


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
