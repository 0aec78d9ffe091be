# SPDX-License-Identifier: Apache-2.0
"""Candidates on their way: previews, cancelling, steering, taking them as they are."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.protocol.errors import Cancelled
from bridge_server.protocol.records import Steering

from ..conftest import MASK, PLACE, SIDE, Ear, apart, furthest, guide, same

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

BASES = ("sd15", "sdxl", "sd3", "flux-dev")


@pytest.fixture(params=BASES)
def bench(request, models):
    """The bench with each family in turn."""
    return models.bench(request.param)


@pytest.mark.usefixtures("every_preview")
def test_each_step_but_the_last_is_shown(bench):
    """Previews lie over the selection, are as covered as it is, and come nearer to the candidate."""
    ear = Ear()
    before = len(bench.heard)
    made = bench.ask(ear, seeds=(1, 2))
    steps = len(bench.heard) - before
    for index in (0, 1):
        shown = [each for each in ear.shown if each[0] == index]
        assert len(shown) == steps - 1 >= 3
        for _, x, y, width, height, pixels in shown:
            assert (x, y, width, height) == PLACE
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] == 4
            assert pixels[..., 3].max() == MASK.max()
        assert [done for each, done in ear.done if each == index][-1] == 1
    assert not same(made[0], made[1])


def test_previews_take_a_small_share_of_the_time(sd15, monkeypatch):
    """Once they took more than their share, steps go by unseen."""
    monkeypatch.setattr("bridge_server.engines.diffusers.denoising.course._PREVIEW_SHARE", 0.0)
    ear = Ear()
    sd15.ask(ear)
    assert len(ear.shown) == 1


@pytest.mark.usefixtures("every_preview")
def test_previews_change_nothing(models, sd15):
    """The picture is the same to the byte without them, and nothing is shown."""
    ear = Ear()
    assert same(sd15.plain, models.bench("sd15", previews=False).one(ear))
    assert ear.shown == []
    assert ear.done[-1] == (0, 1.0)


@pytest.mark.parametrize("step", [0, 1, 3])
def test_cancelling_takes_effect_within_a_step(bench, step):
    """No forward comes after the step at which it was cancelled; the model works on as before."""
    plain, before, ear = bench.plain, len(bench.heard), Ear(bench, {step: Cancelled("not wanted any more")})
    with pytest.raises(Cancelled):
        bench.ask(ear, seeds=(1, 2))
    assert len(bench.heard) - before == step
    assert same(plain, bench.one())


def test_steering_to_other_words(bench):
    """The next forward hears them; the picture is neither that of the old words nor that of the new."""
    words = "a red castle"
    plain, other = bench.plain, bench.one(prompt=words)
    new = bench.heard[-1].words
    before = len(bench.heard)
    made = bench.one(Ear(bench, {2: Steering(prompt=words)}))
    heard = [each.words for each in bench.heard[before:]]
    assert not torch.equal(heard[1], new)
    assert all(torch.allclose(each, new, atol=1e-5) for each in heard[2:])
    assert furthest(made, plain) > 1
    assert furthest(made, other) > 1
    assert made.recipe["steered"][0]["prompt"] == words
    assert 0 < made.recipe["steered"][0]["done"] < 1
    assert bench.is_as_before()


def test_steering_to_a_longer_prompt(sd15):
    """Words that need more tokens than those it began with are heard as well."""
    words = "a red castle in the snow " * 40
    made = sd15.one(Ear(sd15, {2: Steering(prompt=words)}))
    assert sd15.heard[-1].words.shape[1] > 77
    assert furthest(made, sd15.plain) > 1


def test_steering_to_the_same_words_changes_nothing(bench):
    """The bytes are those without steering."""
    assert same(bench.plain, bench.one(Ear(bench, {2: Steering(prompt="a cat")})))


@pytest.mark.parametrize("base", ["sd15", "sdxl", "sd3"])
def test_steering_what_to_avoid(models, base):
    """The unguided half of the next forward hears the new words."""
    bench = models.bench(base)
    before = len(bench.heard)
    made = bench.one(Ear(bench, {1: Steering(negative_prompt="a dark forest")}))
    first, second = bench.heard[before : before + 2]
    assert torch.allclose(first.words[1], second.words[1], atol=1e-5)
    assert not torch.allclose(first.words[0], second.words[0], atol=1e-2)
    assert furthest(made, bench.plain) > 1


@pytest.mark.parametrize("base", ["sd15", "inpaint", "sdxl", "sd3", "flux-dev"])
def test_steering_the_guidance(models, base):
    """It holds from the next step on, without a new start."""
    bench = models.bench(base)
    usual = bench.steps()
    before = len(bench.heard)
    made = bench.one(Ear(bench, {2: Steering(guidance=2.0)}))
    assert len(bench.heard) - before == usual
    assert furthest(made, bench.plain) > 1
    assert furthest(made, bench.one(parameters={"guidance": 2.0})) > 1
    assert made.recipe["guidance"] == 2.0
    if base == "flux-dev":
        assert [each.guidance for each in bench.heard[before:]][1:3] == [[3.5], [2.0]]
    assert bench.is_as_before()


@pytest.mark.parametrize("base", ["sd15", "sdxl", "sd3"])
def test_steering_the_guidance_off_starts_anew(models, base):
    """Without guidance the model runs otherwise: the picture is that of a fresh request."""
    bench = models.bench(base)
    made = bench.one(Ear(bench, {2: Steering(guidance=1.0)}))
    assert furthest(made, bench.one(parameters={"guidance": 1.0})) <= 1
    back = bench.one(Ear(bench, {2: Steering(guidance=7.0)}), parameters={"guidance": 1.0})
    assert furthest(back, bench.plain) <= 1


def test_steering_the_strength_starts_anew(bench):
    """The picture is that of a fresh request of that strength."""
    made = bench.one(Ear(bench, {2: Steering(strength=0.4)}), verb="refine", strength=0.9)
    assert furthest(made, bench.one(verb="refine", strength=0.4)) <= 1
    assert made.recipe["steered"][0]["strength"] == 0.4


def test_steering_the_strength_to_nothing(sd15):
    """Strength 0 gives back what is there."""
    made = sd15.one(Ear(sd15, {2: Steering(strength=0.0)}), verb="refine", strength=0.9)
    assert same(made, sd15.one(verb="refine", strength=0.0))


def test_steering_a_control(sd15):
    """A drawing stops counting from the next step on."""
    drawn = {"guides": (guide("scribble"),)}
    made = sd15.one(Ear(sd15, {2: Steering(weights=[0.0])}), **drawn)
    assert furthest(made, sd15.one(**drawn)) > 1
    assert furthest(made, sd15.plain) > 1
    at_once = sd15.one(Ear(sd15, {0: Steering(weights=[0.0])}), **drawn)
    assert furthest(at_once, sd15.plain) <= 1


def test_steering_a_style(sd15):
    """A reference picture stops counting from the next step on, and counts again in the next job."""
    styled = {"guides": (guide("style"),)}
    full = sd15.one(**styled)
    made = sd15.one(Ear(sd15, {2: Steering(weights=[0.0])}), **styled)
    assert furthest(made, full) > 1
    assert furthest(made, sd15.plain) > 1
    assert same(full, sd15.one(**styled))
    assert sd15.is_as_before()


@pytest.mark.parametrize("step", [1, 3])
def test_taking_it_now(bench, step):
    """The present state becomes the candidate of each that was begun, and no forward follows."""
    before, ear = len(bench.heard), Ear(bench, {step: Steering(finish=True)})
    made = bench.ask(ear, seeds=(1, 2, 3, 4, 5, 6))
    assert len(bench.heard) - before == step
    assert [each.index for each in made] == [0, 1, 2, 3], "the second batch was not begun"
    for each in made:
        assert each.pixels.shape == (PLACE[3], PLACE[2], 4)
        assert each.recipe["finished_early"] is True
    assert apart(made[0], made[1]) > 0.1
    assert {done for index, done in ear.done if index == 0 and done == 1} == {1.0}
    assert bench.is_as_before()


def test_taking_it_late_is_near_the_end(sd15):
    """The later it is taken, the nearer it is to the finished candidate."""
    away = [
        apart(sd15.plain, sd15.one(Ear(sd15, {step: Steering(finish=True)})))
        for step in (1, sd15.steps() - 1)
    ]
    assert away[1] < away[0]


def test_progress_only_grows(sd15):
    """Also over two passes, and it ends with 1."""
    big = np.full((SIDE * 2, SIDE * 2, 3), 90, np.uint8)
    ear = Ear()
    sd15.ask(ear, picture=big, mask=np.full(big.shape[:2], 255, np.uint8))
    done = [each for _, each in ear.done]
    assert done == sorted(done)
    assert 0 < done[0] < 0.5
    assert done[-1] == 1


def test_cancelling_in_the_second_pass(sd15):
    """A large region can be given up while its detail is made."""
    big = np.full((SIDE * 2, SIDE * 2, 3), 90, np.uint8)
    asked = {"picture": big, "mask": np.full(big.shape[:2], 255, np.uint8)}
    steps, before = sd15.steps(**asked), len(sd15.heard)
    with pytest.raises(Cancelled):
        sd15.ask(Ear(sd15, {steps - 1: Cancelled("no")}), **asked)
    assert len(sd15.heard) - before == steps - 1
    made = sd15.one(Ear(sd15, {steps - 1: Steering(finish=True)}), **asked)
    assert made.pixels.shape == (SIDE * 2, SIDE * 2, 4)


@pytest.mark.usefixtures("every_preview")
def test_previews_by_a_tiny_decoder(models):
    """Where one is installed it makes the previews, larger than the linear map's, and changes no picture."""
    import tiny_models  # noqa: PLC0415 - imports torch

    plain = models.bench("sd15").plain
    models.put("taesd", "sd15", tiny_models.taesd(models.folder / "taesd"), "preview")
    try:
        bench, ear, linear = models.fresh("sd15"), Ear(), Ear()
        made = bench.one(ear)
        assert bench.model.space.has_tiny
    finally:
        models.shelf.remove("taesd")
    models.fresh("sd15").one(linear)
    assert same(made, plain)
    assert ear.shown[0][5].shape == (PLACE[3], PLACE[2], 4)
    assert linear.shown[0][5].shape == (PLACE[3] // 8, PLACE[2] // 8, 4)
