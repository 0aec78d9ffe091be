# SPDX-License-Identifier: Apache-2.0
"""Between pictures and latents, with the tiny models' own autoencoders."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

from bridge_server.engines.diffusers.denoising.latents import LatentSpace, resized  # noqa: E402 - only where torch is

BASES = ("sd15", "sdxl", "sd3", "flux")


@pytest.fixture(params=BASES)
def model(request, models):
    """A model of each family in turn."""
    return models.bench(request.param).model


def _picture(seed=0, size=64):
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")


def test_the_size_is_as_asked():
    """Larger, smaller, and the very same tensor where nothing is to do."""
    picture = _picture()
    assert resized(picture, 64, 64) is picture
    assert resized(picture, 30, 100).shape == (1, 3, 100, 30)
    flat = resized(torch.full((1, 3, 64, 64), 0.3), 20, 90)
    assert torch.allclose(flat, torch.full_like(flat, 0.3), atol=1e-5)


def test_latents_are_scaled_as_the_pipeline_scales_them(model):
    """What is encoded here is what diffusers' pipelines make of the picture."""
    picture = _picture() * 2 - 1
    with torch.inference_mode():
        ours = model.space.encode(picture)
        config = model._pipe.vae.config
        shift = getattr(config, "shift_factor", None) or 0.0
        theirs = (model._pipe.vae.encode(picture).latent_dist.mode() - shift) * config.scaling_factor
        back = model.space.decode(ours)
        theirs_back = model._pipe.vae.decode(ours / config.scaling_factor + shift).sample / 2 + 0.5
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ours.shape == (1, model.channels, 8, 8)
    assert torch.allclose(back, theirs_back.clamp(0, 1), atol=1e-5)


def test_packed_latents_and_back(model):
    """Flux works on packed ones; for the others there is nothing to do."""
    spatial = torch.randn(2, model.channels, 8, 6)
    pipe = model._pipe
    given = pipe._pack_latents(spatial, *spatial.shape) if hasattr(pipe, "_pack_latents") else spatial
    assert torch.equal(model.space.spatial(given, 48, 64), spatial)
    assert torch.equal(model.space.like(spatial, given), given)


def test_a_picture_is_encoded_once(model):
    """The same picture again costs nothing, another one is encoded; few are remembered."""
    calls = []
    hook = model._pipe.vae.encoder.register_forward_pre_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        for seed in (101, 101, 102):
            model.space.encode(_picture(seed))
        assert len(calls) == 2
        model.space.forget()
        model.space.encode(_picture(101))
        assert len(calls) == 3
        for seed in range(20):
            model.space.encode(_picture(seed))
    hook.remove()
    assert len(model.space._encoded) <= 8


def _alike(looks, pictures):
    """Correlation of quick looks with the pictures, each value against its own."""
    small = torch.nn.functional.interpolate(pictures, size=looks.shape[-2:], mode="area")
    return torch.corrcoef(torch.stack([looks.flatten(), small.flatten()]))[0, 1]


def test_the_quick_look_goes_with_the_picture(model):
    """Even of an encoder with random weights, which keeps little, the linear map makes something out."""
    pictures = torch.cat([_picture(seed) for seed in range(8)])
    with torch.inference_mode():
        looks = torch.cat([model.space.look(model.space.encode(each * 2 - 1)) for each in pictures.split(1)])
    assert looks.shape == (8, 3, 8, 8)
    assert 0 <= looks.min() <= looks.max() <= 1
    assert _alike(looks, pictures) > 0.1


class Mixing(torch.nn.Module):
    """A VAE that only mixes the colours of each eight by eight pixels."""

    dtype = torch.float32
    config = SimpleNamespace(scaling_factor=0.5, shift_factor=0.2, latents_mean=None, latents_std=None)

    def encode(self, picture):
        """(n, 4, h / 8, w / 8)."""
        mix = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -1.0], [0.3, 0.3, 2.0], [1.0, 1.0, 1.0]])
        small = torch.nn.functional.avg_pool2d(picture, 8)
        return SimpleNamespace(latents=torch.einsum("lc,nchw->nlhw", mix, small))


def test_the_quick_look_is_learnt():
    """Where latents say what colours there are, the linear map finds out how."""
    pipe = SimpleNamespace(vae=Mixing(), vae_scale_factor=8, _execution_device="cpu")
    space, picture = LatentSpace(pipe), _picture(5)
    look = space.look(space.encode(picture * 2 - 1))
    assert _alike(look, picture) > 0.99
    assert (look - torch.nn.functional.avg_pool2d(picture, 8)).abs().max() < 0.1
