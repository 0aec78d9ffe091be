# SPDX-License-Identifier: Apache-2.0
"""What the denoiser is told besides the picture; steering it is tested with the course."""

from __future__ import annotations

import pytest

from ..conftest import PICTURE, drawing, furthest, guide, same

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")


@pytest.mark.parametrize(
    ("base", "kind"), [("sd15", "scribble"), ("sd15", "depth"), ("sd15", "canny"), ("sdxl", "depth")]
)
def test_a_control_counts_by_its_weight(models, base, kind):
    """Full and half are two pictures; none is that without a guide."""
    bench = models.bench(base)
    full = bench.one(guides=(guide(kind),))
    assert furthest(full, bench.plain) > 1
    assert furthest(bench.one(guides=(guide(kind, weight=0.5),)), full) > 1
    assert furthest(bench.one(guides=(guide(kind, weight=0.0),)), bench.plain) <= 1
    assert furthest(bench.one(guides=(guide(kind, PICTURE),)), full) > 1
    assert bench.is_as_before()


def test_a_control_counts_for_a_while(sd15):
    """From its start to its end, as shares of the steps."""
    full, early, late = (
        sd15.one(guides=(guide("scribble", start=start, end=end),))
        for start, end in ((0, 1), (0, 0.5), (0.5, 1))
    )
    pictures = [full, early, late, sd15.plain]
    for place, one in enumerate(pictures):
        for other in pictures[place + 1 :]:
            assert furthest(one, other) > 1


def test_two_controls_at_once(sd15):
    """Both count, in either order, and one without weight does not."""
    scribble, depth = guide("scribble"), guide("depth", PICTURE)
    both, alone = sd15.one(guides=(scribble, depth)), sd15.one(guides=(scribble,))
    assert furthest(both, alone) > 1
    assert furthest(both, sd15.one(guides=(depth,))) > 1
    assert furthest(both, sd15.one(guides=(depth, scribble))) <= 1
    silent = guide("depth", PICTURE, weight=0.0)
    assert furthest(alone, sd15.one(guides=(scribble, silent))) <= 1
    assert sd15.is_as_before()


def test_the_same_kind_twice(sd15):
    """Two drawings for the one ControlNet both count."""
    one, other = guide("scribble"), guide("scribble", PICTURE, weight=0.5)
    assert furthest(sd15.one(guides=(one, other)), sd15.one(guides=(one,))) > 1


def test_a_control_in_a_batch_and_in_two_passes(sd15):
    """Candidates of a batch are those alone; a large region is guided too."""
    import numpy as np  # noqa: PLC0415

    guided = {"guides": (guide("scribble"),)}
    assert furthest(sd15.ask(seeds=(1, 2, 3), **guided)[2], sd15.one(seeds=(3,), **guided)) <= 1
    big = {
        "picture": np.kron(PICTURE, np.ones((2, 2, 1), np.uint8)),
        "mask": np.full((128, 128), 255, np.uint8),
    }
    assert furthest(sd15.one(**big, **guided), sd15.one(**big)) > 1


def test_a_dark_drawing_and_its_negative_are_the_same_guide(sd15):
    """ControlNets want light lines on dark; artists draw dark on light."""
    dark, light = (sd15.one(guides=(guide("scribble", each),)) for each in (drawing(), 255 - drawing()))
    assert same(dark, light)


def test_a_model_for_inpainting_takes_controls(models):
    """A drawing guides it like any other model of its family."""
    bench = models.bench("inpaint")
    assert furthest(bench.one(guides=(guide("scribble"),)), bench.plain) > 1
    assert bench.is_as_before()


def test_what_is_cached_is_not_encoded_again(sd15):
    """The second request with the same words and picture asks neither of their encoders."""
    sd15.ask(prompt="a small wooden house")
    calls = []
    pipe = sd15.model._pipe
    hooks = [
        part.register_forward_pre_hook(lambda *_: calls.append(1))
        for part in (pipe.text_encoder, pipe.vae.encoder)
    ]
    sd15.ask(prompt="a small wooden house", seeds=(5,))
    for hook in hooks:
        hook.remove()
    assert calls == []
