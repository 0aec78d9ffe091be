# SPDX-License-Identifier: Apache-2.0
"""The library behind the picture files, and what it tells."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from bridge_server.cli import vips
from bridge_server.cli.pictures import read_picture, write_picture
from bridge_server.protocol.errors import Unsupported

tifffile = pytest.importorskip("tifffile")


def noise(height: int = 13, width: int = 21) -> np.ndarray:
    """(height, width, 3) uint8, always the same."""
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_png_comments_and_resolution_are_kept(tmp_path):
    """Text chunks and dots per inch go into the new file."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "An Artist")
    Image.fromarray(noise()).save(tmp_path / "in.png", pnginfo=info, dpi=(300, 300))
    write_picture(tmp_path / "out.png", read_picture(tmp_path / "in.png"))
    with Image.open(tmp_path / "out.png") as image:
        assert image.text["Author"] == "An Artist"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def icc_with_curve(curve: bytes) -> bytes:
    """A profile that holds nothing but an rTRC tag."""
    table = (1).to_bytes(4, "big") + b"rTRC" + (144).to_bytes(4, "big") + len(curve).to_bytes(4, "big")
    return bytes(128) + table + curve


@pytest.mark.parametrize(
    ("curve", "linear"),
    [
        (b"curv" + bytes(8), True),
        (b"curv" + bytes(4) + (1).to_bytes(4, "big") + b"\x01\x00", True),
        (b"curv" + bytes(4) + (1).to_bytes(4, "big") + b"\x02\x33", False),
        (b"para" + bytes(8) + (0x10000).to_bytes(4, "big"), True),
        (b"para" + bytes(8) + (0x23333).to_bytes(4, "big"), False),
        (b"", False),
    ],
)
def test_linear_profiles_are_recognised(curve, linear):
    """A straight tone curve in any of its spellings means linear light; anything else does not."""
    assert vips.is_linear(icc_with_curve(curve)) is linear


def test_colorspace_of_files(tmp_path):
    """Integers are sRGB, floats linear, unless their profile says otherwise."""
    Image.fromarray(noise()).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").colorspace == "srgb"
    floats = (noise() / 255).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", floats, photometric="rgb")
    assert read_picture(tmp_path / "a.tif").colorspace == "linear"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tifffile.imwrite(tmp_path / "b.tif", floats, photometric="rgb", iccprofile=profile)
    assert read_picture(tmp_path / "b.tif").colorspace == "srgb"


def test_missing_library_is_explained(tmp_path, monkeypatch):
    """Without pyvips the error says how to get it."""
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name == "pyvips":
            raise ModuleNotFoundError("No module named 'pyvips'")
        return real(name, *rest, **more)

    vips.load_vips.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(Unsupported, match=r"No module named 'pyvips'.*pip install 'pyvips\[binary\]'"):
        read_picture(tmp_path / "a.png")
