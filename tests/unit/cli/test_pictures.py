# SPDX-License-Identifier: Apache-2.0
"""Picture files: what goes in comes out, and what cannot is said in words."""

from __future__ import annotations

import errno
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge_server.cli import pictures
from bridge_server.cli.pictures import (
    check_output,
    grown,
    numbered,
    paste,
    read_picture,
    to_pixels,
    write_picture,
)
from bridge_server.protocol.errors import BadRequest, NotFound, OutOfSpace, Unsupported

tifffile = pytest.importorskip("tifffile")

cv2 = pytest.importorskip("cv2")

#: OpenCV's order of channels.
BGR = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}


def noise(dtype: str, channels: int, height: int = 13, width: int = 21) -> np.ndarray:
    """(height, width, channels), always the same; floats reach below 0 and above 1."""
    rng = np.random.default_rng(channels)
    if dtype == "float32":
        return rng.normal(0.5, 1, (height, width, channels)).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels)).astype(dtype)


def save(path: Path, array: np.ndarray) -> Path:
    """Write with a program that is not under test."""
    if path.suffix == ".tif":
        extra = ["unassalpha"] if array.shape[2] in {2, 4} else None
        kind = "rgb" if array.shape[2] > 2 else "minisblack"
        tifffile.imwrite(
            path,
            array,
            photometric=kind,
            extrasamples=extra,
            planarconfig=None if array.shape[2] == 1 else "contig",
        )
    else:
        Image.fromarray(array.squeeze()).save(path, lossless=True, exact=True)
    return path


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiff_keeps_every_value(tmp_path, dtype, channels):
    """TIFF of each depth and kind reads as it is and writes back the same values, read by another program."""
    array = noise(dtype, channels)
    picture = read_picture(save(tmp_path / "in.tif", array))
    assert picture.array.dtype == dtype
    assert np.array_equal(picture.array, array)
    write_picture(tmp_path / "out.tif", picture)
    if dtype == "uint8":  # OpenCV would multiply 8-bit colours by alpha
        with Image.open(tmp_path / "out.tif") as image:
            assert np.array_equal(np.asarray(image).reshape(array.shape), array)
    else:
        seen = cv2.imread(str(tmp_path / "out.tif"), cv2.IMREAD_UNCHANGED).reshape(array.shape)
        assert np.array_equal(seen[..., BGR[channels]], array)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_every_value_of_8_bits(tmp_path, channels):
    """8-bit PNG of each kind, also grey with alpha, comes back equal and of the same kind."""
    array = noise("uint8", channels)
    source = save(tmp_path / "in.png", array)
    write_picture(tmp_path / "out.png", read_picture(source))
    with Image.open(source) as before, Image.open(tmp_path / "out.png") as after:
        assert after.mode == before.mode
        assert np.array_equal(np.asarray(after), array.squeeze())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_keeps_every_value_of_16_bits(tmp_path, channels):
    """16-bit PNG comes back equal; the first file is made from TIFF and checked by OpenCV."""
    array = noise("uint16", channels)
    write_picture(tmp_path / "a.png", read_picture(save(tmp_path / "in.tif", array)))
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png"))
    seen = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED).reshape(array.shape)
    assert np.array_equal(seen[..., BGR[channels]], array)


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_is_lossless(tmp_path, channels):
    """WebP is written without loss, also the colours under full transparency."""
    array = noise("uint8", channels)
    if channels == 4:
        array[:5, :, 3] = 0
    write_picture(tmp_path / "out.webp", read_picture(save(tmp_path / "in.webp", array)))
    assert np.array_equal(read_picture(tmp_path / "out.webp").array, array)


def test_jpeg_is_near_and_has_full_chroma(tmp_path):
    """JPEG is written close to the pixels, with 4:4:4 chroma, grey staying grey."""
    smooth = np.add.outer(np.arange(64), np.arange(80))[..., None] * np.array([1, 1, 0]) % 256
    picture = read_picture(save(tmp_path / "in.png", smooth.astype(np.uint8)))
    write_picture(tmp_path / "out.jpg", picture)
    with Image.open(tmp_path / "out.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
        assert np.abs(np.asarray(image).astype(int) - picture.array).mean() < 3
    write_picture(tmp_path / "grey.jpg", replace(picture, array=picture.array[..., :1]))
    assert read_picture(tmp_path / "grey.jpg").array.shape == (64, 80, 1)


def test_palette_and_bilevel_pictures_become_plain_ones(tmp_path):
    """Palette and 1-bit PNG are read as 8-bit colour and grey."""
    array = noise("uint8", 3) // 128 * 255
    image = Image.fromarray(array)
    image.quantize(8).save(tmp_path / "palette.png")
    assert np.array_equal(read_picture(tmp_path / "palette.png").array, array)
    image.convert("1", dither=Image.Dither.NONE).save(tmp_path / "bilevel.png")
    assert set(np.unique(read_picture(tmp_path / "bilevel.png").array)) == {0, 255}


def test_names_are_taken_literally(tmp_path):
    """Brackets in a name, which libvips takes for options, do no harm; a rewritten file is read anew."""
    path = tmp_path / "a[page=3].png"
    for value in (10, 20):
        save(path, np.full((4, 4, 3), value, np.uint8))
        assert read_picture(path).array.max() == value
        write_picture(tmp_path / "b[Q=1].png", read_picture(path))
        assert read_picture(tmp_path / "b[Q=1].png").array.max() == value


# ---- what cannot be read -------------------------------------------------------------------------


def test_missing_file(tmp_path):
    """A missing file is named."""
    with pytest.raises(NotFound, match=r"no file .*nothing\.png"):
        read_picture(tmp_path / "nothing.png")


@pytest.mark.parametrize(
    "content", [b"", b"hello, I am a text\n" * 9, b"1 2\n3 4\n", b"\x89PNG\r\n\x1a\nrubbish"]
)
def test_not_a_picture(tmp_path, content):
    """Text, rubbish and an empty file are refused as what they are, whatever their ending."""
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadRequest, match=r"is not a picture|is empty"):
        read_picture(path)


def test_folder_is_no_picture(tmp_path):
    """A folder is refused."""
    with pytest.raises(BadRequest, match="cannot be read"):
        read_picture(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_truncated_file(tmp_path, suffix):
    """Half a file is refused rather than shown half grey."""
    path = save(tmp_path / f"a{suffix}", noise("uint8", 3, 200, 300))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadRequest, match="damaged"):
        read_picture(path)


def test_cmyk_is_refused(tmp_path):
    """CMYK is named, with what to do."""
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    with pytest.raises(Unsupported, match=r"CMYK picture. Convert it to RGB"):
        read_picture(tmp_path / "a.jpg")


def test_several_pages_are_refused(tmp_path):
    """A file of several pages is refused: writing OUT would lose the others."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(Unsupported, match="2 pages"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("array", [np.zeros((8, 8, 5), np.uint8), np.zeros((8, 8, 3), np.uint32)])
def test_odd_kinds_are_refused(tmp_path, array):
    """Five channels and 32-bit integers are refused in words."""
    tifffile.imwrite(
        tmp_path / "a.tif", array, photometric="rgb", planarconfig=None if array.shape[2] == 1 else "contig"
    )
    with pytest.raises(Unsupported, match=r"5 channels|values of the kind"):
        read_picture(tmp_path / "a.tif")


# ---- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "channels", "name", "words"),
    [
        ("uint16", 3, "a.jpg", "JPEG cannot hold 16-bit"),
        ("uint16", 3, "a.webp", "WebP cannot hold 16-bit"),
        ("float32", 3, "a.png", r"PNG cannot hold 32-bit float .* Write a \.tif"),
        ("uint8", 4, "a.JPEG", "cannot hold the picture's transparency"),
    ],
)
def test_what_a_format_does_not_hold(tmp_path, dtype, channels, name, words):
    """Depth and transparency are never dropped silently; the error comes before any work."""
    with pytest.raises(Unsupported, match=words):
        check_output(tmp_path / name, pictures.Picture(noise(dtype, channels)))


def test_webp_has_a_largest_size(tmp_path):
    """WebP's 16,383 pixels are checked before the work."""
    with pytest.raises(Unsupported, match="16383 pixels a side"):
        check_output(tmp_path / "a.webp", pictures.Picture(np.zeros((1, 16_384, 3), np.uint8)))


def test_unwritable_output(tmp_path):
    """An unknown ending, a missing folder and a folder's name are errors before any work."""
    picture = pictures.Picture(noise("uint8", 3))
    for path, words in (
        (tmp_path / "a.bmp", "names no format"),
        (tmp_path / "a", "names no format"),
        (tmp_path / "no" / "a.png", "There is no folder"),
    ):
        with pytest.raises(BadRequest, match=words):
            check_output(path, picture)
    (tmp_path / "b.png").mkdir()
    with pytest.raises(BadRequest, match="is a folder"):
        check_output(tmp_path / "b.png", picture)


def test_forbidden_folder(tmp_path, monkeypatch):
    """A folder without write permission is an error before any work."""
    monkeypatch.setattr(pictures.os, "access", lambda *_: False)
    with pytest.raises(BadRequest, match="may not be written"):
        check_output(tmp_path / "a.png", pictures.Picture(noise("uint8", 3)))


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, OutOfSpace), (errno.EIO, BadRequest)])
def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch, number, kind):
    """When the disk is full or fails, the older file stays whole and no half one is left."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def fail(self, data):
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(number, "broken")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(kind):
        write_picture(target, pictures.Picture(noise("uint8", 3)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"old"


# ---- arrays and the wire -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "channels", "layout", "size"),
    [
        ("uint8", 1, "gray8", 1),
        ("uint8", 3, "rgb8", 3),
        ("uint8", 4, "rgba8", 4),
        ("uint16", 1, "rgba16", 8),
        ("uint16", 3, "rgba16", 8),
        ("uint16", 4, "rgba16", 8),
        ("float32", 3, "rgbaf32", 16),
    ],
)
def test_to_pixels(dtype, channels, layout, size):
    """The smallest format that keeps the depth; what has no alpha becomes opaque."""
    array = noise(dtype, channels)
    pixels = to_pixels(array, "linear")
    assert (pixels.width, pixels.height, pixels.format, pixels.colorspace) == (21, 13, layout, "linear")
    assert len(pixels.data) == 13 * 21 * size
    values = np.frombuffer(pixels.data, dtype).reshape(13, 21, -1)
    if dtype == "uint8":
        assert np.array_equal(values, array)
    else:
        assert np.array_equal(values[..., :3], np.broadcast_to(array[..., :3], (13, 21, 3)))
        opaque = 65535 if dtype == "uint16" else 1.0
        assert (values[..., 3] == (array[..., 3] if channels == 4 else opaque)).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_paste_leaves_the_rest(dtype, channels):
    """A patch changes its opaque pixels and no other byte, in grey, RGB and RGBA of each depth."""
    picture = pictures.Picture(noise(dtype, channels))
    patch = np.zeros((4, 5, 4), dtype)
    patch[1:3, 1:3, 3] = 1 if dtype == "float32" else np.iinfo(dtype).max
    done = paste(picture, to_pixels(patch), 3, 2)
    changed = (done.array != picture.array).any(axis=2)
    assert changed[3:5, 4:6].all()
    assert changed.sum() == 4
    assert (done.array[3:5, 4:6, : min(3, channels)] == 0).all()


def test_grown():
    """The old pixels lie where the left and top sides put them, in the same depth and channels."""
    picture = grown(pictures.Picture(noise("uint16", 3)), left=2, right=3, top=4, bottom=5)
    assert picture.array.shape == (22, 26, 3)
    assert np.array_equal(picture.array[4:17, 2:23], noise("uint16", 3))
    assert picture.array.dtype == np.uint16


def test_grey_with_alpha_takes_a_coloured_patch(tmp_path):
    """Grey with alpha stays so in the file, whatever colour a patch brings: its mean."""
    array = np.full((4, 4, 2), 100, np.uint8)
    picture = read_picture(save(tmp_path / "a.png", array))
    picture.array[0, 0] = (10, 20, 60, 255)
    write_picture(tmp_path / "b.png", picture)
    with Image.open(tmp_path / "b.png") as image:
        assert image.mode == "LA"
        assert image.getpixel((0, 0)) == (30, 255)
        assert image.getpixel((1, 1)) == (100, 100)


def test_numbered():
    """One result has the name as given, more are counted from 1 before the ending."""
    assert numbered(Path("d/out.png"), 1) == [Path("d/out.png")]
    names = ["out.v2-1.png", "out.v2-2.png", "out.v2-3.png"]
    assert numbered(Path("d/out.v2.png"), 3) == [Path("d") / name for name in names]


def test_large_pictures_read_quickly(tmp_path):
    """A 4096 x 4096 picture is read in seconds at most (0.2 s where this was written)."""
    array = np.repeat(np.arange(4096, dtype=np.uint16) % 256, 4096 * 3).reshape(4096, 4096, 3)
    write_picture(tmp_path / "a.png", pictures.Picture(array.astype(np.uint8)))
    started = time.perf_counter()
    assert read_picture(tmp_path / "a.png").array.shape == (4096, 4096, 3)
    assert time.perf_counter() - started < 5
