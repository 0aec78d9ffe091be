# SPDX-License-Identifier: Apache-2.0
"""What is decided; the whole commands are in ``tests/e2e/test_cli_projects.py``."""

import pytest

from bridge_server.cli.arguments import parse
from bridge_server.cli.decide import has_moved, mark
from bridge_server.cli.parsing import UsageError
from bridge_server.protocol.versions import Head, Moved


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ([Head("p", "", "v1"), Head("p", "cover", "v2")], Head("p", "", "v2"), True),
        ([Head("p", "", "v1"), Head("p", "cover", "v2")], Head("p", "cover", "v2"), False),
        ([Head("p", "", "v1")], Head("p", ""), True),
        ([], Head("p", ""), False),
    ],
)
def test_whether_a_document_moved_is_seen_from_its_own_head(before, after, moved):
    """Other documents' heads don't count, and one without a head stood at the start."""
    assert has_moved(before, Moved(after, None)) is moved


def test_a_mark_that_changes_nothing_is_refused():
    """Before any daemon is asked."""
    with pytest.raises(UsageError, match="Nothing would be marked"):
        mark(parse(["mark", "v1"]))
