# SPDX-License-Identifier: Apache-2.0
"""Mask files: white selects, grey is soft, anything else is said in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge_server.cli.pictures import read_mask, read_picture
from bridge_server.protocol.errors import BadRequest

tifffile = pytest.importorskip("tifffile")


def noise(height: int = 13, width: int = 21) -> np.ndarray:
    """(height, width, 3) uint8, always the same."""
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


def save(path: Path, array: np.ndarray) -> Path:
    """Write (H, W, C) as PNG, or as TIFF of its own depth."""
    if path.suffix == ".tif":
        tifffile.imwrite(path, array.squeeze(), photometric="rgb" if array.shape[2] == 3 else "minisblack")
    else:
        Image.fromarray(array.squeeze()).save(path)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_mask_depths(tmp_path, dtype, channels):
    """Grey and grey-as-RGB masks of each depth become the same 8 bits."""
    grey = np.arange(256, dtype=np.uint8).reshape(8, 32)
    scaled = {
        "uint8": grey,
        "uint16": grey.astype(np.uint16) * 257,
        "float32": (grey / 255).astype(np.float32),
    }[dtype]
    path = save(tmp_path / "m.tif", np.repeat(scaled[..., None], channels, axis=2))
    assert np.array_equal(read_mask(path, (32, 8)), grey)


def test_mask_by_opacity(tmp_path):
    """Black on transparent selects by opacity; white on transparent likewise; grey on transparent by both."""
    alpha = np.zeros((6, 6), np.uint8)
    alpha[2:4, 2:4] = 128
    for value in (0, 255):
        array = np.dstack([np.full((6, 6, 3), value, np.uint8), alpha])
        assert np.array_equal(read_mask(save(tmp_path / "m.png", array), (6, 6)), alpha)
    array[0, 0] = (0, 0, 0, 255)
    assert np.array_equal(read_mask(save(tmp_path / "m.png", array), (6, 6)), alpha)


@pytest.mark.parametrize("alpha", [255, 128])
def test_an_even_opacity_says_nothing(tmp_path, alpha):
    """An all-black mask with an alpha channel that is the same everywhere selects nothing, not everything."""
    array = np.zeros((6, 6, 4), np.uint8)
    array[..., 3] = alpha
    with pytest.raises(BadRequest, match="selects nothing"):
        read_mask(save(tmp_path / "m.png", array), (6, 6))
    array[..., :3] = 255
    assert (read_mask(save(tmp_path / "m.png", array), (6, 6)) == alpha).all()


def test_mask_of_another_size(tmp_path):
    """Both sizes are named."""
    path = save(tmp_path / "m.png", np.full((10, 20, 1), 255, np.uint8))
    with pytest.raises(BadRequest, match=r"is 20 x 10 pixels, the picture 10 x 20"):
        read_mask(path, (10, 20))


def test_empty_mask(tmp_path):
    """An all-black mask is an error, not a fill of nothing; so is a wholly transparent one."""
    path = save(tmp_path / "m.png", np.zeros((10, 20, 1), np.uint8))
    with pytest.raises(BadRequest, match="selects nothing"):
        read_mask(path, (20, 10))
    path = save(tmp_path / "m.png", np.zeros((10, 20, 4), np.uint8))
    with pytest.raises(BadRequest, match="selects nothing"):
        read_mask(path, (20, 10))


def test_coloured_mask(tmp_path):
    """Red paint says neither selected nor not, so it is refused; a JPEG's faint tint is not."""
    array = np.zeros((16, 16, 3), np.uint8)
    array[4:9, 4:9] = (255, 0, 0)
    with pytest.raises(BadRequest, match="has colours"):
        read_mask(save(tmp_path / "m.png", array), (16, 16))
    array[4:9, 4:9] = (250, 255, 245)
    assert read_mask(save(tmp_path / "m.png", array), (16, 16))[5, 5] == 250


def test_mask_is_upright_too(tmp_path):
    """A turned photo and the mask drawn on it in an editor have one size."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(20, 30)).save(tmp_path / "photo.jpg", exif=exif)
    picture = read_picture(tmp_path / "photo.jpg")
    mask = save(tmp_path / "m.png", np.full((30, 20, 1), 255, np.uint8))
    assert read_mask(mask, (picture.width, picture.height)).shape == (30, 20)
