# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shared parts ask of Krita. Only this file, ``colour`` and ``names`` know Krita's API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional, Union, cast

from bridge_server.protocol.records import Placement
from krita import Document, Krita, Node, View, Window
from plugins.shared.host import Gone
from plugins.shared.model import Layer, Layout, Look, Raw, Sides
from plugins.shared.texts import _

from .colour import Colour, Space, Spaces, hidden
from .names import Names, Notes, has, root, title
from .qt import QAction, QByteArray, QImage, QLocale, QUuid
from .undo import Joins

__all__ = ["KritaHost", "KritaMemory", "Picture", "language"]


class Picture(QImage):
    """An image over bytes that it keeps."""

    def __init__(self, data: Union[bytes, QByteArray], width: int, height: int) -> None:
        self.data = bytes(data)
        super().__init__(self.data, width, height, width * 4, QImage.Format.Format_ARGB32)


class KritaMemory:
    """Kept in Krita's own settings."""

    GROUP = "bridge_krita"

    def recall(self, key: str) -> str:
        """What was kept under a key; empty: nothing."""
        return Krita.instance().readSetting(self.GROUP, key, "")

    def keep(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        Krita.instance().writeSetting(self.GROUP, key, text)


def language() -> str:
    """The language of Krita's texts, such as ``de`` or ``pt_BR``."""
    name = next(iter(QLocale().uiLanguages()), "").replace("-", "_")
    return "en" if name in ("", "C") else name


class KritaHost:
    """One window of Krita. Documents are looked up by name at each call, so nothing here outlives them."""

    # One document may be in several windows; what is known of it is known to all.
    _names = Names(KritaMemory())
    _notes = Notes()
    _spaces = Spaces()
    _joins = Joins()

    def __init__(self, window: Window) -> None:
        self._window = window  # kept: signals of a temporary crash Krita
        self._watched: tuple[QAction, ...] = ()
        self._names.watch()

    def view(self) -> Optional[View]:
        """The window's view in front."""
        view = self._window.activeView()
        return view if view and view.document() else None

    def look(self) -> Optional[Look]:
        """The document in front, or None if there is none."""
        self._watch()
        self._joins.look()
        view = self.view()
        document = view.document() if view else None
        if document is None:
            return None
        node = document.activeNode()
        self._names.follow(document)
        return Look(
            self._names.of(document),
            title(document),
            document.width(),
            document.height(),
            _selected(document),
            node.name() if node else "",
            _why_not_into(document, node),
            Space.of(document).trouble,
        )

    def layout(self, document: str) -> Layout:
        """How pixels of this document are given and taken."""
        return self._spaces.of(self._names.find(document)).layout

    def size(self, document: str) -> tuple[int, int]:
        """Width and height of the canvas."""
        found = self._names.find(document)
        return found.width(), found.height()

    def read(self, document: str, area: Placement, source: str) -> Raw:
        """Pixels of an area on the canvas, of what is visible or of the active layer alone."""
        found = self._names.find(document)
        colour = self._spaces.of(found)
        found.waitForDone()
        bounds = (area.x, area.y, area.width, area.height)
        if source == "layer":
            layer = _layer_of(found.activeNode())
            if layer is None:
                raise Gone(_("There is no active layer."))
            space, data = Space.of(layer), layer.projectionPixelData(*bounds)
        else:
            space, data = colour.own, found.pixelData(*bounds)
        data = colour.to_wire(data, space, area.width, area.height)
        return Raw(area.width, area.height, colour.layout, _view(data))

    def coverage(self, document: str, area: Placement) -> Raw:
        """The selection's coverage of an area, one byte a pixel; all 255 where nothing is selected."""
        selection = self._names.find(document).selection()
        if not selection or not selection.width():
            return Raw(area.width, area.height, None, b"\xff" * (area.width * area.height))
        data = selection.pixelData(area.x, area.y, area.width, area.height)
        return Raw(area.width, area.height, None, _view(data))

    def picture(self, document: str, raw: Raw) -> QImage:
        """How pixels in the document's layout will look on the screen, once they are in the document."""
        colour = self._spaces.of(self._names.find(document))
        return Picture(colour.to_screen(bytes(raw.data), raw.width, raw.height), raw.width, raw.height)

    def place(self, document: str, layer: Layer, *, above_active: bool) -> str:
        """Add a layer on top of all, or right above the active one; one undo step. Returns its id."""
        found = self._names.find(document)
        node = _make(found, layer, self._spaces.of(found))
        placed = _attach(node, *_spot(found, above_active=above_active))
        self._write(found, {placed: layer.facts})
        return placed

    def place_group(self, document: str, name: str, layers: Sequence[Layer], *, above_active: bool) -> str:
        """Add a group of layers, the first one on top; one undo step. Returns its id."""
        found = self._names.find(document)
        colour = self._spaces.of(found)
        with hidden(colour.own, found.width(), found.height()) as workshop:
            group = workshop.createGroupLayer(name)
            root(workshop).addChildNode(group, None)
            for layer in reversed(layers):
                group.addChildNode(_make(workshop, layer, colour), None)
            workshop.waitForDone()
            made = group.duplicate()  # to be its own document's, not the hidden one's
            made.setName(name)
            placed = _attach(made, *_spot(found, above_active=above_active))
        found.waitForDone()
        inside = reversed(_node(found, placed).childNodes())
        facts = {node.uniqueId().toString(): layer.facts for node, layer in zip(inside, layers)}
        self._write(found, {**facts, placed: {"chosen": next(iter(facts), "")}})
        return placed

    def place_into(self, document: str, layer: Layer) -> str:
        """Merge pixels into the active layer; one undo brings it back. Returns the id it has now."""
        found = self._names.find(document)
        active = found.activeNode()
        parent = active.parentNode() if active else None
        why = _why_not_into(found, active)
        if why or active is None or parent is None:
            raise Gone(why)
        old = active.uniqueId().toString()
        colour = self._spaces.of(found)
        # Merged with the same blending, the layer keeps it. Setting it in the document would be a step.
        with hidden(colour.own) as workshop:
            node = _make(workshop, layer, colour)
            node.setVisible(True)
            node.setBlendingMode(active.blendingMode())
            node.setOpacity(active.opacity())
            before = {one.uniqueId().toString() for one in parent.childNodes()}
            added = _attach(node, parent, active)
        found.waitForDone()
        _node(found, added).mergeDown()
        found.waitForDone()
        after = [one.uniqueId().toString() for one in parent.childNodes()]
        merged = next((one for one in after if one not in before), added)
        self._join(found, lambda one: has(one, added))
        facts = {"into": True, **layer.facts, "holds": self._held(found, old)}
        was = self._notes.of(found).get(old, {})
        self._write(found, {merged: {**facts, "grown": was["grown"]} if "grown" in was else facts})
        return merged

    def grow(self, document: str, sides: Sides, layer: Layer) -> str:
        """Grow the canvas and add a layer, placed in the *old* canvas's coordinates; one undo for both."""
        found = self._names.find(document)
        if not sides:
            return self.place(document, layer, above_active=False)
        width = found.width() + sides.left + sides.right
        height = found.height() + sides.top + sides.bottom
        node = _make(found, layer, self._spaces.of(found), (sides.left, sides.top))
        found.resizeImage(-sides.left, -sides.top, width, height)
        found.waitForDone()
        placed = _attach(node, *_spot(found, above_active=False))
        found.waitForDone()
        self._join(found, lambda one: (one.width(), one.height()) == (width, height) and not has(one, placed))
        self._write(found, {placed: layer.facts})
        return placed

    def standing(self, document: str) -> list[str]:
        """Versions of the placed layers that are in the document now."""
        return self._notes.standing(self._names.find(document))

    def grown(self, document: str) -> list[tuple[float, int, int]]:
        """Where the canvas's origin went with the placed layers that stand now."""
        return self._notes.grown(self._names.find(document))

    def steps_taken(self) -> int:
        """Grows when the artist undoes or redoes something in this window."""
        return self._joins.taken[self]

    def note_version(self, document: str, layer: str, version: str) -> None:
        """Add the daemon's version to the facts of a layer that was placed."""
        try:
            found = self._names.find(document)
        except Gone:
            return
        chosen = self._notes.of(found).get(layer, {}).get("chosen", "")
        self._write(found, {one: {"version": version} for one in (chosen, layer) if one})

    def _watch(self) -> None:
        """Krita gives out the actions of the window in front only, and now and then makes them anew."""
        krita = Krita.instance()
        front = krita.activeWindow()
        if front is None or front.qwindow() is not self._window.qwindow():
            return
        undo, redo = krita.action("edit_undo"), krita.action("edit_redo")
        if undo and redo and self._watched != (undo, redo):
            self._joins.watch(undo, redo, self._watched, self)
            self._watched = (undo, redo)

    def _join(self, document: Document, between: Callable[[Document], bool]) -> None:
        name = self._names.of(document)
        self._joins.join(
            lambda: between(self._names.find(name)), lambda: self._names.find(name).waitForDone()
        )

    def _write(self, document: Document, facts: dict[str, dict[str, Any]]) -> None:
        self._names.keep(document)
        for layer, more in facts.items():
            self._notes.add(document, layer, more)
        self._notes.write(document)

    def _held(self, document: Document, layer: str) -> list[str]:
        """Versions that a layer stands for."""
        facts = self._notes.of(document).get(layer, {})
        return [version for version in (*facts.get("holds", []), facts.get("version", "")) if version]


def _make(document: Document, layer: Layer, colour: Colour, by: tuple[int, int] = (0, 0)) -> Node:
    """A layer that is not in the document yet, moved by some pixels."""
    pixels, at = layer.pixels, layer.placement
    if pixels.layout != colour.layout:
        raise Gone(_("The colours of the document were converted meanwhile."))
    data = colour.to_own(bytes(pixels.data), pixels.width, pixels.height)
    node = document.createNode(layer.name, "paintlayer")
    node.setPixelData(data, at.x + by[0], at.y + by[1], pixels.width, pixels.height)
    node.setVisible(layer.visible)
    return node


def _attach(node: Node, parent: Node, below: Optional[Node]) -> str:
    """Add a layer to the document, one undo step; its id."""
    if not parent.addChildNode(node, below):
        raise Gone(_("Krita did not take the new layer."))
    return node.uniqueId().toString()


def _node(document: Document, layer: str) -> Node:
    node = document.nodeByUniqueID(QUuid(layer))
    if node is None:
        raise Gone(_("The layer is not there any more."))
    return node


def _view(data: QByteArray) -> memoryview:
    """Its bytes without a copy; Python keeps the array for as long as the view."""
    return memoryview(cast("bytes", data))


def _is_mask(node: Node) -> bool:
    return node.type().endswith("mask")


def _layer_of(node: Optional[Node]) -> Optional[Node]:
    """The layer that a mask belongs to; a layer is its own. None for the global selection."""
    while node is not None and _is_mask(node):
        node = node.parentNode()
    return node if node is not None and node.parentNode() is not None else None


def _spot(document: Document, *, above_active: bool) -> tuple[Node, Optional[Node]]:
    """Where a new layer goes: the parent and what lies right below.

    Out of every group that is locked or hidden, where it could not be seen or worked on.
    """
    top = root(document)
    below = _layer_of(document.activeNode()) if above_active else None
    if below is None:
        layers = [node for node in top.childNodes() if not _is_mask(node)]
        return top, layers[-1] if layers else None
    for group in _upwards(below):
        if group not in (top, below) and (group.locked() or not group.visible()):
            below = group
    return below.parentNode() or top, below


def _selected(document: Document) -> Optional[Placement]:
    """The bounds of the selection on the canvas."""
    selection = document.selection()
    if not selection:
        return None
    left, top = max(0, selection.x()), max(0, selection.y())
    right = min(document.width(), selection.x() + selection.width())
    bottom = min(document.height(), selection.y() + selection.height())
    return Placement(left, top, right - left, bottom - top) if left < right and top < bottom else None


def _why_not_into(document: Document, node: Optional[Node]) -> str:
    """Why nothing can be merged into a layer, in words; empty: it can."""
    if node is None:
        return _("There is no active layer.")
    if node.type() != "paintlayer":
        return _("The active layer is no paint layer.")
    checks = [
        (_locked(node), _("The active layer is locked.")),
        (not _visible(node), _("The active layer is hidden.")),
        (node.alphaLocked() or node.inheritAlpha(), _("The transparency of the active layer is locked.")),
        (Space.of(node) != Space.of(document), _("The active layer has other colours than the document.")),
        (bool(node.childNodes() or node.layerStyleToAsl()), _("The active layer has masks or a style.")),
        (node.animated(), _("The active layer is animated.")),
    ]
    return next((why for wrong, why in checks if wrong), "")


def _upwards(node: Node) -> Iterator[Node]:
    """A layer and the groups it is in, the document's root last."""
    one: Optional[Node] = node
    while one is not None:
        yield one
        one = one.parentNode()


def _locked(node: Node) -> bool:
    return any(one.locked() for one in _upwards(node))


def _visible(node: Node) -> bool:
    return all(one.visible() for one in _upwards(node))
