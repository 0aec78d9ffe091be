# SPDX-License-Identifier: Apache-2.0
"""Models as people see them. Pure, but for looking whether a model's files are there."""

from __future__ import annotations

from collections.abc import Sequence

from ...models.card import Card, guides_of, id_from
from ...models.presets import Preset, about
from ..show import size
from ..words import count_of, listed, printable

__all__ = ["abilities", "card_table", "preset_table"]


def card_table(cards: Sequence[Card]) -> list[str]:
    """The models: what each is, what it can, and of a base which pictures lead it."""
    if not cards:
        return ["No models yet."]
    rows = [
        (
            card.id,
            f"{card.role} for {printable(card.family)}, {size(card.bytes)}, {_licence(card.licence)}",
            f"{_titled(card)}{abilities(card)}",
            *(["heeds as --guide: " + listed(guides)] if (guides := guides_of(card, cards)) else []),
        )
        for card in cards
    ]
    return _aligned(rows)


def _titled(card: Card) -> str:
    """The title, unless it says no more than the id that is before it."""
    return "" if id_from(card.title) == card.id else f"{printable(card.title)}: "


def _licence(text: str) -> str:
    return f"licence {printable(text)}" if text else "licence unknown"


def abilities(card: Card) -> str:
    """What it can, in a few words; or that it is no longer there."""
    if card.missing:
        return f"MISSING: {card.path} is gone"
    does = {
        "base": "fills selections, changes pictures"
        if card.inpaints
        else "changes pictures, fills selections",
        "control": f"follows a {card.kind} picture",
        "lora": "a style or subject, laid over a base",
        "embedding": f"a word for prompts: {printable(card.word)}",
        "style": "takes a style from a picture",
        "preview": "sharper previews",
    }[card.role]
    if card.role != "base":
        return does
    made = " (made for it)" if card.inpaints else ""
    return f"{does.replace(',', made + ',', 1)}; {card.side} px, {_settings(card)}"


def _settings(each: Card | Preset) -> str:
    return f"{count_of(each.steps, 'step')}, guidance {each.guidance:g}"


def preset_table(presets: Sequence[Preset]) -> list[str]:
    """The presets, two lines each: what it costs, and what it is good at."""
    return _aligned([(each.id, _cost(each), f"{each.title}: {each.good_at}") for each in presets])


def _cost(each: Preset) -> str:
    parts = [f"{each.role} for {each.family}", f"{about(each.download)} download"]
    parts.append(f"{about(each.vram).removeprefix('about ')} of VRAM")
    if each.steps:
        parts.append(_settings(each))
    return f"{', '.join(parts)}, {_licence(each.licence)}{' (account needed)' if each.gated else ''}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    width = max(len(row[0]) for row in rows)
    return [
        f"{'' if number else name:{width}}  {line}"
        for name, *lines in rows
        for number, line in enumerate(lines)
    ]
