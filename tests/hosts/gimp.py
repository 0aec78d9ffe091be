# SPDX-License-Identifier: Apache-2.0
"""GIMP 3: the starter is a batch script, with or without a window; code runs in the batch's process."""

from hosts.host import Host

READY = """
import gi
gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio, GLib
Gegl.init(None)
"""
GIMPRC = "(show-welcome-dialog no)\n(color-profile-policy keep)\n"
STARTER = """exec(open(__import__("os").environ["BRIDGE_INSIDE"] + "/gimp_starter.py").read())"""


class GimpHost(Host):
    """With a screen ``gimp``, without one ``gimp-console``."""

    name = "gimp"

    def prepare(self):
        """Keep the welcome window and the question about profiles away."""
        for version in ("3.0", "3.2"):
            folder = self.room.home / ".config/GIMP" / version
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "gimprc").exists():
                (folder / "gimprc").write_text(GIMPRC)

    def command(self):
        """With the starter as its batch."""
        batch = ["--batch-interpreter", "python-fu-eval", "-b", STARTER, "--quit"]
        if self.screen:
            return ["dbus-run-session", "--", "gimp", "--no-splash", *batch]
        return ["gimp-console", "-i", *batch]

    def ready(self):
        """The batch runs when GIMP is up."""
        self.do(READY)

    def leave(self):
        """Let the batch end."""
        self.line.close()  # the batch ends, and GIMP with it
