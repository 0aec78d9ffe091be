# SPDX-License-Identifier: Apache-2.0
"""How much the words of a prompt count. Linear in its length, whatever is open or closed in it."""

from __future__ import annotations

import re

__all__ = ["unweighted", "weighed"]

#: What one ``+`` and one ``-`` do, as in the library compel.
_PLUS, _MINUS = 1.1, 0.9

#: No words count more: beyond it, pictures fall apart.
_MOST = 10.0

_NUMBER = r"\d*\.?\d+"

_TOKEN = re.compile(
    rf"""\\(?P<plain>[()+:\\-])           # a sign that is meant as itself
    | (?P<open>\()
    | :\s*(?P<inner>{_NUMBER})\s*\)       # (red:1.3)
    | (?P<close>\))(?P<outer>\++|-+|{_NUMBER})?
    | (?P<word>[^\s()\\:,+-]+)(?P<signs>\++|-+)(?=[\s,.:)]|$)
    | (?P<text>[^\s()\\:+-]+[+-]?|\s+|.)""",
    re.VERBOSE | re.DOTALL,
)


def weighed(prompt: str) -> list[tuple[str, float]]:
    """A prompt as pieces and how much each counts; 1 is as usual.

    ``(red:1.3)``, ``(red)1.3``, ``red++`` and ``(red)--`` are heeded, and multiply where they are nested.
    Brackets that do not match are text.
    """
    levels: list[list[tuple[str, float]]] = [[]]
    for found in _TOKEN.finditer(prompt):
        if found["open"]:
            levels.append([])
        elif (found["inner"] or found["close"]) and len(levels) > 1:
            weight = _weight(found["inner"] or found["outer"])
            inside = levels.pop()
            levels[-1] += inside if weight == 1 else [(text, each * weight) for text, each in inside]
        elif found["word"]:
            levels[-1].append((found["word"], _weight(found["signs"])))
        else:
            levels[-1].append((found["plain"] or found[0], 1.0))
    pieces = levels[0]
    for level in levels[1:]:
        pieces += [("(", 1.0), *level]
    return _joined(pieces)


def unweighted(prompt: str) -> str:
    """The words alone."""
    return "".join(text for text, _ in weighed(prompt))


def _weight(written: str | None) -> float:
    if not written:
        return 1.0
    if written[0] in "+-":
        return (_PLUS if written[0] == "+" else _MINUS) ** min(len(written), 100)
    return min(float(written), _MOST)


def _joined(pieces: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Neighbours that count the same as one piece; a space counts as what stands before it."""
    joined: list[tuple[list[str], float]] = []
    for text, weight in pieces:
        limited = min(weight, _MOST)
        if joined and (joined[-1][1] == limited or not text.strip()):
            joined[-1][0].append(text)
        else:
            joined.append(([text], limited))
    return [("".join(texts), weight) for texts, weight in joined] or [("", 1.0)]
