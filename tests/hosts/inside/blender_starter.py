# SPDX-License-Identifier: Apache-2.0
"""Run by ``blender --python``: takes Python from the tests, by a timer or, in the background, by waiting."""

import os
import sys

import bpy

sys.path.insert(0, os.environ["BRIDGE_INSIDE"])
from driver import Driver

driver = Driver(os.environ["BRIDGE_DRIVER"])


def look():
    """Serve what has come; asked again soon."""
    while driver.waiting():
        if not driver.serve_one():
            return None
    return 0.02


if bpy.app.background:
    while driver.serve_one():
        pass
else:
    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(look, persistent=True)
