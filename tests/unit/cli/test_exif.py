# SPDX-License-Identifier: Apache-2.0
"""What a camera wrote beside the pixels stays true in OUT."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

from bridge_server.cli.exif import exif_of_tiff, tiff_with_exif, without_thumbnail
from bridge_server.cli.pictures import read_picture, write_picture


def noise(height: int = 13, width: int = 21) -> np.ndarray:
    """(height, width, 3) uint8, always the same."""
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_pictures_are_upright(tmp_path, orientation, suffix):
    """Whatever the EXIF orientation, the array is what a viewer shows, and OUT is not turned again."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    source = tmp_path / f"in{suffix}"
    Image.fromarray(noise() // 64 * 16).save(source, exif=exif, lossless=True)
    with Image.open(source) as image:
        seen = np.asarray(ImageOps.exif_transpose(image))
    picture = read_picture(source)
    assert picture.array.shape == seen.shape
    assert np.abs(picture.array.astype(int) - seen).max() <= (3 if suffix == ".jpg" else 0)
    write_picture(tmp_path / f"out{suffix}", picture)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getexif()[0x010F] == "Maker"
        assert image.size == (picture.width, picture.height)


@pytest.mark.parametrize("target", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("origin", [".png", ".jpg", ".tif", ".webp"])
def test_profile_exif_and_xmp_are_kept(tmp_path, origin, target):
    """ICC profile, EXIF (main, exposure and place) and XMP survive from each format to each."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x013B] = "An Artist"
    exif[0x0132] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8769)[0x829D] = 2.8
    exif.get_ifd(0x8769)[0xA434] = "A lens"
    exif.get_ifd(0x8825)[1] = "N"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    source = tmp_path / f"in{origin}"
    options = {"xmp": xmp} if origin in {".jpg", ".webp"} else {}
    if origin == ".tif":
        block = TiffImagePlugin.ImageFileDirectory_v2()
        block[0x013B], block[0x0132] = exif[0x013B], exif[0x0132]
        block[0x8769], block[0x8825] = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        block[700] = xmp
        options = {"tiffinfo": block}
    else:
        options["exif"] = exif
    Image.fromarray(noise()).save(source, icc_profile=profile, **options)
    write_picture(tmp_path / f"out{target}", read_picture(source))
    with Image.open(tmp_path / f"out{target}") as image:
        image.load()
        assert image.info["icc_profile"] == profile
        kept = image.getexif()
        assert kept[0x013B] == "An Artist"
        assert kept[0x0132] == "2026:01:02 03:04:05"
        assert float(kept.get_ifd(0x8769)[0x829D]) == pytest.approx(2.8)
        assert kept.get_ifd(0x8769)[0xA434] == "A lens"
        assert kept.get_ifd(0x8825)[1] == "N"
        if origin != ".png":
            assert xmp in (image.info.get("xmp") or image.info.get("XML:com.adobe.xmp", "").encode())


def test_old_thumbnail_is_dropped(tmp_path):
    """The thumbnail in a JPEG's EXIF shows the old picture, so OUT has none."""
    thumbnail = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(thumbnail, "JPEG")
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    block = exif.tobytes()
    Image.fromarray(noise()).save(tmp_path / "in.jpg", exif=_with_thumbnail(block, thumbnail.getvalue()))
    assert thumbnail.getvalue() in (tmp_path / "in.jpg").read_bytes()
    write_picture(tmp_path / "out.jpg", read_picture(tmp_path / "in.jpg"))
    data = (tmp_path / "out.jpg").read_bytes()
    assert thumbnail.getvalue() not in data
    assert b"Maker" in data


def _with_thumbnail(block: bytes, thumbnail: bytes) -> bytes:
    """An EXIF block (little or big endian, one directory) with a second directory that holds a thumbnail."""
    order = "little" if block[6:8] == b"II" else "big"
    tiff = bytearray(block[6:])
    start = int.from_bytes(tiff[4:8], order)
    link = start + 2 + 12 * int.from_bytes(tiff[start : start + 2], order)
    tiff[link : link + 4] = len(tiff).to_bytes(4, order)
    at = len(tiff) + 2 + 3 * 12 + 4
    entries = ((0x0103, 3, 6), (0x0201, 4, at), (0x0202, 4, len(thumbnail)))
    tiff += len(entries).to_bytes(2, order)
    for tag, kind, value in entries:
        size = 2 if kind == 3 else 4
        tiff += tag.to_bytes(2, order) + kind.to_bytes(2, order) + (1).to_bytes(4, order)
        tiff += value.to_bytes(size, order).ljust(4, b"\0")
    return b"Exif\0\0" + bytes(tiff) + bytes(4) + thumbnail


def test_broken_blocks_do_no_harm(tmp_path):
    """A damaged EXIF block costs the EXIF, not the picture."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x829D] = 2.8
    block = exif.tobytes()
    file = io.BytesIO()
    Image.fromarray(noise()).save(file, "TIFF")
    rng = random.Random(0)
    path = tmp_path / "a.tif"
    for _ in range(300):
        broken = bytearray(block[: rng.randrange(len(block))])
        for _ in range(rng.randrange(4)):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        assert len(without_thumbnail(bytes(broken))) == len(broken)
        path.write_bytes(tiff_with_exif(file.getvalue(), bytes(broken)))
        assert np.array_equal(read_picture(path).array, noise())


def test_tiff_without_exif_stays_as_it_is(tmp_path):
    """Nothing is added to a TIFF for an empty block, and nothing is read from one that says nothing."""
    Image.fromarray(noise()).save(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    assert tiff_with_exif(data, b"") == data
    assert exif_of_tiff(tmp_path / "a.tif") == b""
