# SPDX-License-Identifier: Apache-2.0
"""A brief made ready for a model, and back."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.protocol.errors import BadRequest

from ..conftest import ALL, MASK, PICTURE, PLACE, SIDE, brief, guide

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")

from bridge_server.engines.diffusers.denoising.work import Work, as_tensor, guide_colours  # noqa: E402
from bridge_server.engines.diffusers.plan import Pass  # noqa: E402 - only where torch is

NATIVE = Pass(SIDE, SIDE, 1.0)


def work(settings=None, **changes):
    """A brief made ready."""
    return Work.of(brief(**changes), settings or {})


def test_a_full_fill_begins_with_the_surroundings():
    """Nothing of what was selected is left, and the surroundings are as they are."""
    other = PICTURE.copy()
    other[MASK > 0] = 200
    first, second = (work(picture=each).picture(NATIVE) for each in (PICTURE, other))
    assert torch.allclose(first, second, atol=1e-4)
    assert torch.allclose(first[0][:, MASK == 0], as_tensor(PICTURE / 255)[0][:, MASK == 0], atol=1e-4)


@pytest.mark.parametrize("changes", [{"verb": "refine"}, {"verb": "vary"}])
def test_the_others_begin_with_what_is_there(changes):
    """The region itself."""
    assert torch.allclose(work(**changes).picture(NATIVE), as_tensor(PICTURE / 255), atol=1e-4)


def test_what_cannot_be_seen_is_not_begun_with():
    """Colours under full transparency do not count."""
    picture = np.dstack([PICTURE, ALL])
    picture[:, :20, 3] = 0
    hidden = picture.copy()
    hidden[:, :20, :3] = 255
    assert torch.equal(work(picture=picture).picture(NATIVE), work(picture=hidden).picture(NATIVE))


def test_nothing_at_all_is_grey():
    """There is nothing to go by."""
    assert work(picture=np.zeros((SIDE, SIDE, 4), np.uint8)).picture(NATIVE).unique().tolist() == [0.5]


@pytest.mark.parametrize("size", [(64, 64), (32, 96), (128, 128)])
def test_a_latent_is_as_covered_as_its_most_covered_pixel(size):
    """A single selected pixel frees its latent; where nothing is selected nothing is freed."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[0, 0], mask[63, 63] = 255, 128
    coverage = work(mask=mask).coverage(Pass(*size, 1.0), 8)
    assert coverage.shape == (1, 1, size[1] // 8, size[0] // 8)
    assert coverage[0, 0, 0, 0] == 1
    assert float(coverage[0, 0, -1, -1]) == pytest.approx(128 / 255)
    middle = coverage[0, 0, 1:-1, 1:-1]
    assert middle.max() == 0


def test_a_model_for_inpainting_sees_all_that_is_selected():
    """However softly."""
    hole = work().hole(NATIVE)
    assert hole.shape == (1, 1, SIDE, SIDE)
    assert ((hole[0, 0].numpy() == 1) == (MASK > 0)).all()


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (256, 256)])
def test_a_preview_covers_the_selection(shape):
    """Its box holds all of it and lies in the region, whatever size the preview has."""
    made = work()
    box, pixels = made.preview(torch.rand(3, *shape))
    x, y, width, height = PLACE
    assert 0 <= box.x0 <= x
    assert 0 <= box.y0 <= y
    assert x + width <= box.x1 <= SIDE
    assert y + height <= box.y1 <= SIDE
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 4


def test_a_picture_comes_back_as_it_is():
    """What a model leaves alone is the same to a level of 255."""
    made = work(verb="refine")
    back = made.made(0, made.picture(NATIVE), {"a": 1})
    x, y, width, height = PLACE
    there = PICTURE[y : y + height, x : x + width].astype(int)
    assert np.abs(back.pixels[..., :3] - there).max() <= 1
    assert back.recipe == {"a": 1}


def test_a_picture_of_another_size_is_brought_back():
    """A model's own size is not the artist's."""
    back = work(verb="refine").made(0, torch.rand(1, 3, 32, 128), {})
    assert back.pixels.shape == (PLACE[3], PLACE[2], 4)


def test_what_is_unchanged_is_not_even_rounded():
    """Sixteen bits come back to the bit."""
    picture = (PICTURE.astype(np.uint16) * 257) + 3
    back = work(verb="refine", picture=picture).made(0, None, {})
    x, y, width, height = PLACE
    assert (back.pixels[..., :3] == picture[y : y + height, x : x + width]).all()


@pytest.mark.parametrize(
    "changes", [{"mask": MASK * 0}, {"strength": -0.1}, {"strength": float("nan")}, {"amount": 1.1}], ids=str
)
def test_what_makes_no_sense_is_said(changes):
    """Nothing selected, or a number out of its range."""
    with pytest.raises(BadRequest) as raised:
        work(**changes)
    assert raised.value.hint


def test_a_seamless_picture_is_resized_round_its_borders():
    """Shifted round before or after, the resized picture is the same."""
    made = work({"tile": "xy"})
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    straight, moved = (made._fit(each, 64, 64) for each in (picture, picture.roll((8, 8), (2, 3))))
    assert torch.allclose(straight.roll((16, 16), (2, 3)), moved, atol=1e-4)


def test_a_guide_in_linear_light():
    """The same light in either colour space is the same guide."""
    linear = np.full((4, 4, 3), 0.214, np.float32)
    srgb = np.full((4, 4, 3), 0.5, np.float32)
    told = guide_colours(guide("depth", linear, colorspace="linear"))
    assert np.abs(told - guide_colours(guide("depth", srgb))).max() < 0.01
