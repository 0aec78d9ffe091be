# SPDX-License-Identifier: Apache-2.0
"""A Krita plugin that lets the tests run Python on the UI thread."""

import os

try:
    from PyQt5.QtCore import QSocketNotifier, QTimer
except ImportError:
    from PyQt6.QtCore import QSocketNotifier, QTimer
from krita import Extension, Krita

from .driver import Driver


class Driven(Extension):
    """Connects as soon as the first window is up."""

    def setup(self):
        """Nothing before there is a window."""

    def createActions(self, window):  # noqa: N802  Krita's name
        """Called for each window; the first one connects."""
        if not hasattr(self, "driver"):
            self.driver = None
            QTimer.singleShot(0, self._connect)

    def _connect(self):
        self.driver = Driver(os.environ["BRIDGE_DRIVER"])
        self.notifier = QSocketNotifier(self.driver.fileno(), QSocketNotifier.Type.Read)
        self.notifier.activated.connect(self._serve)

    def _serve(self, *_):
        if not self.driver.serve_one():
            self.notifier.setEnabled(False)


Krita.instance().addExtension(Driven(Krita.instance()))
