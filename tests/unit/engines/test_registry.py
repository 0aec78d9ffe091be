# SPDX-License-Identifier: Apache-2.0
"""The list of engines."""

from __future__ import annotations

from bridge_server.engines.registry import load_engines
from bridge_server.protocol.messages import VERBS


def test_patchmatch_is_the_default_and_honest() -> None:
    """The first engine needs nothing, knows every verb and says that it reads no prompt."""
    first = load_engines()[0].info
    assert first.name == "patchmatch"
    assert set(first.verbs) == set(VERBS)
    assert not any("prompt" in heeded for heeded in first.verbs.values())
    assert first.steers == []
