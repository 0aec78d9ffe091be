# SPDX-License-Identifier: Apache-2.0
"""Models, as they are typed and shown."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from bridge_server.cli import model_arguments, model_bars
from bridge_server.cli import models as module
from bridge_server.cli.arguments import UsageError, parse
from bridge_server.cli.main import main
from bridge_server.cli.models import abilities, card_table, preset_table
from bridge_server.models.card import KINDS, ROLES, Card
from bridge_server.models.presets import PRESETS
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.errors import BridgeError, NotFound
from bridge_server.protocol.messages import Engines
from hub import Repo, serving
from modelfiles import KOHYA, pipeline, safetensors

BIG = safetensors({"weight": (1000, 10_000)})
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No daemon of anyone's."""

    @contextmanager
    def none(folder, note=None):
        raise NotFound(f"No daemon runs on {folder}.")
        yield

    monkeypatch.setattr(module, "connected", none)


@pytest.fixture
def lora(tmp_path):
    """A LoRA of the artist's."""
    path = tmp_path / "ink.safetensors"
    path.write_bytes(safetensors(KOHYA))
    return path


def run(folder, *arguments):
    """The exit code of a command on a data folder."""
    return main(["models", *map(str, arguments), "--data-dir", str(folder)])


def said(capsys, folder, *arguments, code=0):
    """The JSON that a command prints."""
    assert run(folder, *arguments, "--json") == code
    return json.loads(capsys.readouterr().out)


def test_the_list_shows_what_is_there_and_what_can_be_had(tmp_path, capsys, lora):
    """Also without an action; each preset with its costs."""
    run(tmp_path, "add", lora, "--licence", "cc0", "--title", "Ink")
    capsys.readouterr()
    assert run(tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith("ink  lora for sd15, ")
    assert "licence cc0" in out
    assert "Ink: a style or subject" in out
    assert "models pull ID" in out
    assert "sd15-inpaint     base for sd15, about 2.1 GB to load, about 4 GB of VRAM, 25 steps" in out
    assert "(account needed)" in out


def test_the_list_as_json_holds_all_of_it(tmp_path, capsys, lora):
    """For scripts and plugins; a preset that was pulled is no longer among them."""
    run(tmp_path, "add", lora, "--id", "taesd")
    capsys.readouterr()
    got = said(capsys, tmp_path, "list")
    assert got["folder"] == str(tmp_path / "models")
    assert [(each["id"], each["missing"]) for each in got["models"]] == [("taesd", False)]
    assert {each["id"] for each in got["presets"]} == {each.id for each in PRESETS} - {"taesd"}


def test_without_models_there_is_a_sentence(tmp_path, capsys):
    """And nothing is made on the disk by looking."""
    run(tmp_path / "new")
    assert capsys.readouterr().out.startswith("No models yet.")
    assert not (tmp_path / "new").exists()


def test_what_a_card_says_can_t_steer_the_terminal(tmp_path):
    """Titles come from strangers."""
    card = Card("a", "base", "sd15", "evil \x1b[2J", str(tmp_path), licence="\x1b]0;x\x07")
    assert "\x1b" not in "".join(card_table([card]))


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (Card("a", "base", "sd15", "A", "/", inpaints=True), "made for it"),
        (Card("a", "base", "sdxl", "A", "/", side=1024, steps=1), "1024 px, 1 step"),
        (Card("a", "control", "sd15", "A", "/", kind="depth"), "follows a depth picture"),
        (Card("a", "embedding", "sd15", "A", "/", word="<cat>"), "<cat>"),
        (Card("a", "style", "sd15", "A", "/"), "style from a picture"),
        (Card("a", "preview", "sd15", "A", "/"), "previews"),
        (Card("a", "base", "sd15", "A", "/none"), "MISSING: /none is gone"),
    ],
)
def test_each_says_what_it_can(card, words):
    """In a few words."""
    assert words in abilities(card)


def test_the_presets_are_told_apart_and_complete():
    """Each has an id of its own, costs, a licence and a purpose; bases have settings."""
    assert len({each.id for each in PRESETS}) == len(PRESETS)
    for each in PRESETS:
        assert each.role in ROLES
        assert each.repo.count("/") == 1
        assert each.licence
        assert each.good_at
        assert each.download > 0 < each.vram
        assert bool(each.steps and each.side) == (each.role == "base")
        assert (each.kind in KINDS) == (each.role == "control")
        assert bool(each.main and each.encoder) == (each.role == "style")
    lines = preset_table(PRESETS)
    assert len(lines) == 2 * len(PRESETS)
    assert max(map(len, lines)) <= 130


def test_the_help_knows_the_same_words_as_the_models():
    """They are written down twice, so that --help imports nothing."""
    assert (model_arguments._ROLES, model_arguments._KINDS) == (ROLES, KINDS)


@pytest.mark.parametrize(
    "line",
    [["models", "pull"], ["models", "add", "x", "--kind", "no"], ["models", "add", "x", "--steps", "0"]],
)
def test_what_makes_no_sense_is_a_usage_error(line):
    """Before anything is done."""
    with pytest.raises(UsageError):
        parse(line)


@pytest.mark.parametrize("action", [[], ["list"], ["pull"], ["add"], ["remove"], ["check"]])
def test_each_action_has_help_with_examples(action, capsys):
    """That begin with the command."""
    with pytest.raises(SystemExit):
        parse(["models", *action, "--help"])
    assert " ".join(["bridge-server models", *action]) in capsys.readouterr().out.partition("examples:")[2]


def test_adding_and_removing(tmp_path, capsys, lora):
    """It says what it is; removing what was added leaves the file."""
    assert run(tmp_path, "add", lora) == 0
    out = capsys.readouterr().out
    assert out.startswith("Added ink: lora for sd15, ")
    assert run(tmp_path, "remove", "ink") == 0
    assert capsys.readouterr().out == f"Forgot ink; {lora} stays where it is.\n"
    assert lora.exists()
    assert run(tmp_path, "remove", "ink") == 1
    assert "no model 'ink'" in capsys.readouterr().err


def test_a_refusal_is_words_and_an_exit_code(tmp_path, capsys):
    """The hint on a line of its own; as JSON too."""
    (tmp_path / "a.ckpt").write_bytes(b"\x80\x02")
    assert run(tmp_path, "add", tmp_path / "a.ckpt") == 1
    err = capsys.readouterr().err
    assert "is a pickle file" in err
    assert "\n  Only .safetensors" in err
    error = said(capsys, tmp_path, "add", tmp_path / "a.ckpt", code=1)["error"]
    assert error["code"] == "unsupported"


def test_a_folder_that_can_t_be_used_is_said(tmp_path, capsys, lora):
    """Not with a traceback."""
    (tmp_path / "models").write_text("a file, where a folder should be")
    assert run(tmp_path, "add", lora) == 1
    assert "can't be" in capsys.readouterr().err


def test_a_running_daemon_looks_again(tmp_path, capsys, lora, monkeypatch):
    """After each change; if it can't, that is a warning."""
    asked = []

    class Client:
        def call(self, request, timeout=None):
            """Remember it."""
            asked.append(request)
            if len(asked) > 1:
                raise BridgeError("It hangs.")

    @contextmanager
    def running(folder, note=None):
        assert (folder, note) == (tmp_path, None)  # none is started
        yield Client()

    monkeypatch.setattr(module, "connected", running)
    assert said(capsys, tmp_path, "add", lora)["daemon_told"] is True
    assert asked == [Engines(fresh=True)]
    assert run(tmp_path, "remove", "ink") == 0
    assert "not looked at the models again: It hangs." in capsys.readouterr().err


# ---- check -------------------------------------------------------------------------------------------


@pytest.fixture
def checked(tmp_path, monkeypatch, lora):
    """Says what the check's process shall print; it is called with the id and the folder."""
    run(tmp_path, "add", lora)

    def answer(code):
        path = tmp_path / "fake_check.py"
        path.write_text(
            f"import sys; assert sys.argv[1:] == ['ink', '--models', {str(tmp_path / 'models')!r}]\n{code}"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(module, "_CHECK", "fake_check")

    return answer


def test_a_check_that_goes_well_says_how_long_it_took(tmp_path, capsys, checked):
    """And on what; whatever libraries print before is passed over."""
    report = {"ok": True, "message": "", "hint": "", "seconds": 3.21, "device": "cuda", "dtype": "float16"}
    checked(f"print('chatter'); print({json.dumps(report)!r})")
    capsys.readouterr()
    assert run(tmp_path, "check", "ink") == 0
    assert capsys.readouterr().out == "ink works: loaded and made one step in 3.2 s on cuda, float16.\n"
    assert said(capsys, tmp_path, "check", "ink") == {"id": "ink", **report}


def test_a_check_that_fails_says_why(tmp_path, capsys, checked):
    """In the words of the engine; the exit code is that of a failure."""
    checked("""print('{"ok": false, "message": "Too little memory.", "hint": "Take a smaller one."}')""")
    capsys.readouterr()
    assert run(tmp_path, "check", "ink") == 1
    assert capsys.readouterr().out == "ink does not work: Too little memory.\n  Take a smaller one.\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit('it burnt')", "it burnt"),
        ("import no_such_library", 'pip install "bridge-server[diffusers]"'),
        ("import os; os._exit(9)", "ended with 9"),
    ],
)
def test_a_check_that_breaks_off_is_an_error(tmp_path, capsys, checked, code, words):
    """With the end of what it said."""
    checked(code)
    capsys.readouterr()
    assert run(tmp_path, "check", "ink") == 1
    err = capsys.readouterr().err
    assert "The check of ink broke off." in err
    assert words in err


def test_what_is_gone_is_not_checked(tmp_path, capsys, lora):
    """It says so at once."""
    run(tmp_path, "add", lora)
    lora.unlink()
    assert run(tmp_path, "check", "ink") == 1
    assert "is gone" in capsys.readouterr().err


# ---- the whole program, with a hub on this machine ----------------------------------------------------


def program(folder, endpoint, *arguments, **variables):
    """A command in a process of its own, which finds the hub as an artist would name a mirror."""
    pytest.importorskip("huggingface_hub", reason="pulling needs bridge-server[diffusers]")
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf"), **variables}
    environment.pop("HF_TOKEN", None)
    command = [sys.executable, "-m", "bridge_server", "models", *arguments, "--data-dir", str(folder)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_mirror_is_used_and_the_model_listed(tmp_path, capsys):
    """From pull to list to remove, by HF_ENDPOINT alone; nothing is left elsewhere."""
    with serving({"o/sd": Repo(pipeline(half=True))}) as hub:
        out, err = program(tmp_path, hub.endpoint, "pull", "o/sd", "--id", "mine").communicate(timeout=60)
    assert out.startswith("Pulled mine: base for sd15, ")
    assert "o/sd: 0.03 MB. Licence: openrail." in err
    assert "Traceback" not in err
    assert not (tmp_path / "hf").exists()
    (card,) = said(capsys, tmp_path)["models"]
    assert (card["id"], card["source"], card["missing"]) == ("mine", "o/sd", False)
    run(tmp_path, "remove", "mine")
    assert "came free" in capsys.readouterr().out
    assert Shelf(tmp_path / "models").cards() == []


def test_offline_nothing_is_asked(tmp_path):
    """HF_HUB_OFFLINE holds, and the list still works."""
    with serving({"o/sd": Repo(pipeline())}) as hub:
        made = program(tmp_path, hub.endpoint, "pull", "o/sd", HF_HUB_OFFLINE="1")
        _, err = made.communicate(timeout=60)
        assert (made.returncode, hub.asked) == (1, [])
        assert "HF_HUB_OFFLINE is set" in err
        listing = program(tmp_path, hub.endpoint, "list", HF_HUB_OFFLINE="1")
        assert "sd15-inpaint" in listing.communicate(timeout=60)[0]


def arrived(parts, process):
    """Wait until what the hub let out is on the disk: the library writes pieces of 10 MiB."""
    for _ in range(3000):
        if sum(path.stat().st_size for path in parts.iterdir()) >= 10 * 2**20:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise AssertionError("nothing arrived")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_in_the_middle_it_goes_on_there(tmp_path, how):
    """By Ctrl-C or a power cut: nothing half-installed, and what was there is not loaded again."""
    with serving({"o/sd": Repo(pipeline(half=True) | {UNET: BIG})}) as hub:
        hub.held = {UNET: 12_000_000}
        first = program(tmp_path, hub.endpoint, "pull", "o/sd")
        assert hub.waiting.wait(60)
        arrived(tmp_path / "models" / ".partial" / "sd" / "parts", first)
        first.send_signal(how)
        _, err = first.communicate(timeout=60)
        assert first.returncode == (130 if how == signal.SIGINT else -9)
        assert "Traceback" not in err
        assert Shelf(tmp_path / "models").cards() == []
        hub.held.clear()
        hub.waiting.clear()
        hub.asked.clear()
        listing = program(tmp_path, hub.endpoint, "list").communicate(timeout=60)[0]
        assert "Not finished: sd." in listing
        out, err = program(tmp_path, hub.endpoint, "pull", "o/sd").communicate(timeout=60)
    assert out.startswith("Pulled sd"), err
    ((path, range_),) = hub.got()
    assert path == UNET
    assert int(range_.removeprefix("bytes=").rstrip("-")) >= 10 * 2**20
    assert (tmp_path / "models/sd/files" / UNET).read_bytes() == BIG


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root"
)
def test_a_disk_that_is_really_full_in_the_middle(tmp_path):
    """What fits stays; with room, the same command goes on; nothing half-installed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        filler = disk / "filler"
        with serving({"o/sd": Repo(pipeline(half=True) | {UNET: BIG})}) as hub:
            hub.on_file = lambda path: path == UNET and filler.write_bytes(bytes(52 * 2**20))
            out, err = program(disk, hub.endpoint, "pull", "o/sd").communicate(timeout=60)
            assert "The disk is full." in err, out
            assert "goes on from there" in err
            assert Shelf(disk / "models").cards() == []
            hub.on_file = None
            filler.unlink()
            hub.asked.clear()
            out, err = program(disk, hub.endpoint, "pull", "o/sd").communicate(timeout=60)
            assert out.startswith("Pulled sd"), err
            assert {path for path, _ in hub.got()} == {UNET}
        assert (disk / "models/sd/files" / UNET).read_bytes() == BIG
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_bar_is_for_people_only(monkeypatch, capsys):
    """Without a terminal there is none; with one it can begin, go back and end twice."""
    bar = model_bars.ByteBar()
    bar.begin("x", 10, 0)
    bar.step(5)
    bar.end()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = model_bars.ByteBar()
    shown.begin("loading x", 1000, 100)
    shown.step(500)
    shown.step(-100)
    assert shown._progress.tasks[0].completed == 500
    shown.end()
    shown.end()
