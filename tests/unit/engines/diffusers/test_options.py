# SPDX-License-Identifier: Apache-2.0
"""How the artist wants models to be run."""

from __future__ import annotations

import pytest

from bridge_server.engines.diffusers import options
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


@pytest.mark.parametrize(
    ("settings", "gpu", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"device": "cpu"}, True, False),
        ({"device": "cuda:1"}, False, True),
        ({"device": "cpu", "max_batch": 3}, False, True),
        ({"max_batch": 1}, True, False),
    ],
)
def test_batches_are_offered_where_they_may_pay(settings, gpu, expected, monkeypatch):
    """On a processor each candidate waits in line by itself, so that the urgent passes between two."""
    monkeypatch.setattr(options, "accelerated", lambda: gpu)
    assert Options.of(settings).batches is expected


def test_a_gpu_is_told_by_its_driver(monkeypatch, tmp_path):
    """On Linux by what the drivers leave; elsewhere there may always be one."""
    monkeypatch.setattr(options.sys, "platform", "linux")
    monkeypatch.setattr(options, "_GPUS", (str(tmp_path / "gpu"),))
    assert not options.accelerated()
    (tmp_path / "gpu").touch()
    assert options.accelerated()
    monkeypatch.setattr(options.sys, "platform", "darwin")
    monkeypatch.setattr(options, "_GPUS", ())
    assert options.accelerated()
