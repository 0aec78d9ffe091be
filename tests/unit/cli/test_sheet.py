# SPDX-License-Identifier: Apache-2.0
"""The demo's contact sheet, and that of taste."""

import pytest
from PIL import Image, ImageDraw

from bridge_server.cli.sheet import Labelled, contact_sheet, detail_box, rows_sheet
from bridge_server.protocol.pixels import Pixels


@pytest.mark.parametrize(
    ("bounds", "box"),
    [
        ((100, 100, 130, 120), (91, 94, 139, 126)),
        ((0, 0, 30, 20), (0, 0, 48, 32)),
        ((270, 180, 300, 200), (252, 168, 300, 200)),
        ((0, 0, 300, 200), (0, 0, 300, 200)),
    ],
)
def test_a_detail_shows_the_selection_and_stays_in_the_picture(bounds, box):
    """Half as much again around it, moved inwards at the edges, in the cell's proportions."""
    assert detail_box(bounds, (300, 200), (60, 40)) == box


def test_the_sheet_shows_everything(tmp_path):
    """Photo with both outlines, two variations, three fills and the expanded picture."""
    mask = Image.new("L", (90, 60))
    ImageDraw.Draw(mask).rectangle((30, 20, 50, 40), fill=255)
    mask.save(tmp_path / "mask.png")
    for name, colour, size in (
        ("photo", "#808080", (90, 60)),
        ("fill", "#ff0000", (90, 60)),
        ("vary", "#00ff00", (90, 60)),
        ("wide", "#0000ff", (120, 60)),
    ):
        Image.new("RGB", size, colour).save(tmp_path / f"{name}.png")
    contact_sheet(
        tmp_path / "sheet.png",
        photo=Labelled(tmp_path / "photo.png", "the photo"),
        fill_mask=tmp_path / "mask.png",
        vary_mask=tmp_path / "mask.png",
        fills=[Labelled(tmp_path / "fill.png", "fill")] * 3,
        varied=[Labelled(tmp_path / "vary.png", "vary")] * 2,
        expanded=Labelled(tmp_path / "wide.png", "expand"),
    )
    with Image.open(tmp_path / "sheet.png") as sheet:
        colours = {colour: number for number, colour in sheet.getcolors(1 << 20)}
    for colour in ((128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255)):
        assert colours[colour] > 100_000
    bluish = sum(number for (r, _, b), number in colours.items() if 60 < r < 120 and b > 200)
    assert bluish > 500  # the outline that is drawn last


def test_rows_of_pictures_stand_under_their_titles(tmp_path):
    """Each as large as its cell allows, with its transparency; an empty row keeps its place."""
    red = Pixels(2, 1, "rgba8", b"\xff\x00\x00\xff" * 2)
    nothing = Pixels(1, 1, "rgba8", b"\xff\x00\x00\x00")
    rows_sheet(tmp_path / "sheet.png", [("liked", [red, nothing]), ("disliked", [])], cell=40)
    with Image.open(tmp_path / "sheet.png") as sheet:
        row = sheet.crop((0, 58, sheet.width, 98))
        reds = [x for x in range(row.width) if row.getpixel((x, 10)) == (255, 0, 0)]
        assert (reds[0], len(reds)) == (24, 40)
        assert row.getpixel((24, 30)) != (255, 0, 0)
        assert sheet.height == 24 + 2 * (40 + 34 + 24)
