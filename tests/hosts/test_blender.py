# SPDX-License-Identifier: Apache-2.0
"""The real Blender can be started, driven, looked at and ended, without and with a window."""

import pytest

from hosts.blender import BlenderHost


@pytest.mark.parametrize("windowed", [False, True], ids=["background", "window"])
def test_blender(room, request, windowed):
    """It starts, keeps pixels, shows itself, and ends with 0."""
    screen = request.getfixturevalue("screen") if windowed else None
    with BlenderHost(room, screen) as blender:
        version = blender.do("bpy.app.version[:2]")
        assert version >= (4, 2)
        blender.do("""
            import numpy
            image = bpy.data.images.new("made", 64, 48, alpha=True)
            image.pixels.foreach_set(numpy.full(64 * 48 * 4, 0.5, numpy.float32))
            back = numpy.empty(64 * 48 * 4, numpy.float32)
            image.pixels.foreach_get(back)
        """)
        assert blender.do("float(back.min()), float(back.max())") == pytest.approx((0.5, 0.5), abs=0.01)
        if windowed:
            screen.window("Blender")
            assert len(blender.shot("blender").getcolors(2**24)) > 200
        assert blender.quit() == 0
    assert not [line for line in room.ask("running").values() if "blender" in line]
