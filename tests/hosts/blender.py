# SPDX-License-Identifier: Apache-2.0
"""Blender: the starter is a script; code runs on the main thread, by a timer or in the background."""

from hosts.host import Host


class BlenderHost(Host):
    """With a screen a window, without one ``blender -b``."""

    name = "blender"

    def command(self):
        """With the starter as its script, and nobody's settings."""
        starter = ["--python", str(self.room.run / "inside" / "blender_starter.py")]
        mode = [] if self.screen else ["-b"]
        return ["blender", *mode, "--factory-startup", "--python-exit-code", "1", *starter]

    def ready(self):
        """Nothing to wait for: the script runs when Blender is up."""
        self.do("import bpy")

    def leave(self):
        """By its operator; in the background the script's end is Blender's."""
        if self.screen:
            self.do("bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.1)")
        else:
            self.line.close()
