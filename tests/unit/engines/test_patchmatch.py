# SPDX-License-Identifier: Apache-2.0
"""The patchmatch engine, through its real library, on small pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge_server.canvas.patches import composite
from bridge_server.engines.base import Brief
from bridge_server.engines.patchmatch import PatchMatchEngine
from bridge_server.engines.patchmatch import make as make_module
from bridge_server.protocol.errors import BadRequest, Cancelled, EngineFailed, Unsupported

from .conftest import Listener


def _sky(noise: float, ground: int = 0):
    """A 256 x 256 gradient of 140 levels with noise, over a ground of coarse texture."""
    rng = np.random.default_rng(3)
    rows = np.linspace(60, 200, 256)[:, None, None] + np.array([0.0, 10.0, 40.0])
    picture = rows + rng.normal(0, noise, (256, 256, 3)) if noise else np.repeat(rows, 256, 1)
    if ground:
        picture[-ground:] = 60 + 50 * rng.random((ground, 256, 3))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _blocks(picture):
    """The means of blocks of 16 pixels: what blotches show in and noise does not."""
    height, width = (n // 16 for n in picture.shape[:2])
    parts = picture[: height * 16, : width * 16, :3].astype(float).reshape(height, 16, width, 16, 3)
    return parts.mean(axis=(1, 3))


def _difference(a, b) -> float:
    return float(np.abs(a[..., :3].astype(float) - b[..., :3]).mean())


@st.composite
def _requests(draw):
    """A tiny random picture of any dtype and channels, a random soft selection, a verb."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels = draw(st.sampled_from([1, 3, 4]))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    if dtype is np.float32:
        picture = rng.random((height, width, channels), np.float32) * 4
        picture[rng.random((height, width)) < 0.1] = draw(st.sampled_from([np.nan, np.inf, -1.0]))
    else:
        picture = rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)
    if channels == 4:
        picture[..., 3] = np.where(
            rng.random((height, width)) < 0.7, 1 if dtype is np.float32 else np.iinfo(dtype).max, 0
        )
    mask = rng.integers(0, 256, (height, width), np.uint8)
    mask[rng.random((height, width)) < draw(st.floats(0, 0.99))] = 0
    verb = draw(st.sampled_from(["fill", "vary", "refine"]))
    x = draw(st.floats(0, 1))
    return Brief(verb, picture, mask, (draw(st.integers(0, 2**40)),), strength=x, amount=x,
                 colorspace=draw(st.sampled_from(["srgb", "linear"])))  # fmt: skip


_NAN = Brief(
    "refine", np.full((1, 1, 3), np.nan, np.float32), np.full((1, 1), 248, np.uint8), (0,),
    strength=0.0, amount=0.0,
)  # fmt: skip


@example(_NAN)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_requests())
def test_outside_the_selection_every_byte_stays(brief: Brief) -> None:
    """Whatever the dtype, the channels, the selection and the verb: unselected pixels keep their bytes."""
    try:
        made = list(PatchMatchEngine().generate(brief, Listener()))
    except BadRequest:
        assert not brief.mask.any()
        return
    except EngineFailed:
        return
    (one,) = made
    result = composite(brief.picture, one.pixels, one.x, one.y)
    outside = brief.mask == 0
    assert result[outside].tobytes() == brief.picture[outside].tobytes()
    assert one.pixels.dtype == brief.picture.dtype
    assert np.isfinite(one.pixels).all()


def test_alpha_is_the_coverage(make, texture, square) -> None:
    """The patch covers the selection's bounds and its alpha is the soft coverage, at the picture's depth."""
    square[40, 34:62] = 17
    for picture, scale in ((texture, 1), (texture.astype(np.uint16) * 257, 257)):
        (one,) = make(picture, square)
        assert (one.x, one.y) == (34, 34)
        assert np.array_equal(one.pixels[..., 3], square[34:62, 34:62].astype(int) * scale)
    (one,) = make((texture / np.float32(255)).astype(np.float32), square)
    assert one.pixels[6, 3, 3] == np.float32(17 / 255)


def test_same_seed_same_bytes_alone_or_together(make, texture, square) -> None:
    """A seed decides its candidate alone, whatever is made beside it."""
    for verb in ("fill", "vary", "refine"):
        alone = make(texture, square, verb, (7,), strength=0.5)[0]
        together = make(texture, square, verb, (3, 7), strength=0.5)[1]
        assert alone.pixels.tobytes() == together.pixels.tobytes()


def test_candidates_differ(make, texture, square) -> None:
    """Neighbouring seeds give visibly different fills."""
    made = make(texture, square, seeds=(0, 1, 2))
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert _difference(made[a].pixels, made[b].pixels) > 6


def test_transparent_colours_never_show(make, texture, square) -> None:
    """Invisible magenta around the selection is neither copied nor averaged in."""
    picture = np.dstack([texture, np.full((96, 96), 255, np.uint8)])
    picture[:, 62:] = (255, 0, 255, 0)
    picture[10:30, 10:60] = (255, 0, 255, 0)
    for verb in ("fill", "vary", "refine"):
        (one,) = make(picture, square, verb, strength=0.6)
        red, green, blue = (one.pixels[..., n].astype(int) for n in range(3))
        assert not ((red > 225) & (green < 40) & (blue > 225)).any()
        assert (blue - green).max() <= int((texture[..., 2].astype(int) - texture[..., 1]).max()) + 30


def test_nothing_visible_is_an_error_in_words(make, texture, square) -> None:
    """A wholly transparent picture fails with a reason and a hint."""
    picture = np.dstack([texture, np.zeros((96, 96), np.uint8)])
    with pytest.raises(EngineFailed) as caught:
        make(picture, square)
    assert "visible" in caught.value.message
    assert caught.value.hint


def test_empty_mask_and_bad_values_name_themselves(make, texture, square) -> None:
    """Nothing selected, an unknown parameter, a bad radius or amount, a foreign verb: each says which."""
    with pytest.raises(BadRequest, match="selected"):
        make(texture, np.zeros_like(square))
    with pytest.raises(BadRequest, match=r"parameters\.steps"):
        make(texture, square, parameters={"steps": 3})
    for bad in (1, 10, 2.5, "3", True):
        with pytest.raises(BadRequest, match="patch_radius"):
            make(texture, square, parameters={"patch_radius": bad})
    with pytest.raises(BadRequest, match="amount"):
        make(texture, square, "vary", amount=1.5)
    with pytest.raises(Unsupported, match="upscale"):
        make(texture, square, "upscale")


def test_fill_continues_stripes(make, square) -> None:
    """A regular pattern runs through the hole: copied, not smeared."""
    stripes = np.repeat(np.where(np.arange(96) // 6 % 2, 220, 40)[None, :, None], 96, 0)
    picture = np.repeat(stripes, 3, 2).astype(np.uint8)
    (one,) = make(picture, square)
    assert _difference(one.pixels, picture[34:62, 34:62]) < 12


def test_seam_is_no_worse_than_the_picture(make, texture, square) -> None:
    """The step across the border is about as large as the steps nearby."""
    (one,) = make(texture, square)
    result = composite(texture, one.pixels, one.x, one.y).astype(float)
    across = np.abs(result[34:62, 34] - result[34:62, 33]).mean()
    nearby = np.abs(np.diff(result[34:62, 20:33], axis=1)).mean()
    assert across < 1.5 * nearby


@pytest.mark.parametrize(("noise", "ground"), [(0, 0), (2.5, 0), (1, 60)], ids=["clean", "noisy", "sky"])
def test_no_blotches_in_smooth_gradients(make, noise, ground) -> None:
    """A hole in a sky is filled with the sky that belongs there, whatever the seed."""
    picture = _sky(noise, ground)
    mask = np.zeros((256, 256), np.uint8)
    mask[56:152, 80:176] = 255
    for one in make(picture, mask, seeds=(0, 1, 2)):
        wrong = _blocks(one.pixels) - _blocks(picture[56:152, 80:176])
        assert np.abs(wrong).mean() < 0.35
        assert np.abs(wrong).max() < 1.2


def test_vary_goes_further_with_amount(make, texture, square) -> None:
    """The mean difference to the present content grows with the amount and is visible at 0."""
    present = texture[34:62, 34:62]
    means = []
    for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
        made = make(texture, square, "vary", (0, 1, 2), amount=amount)
        means.append(np.mean([_difference(one.pixels, present) for one in made]))
    assert means == sorted(means)
    assert 0.3 < means[0] < means[-1] / 3


def test_refine_runs_from_unchanged_to_fill(make, texture, square) -> None:
    """Strength 0 gives the very pixels back, more changes more, 1 is a fill."""
    present = texture[34:62, 34:62]
    made = {s: make(texture, square, "refine", strength=s)[0].pixels for s in (0.0, 0.1, 0.3, 0.6, 1.0)}
    assert np.array_equal(made[0.0][..., :3], present)
    means = [_difference(pixels, present) for pixels in made.values()]
    assert means == sorted(means)
    assert np.array_equal(made[1.0], make(texture, square)[0].pixels)


def test_refine_has_no_cliff(make, texture, square) -> None:
    """Between the two ways of refining the change grows evenly."""
    present = texture[34:62, 34:62]
    strengths = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
    means = [
        np.mean(
            [_difference(m.pixels, present) for m in make(texture, square, "refine", (0, 1, 2), strength=s)]
        )
        for s in strengths
    ]
    assert np.diff(means).min() > -0.05 * means[-1]
    assert np.diff(means).max() < 0.3 * means[-1]


def test_refine_keeps_edges_at_low_strength(make, texture, square) -> None:
    """A hard edge stays where it is, to a few levels, while the texture beside it may change."""
    picture = np.clip(texture // 4 + 20, 0, 255).astype(np.uint8)
    picture[:, 48:] += 130
    (one,) = make(picture, square, "refine", strength=0.15)
    change = np.abs(one.pixels[..., :3].astype(float) - picture[34:62, 34:62])
    assert change[:, 12:16].mean() < 4


def test_refine_of_nothing_fills_what_is_unseen(make, texture, square) -> None:
    """At strength 0 visible pixels keep their values and the others are filled."""
    picture = (texture / np.float32(255)).astype(np.float32)
    picture[40:44, 40:44] = np.nan
    (one,) = make(picture, square, "refine", strength=0.0)
    assert np.isfinite(one.pixels).all()
    assert np.array_equal(one.pixels[12:, :, :3], picture[46:62, 34:62])


def test_refine_keeps_the_composition(make, texture, square) -> None:
    """A rough dark half stays dark and a light half light, while the flat paint gains texture."""
    picture = texture.copy()
    picture[34:62, 34:48], picture[34:62, 48:62] = 60, 190
    (one,) = make(picture, square, "refine", strength=0.5)
    dark, light = one.pixels[:, :12, :3].astype(float), one.pixels[:, -12:, :3].astype(float)
    assert light.mean() - dark.mean() > 40
    assert dark.std(axis=(0, 1)).mean() > 4


@pytest.mark.parametrize("verb", ["fill", "vary", "refine"])
def test_whole_picture_selected(make, texture, verb) -> None:
    """With nothing around it the picture is its own source."""
    (one,) = make(texture, np.full((96, 96), 255, np.uint8), verb, strength=0.5)
    assert one.pixels.shape == (96, 96, 4)
    assert abs(float(one.pixels[..., :3].mean()) - float(texture.mean())) < 25
    assert float(one.pixels[..., :3].std()) > 25


@pytest.mark.parametrize("spot", [(0, 0), (95, 95), (0, 50), (50, 50)])
def test_one_pixel(make, texture, spot) -> None:
    """One pixel anywhere is filled with something like its neighbours."""
    mask = np.zeros((96, 96), np.uint8)
    mask[spot] = 255
    (one,) = make(texture, mask)
    y, x = spot
    near = texture[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5].reshape(-1, 3).astype(int)
    assert one.pixels.shape == (1, 1, 4)
    assert (one.pixels[0, 0, :3] >= near.min(0) - 30).all()
    assert (one.pixels[0, 0, :3] <= near.max(0) + 30).all()


def test_selection_with_a_hole_and_touching_edges(make, texture) -> None:
    """A frame along the borders is filled and its inside is left out of the patch."""
    mask = np.full((96, 96), 255, np.uint8)
    mask[12:84, 12:84] = 0
    (one,) = make(texture, mask)
    assert one.pixels.shape == (96, 96, 4)
    assert not one.pixels[12:84, 12:84].any()
    assert float(one.pixels[mask > 0][:, :3].std()) > 15


def test_grey_stays_grey(make, texture, square) -> None:
    """A grey picture's patch has equal red, green and blue."""
    (one,) = make(texture[..., :1].copy(), square)
    assert (one.pixels[..., 0] == one.pixels[..., 1]).all()
    assert (one.pixels[..., 0] == one.pixels[..., 2]).all()


def test_sixteen_bit_gradient_has_no_bands(make) -> None:
    """A slow 16-bit gradient is filled with many more levels than 8 bits would give."""
    ramp = np.linspace(20000, 24000, 128).astype(np.uint16)
    picture = np.repeat(np.repeat(ramp[None, :, None], 96, 0), 3, 2)
    mask = np.zeros((96, 128), np.uint8)
    mask[30:66, 44:84] = 255
    (one,) = make(picture, mask)
    fill = one.pixels[..., 0].astype(int)
    assert np.unique(fill).size > 4 * ((int(ramp[83]) - int(ramp[44])) // 257)
    assert np.quantile(np.abs(np.diff(fill, axis=1)), 0.98) < 128


def test_hdr_survives(make) -> None:
    """Light of 8 times white around a hole is light of about 8 times white in it."""
    picture = np.full((96, 96, 3), 8, np.float32)
    picture += np.random.default_rng(0).normal(0, 0.3, picture.shape).astype(np.float32)
    mask = np.zeros((96, 96), np.uint8)
    mask[40:56, 40:56] = 255
    (one,) = make(picture, mask, colorspace="linear")
    assert abs(float(one.pixels[..., :3].mean()) - 8) < 0.5


def test_large_holes_are_filled_small_first_and_keep_grain(make, texture, monkeypatch) -> None:
    """Above the limit the fill is made at lower resolution, previewed, and given full detail again."""
    monkeypatch.setattr(make_module, "LARGEST_HOLE", 900)
    rng = np.random.default_rng(1)
    columns = np.arange(256)[None, :].repeat(256, 0)
    picture = 128 + 60 * np.sin(columns / 25)[..., None] + rng.normal(0, 15, (256, 256, 3))
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    mask = np.zeros((256, 256), np.uint8)
    mask[98:158, 98:158] = 255
    (one,) = make(picture, mask)
    made, truth = one.pixels[..., :3].astype(float), picture[98:158, 98:158].astype(float)
    grain = np.abs(np.diff(made, axis=1)).mean() / np.abs(np.diff(truth, axis=1)).mean()
    assert 0.75 < grain < 1.25
    deep = make(picture.astype(np.uint16) * 257, mask)[0].pixels[..., :3]
    assert np.abs(deep / 257 - made).mean() < 12


def test_draft_comes_first_and_covers_the_selection(make, listener, texture, square) -> None:
    """The first thing said is a small preview around the selection; progress ends at 1."""
    make(texture, square)
    said = [entry for entry in listener.told if entry[0] != "check"]
    kind, index, x, y, width, height, pixels = said[0]
    assert (kind, index) == ("preview", 0)
    assert max(x, y) <= 34
    assert min(x + width, y + height) >= 62
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 4
    assert max(pixels.shape) <= 128
    assert said[-1] == ("progress", 0, 1.0)


@pytest.mark.parametrize("verb", ["fill", "vary", "refine"])
@pytest.mark.parametrize("limit", [900, 160_000], ids=["halved", "direct"])
def test_previews_are_clear_outside_the_selection(make, listener, texture, verb, limit, monkeypatch) -> None:
    """Every preview's alpha is the coverage at the middle of what each of its pixels stands for."""
    monkeypatch.setattr(make_module, "LARGEST_HOLE", limit)
    mask = np.zeros((96, 96), np.uint8)
    mask[20:61, 31:77] = 200
    mask[30:40, 40:50] = 0
    make(texture, mask, verb, strength=1.0)
    previews = [entry[2:] for entry in listener.told if entry[0] == "preview"]
    assert len(previews) == (2 if limit == 900 else 1)
    for x, y, width, height, pixels in previews:
        rows = y + ((np.arange(pixels.shape[0]) + 0.5) * height / pixels.shape[0]).astype(int)
        columns = x + ((np.arange(pixels.shape[1]) + 0.5) * width / pixels.shape[1]).astype(int)
        assert np.array_equal(pixels[..., 3], mask[np.ix_(rows, columns)])
        assert pixels[..., 3].any()


@pytest.mark.parametrize("verb", ["vary", "refine"])
def test_a_preview_of_the_whole_picture_is_as_bright_as_it(make, listener, texture, verb) -> None:
    """Where everything is selected there are no surroundings to go by."""
    make(texture, np.full((96, 96), 255, np.uint8), verb, amount=0.75, strength=0.75)
    pixels = next(entry[-1] for entry in listener.told if entry[0] == "preview")
    assert abs(float(pixels[..., :3].mean()) - float(texture[..., :3].mean())) < 8


@pytest.mark.parametrize("verb", ["fill", "refine"])
def test_progress_rises_in_steps(make, listener, texture, square, verb, monkeypatch) -> None:
    """A little before the library's call, and many steps where the hole is made small first."""
    make(texture, square)
    direct = [entry[2] for entry in listener.told if entry[0] == "progress"]
    assert direct == sorted(set(direct))
    assert 0 < direct[1] < 0.2
    listener.told.clear()
    monkeypatch.setattr(make_module, "LARGEST_HOLE", 200)
    make(texture, square, verb, strength=0.8)
    steps = [entry[2] for entry in listener.told if entry[0] == "progress"]
    assert steps == sorted(set(steps))
    assert len(steps) >= 8
    assert (steps[0], steps[-1]) == (0.0, 1.0)


def test_the_version_names_algorithm_and_library() -> None:
    """A record says which of our versions made it, and with which library."""
    version = PatchMatchEngine().info.version
    number, library = version.split("+")
    assert int(number) >= 2
    assert library.startswith("pypatchmatch-")


def test_cancelled_between_steps(texture, square) -> None:
    """What the report's check raises ends the work."""

    class Cancelling(Listener):
        def check(self) -> None:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        next(iter(PatchMatchEngine().generate(Brief("fill", texture, square, (0,)), Cancelling())))
