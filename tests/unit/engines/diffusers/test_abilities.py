# SPDX-License-Identifier: Apache-2.0
"""What a model can do, told without torch; wrong parameters are tested with the engine."""

from __future__ import annotations

import pytest

from bridge_server.engines.diffusers.abilities import checked_settings, describe
from bridge_server.models.card import Card


def card(id_="m", role="base", family="sd15", **more):
    """Something on the shelf."""
    return Card(id_, role, family, id_.title(), **{"path": "/nowhere", **more})


@pytest.mark.parametrize(
    ("family", "guidance", "words", "steers"),
    [
        ("sd15", 7.0, {"prompt", "negative_prompt"}, {"prompt", "negative_prompt", "guidance"}),
        ("sdxl", 7.0, {"prompt", "negative_prompt"}, {"prompt", "negative_prompt", "guidance"}),
        ("sdxl", 0.0, {"prompt"}, {"prompt", "guidance"}),
        ("sd3", 4.5, {"prompt", "negative_prompt"}, {"prompt", "negative_prompt", "guidance"}),
        ("flux", 3.5, {"prompt"}, {"prompt", "guidance"}),
        ("QwenImage", 4.0, {"prompt", "negative_prompt"}, set()),
    ],
)
def test_what_each_family_heeds(family, guidance, words, steers):
    """Words to avoid where there is guidance; other words on the way where they are encoded here."""
    told = describe(card(family=family, guidance=guidance, side=768), [])
    assert {name: set(settings) for name, settings in told.verbs.items()} == {
        "fill": words | {"strength"},
        "expand": words,
        "vary": words | {"amount"},
        "refine": words | {"strength"},
    }
    assert set(told.steers) == steers | {"strength", "finish"}
    assert told.guides == ["toward"]
    assert told.context.min_side == 768
    assert told.batches
    assert not told.drafts


def test_guides_go_by_what_is_on_the_shelf():
    """Controls and styles of the model's family, none of another's."""
    shelf = [
        card("c", "control", kind="scribble"),
        card("d", "control", kind="depth"),
        card("e", "control", "sdxl", kind="canny"),
        card("s", "style"),
    ]
    told = describe(card(), shelf)
    assert told.guides == ["toward", "depth", "scribble", "style"]
    assert "weights" in told.steers
    assert describe(card(family="sdxl"), shelf).guides == ["toward", "canny"]
    assert "weights" not in describe(card(family="flux"), shelf).steers


def test_settings_go_by_the_family_and_the_shelf():
    """Samplers and tiles for UNets, LoRAs where there are some."""
    shelf = [card("ink", "lora"), card("wash", "lora", "flux")]
    told = {family: describe(card(family=family, steps=9), shelf) for family in ("sd15", "flux", "sd3")}
    names = {family: [each.name for each in info.settings] for family, info in told.items()}
    assert names == {
        "sd15": ["steps", "guidance", "sampler", "tile", "loras"],
        "flux": ["steps", "guidance", "loras"],
        "sd3": ["steps", "guidance"],
    }
    assert told["sd15"].settings[0].default == 9
    assert told["flux"].settings[-1].choices == ["wash"]


def test_what_is_not_given_is_the_models_own():
    """Complete settings, the given ones among them."""
    info = describe(card(steps=9, guidance=5.0), [])
    assert checked_settings({}, info, []) == {"steps": 9, "guidance": 5.0, "sampler": "", "tile": ""}
    assert checked_settings({"steps": 3, "tile": "x"}, info, [])["steps"] == 3


def test_every_default_is_allowed():
    """Sending back what was offered is no error, whatever the model's card says."""
    shelf = [card("ink", "lora")]
    for guidance in (0.0, 1.0, 30.0):
        info = describe(card(guidance=guidance), shelf)
        given = {each.name: each.default for each in info.settings}
        assert checked_settings(given, info, shelf) == given


def test_who_made_it_can_be_told():
    """Name, version and weights are in the record of each candidate."""
    told = describe(card(source="someone/model", hash="abc"), [])
    assert (told.name, told.model, told.model_hash) == ("diffusers/m", "someone/model", "abc")
    assert "diffusers-" in told.version


def test_distilled_guidance_is_not_offered_for_steering(tmp_path):
    """LCM's UNet takes the guidance as an input: it leads away from nothing, and is set once."""
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text('{"time_cond_proj_dim": 256}')
    told = describe(card(path=str(tmp_path), guidance=8.0), [])
    assert "negative_prompt" not in told.verbs["fill"]
    assert not {"guidance", "negative_prompt"} & set(told.steers)
