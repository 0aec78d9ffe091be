# SPDX-License-Identifier: Apache-2.0
"""What is decided before a model is loaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.engines.diffusers.plan import batch_for, offload_for, passes_for, schedule, strength_of

GB = 10**9


@pytest.mark.parametrize(
    ("steps", "strength", "most", "expected"),
    [
        (25, 1.0, 1000, (25, 1.0)),
        (25, 0.4, 1000, (25, 0.4)),
        (4, 1.0, 1000, (4, 1.0)),
        (4, 0.4, 1000, (10, 0.4)),
        (4, 0.1, 1000, (40, 0.1)),
        (1, 1.0, 1000, (1, 1.0)),
        (1, 0.5, 1000, (2, 0.5)),
        (150, 0.01, 1000, (400, 0.01)),
        (4, 0.001, 1000, (1000, 0.004)),
        (4, 0.01, 50, (50, 0.08)),
        (150, 1.0, 50, (50, 1.0)),
    ],
)
def test_steps_are_really_taken(steps, strength, most, expected):
    """Models of few steps take them at low strength too, as finely as the sampler can divide the way."""
    assert schedule(steps, strength, most) == pytest.approx(expected)


@given(st.integers(1, 150), st.floats(0.001, 1), st.sampled_from([50, 1000]))
def test_pipelines_never_round_the_steps_away(steps, strength, most):
    """However a pipeline rounds the share of the steps, at least one is left, and never more than all."""
    total, share = schedule(steps, strength, most)
    taken = int(total * share)
    assert 1 <= min(4, steps) <= taken <= total <= most
    assert int(max(total - total * share, 0)) < total


@given(
    st.integers(1, 8192),
    st.integers(1, 8192),
    st.sampled_from([64, 512, 1024]),
    st.sampled_from([16, 32]),
    st.floats(0.01, 1),
)
def test_passes_fit_the_model(width, height, side, multiple, strength):
    """Any region becomes one or two passes of sides that the model can work on, and of bounded areas."""
    passes = passes_for(width, height, side, multiple, strength)
    assert 1 <= len(passes) <= 2
    for each in passes:
        assert each.width % multiple == each.height % multiple == 0
        assert min(each.width, each.height) >= multiple
        assert each.area <= 6 * side * side
    assert passes[0].strength == strength
    assert all(each.strength <= strength for each in passes)


@pytest.mark.parametrize(
    ("width", "height", "sizes"),
    [
        (512, 512, [(512, 512)]),
        (600, 600, [(608, 608)]),
        (8, 8, [(512, 512)]),
        (1, 300, [(128, 2048)]),
        (1024, 1024, [(512, 512), (1024, 1024)]),
        (8192, 8192, [(512, 512), (1024, 1024)]),
        (2048, 512, [(1024, 256), (2048, 512)]),
    ],
)
def test_sizes(width, height, sizes):
    """Small ones are made at the model's own size, large ones small first and refined; slivers widened."""
    found = passes_for(width, height, 512, 16, 1.0)
    assert [(each.width, each.height) for each in found] == sizes


def test_nothing_is_refined_where_nothing_may_change():
    """Strength 0 is one pass, which the engine leaves out."""
    assert len(passes_for(4000, 4000, 512, 16, 0.0)) == 1


def test_the_second_pass_keeps_the_composition():
    """It changes less than the first, and never more than was asked."""
    assert passes_for(1024, 1024, 512, 16, 1.0)[1].strength < 0.5
    assert passes_for(1024, 1024, 512, 16, 0.1)[1].strength == 0.1


def test_the_amount_is_a_strength():
    """More amount goes further; between two pictures only the place between them counts."""
    strengths = [strength_of("vary", 0.3, amount) for amount in (0, 0.5, 1)]
    assert strengths == sorted(set(strengths))
    assert strengths[0] > 0
    assert strengths[-1] == 1
    assert len({strength_of("vary", 0.3, amount, toward=True) for amount in (0, 0.5, 1)}) == 1
    assert strength_of("refine", 0.3, 0.9) == 0.3


@pytest.mark.parametrize(
    ("area", "free", "most", "expected"),
    [
        (512 * 512, None, 0, 1),
        (512 * 512, None, 4, 4),
        (512 * 512, 4 * GB, 0, 6),
        (1024 * 1024, 4 * GB, 0, 1),
        (1024 * 1024, 0.0, 0, 1),
        (512 * 512, 100 * GB, 0, 16),
        (512 * 512, 100 * GB, 2, 2),
    ],
)
def test_candidates_at_once(area, free, most, expected):
    """As many as there is memory for, one by one on a processor, unless the artist says otherwise."""
    assert batch_for(area, free, most) == expected


@pytest.mark.parametrize(
    ("weights", "largest", "free", "expected"),
    [
        (6, 5, None, "none"),
        (6, 5, 8.0, "none"),
        (6, 5, 7.0, "model"),
        (24, 20, 16.0, "sequential"),
        (6, 5, 0.0, "sequential"),
    ],
)
def test_what_stays_in_main_memory(weights, largest, free, expected):
    """All on the GPU where it fits with room to work, else the part at work, else layer by layer."""
    assert offload_for(weights * GB, largest * GB, None if free is None else free * GB) == expected
