# SPDX-License-Identifier: Apache-2.0
"""How much a folder holds."""

from bridge_server.cli.disk import folder_size


def test_all_files_below_count_and_links_do_not(tmp_path):
    """Files at every depth are summed; a link neither adds its target nor leads in a circle."""
    (tmp_path / "blobs" / "ab").mkdir(parents=True)
    (tmp_path / "store.db").write_bytes(bytes(1000))
    (tmp_path / "blobs" / "ab" / "abcdef").write_bytes(bytes(234))
    (tmp_path / "blobs" / "loop").symlink_to(tmp_path)
    (tmp_path / "blobs" / "link").symlink_to(tmp_path / "store.db")
    assert folder_size(tmp_path) == 1234


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    """Before the first start there is none, which is no error."""
    assert folder_size(tmp_path / "data") == 0
