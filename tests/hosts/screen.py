# SPDX-License-Identifier: Apache-2.0
"""A screen without a monitor: an X server, a window manager, hands to click and type, and a camera."""

import re
from io import BytesIO
from pathlib import Path

from PIL import Image

from hosts.room import RoomError, until


class Screen:
    """The display of a room; pictures go to the folder ``artefacts``."""

    def __init__(self, room, artefacts, size=(1600, 1000)):
        self.room, self.artefacts, self.size = room, Path(artefacts), size
        display = "{}x{}x24".format(*size)
        server = ["Xvfb", "-displayfd", "1", "-screen", "0", display, "-nolisten", "tcp"]
        self._server = room.start(server, "xvfb")
        number = until(lambda: self._number() or self._server.exit_code, "the X server")
        if self._server.exit_code is not None:
            raise RoomError(f"Xvfb ended: {self._server.output()}")
        self.name = f":{number}"
        self._manager = room.start(["openbox"], DISPLAY=self.name)
        until(lambda: "window id" in self._root_property("_NET_SUPPORTING_WM_CHECK"), "the window manager")

    def _number(self):
        """The display's number: a line of its own among complaints about the numbers tried before."""
        found = re.search(r"^(\d+)\n", self._server.output(), re.MULTILINE)
        return found and found[1]

    def _root_property(self, name):
        return self.room.call(["xprop", "-root", name], DISPLAY=self.name)

    def grab(self):
        """A picture of the whole screen, as a PIL image."""
        path = self.room.run / "grab.png"
        self.room.call(["import", "-window", "root", str(path)], DISPLAY=self.name)
        picture = Image.open(BytesIO(path.read_bytes())).convert("RGB")
        path.unlink()
        return picture

    def shot(self, name):
        """Keep a picture of the screen as NAME.png among the artefacts; the picture."""
        picture = self.grab()
        self.artefacts.mkdir(parents=True, exist_ok=True)
        picture.save(self.artefacts / f"{name}.png")
        return picture

    def hand(self, *args):
        """Run xdotool; what it says."""
        return self.room.call(["xdotool", *map(str, args)], DISPLAY=self.name).strip()

    def click(self, x, y, button=1):
        """Click at a point of the screen."""
        self.hand("mousemove", "--sync", x, y, "click", button)

    def drag(self, start, end, button=1):
        """Press at one point, move, let go at another."""
        middle = [(a + b) // 2 for a, b in zip(start, end, strict=True)]
        self.hand("mousemove", "--sync", *start, "mousedown", button, "mousemove", "--sync", *middle)
        self.hand("mousemove", "--sync", *end, "mouseup", button)

    def key(self, *keys):
        """Press keys, such as ``ctrl+z``, in the window that has the focus."""
        self.hand("key", "--clearmodifiers", *keys)

    def type(self, text):
        """Type a text where the focus is."""
        self.hand("type", "--delay", 15, text)

    def windows(self):
        """Titles by window id, of those that the window manager manages."""
        lines = self.room.call(["wmctrl", "-l"], DISPLAY=self.name).splitlines()
        parts = [line.split(None, 3) for line in lines]
        return {part[0]: part[3] if len(part) > 3 else "" for part in parts}

    def window(self, title, timeout=60):
        """The id of a window whose title has these words, when it is there."""

        def found():
            return next((key for key, value in self.windows().items() if title in value), None)

        return until(found, f"a window called {title!r}", timeout, 0.2)
