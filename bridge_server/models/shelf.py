# SPDX-License-Identifier: Apache-2.0
"""The folder with the models: ``<id>/card.json``, and beside it what was pulled.

Read by a worker at each start, so it imports only the standard library and msgspec.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec

from ..protocol.errors import BridgeError, Conflict, NotFound
from .card import ROLES, Card, check_id

__all__ = ["CARD_FILE", "PARTIAL", "Shelf"]

_log = logging.getLogger(__name__)

CARD_FILE = "card.json"

#: What is being pulled or thrown away; no model is called so, ids begin with a letter or digit.
PARTIAL = ".partial"

_PATHS = ("path", "config", "image_encoder")


class Shelf:
    """The models in a folder, which need not exist yet. Nothing is remembered: each call looks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def cards(self) -> list[Card]:
        """All of them, bases first, then by role and id. A damaged card is left out, with a warning."""
        found: list[Card] = []
        try:
            places = [each for each in self.folder.iterdir() if (each / CARD_FILE).is_file()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        for place in places:
            try:
                found.append(self._read(place.name))
            except (OSError, ValueError, BridgeError) as error:
                _log.warning("The model %s is left out: its card is damaged (%s)", place.name, error)
        return sorted(found, key=lambda card: (ROLES.index(card.role), card.id))

    def families(self) -> list[str]:
        """Those that have a base model here."""
        return sorted({card.family for card in self.cards() if card.role == "base"})

    def card(self, id_: str) -> Card:
        """One of them.

        Raises:
            NotFound: there is none of that name, or its card is damaged.
        """
        cards = self.cards()
        for card in cards:
            if card.id == id_:
                return card
        there = ", ".join(card.id for card in cards)
        raise NotFound(
            f"There is no model {id_!r}.",
            f"There are: {there}." if there else "There are none yet; 'bridge-server models' shows some.",
        )

    def put(self, card: Card) -> Card:
        """Write a card, whole or not at all, over an older one; the card as it will be given out."""
        place = self.folder / check_id(card.id)
        place.mkdir(parents=True, exist_ok=True)
        _write(place / CARD_FILE, self._inside(card, place))
        return self._read(card.id)

    def adopt(self, folder: Path, card: Card) -> Card:
        """Take in a folder, on the same disk, as the place of a new model: at once, or not at all.

        Args:
            folder: what becomes ``<id>/``.
            card: its paths may be relative to, or inside ``folder``.

        Raises:
            Conflict: there is a model of that id.
        """
        place = self.folder / check_id(card.id)
        self.check_free(card.id)
        _write(folder / CARD_FILE, self._inside(card, folder))
        if place.is_dir():
            shutil.rmtree(place)  # a folder without a card is no model
        folder.rename(place)
        return self._read(card.id)

    def check_free(self, id_: str) -> None:
        """Whether a new model may be called so.

        Raises:
            Conflict: one is.
            BadRequest: nothing can be.
        """
        if (self.folder / check_id(id_) / CARD_FILE).exists():
            raise Conflict(
                f"There is a model {id_!r} already.",
                f"Name the new one with --id, or remove the old one: bridge-server models remove {id_}",
            )

    def remove(self, id_: str) -> int:
        """Delete what was pulled and forget the card; what was added in its own place stays there.

        Also throws away what an interrupted pull has left. The bytes that came free.

        Raises:
            NotFound: there is nothing of that name.
            BridgeError: a file is in use (on Windows).
        """
        place, rest = self.folder / check_id(id_), self.folder / PARTIAL / id_
        if not place.is_dir() and not rest.is_dir():
            self.card(id_)
        freed = 0
        for each in (place, rest):
            if each.is_dir():
                freed += _size(each)
                self._throw_away(each)
        return freed

    def _throw_away(self, folder: Path) -> None:
        """First out of sight, then away, so that a half-deleted model is never seen."""
        doomed = self.folder / PARTIAL / f"{folder.name}.gone"
        try:
            doomed.parent.mkdir(parents=True, exist_ok=True)
            if doomed.exists():
                shutil.rmtree(doomed)
            folder.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise BridgeError(
                f"The model {folder.name!r} can't be deleted: {error.strerror}.",
                "If it is in use, stop the daemon first: bridge-server stop",
            ) from error

    def _read(self, id_: str) -> Card:
        place = self.folder / id_
        card = msgspec.json.decode((place / CARD_FILE).read_bytes(), type=Card)
        if card.id != check_id(id_):
            raise ValueError(f"it is called {card.id!r}")
        if card.role not in ROLES:
            raise ValueError(f"its role is {card.role!r}")
        given = {name: getattr(card, name) for name in _PATHS}
        return replace(card, **{name: str(place / path) for name, path in given.items() if path})

    def _inside(self, card: Card, place: Path) -> Card:
        """The card with relative paths where they are inside its place, so that the folder can move."""
        given = {name: Path(getattr(card, name)) for name in _PATHS if getattr(card, name)}
        return replace(
            card,
            **{
                name: path.relative_to(place).as_posix()
                for name, path in given.items()
                if path.is_relative_to(place)
            },
        )


def _write(path: Path, card: Card) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(card), indent=2))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
