# SPDX-License-Identifier: Apache-2.0
"""What is wanted of a brief by now."""

from __future__ import annotations

import pytest

from bridge_server.protocol.records import Steering

from ..conftest import PICTURE, Ear, brief, guide

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")

from bridge_server.engines.diffusers.denoising.pieces import Piece, Task  # noqa: E402 - only where torch is
from bridge_server.engines.diffusers.denoising.work import Work  # noqa: E402


def task(steering=None, **changes):
    """A brief on its way."""
    return Task(0, Work.of(brief(**changes), {"guidance": 7}), Ear(), steering or Steering())


def test_what_was_not_steered_is_as_it_was_asked():
    """The brief holds."""
    made = task(verb="refine", strength=0.3, negative_prompt="dark", guides=(guide("depth", weight=0.4),))
    assert (made.prompt, made.negative, made.guidance) == ("a cat", "dark", 7.0)
    assert (made.strength, made.weights) == (0.3, [0.4])


def test_what_was_steered_holds():
    """Also where it was steered to nothing."""
    steering = Steering(prompt="", negative_prompt="", guidance=0.0, strength=0.0, weights=[0.0])
    made = task(steering, verb="refine", strength=0.3, negative_prompt="dark", guides=(guide("depth"),))
    assert (made.prompt, made.negative, made.guidance, made.strength, made.weights) == (
        "",
        "",
        0.0,
        0.0,
        [0.0],
    )


def test_the_strength_of_a_variation_is_its_amount():
    """Steering the strength does not change how far it goes."""
    asked = {"verb": "vary", "amount": 0.5}
    assert task(Steering(strength=0.1), **asked).strength == task(**asked).strength


def test_where_nothing_is_there_is_nothing_to_keep():
    """A transparent border is made from nothing, at whatever strength."""
    nothing = PICTURE.repeat(2, axis=2)[..., :4] * 0
    assert task(Steering(strength=0.2), picture=nothing, verb="refine", strength=0.4).strength == 1.0


def test_a_seed_means_the_same_noise_each_time():
    """A piece's noise starts anew, and is that of its seed."""
    piece, other = (Piece(task(), 0, seed) for seed in (3, 4))
    first = torch.randn(4, generator=piece.generator())
    assert torch.equal(first, torch.randn(4, generator=piece.generator()))
    assert not torch.equal(first, torch.randn(4, generator=other.generator()))
