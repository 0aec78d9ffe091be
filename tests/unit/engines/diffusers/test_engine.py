# SPDX-License-Identifier: Apache-2.0
"""The engine as the daemon uses it, with tiny models of the real classes.

Their weights are random: what is tested is what happens to a request, never whether a picture is good.
"""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.protocol.errors import BadRequest, Unsupported
from bridge_server.protocol.records import Steering

from .conftest import ALL, MASK, PICTURE, PLACE, SIDE, Ear, apart, brief, furthest, guide, same

pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

BASES = ("sd15", "inpaint", "sdxl", "sd3", "flux", "flux-dev", "flux-fill")
GUIDED = ("sd15", "inpaint", "sdxl", "sd3")


@pytest.fixture(params=BASES)
def bench(request, models):
    """The bench with each family in turn."""
    return models.bench(request.param)


@pytest.fixture(params=("sd15", "sdxl", "sd3", "flux-dev"))
def family(request, models):
    """Likewise, without those that differ little."""
    return models.bench(request.param)


@pytest.mark.parametrize("verb", ["fill", "vary", "refine"])
def test_each_family_does_each_verb(bench, verb):
    """A candidate lies where the selection lies, is as covered as the selection, and has new pixels."""
    made = bench.one(verb=verb, strength=1.0 if verb == "fill" else 0.5)
    assert (made.x, made.y, made.pixels.shape[1], made.pixels.shape[0]) == PLACE
    assert made.pixels.dtype == np.uint8
    x, y, width, height = PLACE
    there = np.s_[y : y + height, x : x + width]
    assert (made.pixels[..., 3] == MASK[there]).all()
    assert np.abs(made.pixels[..., :3].astype(int) - PICTURE[there]).mean() > 3
    assert made.recipe["steps"] == 4
    assert made.recipe["passes"][0][:2] == [SIDE, SIDE]


def test_each_family_expands(bench):
    """The grown, transparent border is filled; what cannot be seen there does not count."""
    grown = np.dstack([PICTURE, np.full((SIDE, SIDE), 255, np.uint8)])
    grown[:, 48:] = 0
    other = grown.copy()
    other[:, 48:, :3] = 200
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, 48:] = 255
    made = bench.one(picture=grown, mask=mask)
    assert (made.x, made.y, *made.pixels.shape) == (48, 0, SIDE, 16, 4)
    assert (made.pixels[..., 3] == 255).all()
    assert same(made, bench.one(picture=other, mask=mask))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("colorspace", ["srgb", "linear"])
def test_a_candidate_has_the_values_of_the_picture(sd15, dtype, channels, colorspace):
    """Any dtype, channels and colour space come back as they went in, the selection's coverage in alpha."""
    white = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    whole = np.dstack([PICTURE, np.full((SIDE, SIDE), 255, np.uint8)])[..., :channels]
    picture = (whole / 255 * white).astype(dtype)
    made = sd15.one(picture=picture, colorspace=colorspace)
    assert made.pixels.dtype == dtype
    assert made.pixels.shape == (PLACE[3], PLACE[2], 4)
    x, y, width, height = PLACE
    coverage = MASK[y : y + height, x : x + width] / 255
    assert np.abs(made.pixels[..., 3] / white - coverage).max() <= 0.5 / 255
    assert np.isfinite(made.pixels.astype(float)).all()
    assert made.pixels[..., :3].std() > 0.02 * white


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_strength_0_changes_nothing(sd15, channels):
    """Refining with strength 0 gives back the pixels that are there, without a step."""
    picture = np.dstack([PICTURE, ALL])[..., :channels]
    before = len(sd15.heard)
    made = sd15.one(verb="refine", picture=picture, strength=0.0)
    x, y, width, height = PLACE
    there = picture[y : y + height, x : x + width]
    assert (made.pixels[..., :3] == (there[..., :3] if channels > 1 else there)).all()
    assert made.recipe == {"unchanged": True}
    assert len(sd15.heard) == before


def test_a_seed_decides_its_candidate(bench):
    """The same seed gives the same bytes; another one another picture."""
    assert bench.is_as_before()
    assert apart(bench.plain, bench.one(seeds=(2,))) > 3


def test_candidates_of_a_batch_are_the_same_as_alone(bench):
    """Candidate i of any batch is the picture of its seed alone, at most one level of 255 apart.

    Not to the byte: matrix products of other sizes add up in another order.
    """
    before = len(bench.heard)
    batch = bench.ask(seeds=(1, 2, 3, 4))
    guided = 2 if bench.engine.info.name.split("/")[1] in GUIDED else 1
    assert {each.rows for each in bench.heard[before:]} == {4 * guided}
    assert [each.index for each in batch] == [0, 1, 2, 3]
    assert furthest(batch[2], bench.one(seeds=(3,))) <= 1
    other = bench.ask(seeds=(9, 3))
    assert furthest(batch[2], other[1]) <= 1
    assert min(apart(batch[0], each) for each in batch[1:]) > 3


def test_five_candidates_are_made_in_two_batches(sd15):
    """More than fit at once are made one batch after the other, none left out."""
    made = sd15.ask(seeds=(1, 2, 3, 4, 5))
    assert [each.index for each in made] == [0, 1, 2, 3, 4]
    assert furthest(made[4], sd15.one(seeds=(5,))) <= 1


def test_the_words_matter(bench):
    """Another prompt gives another picture with the same seed."""
    assert apart(bench.plain, bench.one(prompt="a red castle")) > 1


@pytest.mark.parametrize("base", GUIDED)
def test_the_words_to_avoid_and_the_guidance_matter(models, base):
    """Guided families keep away from the negative prompt, and follow the guidance."""
    bench = models.bench(base)
    assert apart(bench.plain, bench.one(negative_prompt="a dark forest")) > 1
    assert apart(bench.plain, bench.one(parameters={"guidance": 2.0})) > 1
    assert apart(bench.plain, bench.one(parameters={"guidance": 1.0})) > 1


def test_a_model_with_guidance_inside_follows_it(models):
    """Flux dev is told the guidance; schnell has none, so that it makes no difference there."""
    dev, schnell = models.bench("flux-dev"), models.bench("flux")
    assert apart(dev.plain, dev.one(parameters={"guidance": 1.5})) > 1
    assert dev.heard[-1].guidance == [1.5]
    assert same(schnell.plain, schnell.one(parameters={"guidance": 1.5}))


def test_strength_matters(family):
    """The more strength, the fewer traces of what was there, on average over some seeds."""
    x, y, width, height = PLACE
    there = PICTURE[y : y + height, x : x + width].astype(float)
    away = [
        np.mean([
            np.abs(each.pixels[..., :3] - there).mean()
            for each in family.ask(verb="refine", strength=strength, seeds=(1, 2, 3, 4))
        ])
        for strength in (0.05, 0.9)
    ]  # fmt: skip
    assert away[0] < away[1]


@pytest.mark.parametrize("strength", [0.001, 0.03, 0.3])
def test_a_low_strength_still_takes_steps(family, strength):
    """Few steps at a low strength are not rounded down to none, nor up to more than a model knows."""
    taken = family.steps(verb="refine", strength=strength)
    assert 4 <= taken <= 6


def test_a_large_region_is_made_in_two_passes(family):
    """First small, then refined in detail; the candidate is as large as the selection."""
    picture = np.kron(PICTURE, np.ones((3, 4, 1), np.uint8))
    mask = np.kron(MASK, np.ones((3, 4), np.uint8))
    ear = Ear()
    made = family.one(ear, picture=picture, mask=mask)
    assert made.pixels.shape == (PLACE[3] * 3, PLACE[2] * 4, 4)
    (w1, h1, s1), (w2, h2, s2) = made.recipe["passes"]
    assert w1 * h1 < w2 * h2 <= 4.4 * SIDE * SIDE
    assert s1 == 1 > s2 > 0
    done = [each for _, each in ear.done]
    assert done == sorted(done)
    assert done[-1] == 1


@pytest.mark.parametrize("shape", [(8, 8), (1, 300), (1, 1)])
def test_tiny_and_thin_regions_are_made(family, shape):
    """Any selection gets a candidate of its own size."""
    made = family.one(picture=np.full((*shape, 3), 90, np.uint8), mask=np.full(shape, 255, np.uint8))
    assert made.pixels.shape == (*shape, 4)


def test_a_large_picture_with_a_small_selection_is_filled(sd15):
    """The selection at the edge of a long picture comes out where it is."""
    picture, mask = np.full((40, 500, 3), 90, np.uint8), np.zeros((40, 500), np.uint8)
    mask[30:, 490:] = 255
    made = sd15.one(picture=picture, mask=mask)
    assert (made.x, made.y, *made.pixels.shape) == (490, 30, 10, 10, 4)


def test_varying_goes_further_with_the_amount(sd15):
    """The nearest neighbours keep more of the candidate that they come from, on average over some seeds."""
    x, y, width, height = PLACE
    there = PICTURE[y : y + height, x : x + width].astype(float)
    away = [
        np.mean([
            np.abs(each.pixels[..., :3] - there).mean()
            for each in sd15.ask(verb="vary", amount=amount, seeds=(1, 2, 3, 4))
        ])
        for amount in (0.0, 1.0)
    ]  # fmt: skip
    assert away[0] < away[1]


def test_varying_says_how_far_it_went(sd15):
    """The record tells the share of the way from noise, which grows with the amount."""
    shares = [sd15.one(verb="vary", amount=each).recipe["passes"][0][2] for each in (0, 0.25, 0.5, 1)]
    assert shares == sorted(set(shares))
    assert shares[-1] == 1


def test_walking_from_one_candidate_to_another(family):
    """With the amount 0 the other one does not count at all, and halfway lies between the ends."""
    other = guide("toward", PICTURE[::-1, ::-1].copy())

    def at(amount, guides=(other,)):
        return family.one(verb="vary", amount=amount, guides=guides)

    start, half, end = at(0.0), at(0.5), at(1.0)
    third = guide("toward", 255 - PICTURE)
    assert furthest(start, at(0.0, (third,))) <= 1
    assert furthest(end, at(1.0, (third,))) > 1
    assert furthest(start, end) > 1
    assert furthest(start, half) > 1
    assert family.is_as_before()


@pytest.mark.parametrize("base", ["sdxl", "flux-dev"])
def test_a_prompt_of_ten_thousand_words(models, base):
    """However long a prompt is, it makes a picture."""
    family = models.bench(base)
    assert family.one(prompt="a cat and a dog " * 2000, parameters={"steps": 1}).pixels.any()
    assert family.is_as_before()


BAD = [
    ({"parameters": {"speed": 3}}, BadRequest),
    ({"parameters": {"steps": 0}}, BadRequest),
    ({"parameters": {"steps": 151}}, BadRequest),
    ({"parameters": {"steps": 2.5}}, BadRequest),
    ({"parameters": {"steps": True}}, BadRequest),
    ({"parameters": {"guidance": "much"}}, BadRequest),
    ({"parameters": {"guidance": float("nan")}}, BadRequest),
    ({"parameters": {"sampler": "fastest"}}, BadRequest),
    ({"parameters": {"tile": "z"}}, BadRequest),
    ({"parameters": {"loras": ["ink"]}}, BadRequest),
    ({"parameters": {"loras": {"ink": 3}}}, BadRequest),
    ({"parameters": {"loras": {"ink": "1"}}}, BadRequest),
    ({"parameters": {"loras": {"nobody": 1}}}, BadRequest),
    ({"parameters": {"loras": {"ink-xl": 1}}}, Unsupported),
    ({"guides": (guide("pose"),)}, Unsupported),
    ({"verb": "animate"}, Unsupported),
    ({"stage": "draft"}, Unsupported),
    ({"mask": np.zeros((SIDE, SIDE), np.uint8)}, BadRequest),
    ({"strength": 1.5}, BadRequest),
    ({"strength": float("nan")}, BadRequest),
    ({"verb": "vary", "amount": -0.1}, BadRequest),
]


@pytest.mark.parametrize(("changes", "kind"), BAD, ids=[str(each)[:40] for each, _ in BAD])
def test_what_cannot_be_done_is_said(sd15, changes, kind):
    """A request that makes no sense gets an error with words and a hint, and nothing is made."""
    before = len(sd15.heard)
    with pytest.raises(kind) as raised:
        sd15.ask(**changes)
    assert raised.value.message
    assert raised.value.hint
    assert len(sd15.heard) == before


def test_the_engine_works_after_all_that(sd15):
    """Refusing leaves nothing behind."""
    for changes, kind in BAD:
        with pytest.raises(kind):
            sd15.ask(**changes)
    assert sd15.is_as_before()


def test_a_family_without_samplers_and_tiles_says_so(models):
    """What only some families can do is refused for the others, unless it asks for nothing."""
    flux = models.bench("flux")
    for name, value in (("tile", "x"), ("sampler", "ddim")):
        with pytest.raises(Unsupported, match=name):
            flux.ask(parameters={name: value})
    assert same(flux.plain, flux.one(parameters={"tile": "", "sampler": "", "loras": {}}))


def test_together_one_bad_brief_is_told_and_the_others_go_on(sd15):
    """Each brief gets its own answer."""
    told = sd15.together(
        (brief(), Ear()), (brief(parameters={"steps": -1}), Ear()), (brief(seeds=(2,)), Ear())
    )
    assert [number for number, _ in told] == [1, 0, 2]
    assert isinstance(told[0][1], BadRequest)
    assert furthest(told[1][1], sd15.plain) <= 1


def test_a_model_that_cannot_be_loaded_is_told_to_each(models, tmp_path):
    """All who asked for it hear why, and the shelf is looked at again at the next request."""
    gone = models.put("gone", "sd15", tmp_path / "nowhere")
    try:
        engine = next(each for each in _engines(models) if each.info.name == "diffusers/gone")
        told = []
        engine.generate_together([brief(), brief()], [Ear(), Ear()], lambda *each: told.append(each))
        assert [number for number, _ in told] == [0, 1]
        assert all(gone.id in what.message for _, what in told)
    finally:
        models.shelf.remove("gone")


def _engines(models):
    from bridge_server.engines.diffusers import load  # noqa: PLC0415

    return load(models.shelf.folder)


def test_what_is_finished_before_the_start_is_not_made(sd15):
    """Whoever takes it now before anything is there gets nothing."""
    before = len(sd15.heard)
    assert sd15.ask(Ear(sd15, {0: Steering(finish=True)})) == []
    assert len(sd15.heard) == before


def test_an_empty_prompt_is_a_prompt(family):
    """No words at all, or only spaces and odd signs, make a picture too."""
    for words in ("", " \n\t", "\u2603 \U0001f431 \0 <|endoftext|>", '(:1.5) ++ " \\'):
        family.ask(prompt=words, negative_prompt=words, parameters={"steps": 1})
