# SPDX-License-Identifier: Apache-2.0
"""Prompts as a model reads them."""

from __future__ import annotations

import time

import pytest

from ..conftest import furthest, same

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

from bridge_server.engines.diffusers.denoising.words import Encoded, stacked  # noqa: E402 - only where torch is

READERS = ("sd15", "sdxl")
#: 300 words but for the last.
LONG = "a small dark house in the forest under snow " * 33


@pytest.fixture(params=READERS)
def bench(request, models):
    """The families whose prompts have weights and no end."""
    return models.bench(request.param)


@pytest.mark.parametrize("words", [LONG, "tree " * 3990], ids=["300 words", "20000 characters"])
def test_a_long_prompt_is_read_to_its_end(bench, words):
    """The last word changes the picture."""
    cat, dog = (bench.one(prompt=words + last, parameters={"steps": 2}) for last in ("cat", "dog"))
    assert not same(cat, dog)
    assert not torch.equal(
        bench.model.words.encode(words + "cat").tokens, bench.model.words.encode(words).tokens
    )


def test_a_long_prompt_against_a_short_one(bench):
    """What is avoided may be longer or shorter than what is wanted."""
    assert furthest(bench.one(prompt=LONG), bench.one(prompt=LONG, negative_prompt="a dog")) > 1
    assert furthest(bench.one(negative_prompt=LONG), bench.plain) > 1


@pytest.mark.parametrize("base", ["sd3", "flux"])
def test_others_read_as_much_as_they_hold(models, base):
    """A long prompt is no error there, and its beginning counts."""
    bench = models.bench(base)
    assert furthest(bench.one(prompt=LONG * 5), bench.one(prompt="dog " + LONG * 5)) > 1


def test_weights_matter(bench):
    """More and less weight give three pictures, in each way to write it the same one."""
    plain, more, less = (bench.one(prompt=f"a {cat} and a dog") for cat in ("cat", "(cat:1.5)", "(cat:0.5)"))
    assert furthest(plain, more) > 1
    assert furthest(plain, less) > 1
    assert furthest(more, less) > 1
    assert same(more, bench.one(prompt="a (cat)1.5 and a dog"))
    assert same(plain, bench.one(prompt="a (cat:1.0) and a dog"))


@pytest.mark.parametrize("base", ["sd3", "flux"])
def test_others_leave_the_weights_out(models, base):
    """Numbers and brackets are not read as words."""
    bench = models.bench(base)
    assert same(bench.plain, bench.one(prompt="a (cat:1.5)"))


@pytest.mark.parametrize(
    "prompt",
    [
        "((cat:",
        "cat))",
        "(" * 30 + "cat",
        "(" * 30 + "cat" + ")" * 30,
        '("a", "b").blend(1',
        "a (b:1.2:3) c",
        "(cat:1e9)",
        "\\(",
    ],
)
def test_broken_weights_are_words(bench, prompt):
    """They make a picture, and soon: eight brackets once took minutes."""
    started = time.process_time()
    encoded = bench.model.words.encode(prompt)
    assert time.process_time() - started < 5
    assert torch.isfinite(encoded.tokens).all()


def test_words_are_encoded_once(bench, monkeypatch):
    """Until the encoders change."""
    words = bench.model.words
    first = words.encode("a wooden tree")
    assert words.encode("a wooden tree") is first
    words.forget()
    assert words.encode("a wooden tree") is not first
    monkeypatch.setattr("bridge_server.engines.diffusers.denoising.words._REMEMBERED", 3)
    for number in range(5):
        words.encode(f"tree {number}")
    assert len(words._known) <= 4


def test_no_words_are_avoided_as_diffusers_does(models):
    """SDXL is trained to hear nothing as zeros; SD 1.5 hears the empty prompt."""
    nothing = models.bench("sdxl").model.words.encode("", negative=True)
    assert nothing.tokens.abs().max() == 0
    assert models.bench("sd15").model.words.encode("", negative=True).tokens.abs().max() > 0


def test_short_prompts_are_what_diffusers_encodes(models):
    """Without weights and length, the pipeline's own encoding comes out."""
    for base in READERS:
        model = models.bench(base).model
        ours, pipe = model.words.encode("a cat in snow"), model._pipe
        with torch.inference_mode():
            if base == "sd15":
                theirs = pipe.encode_prompt("a cat in snow", "cpu", 1, False)[0]
            else:
                theirs, _, pooled, _ = pipe.encode_prompt(
                    "a cat in snow", device="cpu", do_classifier_free_guidance=False
                )
                assert torch.allclose(ours.pooled, pooled, atol=1e-4)
        assert torch.allclose(ours.tokens, theirs, atol=1e-4)


def test_weights_do_not_change_the_prompt_as_a_whole(models):
    """SDXL's summary of a prompt is of its words, not of brackets and numbers."""
    words = models.bench("sdxl").model.words
    assert torch.equal(words.encode("a (cat:1.5)").pooled, words.encode("a cat").pooled)


def test_prompts_of_a_batch_are_as_long_as_the_longest():
    """The shorter ones are filled up with no words."""
    filler = torch.full((1, 2, 3), 7.0)
    short, long = Encoded(torch.zeros(1, 2, 3), None, filler), Encoded(torch.ones(1, 5, 3), None, filler)
    tokens, pooled = stacked([short, long], 6)
    assert tokens.shape == (2, 6, 3)
    assert pooled is None
    assert (tokens[0, :2] == 0).all()
    assert (tokens[0, 2:] == 7).all()
    assert (tokens[1, 5:] == 7).all()
