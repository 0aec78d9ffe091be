# SPDX-License-Identifier: GPL-3.0-or-later
"""What documents are called to the daemon, and the facts about layers that are kept in them."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, cast

from krita import Document, Krita, Node
from plugins.shared.host import Gone, Memory
from plugins.shared.texts import _

from .qt import QByteArray, QUuid
from .slots import Slots

__all__ = ["Names", "Notes", "has", "root", "title"]

NAME = "bridge_krita/document"
LAYERS = "bridge_krita/layers"
#: Where names by file are kept, and how many.
FILES, MOST = "names", 200


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
    """The same document, the same name: in all views, after saving, and when it is opened again.

    The name is in the file if a layer of ours is. Else it follows from the file's path, or is remembered by
    that for a document that had its name before the path.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._names: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._watching = False

    def watch(self) -> None:
        """Follow what is saved because it is to be closed: there is no look in between."""
        if not self._watching:
            self._watching = True
            notifier = Krita.instance().notifier()
            notifier.setActive(True)
            notifier.imageSaved.connect(Slots()(self._follow_all))

    def of(self, document: Document) -> str:
        """The name of a document."""
        mark = _key(document)
        name = self._names.get(mark)
        if name is None:
            self._paths[mark] = document.fileName()
            name = self._names[mark] = self._new(document, mark)
        return name

    def follow(self, document: Document) -> None:
        """Look whether a document was saved as another file: from there it shall have its name again."""
        name, mark, path = self.of(document), _key(document), document.fileName()
        if path and path != self._paths.get(mark):
            self._paths[mark] = path
            self._remember(path, name)

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

    def _follow_all(self) -> None:
        for document in Krita.instance().documents():
            self.follow(document)

    def _new(self, document: Document, mark: str) -> str:
        """None that another open document has: that one was copied to make this one."""
        path = document.fileName()
        known = [_read(document, NAME), self._remembered().get(path, "") if path else "", _by_path(path)]
        known = [name for name in known if name]
        others = {_key(other): other.fileName() for other in Krita.instance().documents()}
        others.pop(mark, None)
        taken = {self._names.get(other) for other in others}
        name = next((name for name in known if name not in taken), "")
        name = name or f"{Path(path or 'unnamed').name}-{secrets.token_hex(3)}"
        if path and name != known[0] and path not in others.values():
            self._remember(path, name)
        return name

    def _remembered(self) -> dict[str, str]:
        """Names by path, the latest last."""
        try:
            found: Any = json.loads(self._memory.recall(FILES) or "{}")
            pairs = cast("dict[str, Any]", found).items()
            return {path: name for path, name in pairs if isinstance(name, str)}
        except (ValueError, AttributeError, RecursionError):
            return {}

    def _remember(self, path: str, name: str) -> None:
        names = self._remembered()
        names.pop(path, None)
        latest = [*names.items(), (path, name)][-MOST:]
        self._memory.keep(FILES, json.dumps(dict(latest)))


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

    def grown(self, document: Document) -> list[tuple[float, int, int]]:
        """The facts ``grown`` of layers that are in the document now."""
        found = [(layer, facts["grown"]) for layer, facts in self.of(document).items() if "grown" in facts]
        return [(when, left, top) for layer, (when, left, top) in found if has(document, layer)]


def _read(document: Document, annotation: str) -> str:
    if annotation not in document.annotationTypes():
        return ""
    return bytes(document.annotation(annotation)).decode(errors="replace")


def _parse(text: str) -> dict[str, dict[str, Any]]:
    """Whatever others have made of the annotation, no error."""
    try:
        parsed: Any = json.loads(text)
        layers = cast("dict[str, Any]", parsed["layers"])
        return {layer: _sound(facts) for layer, facts in layers.items() if isinstance(facts, dict)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _sound(facts: Any) -> dict[str, Any]:
    """Without those of our own facts that are not what they should be."""
    checks: dict[str, Callable[[Any], bool]] = {
        "version": lambda value: isinstance(value, str),
        "chosen": lambda value: isinstance(value, str),
        "holds": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in _list(value)),
        "grown": _is_grown,
    }
    known = cast("dict[str, Any]", facts)
    return {fact: value for fact, value in known.items() if fact not in checks or checks[fact](value)}


def _is_grown(value: Any) -> bool:
    numbers = _list(value)
    whole = all(isinstance(number, int) for number in numbers[1:])
    return len(numbers) == 3 and isinstance(numbers[0], (int, float)) and whole


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _by_path(path: str) -> str:
    return f"{Path(path).name}-{sha256(path.encode()).hexdigest()[:6]}" if path else ""
