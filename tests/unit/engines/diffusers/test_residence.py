# SPDX-License-Identifier: Apache-2.0
"""Which model is in memory, and what is said where one can't be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.engines.diffusers import load
from bridge_server.engines.diffusers.options import Options
from bridge_server.engines.diffusers.residence import Residence
from bridge_server.models.card import Card
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.errors import BadRequest, BridgeError, EngineFailed

from .conftest import same


@pytest.fixture(scope="module")
def torch():
    """Torch and diffusers are there."""
    pytest.importorskip(
        "diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]"
    )
    return pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")


@pytest.mark.usefixtures("torch")
def test_a_model_stays_until_another_is_needed(models):
    """The second request finds it loaded; another model takes its place."""
    residence = Residence(models.shelf, Options())
    first = residence.model(models.shelf.card("sd15"))
    assert residence.model(models.shelf.card("sd15")) is first
    other = residence.model(models.shelf.card("flux"))
    assert other.card.id == "flux"
    assert residence.model(models.shelf.card("sd15")) is not first
    residence.clear()
    residence.clear()


@pytest.mark.usefixtures("torch")
def test_a_changed_card_is_loaded_anew(models):
    """A model that was pulled again is not the old one any more."""
    residence = Residence(models.shelf, Options())
    first = residence.model(models.shelf.card("sd15"))
    models.put("sd15", "sd15", models.shelf.card("sd15").path, hash="new")
    try:
        assert residence.model(models.shelf.card("sd15")) is not first
    finally:
        models.put("sd15", "sd15", models.shelf.card("sd15").path)


def _damaged(models, how: str, place: Path) -> Path:
    """A copy of a model with something wrong, or something else altogether."""
    folder = place / "model"
    if how == "control":
        return Path(models.shelf.card("scribble").path)
    if how == "empty":
        folder.mkdir()
        return folder
    if how == "nowhere":
        return folder
    shutil.copytree(models.shelf.card("sd15").path, folder)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if how == "truncated":
        weights.write_bytes(weights.read_bytes()[:20_000])
    elif how == "no weights":
        weights.unlink()
    elif how == "pickle":
        weights.rename(weights.with_suffix(".bin"))
    elif how == "no index":
        (folder / "model_index.json").unlink()
    elif how == "no json":
        (folder / "unet" / "config.json").write_text("{")
    elif how == "other network":
        other = Path(models.shelf.card("sdxl").path) / "unet" / weights.name
        shutil.copy(other, weights)
    return folder


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "no weights",
        "pickle",
        "no index",
        "no json",
        "other network",
        "control",
        "empty",
        "nowhere",
    ],
)
def test_a_damaged_model_is_said(models, tmp_path, how):
    """A message with its name and a hint, no traceback; another model works right afterwards."""
    card = Card("hurt", "base", "sd15", "Hurt", str(_damaged(models, how, tmp_path)), side=64, steps=4)
    residence = Residence(models.shelf, Options())
    with pytest.raises(BridgeError) as raised:
        residence.model(card)
    assert "hurt" in raised.value.message
    assert raised.value.hint
    assert "\n" not in raised.value.message
    assert residence.model(models.shelf.card("sd15")).card.id == "sd15"
    bench = models.bench("sd15")
    assert same(bench.plain, bench.one())


def test_without_torch_it_is_said(tmp_path, monkeypatch):
    """Where the extra is not installed, the message says how to install it."""
    loading = "bridge_server.engines.diffusers.denoising.loading"
    monkeypatch.setitem(sys.modules, loading, None)  # importing it fails now
    with pytest.raises(EngineFailed, match="torch") as raised:
        Residence(Shelf(tmp_path), Options()).model(Card("x", "base", "sd15", "X", str(tmp_path)))
    assert "pip install" in raised.value.hint


def test_loading_the_engines_imports_no_torch(tmp_path):
    """The list of engines and what they can do cost next to nothing; torch comes with the first picture."""
    shelf = Shelf(tmp_path)
    shelf.put(Card("a", "base", "sd15", "A", str(tmp_path)))
    shelf.put(Card("ink", "lora", "sd15", "Ink", str(tmp_path)))
    program = (
        "import sys; from pathlib import Path; from bridge_server.engines.diffusers import load;"
        f" print([each.info.name for each in load(Path({str(tmp_path)!r}))]);"
        " print({'torch', 'diffusers', 'transformers', 'compel', 'cv2', 'PIL'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["['diffusers/a']", "set()"]


def test_only_bases_are_engines(tmp_path):
    """What goes on top of a model is no engine; settings are checked at once."""
    shelf = Shelf(tmp_path)
    for role in ("base", "lora", "control", "style", "embedding", "preview"):
        shelf.put(Card(role, role, "sd15", role, str(tmp_path)))
    assert [each.info.name for each in load(tmp_path)] == ["diffusers/base"]
    assert load(tmp_path / "nothing") == []
    with pytest.raises(BadRequest, match="speed"):
        load(tmp_path, {"speed": 1})
