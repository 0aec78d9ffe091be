# SPDX-License-Identifier: Apache-2.0
"""The pixel payload."""

from dataclasses import replace

import pytest

from bridge_server.canvas.formats import LAYOUTS
from bridge_server.protocol.errors import BadRequest, TooLarge
from bridge_server.protocol.pixels import BYTES_PER_PIXEL, Pixels, check_pixels

GOOD = Pixels(3, 2, "rgba16", bytes(48))


@pytest.mark.parametrize("layout", BYTES_PER_PIXEL)
def test_every_format_of_the_right_length_is_accepted(layout):
    """Width times height times bytes a pixel is what each format needs, up to the limit."""
    check_pixels(Pixels(3, 2, layout, bytes(6 * BYTES_PER_PIXEL[layout])), max_pixels=6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "cmyk8"}, "here.format is 'cmyk8'. Use one of gray8, rgb8, rgba8, rgba16, rgbaf32."),
        ({"colorspace": "lab"}, "here.colorspace is 'lab'. Use one of srgb, linear."),
        ({"width": 0}, "here is 0 x 2 pixels. Both sides must be at least 1."),
        ({"height": -2}, "here is 3 x -2 pixels. Both sides must be at least 1."),
        (
            {"data": bytes(47)},
            "here.data has 47 bytes; 3 x 2 rgba16 needs 48. Send raw rows without padding.",
        ),
    ],
)
def test_what_is_wrong_is_named(change, message):
    """Each mistake is told with the field, what came and what is right."""
    with pytest.raises(BadRequest) as caught:
        check_pixels(replace(GOOD, **change), max_pixels=100, where="here")
    assert str(caught.value).startswith(message)


def test_more_pixels_than_the_limit_are_refused():
    """Before the length of the data is looked at."""
    with pytest.raises(TooLarge, match=r"here claims 40000 x 40000 pixels; the limit is 100\."):
        check_pixels(replace(GOOD, width=40_000, height=40_000), max_pixels=100, where="here")


def test_the_formats_are_those_that_the_canvas_knows():
    """What the daemon accepts, an engine can read."""
    sizes = {name: int(dtype[-1]) * channels for name, (dtype, channels) in LAYOUTS.items()}
    assert sizes == BYTES_PER_PIXEL
