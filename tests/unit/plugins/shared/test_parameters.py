# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's own settings."""

from dataclasses import replace

import pytest

from bridge_server.protocol.records import Setting
from plugins.shared.model import Settings
from plugins.shared.parameters import differing, effective, kept_of, with_value, without
from pluginside import HEEDING


def test_only_what_differs_is_sent():
    """What is set back to the default is as if it was never set."""
    settings = Settings()
    for name, value in (("steps", 10), ("guidance", 7.0), ("sampler", "ddim"), ("loras", {"ink": 0.5})):
        settings = replace(settings, parameters=with_value(settings, HEEDING, name, value))
    assert differing(HEEDING, kept_of(settings, HEEDING)) == {
        "steps": 10,
        "sampler": "ddim",
        "loras": {"ink": 0.5},
    }
    settings = replace(settings, parameters=with_value(settings, HEEDING, "steps", 28))
    assert "steps" not in settings.parameters[HEEDING.name]
    assert without(settings, HEEDING.name) == {}


def test_each_engine_keeps_its_own():
    """What is set for one model is nothing to another."""
    settings = Settings(parameters={"other": {"steps": 4}})
    changed = with_value(settings, HEEDING, "steps", 10)
    assert changed == {"other": {"steps": 4}, HEEDING.name: {"steps": 10}}
    assert without(replace(settings, parameters=changed), HEEDING.name) == {"other": {"steps": 4}}


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ({"steps": "many"}, {}),
        ({"steps": True}, {}),
        ({"steps": 2.5}, {}),
        ({"steps": 9999}, {"steps": 150}),
        ({"guidance": -3}, {"guidance": 0}),
        ({"guidance": 7}, {}),
        ({"sampler": "removed"}, {}),
        ({"trigger": 5}, {}),
        ({"trigger": "inkwash"}, {"trigger": "inkwash"}),
        ({"loras": "ink"}, {}),
        ({"loras": {"ink": 0, "removed": 1, "wash": "much"}}, {}),
        ({"loras": {"ink": 5, "wash": -0.5}}, {"loras": {"ink": 2, "wash": -0.5}}),
        ({"of an older version": 1}, {}),
    ],
    ids=str,
)
def test_what_the_engine_would_refuse_is_never_sent(kept, sent):
    """Kept for another version of it, or for a helper that was removed; numbers come into their range."""
    assert differing(HEEDING, kept) == sent


def test_a_weight_that_an_engine_has_by_itself_can_be_switched_off():
    """Off is sent as a map without it."""
    setting = Setting("loras", "LoRAs", "weights", {"ink": 0.5}, 0, 1, choices=["ink"])
    engine = replace(HEEDING, settings=[setting])
    assert effective(engine, {}) == {"loras": {"ink": 0.5}}
    assert differing(engine, {"loras": {"ink": 0.0}}) == {"loras": {}}
