# SPDX-License-Identifier: Apache-2.0
"""Where loaded files may go. That a break is taken up again is tested with pulling."""

import pytest

from bridge_server.models import loading
from bridge_server.protocol.errors import BadRequest


@pytest.mark.parametrize("path", ["../x.json", "/etc/x.json", "a/../../x.json", "a\\x.json"])
def test_a_path_that_leads_out_is_refused(path):
    """A repository may call its files what it likes."""
    with pytest.raises(BadRequest, match="could go anywhere"):
        loading._safe(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_list_of_what_is_done_is_an_empty_one(tmp_path, content):
    """Then the files are had again, which is slow but right."""
    (tmp_path / "done.json").write_text(content)
    assert loading._read(tmp_path / "done.json") == {}
