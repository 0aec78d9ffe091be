# SPDX-License-Identifier: GPL-3.0-or-later
"""What documents are called to the daemon, and the facts about layers that are kept in them."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, Optional, cast

from krita import Document, Krita, Node
from plugins.shared.host import Gone
from plugins.shared.texts import _

from .qt import QByteArray, QUuid

__all__ = ["Names", "Notes", "has", "root", "title"]

NAME = "bridge_krita/document"
LAYERS = "bridge_krita/layers"


def _key(document: Document) -> str:
    """Names an open document for as long as it is open; empty: it is closed."""
    node = document.rootNode()
    return node.uniqueId().toString() if node else ""


def root(document: Document) -> Node:
    """The group of all layers.

    Raises:
        Gone: the document is closed.
    """
    node = document.rootNode()
    if node is None:
        raise Gone(_("The document is closed."))
    return node


def title(document: Document) -> str:
    """What its tab says, more or less."""
    return Path(document.fileName()).name or document.name() or _("Unnamed")


def has(document: Document, layer: str) -> bool:
    """Whether a layer is in the document now, undone ones are not."""
    return document.nodeByUniqueID(QUuid(layer)) is not None


class Names:
    """The same document, the same name: in all views, after saving and, with a layer of ours, next time."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, document: Document) -> str:
        """The name of a document."""
        mark = _key(document)
        name = self._names.get(mark)
        if name is None:
            name = self._names[mark] = self._kept(document, mark) or _new(document)
        return name

    def find(self, name: str) -> Document:
        """The open document of that name.

        Raises:
            Gone: there is none.
        """
        for document in Krita.instance().documents():
            if self.of(document) == name:
                return document
        raise Gone(_("The document is closed."))

    def keep(self, document: Document) -> None:
        """Write its name into the document, which marks it as modified: only when a layer is added anyway."""
        name = self.of(document)
        if _read(document, NAME) != name:
            document.setAnnotation(NAME, "Co-create: document", QByteArray(name.encode()))

    def _kept(self, document: Document, mark: str) -> str:
        """The name in the document, unless another open one has it: that one was copied to make this one."""
        name = _read(document, NAME)
        others = {
            self._names.get(_key(other)) for other in Krita.instance().documents() if _key(other) != mark
        }
        return "" if name in others else name


class Notes:
    """Facts by layer, in the order of placing. Kept in the document; what was placed in this start, here too.

    A fact ``version`` is the daemon's; ``holds`` lists versions of layers that were merged into this one.
    """

    def __init__(self) -> None:
        self._read: dict[str, dict[str, dict[str, Any]]] = {}
        self._mine: set[str] = set()

    def of(self, document: Document) -> dict[str, dict[str, Any]]:
        """All that is known of the document's layers, those that are not there now too."""
        mark = _key(document)
        if mark not in self._read:
            self._read[mark] = _parse(_read(document, LAYERS))
        return self._read[mark]

    def add(self, document: Document, layer: str, facts: dict[str, Any]) -> None:
        """Note a layer that was just placed, or what is newly known of it."""
        notes = self.of(document)
        notes[layer] = {**notes.get(layer, {}), **facts}
        self._mine.add(layer)

    def write(self, document: Document) -> None:
        """Into the document. Layers that are gone are forgotten, unless redo could bring them back."""
        notes = self.of(document)
        for layer in [layer for layer in notes if layer not in self._mine and not has(document, layer)]:
            del notes[layer]
        text = json.dumps({"layers": notes}, default=str)
        document.setAnnotation(LAYERS, "Co-create: layers", QByteArray(text.encode()))

    def standing(self, document: Document) -> list[str]:
        """Versions whose layers are in the document now."""
        found: list[str] = []
        for layer, facts in self.of(document).items():
            versions = [*facts.get("holds", []), facts.get("version", "")]
            if any(versions) and has(document, layer):
                found += [version for version in versions if version and version not in found]
        return found


def _read(document: Document, annotation: str) -> str:
    if annotation not in document.annotationTypes():
        return ""
    return bytes(document.annotation(annotation)).decode(errors="replace")


def _parse(text: str) -> dict[str, dict[str, Any]]:
    """Whatever others have made of the annotation, no error."""
    try:
        parsed: Any = json.loads(text)
        layers = cast("dict[str, Any]", parsed["layers"])
        return {layer: facts for layer, facts in layers.items() if isinstance(facts, dict)}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _new(document: Document) -> str:
    path: Optional[str] = document.fileName()
    if not path:
        return f"unnamed-{secrets.token_hex(3)}"
    return f"{Path(path).name}-{sha256(path.encode()).hexdigest()[:6]}"
