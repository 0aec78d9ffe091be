# SPDX-License-Identifier: Apache-2.0
"""The folder with the models."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from bridge_server.models.card import Card, check_id, id_from
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.errors import BadRequest, Conflict, NotFound


@pytest.fixture
def shelf(tmp_path):
    """An empty one."""
    return Shelf(tmp_path / "models")


def card(shelf, id_="a", **given):
    """A card whose model is a folder beside it."""
    files = shelf.folder / id_ / "files"
    files.mkdir(parents=True, exist_ok=True)
    (files / "x.safetensors").write_bytes(b"12345")
    return Card(id_, given.pop("role", "base"), "sd15", "Title", given.pop("path", str(files)), **given)


def test_an_empty_shelf_has_no_cards(shelf):
    """Even if its folder does not exist, and without making it."""
    assert shelf.cards() == []
    assert not shelf.folder.exists()


def test_bases_come_first_then_the_rest_by_id(shelf):
    """As they are shown."""
    for id_, role in (("z", "base"), ("b", "lora"), ("c", "control"), ("a", "base"), ("a2", "lora")):
        shelf.put(card(shelf, id_, role=role))
    assert [each.id for each in shelf.cards()] == ["a", "z", "c", "a2", "b"]


def test_a_card_comes_back_as_it_was_put(shelf):
    """With absolute paths, all fields."""
    made = card(shelf, steps=4, guidance=0.0, side=1024, bytes=5, hash="ab", licence="mit", variant="fp16")
    assert shelf.put(made) == made
    assert shelf.card("a") == made
    assert shelf.put(replace(made, title="New")).title == "New"
    assert shelf.card("a").title == "New"


def test_the_folder_can_move(shelf, tmp_path):
    """What is inside is written relative; what was added stays absolute."""
    shelf.put(card(shelf, config=str(shelf.folder / "a" / "config")))
    (shelf.folder / "a" / "config").mkdir()
    shelf.put(card(shelf, "b", path=str(tmp_path / "mine.safetensors")))
    moved = Shelf(shelf.folder.rename(tmp_path / "elsewhere"))
    assert moved.card("a").path == str(tmp_path / "elsewhere" / "a" / "files")
    assert not moved.card("a").missing
    assert moved.card("b").path == str(tmp_path / "mine.safetensors")


def test_a_model_whose_files_are_gone_is_missing(shelf, tmp_path):
    """It is still listed, so that one can see why it does not work."""
    path = tmp_path / "mine.safetensors"
    path.touch()
    shelf.put(card(shelf, path=str(path)))
    assert not shelf.card("a").missing
    path.unlink()
    assert shelf.card("a").missing


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"id": "a"}', b'{"id": "b", "role": "base", "family": "", "title": "", "path": ""}'],
)
def test_a_damaged_card_is_left_out_with_a_warning(shelf, caplog, damage):
    """The others stay."""
    shelf.put(card(shelf))
    shelf.put(card(shelf, "good"))
    (shelf.folder / "a" / "card.json").write_bytes(damage)
    assert [each.id for each in shelf.cards()] == ["good"]
    assert "The model a is left out" in caplog.text


def test_an_unknown_role_or_field_of_a_newer_version_does_no_harm(shelf, caplog):
    """A field is ignored, a role is left out."""
    shelf.put(card(shelf))
    path = shelf.folder / "a" / "card.json"
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps(content | {"later": 1}))
    assert shelf.card("a").title == "Title"
    path.write_text(json.dumps(content | {"role": "sculptor"}))
    assert shelf.cards() == []
    assert "sculptor" in caplog.text


def test_a_write_that_fails_leaves_the_old_card(shelf, monkeypatch):
    """Whole or not at all."""
    shelf.put(made := card(shelf))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        shelf.put(replace(made, title="New"))
    assert shelf.card("a") == made


def test_what_is_not_there_is_said_with_what_is(shelf):
    """So that a slip of the pen is seen."""
    with pytest.raises(NotFound, match="'sdx'") as caught:
        shelf.card("sdx")
    assert "none yet" in caught.value.hint
    shelf.put(card(shelf, "sdxl"))
    with pytest.raises(NotFound) as caught:
        shelf.card("sdx")
    assert "sdxl" in caught.value.hint


def test_removing_says_what_came_free(shelf, tmp_path):
    """What was added stays; the leftovers of a pull go too."""
    shelf.put(card(shelf))
    weighed = sum(path.stat().st_size for path in (shelf.folder / "a").rglob("*") if path.is_file())
    assert shelf.remove("a") == weighed
    assert shelf.cards() == []
    assert not (shelf.folder / "a").exists()
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"mine")
    shelf.put(Card("b", "lora", "sd15", "B", str(own)))
    shelf.remove("b")
    assert own.read_bytes() == b"mine"
    (shelf.folder / ".partial" / "c" / "parts").mkdir(parents=True)
    (shelf.folder / ".partial" / "c" / "parts" / "x.part").write_bytes(b"123")
    assert shelf.remove("c") == 3
    with pytest.raises(NotFound):
        shelf.remove("c")


def test_a_second_model_of_an_id_is_refused(shelf, tmp_path):
    """The first stays as it is."""
    shelf.put(made := card(shelf))
    (tmp_path / "new").mkdir()
    with pytest.raises(Conflict, match="already"):
        shelf.adopt(tmp_path / "new", card(shelf))
    assert shelf.card("a") == made


@pytest.mark.parametrize("bad", ["", "A", "../x", ".x", "a/b", "a" * 65, "a b", "ä"])
def test_ids_can_t_lead_anywhere(shelf, bad):
    """They are names of folders."""
    with pytest.raises(BadRequest):
        check_id(bad)
    with pytest.raises(BadRequest):
        shelf.remove(bad)


@pytest.mark.parametrize(
    ("name", "made"), [("SDXL Base (v1.0)", "sdxl-base-v1.0"), ("_x_", "x"), ("水", ""), ("a" * 99, "a" * 64)]
)
def test_an_id_is_made_of_a_name(name, made):
    """One that can be an id, or none."""
    assert id_from(name) == made
    assert not made or check_id(made)


def test_reading_the_shelf_loads_nothing_heavy():
    """A worker does it at each start."""
    code = (
        "import sys; import bridge_server.models.shelf; "
        "print([m for m in ('torch', 'numpy', 'huggingface_hub', 'diffusers', 'rich', 'safetensors')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
