# SPDX-License-Identifier: Apache-2.0
"""Pulling, from a hub on this machine, with everything that can go wrong on the way."""

import errno
import shutil
import time
from types import SimpleNamespace

import pytest

from bridge_server.models import loading
from bridge_server.models import pull as module
from bridge_server.models.pull import pull, wanted_from
from bridge_server.models.shelf import Shelf
from bridge_server.models.watch import Watch
from bridge_server.models.weights import fingerprint, sha256_of
from bridge_server.protocol.errors import (
    AuthenticationFailed,
    BadRequest,
    BridgeError,
    Conflict,
    ConnectionLost,
    NotFound,
    OutOfSpace,
    Unsupported,
)
from hub import COMMIT, Repo, serving
from modelfiles import CONTROL, IP_ADAPTER, KOHYA, SD15_CHECKPOINT, WEIGHTS, pipeline, safetensors

pytest.importorskip("huggingface_hub", reason="pulling needs bridge-server[diffusers]")

from huggingface_hub import constants, utils

UNET = "unet/diffusion_pytorch_model.fp16.safetensors"
BIG = safetensors({"weight": (100, 1000)})


class Recorder(Watch):
    """Remembers what it is told."""

    def __init__(self):
        self.notes, self.total, self.done = [], 0, 0

    def note(self, text):
        """Keep it."""
        self.notes.append(text)

    def begin(self, what, total, done=0):
        """Start over."""
        self.total, self.done = total, done

    def step(self, count):
        """Add up."""
        self.done += count


@pytest.fixture(autouse=True)
def _calm(monkeypatch):
    """No waiting between attempts, small pieces, no account of whoever runs this."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")


@pytest.fixture
def shelf(tmp_path):
    """An empty one."""
    return Shelf(tmp_path / "models")


@pytest.fixture
def hub():
    """A hub with an SD 1.5 of three parts, in 16 and 32 bits, with pickles and programs beside it."""
    files = pipeline(half=True) | pipeline() | {UNET: BIG}
    files |= {
        "unet/diffusion_pytorch_model.bin": b"\x80\x02",
        "safety_checker/model.safetensors": WEIGHTS,
        "safety_checker/config.json": b"{}",
        "vae_old/diffusion_pytorch_model.safetensors": WEIGHTS,
        "setup.py": b"print('no')",
        "v1-5-pruned.safetensors": BIG,
        "README.md": b"hello",
    }
    with serving({"o/sd": Repo(files), "o/lora": Repo({"a.safetensors": safetensors(KOHYA)})}) as made:
        yield made


def pulled(hub, shelf, what="o/sd", watch=None, **options):
    """The card of what was pulled."""
    return pull(wanted_from(what, **options), shelf, watch, endpoint=hub.endpoint)


def names(folder):
    """All files in it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_needed_comes_and_nothing_else(hub, shelf):
    """The 16-bit weights, configuration and tokenizers; no pickle, program, checkpoint or safety checker."""
    card = pulled(hub, shelf)
    wanted = pipeline(half=True) | {UNET: BIG}
    assert names(shelf.folder / "sd" / "files") == set(wanted)
    assert all((shelf.folder / "sd" / "files" / path).read_bytes() == wanted[path] for path in wanted)
    assert names(shelf.folder / "sd") == {f"files/{path}" for path in wanted} | {"card.json"}
    assert {path for path, _ in hub.got()} == set(wanted)
    assert (card.id, card.role, card.family, card.variant, card.side) == ("sd", "base", "sd15", "fp16", 512)
    assert (card.source, card.revision, card.licence) == ("o/sd", COMMIT, "openrail")
    assert card.path == str(shelf.folder / "sd" / "files")
    assert shelf.card("sd") == card


def test_size_and_hash_are_those_of_the_weights(hub, shelf):
    """So that a record of a picture can name them."""
    card = pulled(hub, shelf)
    files = shelf.folder / "sd" / "files"
    weights = [name for name in names(files) if name.endswith(".safetensors")]
    assert card.bytes == sum((files / name).stat().st_size for name in weights)
    assert card.hash == fingerprint({name: sha256_of(files / name) for name in weights})


def test_it_says_what_it_costs_before_and_how_far_it_is(hub, shelf):
    """GB and licence; the bar ends at its end."""
    watch = Recorder()
    pulled(hub, shelf, watch=watch)
    assert watch.notes == ["o/sd: 0.22 MB. Licence: openrail."]
    assert watch.done == watch.total > len(BIG)


def test_nothing_tells_on_the_artist(hub, shelf):
    """The hub learns the versions of the library and of Python, not what else is installed."""
    pulled(hub, shelf)
    assert all("session_id" not in agent and "torch" not in agent for agent in hub.agents)


@pytest.mark.parametrize("cut", [0, 30_000])
def test_a_break_in_the_middle_is_taken_up_again(hub, shelf, cut):
    """The second run asks for the rest only, and not again for what was finished."""
    hub.cut = {UNET: cut}
    with pytest.raises(ConnectionLost) as caught:
        pulled(hub, shelf)
    assert "same command goes on" in caught.value.hint
    assert shelf.cards() == []
    assert not (shelf.folder / "sd").exists()
    hub.cut = {}
    hub.asked.clear()
    card = pulled(hub, shelf, watch=(watch := Recorder()))
    assert hub.got() == [(UNET, f"bytes={cut}-" if cut else None)]
    assert (shelf.folder / "sd" / "files" / UNET).read_bytes() == BIG
    assert watch.done == watch.total
    assert not card.missing
    assert "are here already" in watch.notes[0]


def test_a_break_that_mends_itself_goes_unnoticed(hub, shelf):
    """The rest is asked for in the same run."""
    hub.flaky = {UNET: 70_000}
    card = pulled(hub, shelf, watch=(watch := Recorder()))
    assert [range_ for path, range_ in hub.got() if path == UNET] == [None, "bytes=70000-", "bytes=140000-"]
    assert (shelf.folder / "sd" / "files" / UNET).read_bytes() == BIG
    assert watch.done == watch.total
    assert card.id == "sd"


def test_a_full_disk_in_the_middle_loses_nothing(hub, shelf, monkeypatch):
    """What fitted stays, the message says so, and the next run goes on there."""
    real = loading._Counted.write

    def full(self, data):
        if self.tell() >= 90_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(loading._Counted, "write", full)
    with pytest.raises(OutOfSpace, match="disk is full") as caught:
        pulled(hub, shelf)
    assert "stays" in caught.value.hint
    assert shelf.cards() == []
    monkeypatch.setattr(loading._Counted, "write", real)
    hub.asked.clear()
    pulled(hub, shelf)
    assert hub.got() == [(UNET, "bytes=90000-")]
    assert (shelf.folder / "sd" / "files" / UNET).read_bytes() == BIG


def test_too_little_room_is_said_before_anything_is_loaded(hub, shelf, monkeypatch):
    """And nothing is left behind."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(BIG)))
    with pytest.raises(OutOfSpace, match="no room"):
        pulled(hub, shelf)
    assert {path for path, _ in hub.got()} == {"model_index.json"}
    assert names(shelf.folder) == set()


@pytest.mark.parametrize("path", [UNET, "tokenizer/vocab.json"])
def test_wrong_content_is_thrown_away_and_had_anew(hub, shelf, path):
    """By SHA-256 for weights, by git's hash for small files."""
    right = hub.repos["o/sd"].files[path]
    hub.forged = {path: bytes(len(right))}
    with pytest.raises(BridgeError, match="hash is wrong"):
        pulled(hub, shelf)
    assert shelf.cards() == []
    hub.forged = {}
    hub.asked.clear()
    pulled(hub, shelf)
    assert (path, None) in hub.got()
    assert (shelf.folder / "sd" / "files" / path).read_bytes() == right


def test_cancelling_leaves_what_can_be_taken_up(hub, shelf):
    """Ctrl-C in the middle of a file."""

    class Impatient(Recorder):
        def step(self, count):
            super().step(count)
            if self.done > 100_000:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pulled(hub, shelf, watch=(watch := Impatient()))
    assert "same command" in watch.notes[-1]
    assert shelf.cards() == []
    hub.asked.clear()
    pulled(hub, shelf)
    assert not {path for path, _ in hub.got()} - {UNET}


def test_a_newer_commit_meanwhile_is_noticed(hub, shelf):
    """A file that changed is had again, one that is gone does not stay."""
    hub.cut = {UNET: 10}
    with pytest.raises(ConnectionLost):
        pulled(hub, shelf)
    hub.cut = {}
    del hub.repos["o/sd"].files["tokenizer/merges.txt"]
    hub.repos["o/sd"].files["tokenizer/vocab.json"] = b'{"b": 0}'
    hub.repos["o/sd"].files[UNET] = newer = safetensors({"weight": (100, 999)})
    pulled(hub, shelf)
    files = shelf.folder / "sd" / "files"
    assert (files / "tokenizer/vocab.json").read_bytes() == b'{"b": 0}'
    assert (files / UNET).read_bytes() == newer
    assert not (files / "tokenizer/merges.txt").exists()


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("o/none", NotFound, "no o/none"),
        ("o/sd@v9", NotFound, "revision 'v9'"),
        ("no-such-preset", NotFound, "No preset"),
        ("o/sd/x", BadRequest, "no repository's name"),
    ],
)
def test_what_is_not_there_is_said(hub, shelf, what, error, words):
    """In words, and nothing is left behind."""
    with pytest.raises(error, match=words):
        pulled(hub, shelf, what)
    assert not any(name.endswith(("json", "safetensors")) for name in names(shelf.folder))


def test_a_gated_model_says_how_to_get_in(hub, shelf, monkeypatch):
    """With the token it comes."""
    hub.repos["o/sd"].gated = True
    with pytest.raises(AuthenticationFailed, match="accept their licence") as caught:
        pulled(hub, shelf)
    assert f"{hub.endpoint}/o/sd" in caught.value.hint
    assert "HF_TOKEN" in caught.value.hint
    monkeypatch.delenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_let_me_in")
    assert pulled(hub, shelf).id == "sd"


def test_the_token_is_shown_to_the_hub_only(hub, shelf, monkeypatch):
    """Large files lie on other hosts; they come from there, and go on there after a break."""
    monkeypatch.delenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_let_me_in")
    hub.repos["o/sd"].gated = True
    hub.moved = {UNET}
    hub.flaky = {UNET: 120_000}
    pulled(hub, shelf)
    assert hub.tokens == [None, None]
    assert (shelf.folder / "sd" / "files" / UNET).read_bytes() == BIG


@pytest.mark.parametrize("status", [401, 403])
def test_no_access_to_a_file_is_said(hub, shelf, status):
    """As when a token has run out."""
    hub.status = {"model_index.json": status}
    with pytest.raises((AuthenticationFailed, NotFound), match="o/sd"):
        pulled(hub, shelf)


def test_offline_is_honoured(hub, shelf, monkeypatch):
    """Nothing is asked of anyone."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    utils.close_session()
    try:
        with pytest.raises(ConnectionLost, match="HF_HUB_OFFLINE"):
            pulled(hub, shelf)
    finally:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        utils.close_session()
    assert hub.asked == []


def test_a_pipeline_of_no_use_is_refused_before_its_weights_come(hub, shelf):
    """Its configuration says so."""
    pytest.importorskip("diffusers", reason="only diffusers knows this pipeline")
    hub.repos["o/film"] = Repo(pipeline("MochiPipeline"))
    with pytest.raises(Unsupported, match="video"):
        pulled(hub, shelf, "o/film")
    assert not [path for path, _ in hub.got() if path.endswith(".safetensors")]


def test_truncated_on_the_hub_is_refused_whole(hub, shelf):
    """Right by its hash, wrong by itself: it does not stay, and not half of it."""
    hub.repos["o/bad"] = Repo(pipeline(weights=WEIGHTS[:-5]))
    with pytest.raises(BadRequest, match="cut off"):
        pulled(hub, shelf, "o/bad")
    assert not any(name.endswith("safetensors") for name in names(shelf.folder))


def test_a_lora_comes_as_its_file(hub, shelf):
    """With the family that its shapes tell."""
    card = pulled(hub, shelf, "o/lora", id_="ink")
    assert (card.id, card.role, card.family) == ("ink", "lora", "sd15")
    assert card.path == str(shelf.folder / "ink" / "files" / "a.safetensors")
    digest = sha256_of(shelf.folder / "ink" / "files" / "a.safetensors")
    assert card.hash == fingerprint({"a.safetensors": digest})


def test_what_only_the_artist_knows_can_be_said_later(hub, shelf):
    """Nothing is loaded twice for that."""
    hub.repos["o/odd"] = Repo({"a.safetensors": safetensors({"unet.attn2.to_k.lora_A.weight": (4, 33)})})
    with pytest.raises(BadRequest, match="can't be told"):
        pulled(hub, shelf, "o/odd")
    hub.asked.clear()
    assert pulled(hub, shelf, "o/odd", family="sdxl").family == "sdxl"
    assert hub.got() == []


def test_one_file_of_several(hub, shelf):
    """The artist says which; without, they are named."""
    hub.repos["o/many"] = Repo({f"{name}.safetensors": safetensors(KOHYA) for name in "ab"})
    with pytest.raises(BadRequest) as caught:
        pulled(hub, shelf, "o/many")
    assert "a.safetensors, b.safetensors" in caught.value.hint
    assert pulled(hub, shelf, "o/many", file="b.safetensors").id == "many-b"


def test_a_checkpoint_gets_its_configuration(hub, shelf, monkeypatch):
    """A few files of a known repository, without weights."""
    monkeypatch.setitem(module._CONFIGS, ("sd15", False), "o/sd")
    hub.repos["o/one"] = Repo({"one.safetensors": safetensors(SD15_CHECKPOINT)})
    card = pulled(hub, shelf, "o/one")
    settings = {path for path in pipeline() if not path.endswith(".safetensors")}
    assert card.config == str(shelf.folder / "one" / "config" / "files")
    assert names(shelf.folder / "one" / "config" / "files") == settings
    assert card.family == "sd15"
    assert not card.missing


def test_a_preset_brings_what_is_known_of_it(hub, shelf, monkeypatch):
    """Its id, title, steps; a style brings its image encoder."""
    encoder = {"models/image_encoder/config.json": b"{}", "models/image_encoder/model.safetensors": WEIGHTS}
    files = {"models/ip-adapter_sd15.safetensors": safetensors(IP_ADAPTER), "models/x.bin": b"\x80\x02"}
    hub.repos["h94/IP-Adapter"] = Repo(files | encoder)
    hub.repos["lllyasviel/control_v11p_sd15_scribble"] = Repo(CONTROL)
    hub.repos["SimianLuo/LCM_Dreamshaper_v7"] = Repo(pipeline("LatentConsistencyModelPipeline"))
    style = pulled(hub, shelf, "style-sd15")
    assert style.image_encoder == str(shelf.folder / "style-sd15" / "files/models/image_encoder")
    assert (style.role, style.family, style.missing) == ("style", "sd15", False)
    assert style.bytes == len(safetensors(IP_ADAPTER)) + len(WEIGHTS)
    assert not (shelf.folder / "style-sd15" / "files/models/x.bin").exists()
    scribble = pulled(hub, shelf, "scribble-sd15")
    assert (scribble.role, scribble.kind, scribble.family) == ("control", "scribble", "sd15")
    quick = pulled(hub, shelf, "lcm-dreamshaper")
    assert (quick.steps, quick.guidance, quick.side, quick.title) == (4, 8.0, 768, "LCM Dreamshaper 7")
    assert [card.role for card in shelf.cards()] == ["base", "control", "style"]


def test_what_is_there_is_not_pulled_over(hub, shelf):
    """Another id, or remove the old one."""
    pulled(hub, shelf)
    hub.asked.clear()
    with pytest.raises(Conflict, match="already"):
        pulled(hub, shelf)
    assert hub.asked == []
    assert pulled(hub, shelf, id_="other").id == "other"
