# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugins say can be said in another language."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from plugins.build import compiled_catalogue
from plugins.shared.texts import DOMAIN, _, ngettext, use_language

PLUGINS = Path(__file__).parents[3] / "plugins"
CATALOGUES = sorted((PLUGINS / "shared" / "locale").glob("*.po"))


def said():
    """Every text in the sources; a plural as a pair."""
    for part in ("shared", "krita"):
        keywords = {"_": None, "ngettext": (1, 2)}
        for _name, _line, text, _comments, _context in extract_from_dir(PLUGINS / part, keywords=keywords):
            yield tuple(text) if isinstance(text, (list, tuple)) else text


def gaps(text):
    """The names that a text leaves open."""
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.fixture
def german(tmp_path):
    """German as it is built."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    text = (PLUGINS / "shared" / "locale" / "de.po").read_text(encoding="utf-8")
    (folder / f"{DOMAIN}.mo").write_bytes(compiled_catalogue(text))
    yield tmp_path
    use_language("en", tmp_path)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_language_is_complete(path):
    """Each text is translated, with the same gaps, and nothing that is said no more is kept."""
    with path.open("rb") as file:
        catalogue = {
            tuple(m.id) if isinstance(m.id, (list, tuple)) else m.id: m.string for m in read_po(file) if m.id
        }
    assert set(catalogue) == set(said())
    for text, translated in catalogue.items():
        for form in translated if isinstance(translated, (list, tuple)) else [translated]:
            assert form
            source = text if isinstance(text, str) else text[-1]
            assert gaps(form) == gaps(source), form


def test_a_text_is_said_in_the_chosen_language(german):
    """Also for a country's variant; numbers take their forms."""
    assert use_language("de_AT", german)
    assert _("Select an area first.") == "Zuerst einen Bereich auswählen."
    one, many = (
        "Placed as a group with {count} candidate: {name}",
        "Placed as a group with {count} candidates: {name}",
    )
    assert "Vorschlag " in ngettext(one, many, 1)
    assert "Vorschlägen" in ngettext(one, many, 3)


def test_an_unknown_language_is_english(german):
    """And what no catalogue knows is said as it stands."""
    assert not use_language("tlh", german)
    assert _("Fill") == "Fill"
    use_language("de", german)
    assert _("never said") == "never said"
