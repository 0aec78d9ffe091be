# SPDX-License-Identifier: Apache-2.0
"""Picture files in and out, for the command line.

Reads PNG, JPEG, WebP, TIFF, GIF, HEIC and AVIF; writes PNG, JPEG, WebP and TIFF, chosen by the name's ending.
What holds for all of them:

* A picture is upright in memory: an EXIF orientation is applied on reading and not written again, so that
  masks and sides mean what a viewer shows.
* ICC profile, EXIF, XMP, IPTC, resolution and PNG comments go from the file read to the file written. The
  embedded thumbnail does not: it would show the old picture.
* Depth never changes. PNG holds 8 and 16 bits, JPEG and WebP 8, TIFF 8, 16 and 32-bit float.
* PNG, WebP (lossless) and TIFF keep every pixel exactly. JPEG is written with quality 95 and full-size
  chroma (4:4:4), whatever the file read had; it alters pixels everywhere a little.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canvas.formats import as_array, as_bytes, format_of, white_of
from ..canvas.patches import composite
from ..protocol.errors import BadRequest, BridgeError, NotFound, OutOfSpace, Unsupported
from ..protocol.pixels import Pixels
from .exif import exif_of_tiff, tiff_with_exif
from .vips import Field, exif_fields, is_linear, kept_fields, load_vips, reason, upright

__all__ = [
    "Picture",
    "alters_everything",
    "check_output",
    "grown",
    "numbered",
    "paste",
    "read_mask",
    "read_picture",
    "to_pixels",
    "write_picture",
]

#: ending -> (libvips saver, depths it holds, holds alpha, longest side, save options)
_SAVERS: dict[str, tuple[str, tuple[str, ...], bool, int, dict[str, Any]]] = {
    ".png": ("PNG", ("uint8", "uint16"), True, 2**31 - 1, {"compression": 3, "filter": "sub"}),
    ".jpg": ("JPEG", ("uint8",), False, 65_500, {"Q": 95, "subsample_mode": "off"}),
    ".webp": ("WebP", ("uint8",), True, 16_383, {"lossless": True, "exact": True, "effort": 0}),
    ".tif": ("TIFF", ("uint8", "uint16", "float32"), True, 2**31 - 1, {"compression": "deflate"}),
}
_ALIASES = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}

_LOADERS = ("png", "jpeg", "webp", "tiff", "gif", "heif")
_DTYPES = {"uchar": "uint8", "ushort": "uint16", "float": "float32"}
_FORMATS = {dtype: name for name, dtype in _DTYPES.items()}
_DEPTHS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "32-bit float"}
_COLOURS = ("srgb", "rgb", "rgb16", "b-w", "grey16", "scrgb")
#: dtype -> libvips interpretation of grey and of colour
_INTERPRETATIONS = {"uint8": ("b-w", "srgb"), "uint16": ("grey16", "rgb16"), "float32": ("b-w", "scrgb")}
#: How far a mask's channels may differ, of 255, before it counts as coloured (JPEG's rounding stays below).
_GREY_ENOUGH = 24


@dataclass(frozen=True)
class _Origin:
    """What a file held beside the pixels: libvips fields as (type, name, value), pixels per millimetre."""

    fields: tuple[Field, ...] = ()
    resolution: tuple[float, float] = (1.0, 1.0)
    grey_alpha: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture in memory, upright.

    Attributes:
        array: (H, W, C) with C of 1 (grey), 3 (RGB) or 4 (RGBA, straight alpha) as uint8, uint16 or
            float32 (1.0 is white). Grey with alpha is held as RGBA and written as it was.
        colorspace: ``linear`` if the file's ICC profile says so, or a float file has none; else ``srgb``.
        origin: what :func:`write_picture` puts back into the file; only that function looks into it.
    """

    array: NDArray[Any]
    colorspace: str = "srgb"
    origin: _Origin = field(default_factory=_Origin, repr=False)

    @property
    def width(self) -> int:
        """In pixels."""
        return self.array.shape[1]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.array.shape[0]


def read_picture(path: Path) -> Picture:
    """Read a picture file; see the module for what is kept.

    Raises:
        NotFound: no such file.
        BadRequest: not a picture, damaged, or not readable.
        Unsupported: a kind of picture that would have to be converted first.
    """
    image = _open(path)
    _check_kind(path, image)
    orientation = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    try:
        array: NDArray[Any] = image.numpy()
    except load_vips().Error as error:
        raise BadRequest(
            f"{path} is damaged or cut off: {reason(error)}.", "Save or copy it again."
        ) from error
    array = upright(array.reshape(image.height, image.width, image.bands), orientation)
    grey_alpha = image.bands == 2
    if grey_alpha:
        array = array[..., (0, 0, 0, 1)]
    fields = tuple(kept_fields(image, turned=orientation != 1))
    if image.get("vips-loader").startswith("tiff"):
        fields += tuple(exif_fields(exif_of_tiff(path)))
    icc = next((value for _, name, value in fields if name == "icc-profile-data"), None)
    linear = is_linear(icc) if icc else array.dtype == np.float32
    origin = _Origin(fields, (image.xres, image.yres), grey_alpha)
    return Picture(np.ascontiguousarray(array), "linear" if linear else "srgb", origin)


def _open(path: Path) -> Any:
    vips = load_vips()
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Check the name and the folder.") from None
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
    if empty:
        raise BadRequest(f"{path} is empty.", "Save or copy it again.")
    try:
        # by a source, not by name: libvips would read options out of names like "a[1].png"
        source = vips.Source.new_from_file(str(path))
        image = vips.Image.new_from_source(source, "", access="sequential", fail_on="error")
    except vips.Error as error:
        raise BadRequest(
            f"{path} is not a picture, or is damaged: {reason(error)}.",
            "Give a PNG, JPEG, WebP or TIFF file.",
        ) from error
    if not image.get("vips-loader").startswith(_LOADERS):
        raise BadRequest(f"{path} is not a picture.", "Give a PNG, JPEG, WebP or TIFF file.")
    return image


def _check_kind(path: Path, image: Any) -> None:
    if image.get_typeof("n-pages") and int(image.get("n-pages")) > 1:
        raise Unsupported(
            f"{path} has {image.get('n-pages')} pages or frames.",
            "Save the one you mean as a file of its own.",
        )
    if image.interpretation not in _COLOURS:
        kind = str(image.interpretation).upper()
        raise Unsupported(f"{path} is a {kind} picture.", "Convert it to RGB or grey first.")
    if image.bands > 4:
        raise Unsupported(
            f"{path} has {image.bands} channels.", "Save it as grey or RGB, with at most one alpha channel."
        )
    if image.format not in _DTYPES:
        raise Unsupported(
            f"{path} has values of the kind {image.format!r}.", "Save it as 8-bit, 16-bit or 32-bit float."
        )


def read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Read a mask: (H, W) uint8, white is selected, grey is soft.

    16-bit and float masks are scaled to 8 bits. Transparent pixels are not selected; in a mask that has
    one colour only, black for example, and opacity that varies, the opacity alone is the mask.

    Args:
        path: a picture file of any kind that :func:`read_picture` reads.
        size: the width and height that it must have.

    Raises:
        BadRequest: another size, colours, or nothing selected; and what :func:`read_picture` raises.
    """
    array = read_picture(path).array
    height, width = array.shape[:2]
    if (width, height) != size:
        raise BadRequest(
            f"The mask {path} is {width} x {height} pixels, the picture {size[0]} x {size[1]}.",
            "Both must have the same size.",
        )
    values = np.nan_to_num(array.astype(np.float32)) * np.float32(255 / white_of(array.dtype))
    values = np.clip(values, 0, 255)
    colours = values[..., : min(3, values.shape[2])]
    if values.shape[2] == 4:
        # an opacity that is the same everywhere says nothing: black stays black
        if np.ptp(colours, axis=(0, 1)).max() == 0 and np.ptp(values[..., 3]) > 0:
            colours = np.full_like(colours, 255)
        colours = colours * (values[..., 3:] / 255)
    if np.ptp(colours, axis=2).max() > _GREY_ENOUGH:
        raise BadRequest(f"The mask {path} has colours.", "White is selected, black is not, grey is soft.")
    mask = np.rint(colours.mean(axis=2)).astype(np.uint8)
    if not mask.any():
        raise BadRequest(
            f"The mask {path} selects nothing: it is all black or transparent.",
            "Paint white what shall change.",
        )
    return mask


def check_output(path: Path, picture: Picture) -> None:
    """Raise before any work starts if ``picture`` cannot be written there; it need not exist yet.

    Raises:
        BadRequest: an unknown ending, a missing folder, a folder's own name, no permission.
        Unsupported: a depth, an alpha channel or a size that the format does not hold.
    """
    suffix = _ALIASES.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in _SAVERS:
        raise BadRequest(
            f"The ending of {path} names no format that can be written.", "Use .png, .jpg, .webp or .tif."
        )
    name, depths, alpha, longest, _ = _SAVERS[suffix]
    if picture.array.dtype.name not in depths:
        better = ".tif" if picture.array.dtype.name == "float32" else ".png or .tif"
        depth = _DEPTHS[picture.array.dtype.name]
        raise Unsupported(f"{name} cannot hold {depth} pixels as the picture has them.", f"Write a {better}.")
    if picture.array.shape[2] == 4 and not alpha:
        raise Unsupported(f"{name} cannot hold the picture's transparency.", "Write a .png, .webp or .tif.")
    if max(picture.width, picture.height) > longest:
        raise Unsupported(f"{name} holds at most {longest} pixels a side.", "Write a .png or .tif.")
    if path.is_dir():
        raise BadRequest(f"{path} is a folder.", "Give a file's name.")
    if not path.parent.is_dir():
        raise BadRequest(f"There is no folder {path.parent}.", "Make it first.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise BadRequest(f"{path} may not be written.", "Choose another folder or change its permissions.")


def alters_everything(path: Path) -> bool:
    """Whether a file of that name can't hold pixels exactly, so that all of them change a little."""
    return _ALIASES.get(path.suffix.lower(), path.suffix.lower()) == ".jpg"


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture, in whole or not at all; an older file of that name is replaced.

    Raises:
        OutOfSpace: the disk is full.
        BadRequest: it cannot be written; also all that :func:`check_output` raises.
    """
    check_output(path, picture)
    data = _encoded(path, picture)
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> BridgeError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutOfSpace(f"The disk is full: {path} was not written.", "Make room and try again.")
    return BadRequest(f"{path} cannot be written: {error.strerror}.", "Choose another place.")


def _encoded(path: Path, picture: Picture) -> bytes:
    suffix = _ALIASES.get(path.suffix.lower(), path.suffix.lower())
    array, origin = picture.array, picture.origin
    if origin.grey_alpha and array.shape[2] == 4:
        array = _as_grey_alpha(array)
    height, width, bands = array.shape
    vips, options = load_vips(), dict(_SAVERS[suffix][4])
    if suffix == ".tif":
        options["predictor"] = "float" if array.dtype == np.float32 else "horizontal"
    rows = np.ascontiguousarray(array)
    image = vips.Image.new_from_memory(rows.data, width, height, bands, _FORMATS[array.dtype.name])
    image = image.copy(
        interpretation=_INTERPRETATIONS[array.dtype.name][bands > 2],
        xres=origin.resolution[0],
        yres=origin.resolution[1],
    )
    for kind, name, value in origin.fields:
        image.set_type(kind, name, value)
    # without this libvips leaves the orientation that the EXIF block has
    image.set_type(vips.GValue.gint_type, "orientation", 1)
    try:
        data: bytes = image.write_to_buffer(suffix, **options)
    except vips.Error as error:
        raise BadRequest(f"{path} cannot be written: {reason(error)}.") from error
    if suffix == ".tif":
        exif = next((value for _, name, value in origin.fields if name == "exif-data"), b"")
        return tiff_with_exif(data, exif)
    return data


def _as_grey_alpha(array: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 4) as (H, W, 2): the mean of the colours, exact where they are equal, and alpha."""
    grey = array[..., 0].copy()
    coloured = (array[..., :3] != array[..., :1]).any(axis=2)
    mean = array[coloured][:, :3].mean(axis=1, dtype=np.float64)
    grey[coloured] = mean if array.dtype == np.float32 else np.rint(mean)
    return np.stack([grey, array[..., 3]], axis=2)


def to_pixels(array: NDArray[Any], colorspace: str = "srgb") -> Pixels:
    """An (H, W) or (H, W, C) array for the wire, in the smallest format that keeps its depth.

    8-bit grey, RGB and RGBA have formats of their own; 16-bit and float travel as RGBA, a grey one repeated
    and one without alpha opaque.
    """
    planes: NDArray[Any] = array[..., None] if array.ndim == 2 else array
    if planes.dtype != np.uint8 and planes.shape[2] != 4:
        wide = np.empty((*planes.shape[:2], 4), planes.dtype)
        wide[..., :3] = planes
        wide[..., 3] = white_of(planes.dtype)
        planes = wide
    height, width = planes.shape[:2]
    return Pixels(width, height, format_of(planes), as_bytes(planes), colorspace)


def paste(picture: Picture, patch: Pixels, x: int, y: int) -> Picture:
    """The picture with a candidate's RGBA ``patch`` laid over it; where its alpha is 0, untouched."""
    over = as_array(patch.data, patch.width, patch.height, patch.format)
    return replace(picture, array=composite(picture.array, over, x, y))


def grown(picture: Picture, *, left: int = 0, right: int = 0, top: int = 0, bottom: int = 0) -> Picture:
    """The picture on a canvas that is larger by so many pixels, the new ones 0 in every channel."""
    sides = ((top, bottom), (left, right), (0, 0))
    return replace(picture, array=np.pad(picture.array, sides))


def numbered(path: Path, count: int) -> list[Path]:
    """Where ``count`` results go: ``out.png`` for one, ``out-1.png``, ``out-2.png`` … for more."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]
