# SPDX-License-Identifier: Apache-2.0
"""The tap, on schedulers alone: a denoiser is played by noise."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
diffusers = pytest.importorskip(
    "diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]"
)

from bridge_server.engines.diffusers.abilities import SAMPLERS  # noqa: E402 - only where torch is
from bridge_server.engines.diffusers.denoising.tap import Tap, slerp  # noqa: E402

NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}
STEPS = 6
SHAPE = (2, 4, 8, 8)

#: name -> a fresh scheduler.
USUAL = {
    name: (kind, {**NOISE, "steps_offset": 1, **changes}) for name, (kind, changes) in SAMPLERS.items()
} | {"pndm": ("PNDMScheduler", {**NOISE, "skip_prk_steps": True, "steps_offset": 1})}
FLOWS = {
    "flow": ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    "flow 1": ("FlowMatchEulerDiscreteScheduler", {"shift": 1.0}),
}
#: What is not drawn anew at each step.
CALM = [name for name in [*USUAL, *FLOWS] if name not in ("euler a", "lcm")]


class Space:
    """Latents that are spatial already."""

    def spatial(self, latents, width, height):
        """Themselves."""
        return latents

    def like(self, spatial, given):
        """Likewise."""
        return spatial.to(given.dtype)


class Pipe:
    """Of a pipeline, what the tap looks at."""

    _num_timesteps = STEPS


def scheduler_of(name, **changes):
    """A fresh one."""
    kind, config = (USUAL | FLOWS)[name]
    made = getattr(diffusers, kind)(**{**config, **changes})
    made.set_timesteps(STEPS)
    return made


def tapped(scheduler, coverage, *, after=None, toward=None):
    """A tap whose pipeline tells it the source; with that and the noise."""
    generator = torch.Generator().manual_seed(3)
    original, noise = (torch.randn(SHAPE, generator=generator) for _ in range(2))
    tap = Tap(
        scheduler, Space(), (64, 64), coverage, toward=toward,
        original=lambda: original, noise=lambda: noise, after_step=after or (lambda *_: None),
    )  # fmt: skip
    tap.pipe = Pipe()
    Pipe._num_timesteps = len(scheduler.timesteps)
    return tap, original, noise


def begun(scheduler, original, noise):
    """As an image-to-image pipeline begins."""
    when = scheduler.timesteps[:1].repeat(len(original))
    scheduler.set_begin_index(0) if hasattr(scheduler, "set_begin_index") else None
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(original, when, noise)
    return scheduler.add_noise(original, noise, when)


def walk(scheduler, latents, said):
    """All steps; ``said(latents, when)`` plays the denoiser."""
    for when in scheduler.timesteps:
        scheduler.scale_model_input(latents, when) if hasattr(scheduler, "scale_model_input") else None
        latents = scheduler.step(said(latents, when), when, latents, return_dict=False)[0]
    return latents


@pytest.mark.parametrize("name", [*USUAL, *FLOWS])
@pytest.mark.parametrize("told", [True, False], ids=["told", "asked"])
def test_what_is_not_selected_is_held(name, told):
    """At each step but the last it is the original, noised as that step's end wants it."""
    clean, seen = scheduler_of(name), []
    coverage = torch.zeros(SHAPE[0], 1, 8, 8)
    coverage[..., 4:] = 1
    scheduler = scheduler_of(name)
    _, original, noise = tapped(scheduler, coverage, after=lambda *told: seen.append(told[:3]))
    start = begun(scheduler if told else clean, original, noise)
    if not told:
        scheduler.set_begin_index(0) if hasattr(scheduler, "set_begin_index") else None
    generator = torch.Generator().manual_seed(5)
    walk(scheduler, start, lambda latents, when: torch.randn(SHAPE, generator=generator))
    every = scheduler.timesteps
    assert [taken for taken, _, _ in seen] == list(range(1, len(every) + 1))
    assert {total for _, total, _ in seen} == {len(every)}
    judge = scheduler_of(name)
    for taken, _, latents in seen[:-1]:
        when = every[taken].reshape(1).repeat(SHAPE[0])
        wanted = (
            judge.scale_noise(original, when, noise)
            if hasattr(judge, "scale_noise")
            else judge.add_noise(original, noise, when)
        )
        assert torch.allclose(latents[..., :4], wanted[..., :4], atol=1e-4)
        assert not torch.allclose(latents[..., 4:], wanted[..., 4:], atol=0.1)


def test_softly_selected_is_let_go_on_the_way():
    """A latent of coverage c is held until the share 1 - c of the steps is over."""
    seen = []
    coverage = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0]).expand(SHAPE[0], 1, 8, 8)
    scheduler = scheduler_of("ddim")
    _, original, noise = tapped(scheduler, coverage, after=lambda *told: seen.append(told[2]))
    walk(scheduler, begun(scheduler, original, noise), lambda latents, _: torch.ones(SHAPE))
    judge, held = scheduler_of("ddim"), []
    for taken, latents in enumerate(seen[:-1], 1):
        wanted = judge.add_noise(original, noise, scheduler.timesteps[taken].repeat(SHAPE[0]))
        close = (latents - wanted).abs().amax((0, 1, 2)) < 1e-5
        held.append(close[:5].tolist())
    until = [sum(column) for column in zip(*held, strict=True)]
    assert until == [5, 4, 2, 1, 0]


def test_all_selected_is_never_touched():
    """Without anything to hold, the scheduler's own latents come out to the bit."""
    scheduler, plain = scheduler_of("euler"), scheduler_of("euler")
    _, original, noise = tapped(scheduler, torch.ones(SHAPE[0], 1, 8, 8))
    ends = [
        walk(each, begun(each, original, noise), lambda latents, _: latents / 20)
        for each in (scheduler, plain)
    ]
    assert torch.equal(*ends)


#: Which parametrisations there are: flow matching has one, and diffusers lacks two.
PREDICTED = [
    (name, prediction)
    for name in USUAL
    for prediction in ("epsilon", "v_prediction", "sample")
    if (name, prediction) not in {("pndm", "sample"), ("euler a", "sample")}
] + [(name, "flow") for name in FLOWS]


@pytest.mark.parametrize(("name", "prediction"), PREDICTED)
def test_the_finished_picture_is_foretold(name, prediction):
    """Of the original noised and a denoiser that knows the noise, the first step tells the very original."""
    flows = prediction == "flow"
    scheduler = scheduler_of(name, **({} if flows else {"prediction_type": prediction}))
    seen = []

    def after(taken, total, latents, clean):
        if taken == 1:
            seen.append(clean())

    tap, original, noise = tapped(scheduler, torch.ones(SHAPE[0], 1, 8, 8), after=after)
    start = begun(scheduler, original, noise)

    def said(latents, when):
        if flows:
            return noise - original
        alpha = tap.scheduler.alphas_cumprod[int(when)]
        if hasattr(scheduler, "sigmas") and name != "lcm":
            alpha = 1 / (1 + scheduler.sigmas[0] ** 2)
        if prediction == "v_prediction":
            return alpha**0.5 * noise - (1 - alpha) ** 0.5 * original
        return noise if prediction == "epsilon" else original

    walk(scheduler, start, said)
    assert torch.allclose(seen[0], original, atol=2e-3)


def test_what_is_not_selected_is_foretold_as_it_is():
    """An unfinished picture shows the original where nothing is selected."""
    coverage = torch.zeros(SHAPE[0], 1, 8, 8)
    coverage[..., 4:] = 1
    seen = []
    scheduler = scheduler_of("ddim")
    _, original, noise = tapped(scheduler, coverage, after=lambda *told: seen.append(told[3]()))
    walk(scheduler, begun(scheduler, original, noise), lambda latents, _: torch.ones(SHAPE))
    assert all(torch.equal(each[..., :4], original[..., :4]) for each in seen)
    assert not torch.allclose(seen[0][..., 4:], original[..., 4:], atol=0.1)


@pytest.mark.parametrize("name", CALM)
def test_a_walk_begins_between_two_pictures(name):
    """Amount 0 begins with the one picture noised, 1 with the other, noised alike."""
    amount = torch.tensor([0.0, 1.0])
    scheduler, plain = scheduler_of(name), scheduler_of(name)
    other = torch.randn(SHAPE, generator=torch.Generator().manual_seed(9))
    _, original, noise = tapped(scheduler, torch.ones(SHAPE[0], 1, 8, 8), toward=(other, amount))
    start = begun(scheduler, original, noise)
    assert torch.allclose(start[0], begun(plain, original, noise)[0], atol=1e-4)
    assert torch.allclose(start[1], begun(plain, other, noise)[1], atol=1e-4)
    again = begun(scheduler, original, noise)
    assert torch.allclose(again, begun(plain, original, noise)), "later calls are not led astray"


def test_the_way_between_two_noises_keeps_their_length():
    """Halfway between two independent noises is as long as they are, and as far from each."""
    first, second = torch.randn(2, 1, 4, 64, 64, generator=torch.Generator().manual_seed(1))
    half = slerp(first, second, torch.tensor([0.5]))
    assert float(half.norm()) == pytest.approx(float(first.norm()), rel=0.02)
    assert float((half - first).norm()) == pytest.approx(float((half - second).norm()), rel=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_way_between_equal_and_opposite_noises(sign):
    """There is no angle to go along, and nothing breaks."""
    first = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    for amount in (0.0, 0.5, 1.0):
        made = slerp(first, sign * first, torch.tensor([amount]))
        assert torch.isfinite(made).all()
        assert torch.allclose(made, first * ((1 - amount) + sign * amount), atol=1e-4)


def test_a_pipeline_sees_the_scheduler_as_it_is():
    """Pipelines look which arguments ``step`` takes, such as ``generator`` and ``eta``."""
    import inspect  # noqa: PLC0415

    scheduler, plain = scheduler_of("ddim"), scheduler_of("ddim")
    tapped(scheduler, torch.ones(SHAPE[0], 1, 8, 8))
    assert inspect.signature(scheduler.step) == inspect.signature(plain.step)


def test_a_model_that_ends_in_noise_alone_is_foretold():
    """Zero terminal SNR, where alpha is 0 at the first step: a number, not a division by it."""
    ends = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    scheduler = scheduler_of("ddim", prediction_type="v_prediction", **ends)
    seen = []

    def after(taken, total, latents, clean):
        seen.append(clean())

    _, original, noise = tapped(scheduler, torch.ones(SHAPE[0], 1, 8, 8), after=after)
    scheduler.step(torch.zeros_like(original), scheduler.timesteps[0], noise, return_dict=False)
    assert torch.isfinite(seen[0]).all()
