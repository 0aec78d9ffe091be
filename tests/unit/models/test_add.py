# SPDX-License-Identifier: Apache-2.0
"""Adding what is on the disk already."""

import pytest

from bridge_server.models import pull as pulling
from bridge_server.models.add import Said, add
from bridge_server.models.shelf import Shelf
from bridge_server.models.watch import Watch
from bridge_server.models.weights import fingerprint, sha256_of
from bridge_server.protocol.errors import BadRequest, Conflict, NotFound, Unsupported
from hub import Repo, serving
from modelfiles import IP_ADAPTER, KOHYA, SD15_CHECKPOINT, WEIGHTS, pipeline, safetensors, write


@pytest.fixture
def shelf(tmp_path):
    """An empty one."""
    return Shelf(tmp_path / "models")


@pytest.fixture
def lora(tmp_path):
    """A LoRA of the artist's."""
    path = tmp_path / "My Ink.safetensors"
    path.write_bytes(safetensors(KOHYA))
    return path


def everything(folder):
    """All files in it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_stays_where_it_is(tmp_path, shelf):
    """Only a card is made; it knows size and hash."""
    folder = write(tmp_path / "My SD", pipeline())
    card = add(folder, Said(title="Mine", licence="mit", steps=7, guidance=0.0, side=640), shelf)
    assert (card.id, card.path, card.title, card.licence) == ("my-sd", str(folder), "Mine", "mit")
    assert (card.steps, card.guidance, card.side, card.bytes) == (7, 0.0, 640, 3 * len(WEIGHTS))
    assert everything(shelf.folder) == {"my-sd/card.json"}
    names = [f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae")]
    names.append("text_encoder/model.safetensors")
    assert card.hash == fingerprint({name: sha256_of(folder / name) for name in names})
    assert shelf.card("my-sd") == card


def test_the_hash_is_that_of_the_weights_alone(tmp_path, shelf):
    """Wherever the folder is and whatever else is in it; other weights give another."""
    one = add(write(tmp_path / "one", pipeline()), Said(), shelf)
    two = add(write(tmp_path / "two", pipeline() | {"README.md": b"x"}), Said(), shelf)
    other = add(write(tmp_path / "three", pipeline(weights=safetensors({"w": (8,)}))), Said(), shelf)
    assert one.hash == two.hash != other.hash


def test_a_lora_is_added_with_progress(lora, shelf):
    """The bar of the hashing ends at its end."""
    seen = []

    class Seen(Watch):
        def begin(self, what, total, done=0):
            """Keep it."""
            seen.append([what, total, done])

        def step(self, count):
            """Add up."""
            seen[-1][2] += count

    card = add(lora, Said(), shelf, Seen())
    assert (card.id, card.role, card.family) == ("my-ink", "lora", "sd15")
    assert seen == [["hashing my-ink", lora.stat().st_size, lora.stat().st_size]]


def test_nothing_half_added(tmp_path, shelf, lora):
    """Whatever is refused leaves no trace; what is there is not replaced."""
    (tmp_path / "bad.safetensors").write_bytes(safetensors(KOHYA)[:-1])
    with pytest.raises(BadRequest, match="cut off"):
        add(tmp_path / "bad.safetensors", Said(), shelf)
    with pytest.raises(NotFound):
        add(tmp_path / "none", Said(), shelf)
    with pytest.raises(BadRequest, match="made for sd15"):
        add(lora, Said(family="sdxl"), shelf)
    assert not shelf.folder.exists() or everything(shelf.folder) == set()
    add(lora, Said(), shelf)
    with pytest.raises(Conflict, match="already"):
        add(lora, Said(), shelf)
    assert add(lora, Said(id="again"), shelf).id == "again"


def test_a_checkpoint_takes_its_configuration_from_a_folder(tmp_path, shelf):
    """Of the same kind; one of another is refused."""
    path = tmp_path / "paint.safetensors"
    path.write_bytes(safetensors(SD15_CHECKPOINT))
    settings = {name: content for name, content in pipeline().items() if not name.endswith(".safetensors")}
    folder = write(tmp_path / "config", settings)
    card = add(path, Said(config=folder), shelf)
    assert (card.role, card.config, card.path) == ("base", str(folder), str(path))
    assert everything(shelf.folder) == {"paint/card.json"}
    core = {"cross_attention_dim": 2048}
    other = write(tmp_path / "xl", pipeline("StableDiffusionXLPipeline", core=core))
    with pytest.raises(BadRequest, match="another kind of model: sdxl"):
        add(path, Said(id="b", config=other), shelf)
    with pytest.raises(BadRequest, match="no diffusers folder"):
        add(path, Said(id="b", config=tmp_path), shelf)
    with pytest.raises(BadRequest, match="Only a single-file checkpoint"):
        add(other, Said(id="b", config=folder), shelf)


def test_without_one_it_comes_from_the_hub(tmp_path, shelf, monkeypatch):
    """Settings and tokenizers, no weights; if they can't be had, nothing is added."""
    pytest.importorskip("huggingface_hub", reason="asking the hub needs bridge-server[diffusers]")
    monkeypatch.setitem(pulling._CONFIGS, ("sd15", False), "o/sd")
    path = tmp_path / "paint.safetensors"
    path.write_bytes(safetensors(SD15_CHECKPOINT))
    with serving({"o/sd": Repo(pipeline() | {"safety_checker/config.json": b"{}"})}) as hub:
        card = add(path, Said(), shelf, endpoint=hub.endpoint)
        assert not [name for name, _ in hub.got() if name.endswith(".safetensors") or "safety" in name]
        hub.repos.clear()
        with pytest.raises(NotFound, match="o/sd"):
            add(path, Said(id="b"), shelf, endpoint=hub.endpoint)
    assert card.config == str(shelf.folder / "paint" / "config" / "files")
    assert (shelf.folder / "paint/config/files/tokenizer/vocab.json").exists()
    assert [each.id for each in shelf.cards()] == ["paint"]
    assert shelf.remove("paint") > 0
    assert path.exists()


def test_a_style_needs_its_image_encoder(tmp_path, shelf):
    """It is no use without."""
    path = tmp_path / "ip.safetensors"
    path.write_bytes(safetensors(IP_ADAPTER))
    with pytest.raises(BadRequest, match="image encoder") as caught:
        add(path, Said(), shelf)
    assert "--encoder" in caught.value.hint
    encoder = write(tmp_path / "clip", {"config.json": b"{}", "model.safetensors": WEIGHTS})
    assert add(path, Said(encoder=encoder), shelf).image_encoder == str(encoder)
    with pytest.raises(BadRequest, match="no image encoder"):
        add(path, Said(id="b", encoder=tmp_path), shelf)


def test_an_embedding_has_a_word(tmp_path, shelf):
    """The file's name, or what the artist says."""
    path = tmp_path / "cat.safetensors"
    path.write_bytes(safetensors({"emb_params": (2, 768)}))
    assert add(path, Said(), shelf).word == "cat"
    assert add(path, Said(id="b", word="<my-cat>"), shelf).word == "<my-cat>"


def test_pickles_are_refused(tmp_path, shelf):
    """Whatever they are called."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"PK\x03\x04....................")
    with pytest.raises(Unsupported, match="pickle"):
        add(path, Said(), shelf)
