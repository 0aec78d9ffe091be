# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps exceptions away from Krita, which would open a "Script error" window for each, and tells them."""

from __future__ import annotations

import logging
from typing import Any, Callable, Optional

from plugins.shared.texts import _

__all__ = ["Slots"]

log = logging.getLogger(__name__)


class Slots:
    """Makes slots of functions; what one raises is logged and told in words."""

    def __init__(self, tell: Optional[Callable[[str], None]] = None) -> None:
        #: Shows a text to the artist.
        self.tell = tell

    def __call__(self, call: Callable[..., Any], takes: int = 0) -> Callable[..., None]:
        """A slot that passes on only the first ``takes`` of the signal's arguments."""

        def slot(*args: Any) -> None:
            self.run(call, *args[:takes])

        return slot

    def run(self, call: Callable[..., Any], *args: Any) -> Any:
        """Call now; None if it raised. For what Qt calls by overriding, too."""
        try:
            return call(*args)
        except Exception as error:
            log.exception("in the panel")
            self._tell(error)
            return None

    def _tell(self, error: Exception) -> None:
        if self.tell is None:
            return
        try:
            self.tell(
                _("Something went wrong in the panel: {error}").format(error=error or type(error).__name__)
            )
        except RuntimeError:
            self.tell = None  # the widget that would say it is gone
