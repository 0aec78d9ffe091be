# SPDX-License-Identifier: Apache-2.0
"""The program that says whether a model works."""

from __future__ import annotations

import json
import logging

import pytest

from bridge_server.engines.diffusers.check import main

pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")


@pytest.fixture
def told(models, capsys, monkeypatch):
    """Runs the program on a model and gives what it printed."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)

    def run(id_, *more):
        assert main([id_, "--models", str(models.shelf.folder), *more]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(line)

    return run


@pytest.mark.parametrize("id_", ["sd15", "flux", "scribble", "depth-xl", "ink", "zork", "style"])
def test_a_good_model(told, id_):
    """It is loaded, takes a step, and where it ran is told; what goes on top is put on a model."""
    said = told(id_)
    assert said["ok"] is True
    assert said["dtype"] == "float32"
    assert said["device"]
    assert said["seconds"] > 0
    assert said["hint"] == ""


def test_a_bad_model(told, models, tmp_path):
    """Why it does not work, and what to do."""
    models.put("bad", "sd15", tmp_path)
    try:
        said = told("bad")
    finally:
        models.shelf.remove("bad")
    assert said["ok"] is False
    assert "bad" in said["message"]
    assert said["hint"]


def test_a_lora_that_does_not_fit(told, models):
    """What fits nothing is bad as well."""
    models.put("wrong", "sd15", models.shelf.card("ink-flux").path, "lora")
    try:
        assert told("wrong")["ok"] is False
    finally:
        models.shelf.remove("wrong")


def test_what_has_no_model_to_go_on(told, models):
    """A LoRA of a family of which there is no model."""
    models.put("lonely", "sd2", models.shelf.card("ink").path, "lora")
    try:
        said = told("lonely")
    finally:
        models.shelf.remove("lonely")
    assert said["ok"] is False
    assert "sd2" in said["message"]


def test_a_model_that_is_not_there(told):
    """The names of those that are."""
    said = told("nobody")
    assert said["ok"] is False
    assert "sd15" in said["hint"]


def test_wrong_settings(told):
    """They are told like any other reason."""
    assert told("sd15", "--settings", '{"dtype": "fp64"}')["ok"] is False
