# SPDX-License-Identifier: GPL-3.0-or-later
"""From one colour space to another by Krita's own conversion, without a trace in the artist's document."""

from __future__ import annotations

import struct
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Union

from krita import Document, Krita, Node
from plugins.shared.host import Gone
from plugins.shared.model import Layout
from plugins.shared.texts import _

from .names import root
from .qt import QByteArray

__all__ = ["SCREEN", "SRGB", "Colour", "Space", "Spaces", "hidden"]

SRGB = "sRGB-elle-V2-srgbtrc.icc"
LINEAR = "sRGB-elle-V2-g10.icc"
#: Profiles whose 8-bit values are what a screen shows.
_SHOWN = frozenset({SRGB, "sRGB built-in"})
#: Those whose values become what a screen shows by the curve alone.
_PLAIN = _SHOWN | {LINEAR, "sRGB-elle-V4-srgbtrc.icc", "sRGB-elle-V4-g10.icc"}
_MODELS = frozenset({"RGBA", "GRAYA", "CMYKA", "LABA", "XYZA", "YCbCrA"})
_DEPTHS = {"U8": 8, "U16": 16, "F32": 32}

Data = Union[bytes, QByteArray]


class Space(NamedTuple):
    """As Krita names a colour space."""

    model: str
    depth: str
    profile: str

    @classmethod
    def of(cls, thing: Union[Document, Node]) -> Space:
        """That of a document or a layer."""
        return cls(thing.colorModel(), thing.colorDepth(), thing.colorProfile())

    @property
    def shown(self) -> bool:
        """Whether its bytes can go to the screen as they are."""
        return self.model == "RGBA" and self.depth == "U8" and self.profile in _SHOWN

    @property
    def wire(self) -> Space:
        """Itself where the protocol has it; else the RGB space that holds all of it."""
        if self.model == "RGBA":
            return self._replace(depth="F32") if self.depth == "F16" else self
        if self.depth.startswith("F"):
            return Space("RGBA", "F32", LINEAR)
        same_curve = self.model == "GRAYA" and self.profile.endswith("-srgbtrc.icc")
        return Space("RGBA", self.depth if same_curve else "U16", SRGB)

    @property
    def trouble(self) -> str:
        """Why its pixels can't be worked on, in words; empty: they can."""
        if self.model in _MODELS:
            return ""
        return _("Pictures in the colour model {model} can't be worked on.").format(model=self.model)


SCREEN = Space("RGBA", "U8", SRGB)


@dataclass(frozen=True)
class Colour:
    """A colour space of a document, what is sent of it, and how that is laid out."""

    own: Space
    wire: Space
    layout: Layout

    def to_wire(self, data: QByteArray, space: Space, width: int, height: int) -> QByteArray:
        """From the space of a layer or the document."""
        return convert(data, width, height, space, self.wire) if space != self.wire else data

    def to_own(self, data: bytes, width: int, height: int) -> Data:
        """From the wire to the document."""
        return convert(data, width, height, self.wire, self.own) if self.wire != self.own else data

    def to_screen(self, data: bytes, width: int, height: int) -> Data:
        """As it will look in the document: what its colour space can't hold, is not shown either."""
        if self.wire.shown and self.own == self.wire:
            return data
        return convert(data, width, height, self.wire, self.own, SCREEN)


class Spaces:
    """Finds out once about each colour space."""

    def __init__(self) -> None:
        self._known: dict[Space, Colour] = {}
        self._linear: dict[str, bool] = {SRGB: False, LINEAR: True}

    def of(self, document: Document) -> Colour:
        """All about the colours of a document.

        Raises:
            Gone: Krita can't convert them.
        """
        own = Space.of(document)
        if own not in self._known:
            if own.trouble:
                raise Gone(own.trouble)
            wire = own.wire
            depth = _DEPTHS[wire.depth]
            order = "rgba" if depth == 32 else "bgra"
            plain = own.model == "RGBA" and wire.profile in _PLAIN
            layout = Layout(order, depth, self._is_linear(wire.profile), plain)
            self._known[own] = Colour(own, wire, layout)
        return self._known[own]

    def _is_linear(self, profile: str) -> bool:
        """Whether twice the value is twice the light, asked of Krita: names of profiles say too little."""
        if profile not in self._linear:
            greys = struct.pack("=8f", 0.25, 0.25, 0.25, 1, 0.5, 0.5, 0.5, 1)
            space, linear = Space("RGBA", "F32", profile), Space("RGBA", "F32", LINEAR)
            light = struct.unpack("=8f", bytes(convert(greys, 2, 1, space, linear)))
            self._linear[profile] = light[1] > 0 and abs(light[5] / light[1] - 2) < 0.02
        return self._linear[profile]


@contextmanager
def hidden(space: Space, width: int = 1, height: int = 1) -> Generator[Document, None, None]:
    """A document that is in no view, and closed at the end; what happens in it is in nobody's undo history.

    Layers may reach beyond it; but a group shows only what lay within the document it was made in.

    Raises:
        Gone: Krita can't make one with these colours.
    """
    document = Krita.instance().createDocument(width, height, "Co-create", *space, 72.0)
    if not document or Space.of(document) != space:
        if document:
            document.close()
        raise Gone(_("Krita can't convert the colours of {profile}.").format(profile=space.profile))
    try:
        yield document
    finally:
        document.setModified(False)
        document.close()


def convert(data: Data, width: int, height: int, *spaces: Space) -> QByteArray:
    """Take pixels from the first space to the next and so on; the hidden document alone takes Krita 75 ms.

    The conversion of a document comes back truer than that of a layer, which compensates the black point
    (CMYK there and back: off by 0.7 of 255 on average, not 1.8). The canvas is drawn as a layer is converted.

    Raises:
        Gone: it can't.
    """
    with hidden(spaces[0]) as document:
        # Krita complains when a document is closed while one of its layers is still held
        return _converted(document, data, width, height, spaces[1:])


def _converted(
    document: Document, data: Data, width: int, height: int, spaces: tuple[Space, ...]
) -> QByteArray:
    node = document.createNode("", "paintlayer")
    node.setPixelData(data, 0, 0, width, height)
    root(document).addChildNode(node, None)
    for space in spaces:
        document.waitForDone()
        if space == SCREEN:
            node.setColorSpace(*space)
        else:
            document.setColorSpace(*space)
    document.waitForDone()
    if Space.of(node) != spaces[-1]:
        raise Gone(_("Krita can't convert the colours of {profile}.").format(profile=spaces[-1].profile))
    return node.pixelData(0, 0, width, height)
