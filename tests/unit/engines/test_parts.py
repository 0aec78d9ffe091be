# SPDX-License-Identifier: Apache-2.0
"""How a selection is cut into parts: islands, growing sides, thin lines."""

from __future__ import annotations

import numpy as np

from bridge_server.canvas.patches import composite, grow


def test_far_islands_are_made_on_their_own(make, texture) -> None:
    """Two islands far apart give the same pixels as each gives alone on its crop's terms."""
    picture = np.tile(texture, (1, 8, 1))
    both = np.zeros(picture.shape[:2], np.uint8)
    both[40:52, 30:44] = 255
    left = both.copy()
    both[30:40, 700:716] = 200
    (one,) = make(picture, both)
    (alone,) = make(picture, left)
    assert one.recipe["parts"] == 2
    assert np.array_equal(one.pixels[10:22, :14], alone.pixels)
    assert one.pixels[0, -1, 3] == 200
    assert not one.pixels[:, 20:600].any()


def test_expand_is_a_fill_of_the_grown_border(make, texture) -> None:
    """A grown picture's transparent border is filled opaquely with the picture's own content."""
    picture, mask = grow(texture, left=10, top=6)
    (one,) = make(picture, mask)
    result = composite(picture, one.pixels, one.x, one.y)
    assert (result[..., 3] == 255).all()
    assert np.array_equal(result[6:, 10:, :3], texture)
    assert abs(float(result[:, :10, :3].mean()) - float(texture.mean())) < 40


def test_expand_copies_no_subject_and_keeps_the_horizon(make, texture) -> None:
    """A thing in the middle stays the only one, and the horizon goes on at its height."""
    picture = np.empty((120, 300, 3), np.uint8)
    picture[:70], picture[70:] = (90, 140, 210), (40, 110, 30)
    noise = np.random.default_rng(2).normal(0, 5, picture.shape)
    picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    picture[30:90, 140:170] = (230, 20, 20)
    canvas, mask = grow(picture, left=80, right=80, top=20)
    for one in make(canvas, mask, seeds=(0, 1, 2)):
        result = composite(canvas, one.pixels, one.x, one.y)[..., :3].astype(int)
        red = (result[..., 0] > 180) & (result[..., 1] < 90)
        assert red.sum() == 60 * 30
        blue = result[..., 2] > result[..., 1]
        for columns in (slice(0, 80), slice(380, 460)):
            assert blue[:82, columns].mean() > 0.97
            assert blue[98:, columns].mean() < 0.03


def test_expand_says_how_it_was_made(make, texture) -> None:
    """Each growing side is a part of its own, and the recipe says so; a framed hole is none."""
    picture, mask = grow(texture, left=10, top=6)
    (one,) = make(picture, mask)
    assert [way["side"] for way in one.recipe["ways"]] == ["left", "top"]
    mask[50:60, 50:60] = 255
    (one,) = make(picture, mask)
    assert [way["side"] for way in one.recipe["ways"]] == [""]


def test_expand_at_more_depth(make, texture) -> None:
    """A 16-bit and a float picture grow at their own depth, around transparent corners too."""
    for scale, dtype in ((257, np.uint16), (np.float32(1 / 255), np.float32)):
        deep = np.dstack([texture, np.full((96, 96), 255, np.uint8)]).astype(dtype) * dtype(scale)
        deep[80:, :20, 3] = 0
        picture, mask = grow(deep, left=10, bottom=8)
        (one,) = make(picture, mask)
        result = composite(picture, one.pixels, one.x, one.y)
        assert np.array_equal(result[:96, 10:], deep)
        mean = result[:80, :10, :3].mean() / scale
        assert abs(float(mean) - float(texture.mean())) < 40


def test_a_long_thin_line_is_made_in_tiles(make, texture) -> None:
    """Each tile meets the one before: nothing strange where they touch, nothing left out."""
    picture = np.tile(texture, (8, 8, 1))
    line = np.abs(np.subtract.outer(np.arange(768), np.arange(768))) < 4
    (one,) = make(picture, line.astype(np.uint8) * 255)
    assert one.recipe["parts"] > 2
    result = composite(picture, one.pixels, one.x, one.y)
    assert np.array_equal(result[~line], picture[~line])
    error = np.abs(result.astype(float) - picture).mean(axis=2)[line]
    border = (np.indices(line.shape)[0][line] % 256 + 4) % 256 < 8
    assert error[border].mean() < 1.5 * error[~border].mean() + 2
