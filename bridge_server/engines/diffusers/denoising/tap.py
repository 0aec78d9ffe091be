# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""A tap on a pipeline's scheduler: what every family of pipelines calls at each step, in the same way.

Through it unfinished latents are seen and what is not selected is kept, whatever the pipeline is otherwise.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch

from .latents import LatentSpace

__all__ = ["Tap", "slerp"]

#: (steps taken, steps in all, spatial latents, what they would be without noise)
AfterStep = Callable[[int, int, torch.Tensor, Callable[[], torch.Tensor]], None]


class Tap:
    """One run's scheduler, tapped.

    Differential diffusion (Levin and Fried 2023, "Differential Diffusion: Giving Each Pixel Its Strength"): a
    latent whose coverage is c is held to the original, noised as the step wants it, until the share 1 - c of
    the steps is over. What is not selected is held to the last step but one; the last one may touch it up.

    Args:
        scheduler: fresh, for this run only.
        space: of the pipeline that it goes into.
        size: width and height of the picture in pixels.
        coverage: (n, 1, h, w), 0 to 1, at the latents' size.
        original: gives the picture's spatial latents, should the pipeline not tell them.
        noise: gives the noise, likewise.
        toward: (n, c, h, w) latents of other pictures and how far to go to them, (n), or None.
        after_step: told after each step; may raise to end the run.
    """

    def __init__(
        self,
        scheduler: Any,
        space: LatentSpace,
        size: tuple[int, int],
        coverage: torch.Tensor,
        *,
        original: Callable[[], torch.Tensor],
        noise: Callable[[], torch.Tensor],
        toward: tuple[torch.Tensor, torch.Tensor] | None,
        after_step: AfterStep,
    ) -> None:
        self.scheduler, self._space, self._size = scheduler, space, size
        self._held = 1 - coverage
        self._holds = bool((self._held > 0).any())
        self._original, self._noise, self._toward = original, noise, toward
        self._source: tuple[torch.Tensor, torch.Tensor] | None = None
        self._after_step = after_step
        self._taken = 0
        self.pipe: Any = None
        self._step = scheduler.step
        scheduler.step = _in_place_of(scheduler.step, self._stepped)
        self._flows = hasattr(scheduler, "scale_noise")
        name = "scale_noise" if self._flows else "add_noise"
        self._add_noise = getattr(scheduler, name)
        setattr(scheduler, name, _in_place_of(self._add_noise, self._noised))

    def _noised(self, *given: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """In the place of ``add_noise`` or ``scale_noise``: the first call tells the source."""
        original, second, third = inspect.signature(self._add_noise).bind(*given, **named).arguments.values()
        noise, when = (third, second) if self._flows else (second, third)
        made = self._at(original, noise, when)
        if self._source is None:
            self._source = self._spatial(original), self._spatial(noise)
            if self._toward is not None:
                other, amount = self._toward
                aim = self._at(self._space.like(other, original), noise, when)
                made = slerp(made, aim, amount)
        return made

    def _at(self, original: torch.Tensor, noise: torch.Tensor, when: torch.Tensor) -> torch.Tensor:
        return (
            self._add_noise(original, when, noise) if self._flows else self._add_noise(original, noise, when)
        )

    def _stepped(
        self, output: torch.Tensor, when: Any, sample: torch.Tensor, *rest: Any, **named: Any
    ) -> Any:
        """In the place of the scheduler's ``step``."""
        given = output, when, sample, getattr(self.scheduler, "step_index", None)
        made, *others = self._step(output, when, sample, *rest, **named)
        self._taken += 1
        every = self.scheduler.timesteps
        total = getattr(self.pipe, "_num_timesteps", None) or len(every)
        latents = self._spatial(made)
        if self._holds and self._taken < total:
            latents = self._hold(latents, every[len(every) - total + self._taken], self._taken / total)
            made = self._space.like(latents, made)
        self._after_step(self._taken, total, latents, functools.partial(self._clean, *given))
        return (made, *others)

    def _hold(self, latents: torch.Tensor, when: torch.Tensor, share: float) -> torch.Tensor:
        original, noise = self._sources(latents)
        kept = self._at(original, noise, when.reshape(1).repeat(len(latents)))
        return torch.where(self._held > share, kept.to(latents.dtype), latents)

    def _sources(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._source is None:
            self._source = self._original().to(like), self._noise().to(like)
        return self._source

    def _clean(
        self, output: torch.Tensor, when: Any, sample: torch.Tensor, index: int | None
    ) -> torch.Tensor:
        """The step's idea of the finished picture, spatial; the original where nothing is selected."""
        latents = self._spatial(self._guess(output.float(), when, sample.float(), index))
        if not self._holds:
            return latents
        original = self._sources(latents)[0]
        return torch.where(self._held >= 1, original.to(latents), latents)

    def _guess(
        self, output: torch.Tensor, when: Any, sample: torch.Tensor, index: int | None
    ) -> torch.Tensor:
        """x0 from what the denoiser said, by the parametrisation of the scheduler.

        Ho et al. 2020 (eps), Salimans and Ho 2022 (v), Karras et al. 2022 (the sigma form), Lipman et al.
        2023 (flow matching).
        """
        scheduler = self.scheduler
        if self._flows:
            return sample - float(when) / scheduler.config.num_train_timesteps * output
        kind = scheduler.config.prediction_type
        if kind == "sample":
            return output
        # clamped as diffusers does it: some models end in noise alone
        alpha = max(scheduler.alphas_cumprod[int(float(when))].item(), 2.0**-24)
        sigma = ((1 - alpha) / alpha) ** 0.5
        if float(scheduler.init_noise_sigma) > 1.5:  # latents are in units of sigma, not of constant variance
            if index is not None:
                sigma = float(scheduler.sigmas[index])
            if kind == "epsilon":
                return sample - sigma * output
            return sample / (sigma**2 + 1) - output * sigma / (sigma**2 + 1) ** 0.5
        if kind == "epsilon":
            return (sample - (1 - alpha) ** 0.5 * output) / alpha**0.5
        return alpha**0.5 * sample - (1 - alpha) ** 0.5 * output

    def _spatial(self, latents: torch.Tensor) -> torch.Tensor:
        return self._space.spatial(latents, *self._size)


def _in_place_of(method: Any, ours: Callable[..., Any]) -> Callable[..., Any]:
    """Ours, with the signature of the method: pipelines look which arguments it takes."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    return call


def slerp(first: torch.Tensor, second: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Spherical interpolation of batches of noisy latents, each as one vector (Shoemake 1985).

    Args:
        first: (n, ...).
        second: (n, ...).
        amount: (n), 0 gives the first, 1 the second.
    """
    shape = (-1, *[1] * (first.ndim - 1))
    a, b = first.flatten(1).float(), second.flatten(1).float()  # Apple has no doubles
    cosine = torch.nn.functional.cosine_similarity(a, b).clamp(-1, 1)
    angle = torch.acos(cosine)
    share = amount.to(angle)
    safe = torch.where(angle.sin() < 1e-4, torch.ones_like(angle), angle.sin())
    near = angle.sin() < 1e-4
    left = torch.where(near, 1 - share, ((1 - share) * angle).sin() / safe)
    right = torch.where(near, share, (share * angle).sin() / safe)
    return (first * left.view(shape).to(first) + second * right.view(shape).to(first)).to(first.dtype)
