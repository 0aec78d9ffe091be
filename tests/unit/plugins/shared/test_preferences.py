# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist has set lasts."""

import pytest

from plugins.shared.model import Settings, Sides
from plugins.shared.preferences import Preferences
from pluginside import MemoryOnly


def test_settings_last_over_a_restart():
    """All of them, with the prompts and the project."""
    memory = MemoryOnly()
    first = Preferences(memory)
    changed = {
        "prompt": "an oak",
        "count": 2,
        "seed": 9,
        "drafted": True,
        "sides": Sides(1, 2, 3, 4),
        "strength": 0.25,
        "guide": "style",
        "guide_weight": 0.5,
        "parameters": {"diffusers/tiny": {"steps": 8, "loras": {"ink": 0.5}}},
    }
    first.change(changed)
    first.remember_prompt("an oak")
    first.choose_project("book cover")
    second = Preferences(memory)
    assert second.settings == Settings(**changed)
    assert (second.prompts, second.project) == (["an oak"], "book cover")


def test_values_are_brought_into_their_range():
    """So that the daemon never refuses what a panel allows."""
    settings = Preferences(MemoryOnly())
    settings.change({"count": 99, "strength": 3, "amount": -1, "source": "?", "sides": Sides(-5, 10**9)})
    now = settings.settings
    assert (now.count, now.strength, now.amount, now.source) == (16, 1.0, 0.0, "visible")
    assert now.sides == Sides(0, 16_384)
    settings.change({"drafted": True})
    assert not settings.settings.drafted  # without a seed it means nothing


@pytest.mark.parametrize(
    "kept",
    [
        "{",
        "[]",
        '"x"',
        '{"count": "many", "unknown": 1, "sides": {"left": "far"}}',
        '{"parameters": {"a": 1}, "guide": 2}',
    ],
)
def test_what_was_damaged_is_as_new(kept):
    """A panel must open, whatever is in its host's settings file."""
    memory = MemoryOnly(settings=kept, prompts="{}")
    preferences = Preferences(memory)
    assert (preferences.settings, preferences.prompts) == (Settings(), [])


def test_a_prompt_used_again_moves_to_the_front():
    """The history has each one once, and none that is empty."""
    preferences = Preferences(MemoryOnly())
    for prompt in ("a", "b", "  ", "a"):
        preferences.remember_prompt(prompt)
    assert preferences.prompts == ["a", "b"]
