# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host program must be able to do for the shared parts; each plugin has one class that can.

All methods are called on the host's UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Protocol

from bridge_server.protocol.records import Placement

from .model import Layer, Layout, Look, Raw, Sides

__all__ = ["Gone", "Host", "Memory"]


class Gone(Exception):
    """The document is closed, or was changed so that this can't be done; the message says it in words."""


class Host(Protocol):
    """One window of the host program. What is asked about a document names it by ``Look.document``."""

    def look(self) -> Optional[Look]:
        """The document in front, or None if there is none."""
        ...

    def layout(self, document: str) -> Layout:
        """How pixels of this document are given and taken.

        Raises:
            Gone: it is closed.
        """
        ...

    def read(self, document: str, area: Placement, source: str) -> Raw:
        """Pixels of an area on the canvas, of what is ``visible`` or of the active ``layer`` alone.

        Raises:
            Gone: it is closed, or there is no active layer.
        """
        ...

    def coverage(self, document: str, area: Placement) -> Raw:
        """The selection's coverage of an area, one byte a pixel; all 255 where nothing is selected.

        Raises:
            Gone: it is closed.
        """
        ...

    def size(self, document: str) -> tuple[int, int]:
        """Width and height of the canvas.

        Raises:
            Gone: it is closed.
        """
        ...

    def place(self, document: str, layer: Layer, *, above_active: bool) -> str:
        """Add a layer on top of all, or right above the active one; one undo step. Returns its id.

        Raises:
            Gone: the document is closed or can't take layers.
        """
        ...

    def place_into(self, document: str, layer: Layer) -> str:
        """Merge pixels into the active layer; one undo brings it back. Returns the id of what came of it.

        Raises:
            Gone: it is closed, or its active layer takes no pixels.
        """
        ...

    def place_group(self, document: str, name: str, layers: Sequence[Layer], *, above_active: bool) -> str:
        """Add a group of layers, the first one on top; one undo step. Returns its id.

        Raises:
            Gone: the document is closed or can't take layers.
        """
        ...

    def grow(self, document: str, sides: Sides, layer: Layer) -> str:
        """Grow the canvas and add a layer, placed in the coordinates of the *old* canvas; returns its id.

        One undo takes back both.

        Raises:
            Gone: the document is closed or can't take layers.
        """
        ...

    def standing(self, document: str) -> list[str]:
        """The versions of those placed layers that are in the document now, in the order of placing.

        A layer whose version is not known yet (see :meth:`note_version`) is left out.

        Raises:
            Gone: it is closed.
        """
        ...

    def grown(self, document: str) -> list[tuple[float, int, int]]:
        """Where the canvas's origin went with the placed layers that stand now.

        For each the facts ``grown`` of its layer: when it was placed (seconds since 1970), and by how many
        pixels the canvas grew to the left and to the top.

        Raises:
            Gone: it is closed.
        """
        ...

    def steps_taken(self) -> int:
        """Grows with each undo and redo, and while their effect may still be coming."""
        ...

    def note_version(self, document: str, layer: str, version: str) -> None:
        """Add the daemon's version to the facts of a placed layer. A document that is closed is no error."""
        ...


class Memory(Protocol):
    """Where a plugin keeps small things between two starts of its host."""

    def recall(self, key: str) -> str:
        """What was kept under a key; empty: nothing."""
        ...

    def keep(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        ...
