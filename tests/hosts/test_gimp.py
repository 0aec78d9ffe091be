# SPDX-License-Identifier: Apache-2.0
"""The real GIMP can be started, driven, looked at and ended, without and with a window."""

import pytest

from hosts.gimp import GimpHost

DRAW = """
image = Gimp.Image.new(64, 48, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(image, "made", 64, 48, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
image.insert_layer(layer, None, 0)
rect = Gegl.Rectangle.new(0, 0, 64, 48)
buffer = layer.get_buffer()
buffer.set(rect, "R'G'B'A u8", pixels)
buffer.flush()
layer.update(0, 0, 64, 48)
"""


@pytest.mark.parametrize("windowed", [False, True], ids=["console", "window"])
def test_gimp(room, request, windowed):
    """It starts, keeps pixels, shows itself, and ends with 0."""
    screen = request.getfixturevalue("screen") if windowed else None
    pixels = bytes(range(256)) * 48
    with GimpHost(room, screen) as gimp:
        version = gimp.do("Gimp.version()")
        assert version.startswith("3.")
        gimp.do(DRAW, pixels=pixels)
        read = "bytes(layer.get_buffer().get(rect, 1.0, \"R'G'B'A u8\", Gegl.AbyssPolicy.NONE))"
        assert gimp.do(read) == pixels
        if windowed:
            gimp.do("display = Gimp.Display.new(image); Gimp.displays_flush()")
            screen.window("GIMP")
            assert len(gimp.shot("gimp").getcolors(2**24)) > 200
            gimp.do("display.delete()")
        else:
            gimp.do("image.delete()")
        assert gimp.quit() == 0
    assert not [line for line in room.ask("running").values() if "gimp" in line]
