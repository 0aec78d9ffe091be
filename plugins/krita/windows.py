# SPDX-License-Identifier: GPL-3.0-or-later
"""Krita's windows.

The ``Window`` that an extension is handed lives only during that call; the lasting one has to be asked for.
"""

from __future__ import annotations

from typing import Optional

from krita import Krita, Window

from .qt import QMainWindow

__all__ = ["window_of"]


def window_of(main: QMainWindow) -> Optional[Window]:
    """Krita's own object for a main window; keep it while its signals are needed."""
    return next((window for window in Krita.instance().windows() if window.qwindow() is main), None)
