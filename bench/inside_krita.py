# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Krita for :mod:`bench.krita`: how long the UI thread stands still, and for whose sake.

A profile function sees every entry of Qt into Python on the UI thread and, within it, every call of Krita's
API that moves pixels. What is left is ours: computing, waiting for the interpreter lock, and the profiler.
"""

import sys
import time

KRITAS = {
    *("pixelData", "projectionPixelData", "setPixelData", "addChildNode", "createNode", "waitForDone"),
    *("resizeImage", "createDocument", "setColorSpace", "projection", "refreshProjection", "close"),
    *("mergeDown", "duplicate"),
}

#: What belongs to the measuring.
TESTS_OWN = {"Watch._tick", "Driven._serve"}


class Watch:
    """Entries into Python: when, how long, how long of that in Krita's own pixel calls."""

    def __init__(self, timer):
        self.entries, self.ticks = [], []
        self._depth, self._kritas, self._inside = 0, 0.0, None
        self._timer = timer
        self._timer.timeout.connect(self._tick)

    def _tick(self):
        self.ticks.append(time.perf_counter())

    def start(self):
        """From now on."""
        self.entries.clear(), self.ticks.clear()
        self._depth = 0
        self._timer.start(1)
        sys.setprofile(self._look)

    def stop(self):
        """Until now."""
        sys.setprofile(None)
        self._timer.stop()

    def _look(self, frame, event, arg):
        now = time.perf_counter()
        if event == "call":
            if self._depth == 0:
                self._begun, self._kritas, self._name = now, 0.0, frame.f_code.co_qualname
            self._depth += 1
        elif event == "return":
            self._depth -= 1
            if self._depth == 0:
                self.entries.append((self._begun, now - self._begun, self._kritas, self._name))
            elif self._depth < 0:  # the call that started the watch returns
                self._depth = 0
        elif event == "c_call" and self._inside is None and getattr(arg, "__name__", "") in KRITAS:
            self._inside = now
        elif event in ("c_return", "c_exception") and getattr(arg, "__name__", "") in KRITAS and self._inside:
            self._kritas += now - self._inside
            self._inside = None

    def found(self):
        """In milliseconds: the longest entry, the longest without Krita's calls, the longest gap of ticks."""
        gaps = [b - a for a, b in zip(self.ticks, self.ticks[1:], strict=False)]
        entries = [entry for entry in self.entries if entry[3] not in TESTS_OWN]
        longest = max(entries, key=lambda e: e[1])
        ours = sorted((e[1] - e[2] for e in entries), reverse=True)
        least = max(entries, key=lambda e: e[1] - e[2])
        return {
            "stall": longest[1] * 1e3,
            "stall_kritas": longest[2] * 1e3,
            "stall_name": longest[3],
            "ours": ours[0] * 1e3,
            "ours_name": least[3],
            "over": sum(one > 0.008 for one in ours),
            "entries": len(entries),
            "gap": max(gaps) * 1e3,
            "gaps": [gap * 1e3 for gap in sorted(gaps, reverse=True)[:10]],
        }
