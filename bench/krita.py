# SPDX-License-Identifier: GPL-3.0-or-later
"""How long Krita's UI thread stands still while four candidates are made, looked at and accepted.

Needs what ``make test-hosts`` needs: ``python -m bench.krita [trixie|sid]``. In the real Krita under Xvfb
with software OpenGL, a 4096 x 4096 document, a selection of 1024 x 1024.
"""

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hosts.cocreate import cocreate
from hosts.room import Room, provision
from hosts.screen import Screen

SIDE, SELECTED = 4096, 1024
KINDS = (("U8", ""), ("U16", "sRGB-elle-V2-g10.icc"), ("F32", "sRGB-elle-V2-g10.icc"))

PAINT = """
import os, random
one = document.activeNode()
row = bytes(random.Random(1).randrange(256) for _ in range(4 * 256))
pixels = b"".join(row[4 * (y % 97) :] + row[: 4 * (y % 97)] for y in range(256))
tile = bytearray(pixels)
tile[3::4] = b"\\xff" * (256 * 256)
for y in range(0, document.height(), 256):
    for x in range(0, document.width(), 256):
        one.setPixelData(bytes(tile), x, y, 256, 256)
document.setColorSpace("RGBA", depth, profile or "sRGB-elle-V2-srgbtrc.icc")
document.refreshProjection()
document.waitForDone()
"""
PHASES = {
    "ask": (
        "press(panel().verbs.buttons['fill'])",
        "studio().queue() and studio().queue()[0].state != 'sending'",
    ),
    "wait": (
        "None",
        "finished() and studio().shown and all(c.candidate and c.candidate.thumbnail for c in cells())",
    ),
    "click": ("studio().select_next()", "studio().shown is not None and sheet() is not None"),
    "accept": (
        "global chosen_one; chosen_one = studio().selected; press(panel().tools.buttons['accept'])",
        "chosen_one is not None and chosen_one.version != '' and sheet() is None",
    ),
}


def measured(it, depth, profile):
    """What each phase came to."""
    krita = it.krita
    krita.new_document(SIDE, SIDE)
    krita.do(PAINT, depth=depth, profile=profile, timeout=300)
    at = (SIDE - SELECTED) // 2
    it.select(at, at, SELECTED, SELECTED)
    krita.do("studio().change(count=4, prompt='')")
    krita.do("from inside_krita import Watch; watch = Watch(QTimer())")
    krita.do("chosen_one = None; watch.start()")
    krita.until("len(watch.ticks) > 1000")
    idle = krita.do("watch.stop(); watch.found()")
    found = {"idle": idle}
    for phase, (code, done) in PHASES.items():
        krita.do(f"def act():\n    {code}\nQTimer.singleShot(20, act); watch.start()")
        krita.until(done, 300)
        krita.until("len(watch.ticks) > 50")
        found[phase] = krita.do("watch.stop(); watch.found()")
    return found


def main():
    """Print the table."""
    suite = sys.argv[1] if len(sys.argv) > 1 else "trixie"
    print("| document | phase | longest entry | Krita's pixel calls in it | longest of ours | timer's gap |")
    print("| --- | --- | --- | --- | --- | --- |")
    for depth, profile in KINDS:
        with Room(provision(suite)) as room, tempfile.TemporaryDirectory() as built:
            screen = Screen(room, room.run)
            with cocreate(room, screen, built) as it:
                shutil.copy(Path(__file__).parent / "inside_krita.py", room.run)
                it.krita.do("import sys; sys.path.insert(0, folder)", folder=str(room.run))
                for phase, found in measured(it, depth, profile).items():
                    told = (found["stall"], found["stall_kritas"], found["ours"], found["gap"])
                    cells = " | ".join(f"{number:.1f} ms" for number in told)
                    print(f"| {depth} | {phase} | {cells} | <!-- {found['ours_name']} -->", flush=True)


if __name__ == "__main__":
    main()
