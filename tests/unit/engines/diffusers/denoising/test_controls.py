# SPDX-License-Identifier: Apache-2.0
"""Guides' pictures as ControlNets and style adapters want them."""

from __future__ import annotations

import numpy as np
import pytest

from ..conftest import PICTURE, SIDE, brief, drawing, guide

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

from bridge_server.engines.diffusers.denoising.controls import control_picture, style_picture  # noqa: E402
from bridge_server.engines.diffusers.denoising.work import Work  # noqa: E402
from bridge_server.engines.diffusers.plan import Pass  # noqa: E402 - only where torch is


def shown(kind, picture, size=SIDE):
    """What the ControlNet of a kind sees of a picture."""
    work = Work.of(brief(guides=(guide(kind, picture),)), {})
    return control_picture(work, 0, Pass(size, size, 1.0))


@pytest.mark.parametrize("kind", ["scribble", "lineart"])
def test_lines_are_light_on_dark(kind):
    """A dark drawing on light ground is turned, a light one on dark is left, as is one on nothing."""
    dark = shown(kind, drawing())
    assert dark.mean() < 0.5
    assert torch.equal(dark, shown(kind, 255 - drawing()))
    alone = np.dstack([np.zeros((SIDE, SIDE, 3), np.uint8), 255 - drawing()[..., 0]])
    assert torch.allclose(dark, shown(kind, alone), atol=1e-3), "a layer with lines and nothing else"


def test_depth_is_left_as_it_is():
    """Light is near, also where most of it is light."""
    assert shown("depth", drawing()).mean() > 0.5


def test_edges_are_found():
    """A step gives a thin line of ones where it is, and zeros elsewhere."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:, 32:] = 255
    edges = shown("canny", picture)
    assert set(edges.unique().tolist()) == {0.0, 1.0}
    assert edges[..., 30:34].amax() == 1
    assert edges[..., :28].sum() + edges[..., 36:].sum() == 0


@pytest.mark.parametrize("size", [32, 128])
def test_a_guide_is_stretched_over_the_pass(size):
    """Whatever size it was painted in."""
    made = shown("depth", PICTURE[:20, :50], size)
    assert made.shape == (1, 3, size, size)
    assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_style_is_a_picture_of_its_own(dtype):
    """Any dtype and channels; where nothing is painted it is white."""
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    picture = np.zeros((10, 12, 4), dtype)
    picture[:5, :, 3] = white
    made = np.asarray(style_picture(guide("style", picture)))
    assert made.shape == (10, 12, 3)
    assert (made[:5] == 0).all()
    assert (made[5:] == 255).all()
