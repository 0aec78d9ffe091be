# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the language of the host. English is the source; others are ``locale/*.po`` beside this file."""

from __future__ import annotations

import gettext
from pathlib import Path

__all__ = ["DOMAIN", "_", "ngettext", "use_language"]

#: The name of the compiled catalogues, ``LANGUAGE/LC_MESSAGES/cocreate.mo``.
DOMAIN = "cocreate"


class _Chosen:
    """The catalogue in use; English until a plugin says what its host speaks."""

    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def use_language(language: str, folder: Path) -> bool:
    """Speak a language from now on.

    Args:
        language: as Qt and POSIX name it, ``de`` or ``de_AT``; one that is not there leaves English.
        folder: holds the compiled catalogues.

    Returns:
        Whether there is such a catalogue.
    """
    names = [language, language.partition("_")[0]]
    _Chosen.catalogue = gettext.translation(DOMAIN, str(folder), names, fallback=True)
    return isinstance(_Chosen.catalogue, gettext.GNUTranslations)


def _(text: str) -> str:
    """A text in the chosen language. Call it where the text is shown, never at import."""
    return _Chosen.catalogue.gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """One of two texts by a number, by the rules of the chosen language."""
    return _Chosen.catalogue.ngettext(one, many, number)
