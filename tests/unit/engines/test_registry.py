# SPDX-License-Identifier: Apache-2.0
"""The list of engines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.engines.registry import load_engines
from bridge_server.protocol.messages import VERBS


def test_patchmatch_is_the_default_and_honest() -> None:
    """The first engine needs nothing, knows every verb and says that it reads no prompt."""
    first = load_engines()[0].info
    assert first.name == "patchmatch"
    assert set(first.verbs) == set(VERBS)
    assert not any("prompt" in heeded for heeded in first.verbs.values())
    assert first.steers == []


@pytest.mark.parametrize(("kind", "models"), [("dali", None), ("diffusers", None)])
def test_a_kind_that_there_is_not_is_an_error(kind: str, models: Path | None) -> None:
    """Nor can models be loaded from nowhere."""
    with pytest.raises(ValueError, match=kind):
        load_engines(kind, models=models)


def test_one_kind_does_not_load_the_other() -> None:
    """A worker of models needs no patchmatch, and one of patchmatch no torch."""
    code = (
        "import sys; from bridge_server.engines.registry import load_engines; before = set(sys.modules);"
        " load_engines(); print({'torch', 'diffusers'} & set(sys.modules), 'patchmatch' in before)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set() False"
