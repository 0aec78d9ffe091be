# SPDX-License-Identifier: Apache-2.0
"""How the artist wants models to be run."""

from __future__ import annotations

import pytest

from bridge_server.engines.diffusers.options import Options
from bridge_server.protocol.errors import BadRequest


def test_what_is_not_said_is_as_usual():
    """An empty section chooses by itself."""
    assert Options.of({}) == Options()


def test_what_is_said_counts():
    """Any of them can be set."""
    given = {"device": "cuda:1", "dtype": "bf16", "max_batch": 2, "quantise": "fp8", "vram_reserve": 3}
    options = Options.of(given)
    assert {name: getattr(options, name) for name in given} == given


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed", 3),
        ("dtype", "fp64"),
        ("quantise", "int1"),
        ("offload", "disk"),
        ("max_batch", "4"),
        ("max_batch", -1),
        ("max_batch", True),
        ("vram_reserve", -1.0),
        ("vram_reserve", float("nan")),
        ("previews", "yes"),
        ("device", 1),
        ("device", ""),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    """Unknown names, types and values are refused, and the message says which it was."""
    with pytest.raises(BadRequest, match=name) as raised:
        Options.of({name: value})
    assert raised.value.hint
