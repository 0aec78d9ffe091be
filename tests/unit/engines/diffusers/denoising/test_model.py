# SPDX-License-Identifier: Apache-2.0
"""What a model wears: LoRAs, styles, embeddings, seamless padding, samplers. Nothing of it sticks."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.engines.diffusers.abilities import SAMPLERS
from bridge_server.protocol.errors import EngineFailed

from ..conftest import ALL, PICTURE, Ear, furthest, guide, same

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")


def loras(**weights):
    """A request with these LoRAs."""
    return {"parameters": {"loras": {name.replace("_", "."): weight for name, weight in weights.items()}}}


@pytest.mark.parametrize(
    ("base", "name"), [("sd15", "ink"), ("sd15", "wash_1"), ("sdxl", "ink-xl"), ("flux", "ink-flux")]
)
def test_a_lora_counts_by_its_weight(models, base, name):
    """Full and half are two pictures, none is that of no LoRA; kohya's names are understood too."""
    bench = models.bench(base)
    full, half, none = (bench.one(**loras(**{name: weight})) for weight in (1.0, 0.5, 0.0))
    assert furthest(full, bench.plain) > 1
    assert furthest(half, bench.plain) > 1
    assert furthest(half, full) > 1
    assert same(none, bench.plain)
    assert full.recipe["loras"]
    assert bench.is_as_before()


def test_two_loras_at_once(sd15):
    """Together they are neither the one nor the other, in any order of requests."""
    both = sd15.one(**loras(ink=1.0, wash_1=0.7))
    one, other = sd15.one(**loras(ink=1.0)), sd15.one(**loras(wash_1=0.7))
    assert furthest(both, one) > 1
    assert furthest(both, other) > 1
    assert same(both, sd15.one(**loras(wash_1=0.7, ink=1.0)))
    assert sd15.is_as_before()


@pytest.mark.parametrize("really", ["ink-flux", "ink-xl", "zork"])
def test_a_lora_that_does_not_fit(models, really):
    """One that claims the right family but is for another: a message, and the model works as before."""
    path = models.shelf.card(really).path
    models.put("wrong", "sd15", path, "lora")
    try:
        bench = models.fresh("sd15")
        for _ in range(2):
            with pytest.raises(EngineFailed, match="wrong"):
                bench.ask(**loras(wrong=1.0))
        assert same(bench.one(), models.bench("sd15").plain)
        assert same(bench.one(**loras(ink=1.0)), models.bench("sd15").one(**loras(ink=1.0)))
    finally:
        models.shelf.remove("wrong")


@pytest.mark.parametrize("name", ["truncated", "gone"])
def test_a_lora_that_cannot_be_read(models, tmp_path, name):
    """A broken or missing file: a message, and the model works as before."""
    import tiny_models  # noqa: PLC0415 - imports torch

    path = tmp_path / f"{name}.safetensors"
    if name == "truncated":
        tiny_models.truncated(path)
    models.put(name, "sd15", path, "lora")
    try:
        bench = models.fresh("sd15")
        with pytest.raises(EngineFailed, match=name) as raised:
            bench.ask(**loras(**{name: 1.0}))
        assert raised.value.hint
        assert same(bench.one(), models.bench("sd15").plain)
    finally:
        models.shelf.remove(name)


def test_an_embedding_is_a_word(sd15):
    """Its word in the prompt, also in the one to avoid, and also when it comes on the way, counts."""
    plain = sd15.plain
    made = sd15.one(prompt="a <zork> cat")
    assert furthest(made, sd15.one(prompt="a cat")) > 1
    assert furthest(sd15.one(negative_prompt="<zork>"), plain) > 1
    assert same(made, sd15.one(prompt="a <zork> cat"))
    assert sd15.is_as_before()


def test_an_embedding_of_sdxl_has_a_part_for_each_encoder(models):
    """Both learn the word, and it is another picture than its letters make."""
    bench = models.fresh("sdxl")
    spelt = bench.one(prompt="a glow cat")
    made = bench.one(prompt="a <glow> cat")
    assert furthest(made, spelt) > 1
    assert same(made, bench.one(prompt="a <glow> cat"))
    pipe = bench.model._pipe
    assert [t.tokenize("<glow>") for t in (pipe.tokenizer, pipe.tokenizer_2)] == [["<glow>"], ["<glow>"]]


def test_an_embedding_is_more_than_its_letters(models):
    """Learnt vectors stand for the word, not its spelling."""
    bench, bare = models.bench("sd15"), models.bench("inpaint")
    model = bench.model
    bench.one(prompt="<zork>")
    tokens = model._pipe.tokenizer.tokenize("<zork>")
    assert tokens == ["<zork>"]
    assert bare.model._pipe.tokenizer.tokenize("<zork>") != ["<zork>"]


def test_an_embedding_that_does_not_fit(models):
    """Vectors of another size: a message, and the model works as before."""
    import tiny_models  # noqa: PLC0415 - imports torch

    wide = tiny_models.textual_inversion(
        models.folder / "wide.safetensors", models.shelf.card("sdxl").path, "<w>"
    )
    models.put("wide", "sd15", wide, "embedding", word="<wide>")
    try:
        bench = models.fresh("sd15")
        with pytest.raises(EngineFailed, match="wide") as raised:
            bench.ask(prompt="a <wide> cat")
        assert raised.value.hint
        assert same(bench.one(), models.bench("sd15").plain)
    finally:
        models.shelf.remove("wide")


@pytest.mark.parametrize("base", ["sd15", "sdxl"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers(models, base, name):
    """Each makes a picture of its own, at any strength, and is gone afterwards."""
    bench = models.bench(base)
    made = bench.one(parameters={"sampler": name})
    if (base, name) != ("sdxl", "euler"):  # which is its own
        assert furthest(made, bench.plain) > 1
    assert same(made, bench.one(parameters={"sampler": name}))
    assert made.recipe["sampler"] == name
    assert bench.ask(verb="refine", strength=0.03, parameters={"sampler": name})
    assert bench.is_as_before()


def test_more_steps_than_a_sampler_has(sd15):
    """LCM was made for fifty at most."""
    assert sd15.ask(parameters={"sampler": "lcm", "steps": 60})


def _seams(pixels):
    """The step from the last column to the first, and from the last row to the first, in mean inner steps."""
    made = pixels[..., :3].astype(float)
    across = np.abs(made[:, 0] - made[:, -1]).mean() / np.abs(np.diff(made, axis=1)).mean()
    down = np.abs(made[0] - made[-1]).mean() / np.abs(np.diff(made, axis=0)).mean()
    return across, down


@pytest.mark.parametrize("base", ["sd15", "sdxl"])
def test_seamless_tiles(models, base):
    """The picture runs on beyond its borders along the axes that were asked for, and only there."""
    bench = models.bench(base)
    seams = {
        axes: np.mean(
            [
                _seams(each.pixels)
                for each in bench.ask(mask=ALL, seeds=(1, 2, 3, 4), parameters={"tile": axes})
            ],
            axis=0,
        )
        for axes in ("", "x", "y", "xy")
    }
    for axis, place in (("x", 0), ("y", 1)):
        for axes in (axis, "xy"):
            assert seams[axes][place] < 0.8 * seams[""][place]
            assert seams[axes][place] < 1.2
    assert seams["x"][1] > seams["xy"][1]
    assert seams["y"][0] > seams["xy"][0]
    assert bench.is_as_before()


@pytest.mark.parametrize("axes", ["x", "y"])
def test_a_seamless_picture_moved_round_is_the_same(sd15, axes):
    """The denoiser has no borders along the axis: what is moved round before comes out moved round."""
    model = sd15.model
    model.pad(axes)
    try:
        generator = torch.Generator().manual_seed(0)
        latents, words = (
            torch.randn(1, 4, 8, 8, generator=generator),
            torch.randn(1, 77, 32, generator=generator),
        )
        dim = 3 if axes == "x" else 2
        with torch.inference_mode():
            straight, moved = (
                model.denoiser(each, 500, encoder_hidden_states=words).sample
                for each in (latents, latents.roll(4, dim))
            )
        assert torch.allclose(straight.roll(4, dim), moved, atol=1e-4)
    finally:
        model.pad("")
    assert sd15.is_as_before()


def test_a_style(sd15):
    """A reference picture counts by its weight, another one otherwise, and not afterwards."""
    full = sd15.one(guides=(guide("style", PICTURE),))
    assert furthest(full, sd15.plain) > 1
    assert furthest(full, sd15.one(guides=(guide("style", 255 - PICTURE),))) > 1
    assert furthest(full, sd15.one(guides=(guide("style", PICTURE, weight=0.4),))) > 1
    assert furthest(sd15.one(guides=(guide("style", PICTURE, weight=0.0),)), sd15.plain) <= 1
    assert sd15.is_as_before()


def test_a_style_in_a_batch_and_without_guidance(sd15):
    """Each candidate of a batch heeds it as it would alone, with and without guidance."""
    styled = {"guides": (guide("style", PICTURE),)}
    for more in ({}, {"parameters": {"guidance": 1.0}}):
        batch = sd15.ask(seeds=(1, 2, 3), **styled, **more)
        assert furthest(batch[2], sd15.one(seeds=(3,), **styled, **more)) <= 1
    assert sd15.is_as_before()


def test_a_style_that_does_not_fit(models):
    """An adapter for another network: a message, and the model works as before."""
    import tiny_models  # noqa: PLC0415 - imports torch

    folder = tiny_models.ip_adapter(models.folder / "odd", models.shelf.card("sdxl").path)
    models.put("odd", "inpaint-style", folder / "ip-adapter.safetensors", "style")
    card = models.shelf.card("style")
    models.put(
        "style", "sd15", folder / "ip-adapter.safetensors", "style",
        image_encoder=str(folder / "image_encoder"),
    )  # fmt: skip
    try:
        bench = models.fresh("sd15")
        with pytest.raises(EngineFailed, match="style") as raised:
            bench.ask(guides=(guide("style"),))
        assert raised.value.hint
        assert same(bench.one(), models.bench("sd15").plain)
    finally:
        models.shelf.put(card)
        models.shelf.remove("odd")


def test_a_truncated_style(models):
    """A broken file: a message, and the model works as before."""
    import tiny_models  # noqa: PLC0415 - imports torch

    card = models.shelf.card("style")
    models.put(
        "style", "sd15", tiny_models.truncated(models.folder / "cut.safetensors"), "style",
        image_encoder=card.image_encoder,
    )  # fmt: skip
    try:
        bench = models.fresh("sd15")
        with pytest.raises(EngineFailed, match="style"):
            bench.ask(guides=(guide("style"),))
        assert same(bench.one(), models.bench("sd15").plain)
    finally:
        models.shelf.put(card)


def test_a_control_that_cannot_be_read(models, tmp_path):
    """A ControlNet's folder without weights: a message, and the model works as before."""
    card = models.shelf.card("scribble")
    models.put("scribble", "sd15", tmp_path, "control", kind="scribble")
    try:
        bench = models.fresh("sd15")
        with pytest.raises(EngineFailed, match="scribble") as raised:
            bench.ask(guides=(guide("scribble"),))
        assert raised.value.hint
        assert same(bench.one(), models.bench("sd15").plain)
    finally:
        models.shelf.put(card)


def test_everything_at_once(sd15):
    """A drawing, depth, a style, two LoRAs, a learnt word, a sampler and tiles, steered and previewed."""
    asked = {
        "guides": (guide("scribble"), guide("style", PICTURE), guide("depth", PICTURE, weight=0.5)),
        "prompt": "a (<zork>:1.4) cat",
        "parameters": {
            "loras": {"ink": 0.8, "wash.1": -0.5},
            "sampler": "dpm++ 2m",
            "tile": "xy",
            "steps": 5,
        },
        "seeds": (1, 2),
    }
    ear = Ear()
    made = sd15.ask(ear, **asked)
    assert len(made) == 2
    assert same(made[1], sd15.ask(**asked)[1])
    assert sd15.is_as_before()
