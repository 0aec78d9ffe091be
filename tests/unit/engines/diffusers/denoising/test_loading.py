# SPDX-License-Identifier: Apache-2.0
"""Loading weights: in which dtype, from which files, and where to.

``compile`` is not tried: a compiler takes minutes and is not there on every machine.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bridge_server.engines.diffusers.options import Options
from bridge_server.models.card import Card

from ..conftest import ALL, apart, furthest

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

from bridge_server.engines.diffusers.denoising import loading  # noqa: E402 - only where torch is


def test_a_processor_has_no_memory_of_its_own():
    """There, everything is float32 and in main memory."""
    device = loading.Device(Options(device="cpu"), "sdxl")
    assert (device.name, device.kind, device.dtype, device.free) == ("cpu", "cpu", torch.float32, None)
    device.release()


@pytest.mark.parametrize(
    ("device", "family", "bf16", "expected"),
    [
        ("cuda", "sd15", True, torch.float16),
        ("cuda", "sdxl", True, torch.float16),
        ("cuda", "flux", True, torch.bfloat16),
        ("cuda", "flux", False, torch.float16),
        ("mps", "flux", True, torch.float16),
        ("xpu", "sd3", True, torch.bfloat16),
        ("cpu", "flux", True, torch.float32),
    ],
)
def test_the_dtype_goes_by_the_device(monkeypatch, device, family, bf16, expected):
    """Half precision on an accelerator, in the form that it and the family stand."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    assert loading.Device(Options(device=device), family).dtype == expected
    assert loading.Device(Options(device=device, dtype="fp32"), family).dtype == torch.float32


def test_memory_is_left_to_others(monkeypatch):
    """What the artist reserves is not free, what torch only keeps is; less than nothing is nothing."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda name: (4e9, 8e9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda name: 3e9)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda name: 2e9)
    assert loading.Device(Options(device="cuda:1", vram_reserve=2), "flux").free == 3e9
    assert loading.Device(Options(device="cuda:1", vram_reserve=9), "flux").free == 0


@pytest.mark.parametrize(
    ("there", "expected"), [((True, True), "cuda"), ((False, True), "mps"), ((False, False), "cpu")]
)
def test_the_best_device(monkeypatch, there, expected):
    """A GPU where there is one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there[0])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there[1])
    monkeypatch.setattr(torch, "xpu", SimpleNamespace(is_available=lambda: False), raising=False)
    assert loading.Device(Options(dtype="fp32"), "sd15").name == expected


@pytest.mark.parametrize("options", [{"dtype": "bf16"}, {"quantise": "fp8"}], ids=str)
@pytest.mark.parametrize("base", ["sd15", "flux-dev"])
def test_fewer_bits(models, base, options):
    """Weights in fewer bits make a picture near that of all bits, nearer than that of another seed."""
    bench, full = models.fresh(base, **options), models.bench(base)
    made = bench.one(mask=ALL)
    plain, other = full.one(mask=ALL), full.one(mask=ALL, seeds=(2,))
    assert 0 < apart(made, plain) < apart(other, plain)
    assert made.recipe["dtype"] == ("bfloat16" if "dtype" in options else "float32")


def test_fewer_bits_are_really_kept(models):
    """Quantised, most of the denoiser's weights lie in memory as 8 bits."""
    weights = list(models.fresh("sd15", quantise="fp8").model.denoiser.parameters())
    small = sum(each.numel() for each in weights if each.dtype == torch.float8_e4m3fn)
    assert small > 0.5 * sum(each.numel() for each in weights)


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_a_processor_offloads_nothing(models, offload):
    """There is nowhere to offload from."""
    assert furthest(models.fresh("sd15", offload=offload).one(), models.bench("sd15").plain) == 0


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers' single files, about their own arguments
def test_a_single_file_is_the_same_model(models):
    """One checkpoint with the names of the first release makes the picture of the folder."""
    import tiny_models  # noqa: PLC0415 - imports torch

    folder = models.shelf.card("sd15").path
    config = models.folder / "config"
    config.mkdir()
    _copy_config(folder, config)
    file = tiny_models.single_file(models.folder / "whole.safetensors", folder)
    models.put("whole", "sd15", file, config=str(config))
    try:
        assert furthest(models.fresh("whole").one(), models.bench("sd15").plain) <= 1
    finally:
        models.shelf.remove("whole")


def _copy_config(folder, config):
    """What goes with a single file: everything but the weights."""
    import shutil  # noqa: PLC0415

    shutil.copytree(
        folder, config, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors", "*.bin")
    )


def test_a_single_file_of_an_unknown_family(models, tmp_path):
    """There is no way to load it, and that is said."""
    from bridge_server.protocol.errors import Unsupported  # noqa: PLC0415

    card = Card("x", "base", "PixArt", "x", str(tmp_path / "x.safetensors"), config=str(tmp_path))
    with pytest.raises(Unsupported, match="PixArt"):
        loading.load_model(card, Options(device="cpu"))
