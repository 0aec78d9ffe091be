# SPDX-License-Identifier: Apache-2.0
"""Models, as they are typed and shown."""

import json
import os
import sys
from contextlib import contextmanager

import pytest

from bridge_server.cli import model_arguments, model_bars
from bridge_server.cli.arguments import UsageError, parse
from bridge_server.cli.main import main
from bridge_server.cli.models import actions as module
from bridge_server.cli.models.shown import abilities, card_table, preset_table
from bridge_server.engines.diffusers.abilities import describe
from bridge_server.models.card import FAMILIES, KINDS, ROLES, Card, guides_of
from bridge_server.models.presets import PRESETS
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.errors import BridgeError, NotFound
from bridge_server.protocol.messages import Engines
from modelfiles import KOHYA, safetensors

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
    run(tmp_path, "add", lora, "--licence", "cc0", "--title", "Ink pen")
    capsys.readouterr()
    assert run(tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith("ink  lora for sd15, ")
    assert "licence cc0" in out
    assert "Ink pen: a style or subject" in out
    assert "models pull ID" in out
    assert "sd15-inpaint     base for sd15, about 2.1 GB download, 4 GB of VRAM, 25 steps, guidance 7" in out
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
        (Card("a", "base", "sdxl", "A", "/", side=1024, steps=1), "1024 px, 1 step, guidance 7"),
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


@pytest.mark.skipif(os.name == "nt", reason="Windows protects the user's profile as a whole")
def test_the_first_command_makes_the_data_folder_private(tmp_path, lora):
    """The daemon's token will lie there; the process's own mask is as before."""
    before = os.umask(0o022)
    try:
        assert run(tmp_path / "new" / "data", "add", lora) == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    for folder in ("new/data", "new/data/models", "new/data/models/ink"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_a_family_that_nobody_knows_is_refused(tmp_path, capsys, lora):
    """With what is known; one that a base on the shelf has is taken."""
    assert run(tmp_path, "add", lora, "--family", "banana") == 1
    err = capsys.readouterr().err
    assert "'banana' is no family" in err
    assert "sd15, sd2, sdxl" in err
    (tmp_path / "base").mkdir()
    Shelf(tmp_path / "models").put(Card("b", "base", "banana", "B", str(tmp_path / "base")))
    assert run(tmp_path, "add", lora, "--family", "banana") == 1
    assert "made for sd15, not for banana" in capsys.readouterr().err


def test_small_models_can_be_added(tmp_path, capsys, lora):
    """Toys, mostly."""
    assert said(capsys, tmp_path, "add", lora, "--side", "16")["model"]["side"] == 16
    assert run(tmp_path, "add", lora, "--side", "15") == 2


def test_a_missing_engine_is_said(tmp_path, capsys, lora, monkeypatch):
    """In the list and when something is added, with how to get it; never when it is there."""
    for there in (False, True):
        monkeypatch.setattr(module, "installed", lambda there=there: there)
        assert run(tmp_path, "add", lora, "--id", f"ink{there}".lower()) == 0
        assert ('pip install "bridge-server[diffusers]"' in capsys.readouterr().err) is not there
        assert run(tmp_path, "list") == 0
        assert ("-c constraints.txt -e" in capsys.readouterr().out) is not there
        assert said(capsys, tmp_path, "list")["engine_installed"] is there


def test_a_base_says_which_guides_it_heeds(tmp_path):
    """The same as the engine; a title that is the id is not said again."""
    families = (*FAMILIES, "ZImage")
    cards = [Card(each.lower(), "base", each, each, str(tmp_path)) for each in families]
    cards += [Card(f"d-{each}", "control", each, "D", str(tmp_path), kind="depth") for each in families]
    cards.append(Card("s", "style", "sdxl", "S", str(tmp_path)))
    for card in cards[: len(families)]:
        assert guides_of(card, cards) == describe(card, cards).guides
    lines = [line.split(maxsplit=1)[1] if line[0] != " " else line.strip() for line in card_table(cards)]
    assert "heeds as --guide: toward, depth and style" in lines
    assert lines[1].startswith("changes pictures")


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
            f"import json, sys; assert sys.argv[1:4] == ['ink', '--models', {str(tmp_path / 'models')!r}]\n"
            f"settings = json.loads(sys.argv[5]) if sys.argv[4] == '--settings' else None\n{code}"
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


def test_a_check_runs_the_model_as_the_daemon_would(tmp_path, capsys, checked):
    """With what config.toml says, the rest by default; what is wrong in it is said."""
    checked("print(json.dumps({'ok': False, 'message': settings['device'] + settings['offload']}))")
    (tmp_path / "config.toml").write_text('[diffusers]\ndevice = "cpu"\n')
    capsys.readouterr()
    assert run(tmp_path, "check", "ink") == 1
    assert capsys.readouterr().out == "ink does not work: cpuauto\n"
    (tmp_path / "config.toml").write_text('[diffusers]\ndtype = "fp1"\n')
    assert run(tmp_path, "check", "ink") == 1
    assert "A setting is wrong" in capsys.readouterr().err


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
