# SPDX-License-Identifier: Apache-2.0
"""Choosing, going back, looking back and moving projects, as an artist types it, on a real daemon."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import COMMAND, answer, noise, run, soft_mask
from scripted_worker import colour_of

README = Path(__file__).parents[2] / "README.md"
IMPOSSIBLE = "0123456789abcdef"


@pytest.fixture
def files(tmp_path):
    """A folder with a picture and a soft mask."""
    Image.fromarray(noise()).save(tmp_path / "photo.png")
    Image.fromarray(soft_mask()).save(tmp_path / "mask.png")
    return tmp_path


@pytest.fixture
def said(shared):
    """Runs a command with --json and returns what it answered."""

    def _said(*line):
        finished = run(shared.folder, *line, "--json")
        assert finished.returncode == 0, finished.stderr
        return answer(finished)

    return _said


@pytest.fixture
def refused(shared):
    """Runs a command with --json that must fail and returns its exit code and its error."""

    def _refused(*line):
        finished = run(shared.folder, *line, "--json")
        assert "Traceback" not in finished.stderr
        return finished.returncode, answer(finished)["error"]

    return _refused


@pytest.fixture
def made(said, files):
    """Makes candidates in a project and returns their ids."""

    def _made(project, *more, count=2, seed=40):
        line = ["fill", files / "photo.png", "--mask", files / "mask.png", "-o", files / "out.png"]
        return said(*line, "--count", count, "--seed", seed, "--project", project, *more)["candidates"]

    return _made


def test_a_candidate_is_accepted_by_the_id_that_the_picture_command_printed(shared, files):
    """What people see of a fill is enough to go on."""
    line = ["fill", files / "photo.png", "--mask", files / "mask.png", "-o", files / "out.png"]
    shown = run(shared.folder, *line, "--seed", 5, "--project", "printed").stdout
    candidate = re.fullmatch(r".*out\.png  seed 5  candidate (\w+)\n", shown)[1]
    accepted = run(shared.folder, "accept", candidate, "--name", "dusk", "--project", "printed")
    assert accepted.returncode == 0, accepted.stderr
    first, second, third = accepted.stdout.splitlines()
    version = re.fullmatch(r'Accepted as version (\w+) "dusk"\.', first)[1]
    assert (second, third) == (f'Now at version {version} "dusk".', "  undo leads to the start")


def test_undo_and_redo_go_along_the_tree(said, made):
    """Back to the start, where undo has no more to do, and forward the way that was left."""
    one, two = made("ways")
    first = said("accept", one, "--project", "ways")["version"]["version"]
    second = said("accept", two, "--project", "ways")["version"]
    assert second["parent"] == first
    moves = [said(move, "--project", "ways") for move in ("undo", "undo", "undo", "redo", "redo", "redo")]
    places = [first, "", "", first, second["version"], second["version"]]
    assert [each["head"]["version"] for each in moves] == places
    assert [each["moved"] for each in moves] == [True, True, False, True, True, False]


def test_people_hear_that_there_is_nothing_to_undo(shared):
    """In a project in which nothing was accepted; that is no error."""
    finished = run(shared.folder, "undo", "--project", "untouched")
    assert (finished.returncode, finished.stdout) == (
        0,
        "Nothing to undo.\nNow at the start, before the first version.\n",
    )


def test_an_accept_after_going_back_is_a_branch_that_the_tree_shows(shared, said, made):
    """The head is marked, the other way is indented, and each document has its own head."""
    candidates = made("branched", count=3)
    one = said("accept", candidates[0], "--project", "branched")["version"]["version"]
    two = said("accept", candidates[1], "--project", "branched")["version"]["version"]
    said("go", one, "--project", "branched")
    three = said("accept", candidates[2], "--project", "branched")["version"]["version"]
    shown = run(shared.folder, "tree", "--project", "branched").stdout
    assert [line for line in shown.splitlines() if "command line" not in line] == [
        "start",
        f"├── {one}",
        "│   └── branch",
        f"│       └── {two}",
        f"└── {three}  ◀ here",
    ]
    assert said("go", "start", "--project", "branched")["version"] is None
    said("accept", candidates[0], "--document", "cover", "--project", "branched")
    whole, cover = (said("tree", "--project", "branched", *more) for more in ([], ["--document", "cover"]))
    assert (len(whole["versions"]), len(cover["versions"])) == (4, 1)
    assert [head["document"] for head in cover["heads"]] == ["cover"]


def test_history_finds_what_was_asked_made_and_decided(shared, said, made):
    """By words, name, star, verb and day; newest first, as many as asked for."""
    plain = made("searched", seed=70)
    worded = made("searched", "--prompt", "a grey heron at dawn", seed=80)
    version = said("accept", worded[1], "--name", "the pond", "--project", "searched")["version"]
    said("reject", worded[0], plain[0], "--project", "searched")
    said("mark", version["version"], "--star", "--project", "searched")

    def found(*line):
        entries = said("history", *line, "--project", "searched")["entries"]
        return [entry["job"]["seed"] for entry in entries]

    assert found() == [80, 70]
    for search in (["--text", "hero dawn"], ["--text", "pond"], ["--starred"], ["--accepted"]):
        assert found(*search) == [80]
    assert found("--limit", 1) == [80]
    for search in (
        ["--text", "owl"],
        ["--verb", "vary"],
        ["--since", "2999-01-01"],
        ["--until", "1999-01-01"],
    ):
        assert found(*search) == []
    shown = run(shared.folder, "history", "--text", "heron", "--project", "searched").stdout
    assert '"a grey heron at dawn"' in shown
    assert f"  1  {worded[0]}  seed 80  rejected\n" in shown
    assert f'accepted as version {version["version"]} ★ "the pond"' in shown
    assert plain[0] not in shown


def test_history_says_when_there_is_more(shared, made):
    """A limit hides nothing silently, and an empty search is a sentence."""
    made("two jobs", seed=1)
    made("two jobs", seed=2)
    finished = run(shared.folder, "history", "--limit", 1, "--project", "two jobs")
    assert "There is more" in finished.stderr
    assert "There is more" not in run(shared.folder, "history", "--limit", 2, "--project", "two jobs").stderr
    nothing = run(shared.folder, "history", "--text", "owl", "--project", "two jobs")
    assert (nothing.returncode, nothing.stdout) == (0, 'Nothing found in the project "two jobs".\n')


def test_fetch_writes_a_candidate_alone_and_over_the_picture(said, made, files):
    """The patch is as large as what was made, its soft edge is alpha; over the picture it is the result."""
    (candidate,) = made("fetched", count=1, seed=9)
    version = said("accept", candidate, "--project", "fetched")["version"]["version"]
    told = said("fetch", candidate, "-o", files / "patch.png", "--project", "fetched")
    assert told["placement"] == [30, 20, 25, 20]
    patch = np.asarray(Image.open(files / "patch.png"))
    assert patch.shape == (20, 25, 4)
    assert np.array_equal(patch[..., 3], soft_mask()[20:40, 30:55])
    assert (patch[10, 10, :3] == colour_of(9)).all()
    onto = ["--onto", files / "photo.png", "-o", files / "whole.png"]
    said("fetch", version, *onto, "--project", "fetched")
    assert (files / "whole.png").read_bytes() == (files / "out.png").read_bytes()
    (over,) = made("fetched", count=1, seed=10)
    later = said("accept", over, "--project", "fetched")["version"]["version"]
    said("fetch", later, "--onto", files / "photo.png", "-o", files / "both.png")
    said("fetch", over, "--onto", files / "whole.png", "-o", files / "expected.png")
    both, expected = (np.asarray(Image.open(files / name)) for name in ("both.png", "expected.png"))
    assert np.array_equal(both, expected), "a version is laid on with all that it was made on"


def test_fetch_refuses_before_it_writes(shared, refused, made, files):
    """Unknown ids, formats without transparency, and the picture itself."""
    (candidate,) = made("refusing", count=1)
    before = (files / "photo.png").read_bytes()
    code, error = refused("fetch", IMPOSSIBLE, "-o", files / "x.png")
    assert (code, error["code"]) == (1, "not_found")
    assert "no candidate and no version" in error["message"]
    assert refused("fetch", candidate, "-o", files / "x.jpg")[0] == 2
    onto = ["--onto", files / "photo.png", "-o", files / "photo.png"]
    assert refused("fetch", candidate, *onto)[0] == 2
    assert not list(files.glob("x.*"))
    assert (files / "photo.png").read_bytes() == before


def test_more_and_less_make_candidates_that_can_be_accepted(shared, said, made, files):
    """They count as decisions, are followed to their end, and are written where asked."""
    (candidate,) = made("again", count=1)
    more = said("more", candidate, "--count", 2, "--amount", 0.2, "--project", "again")
    assert (len(more["candidates"]), more["files"]) == (2, [])
    onto = ["--onto", files / "photo.png", "-o", files / "less.png"]
    shown = run(shared.folder, "less", candidate, "--count", 1, *onto, "--project", "again")
    assert shown.returncode == 0, shown.stderr
    written, accepted = re.fullmatch(r"(.*less\.png)  seed \d+  candidate (\w+).*\n", shown.stdout).groups()
    outside = soft_mask() == 0
    assert np.array_equal(np.asarray(Image.open(written))[outside], noise()[outside])
    said("accept", accepted, "--project", "again")
    entries = said("history", "--project", "again")["entries"]
    assert [entry["job"]["verb"] for entry in entries] == ["fill", "vary", "fill"]
    kinds = [
        each["kind"] for entry in entries for each in entry["decisions"] if each["candidate"] == candidate
    ]
    assert sorted(kinds) == ["less", "more"]


def test_compare_says_how_two_differ(shared, made):
    """In a sentence, with what was set otherwise."""
    one, two = made("compared", seed=40)
    shown = run(shared.folder, "compare", one, two, "--project", "compared").stdout.splitlines()
    assert shown[0].startswith(f"Beside {one}, {two} is ")
    assert shown[1] == "  seed  40 -> 41"
    assert shown[2] == "  They share 100 % of the smaller one's area."


def test_a_project_moves_with_all_that_was_decided(shared, said, refused, made, files):
    """Exported, deleted and imported it is what it was; an older file is replaced only when told."""
    one, _ = made("moving", "--prompt", "a heron")
    said("accept", one, "--name", "pond", "--project", "moving")
    before = said("projects", "show", "moving")
    file = files / "moving.bridge"
    exported = said("projects", "export", "moving", "-o", file)
    assert (exported["path"], exported["size"]) == (str(file), file.stat().st_size)
    assert refused("projects", "export", "moving", "-o", file)[0] == 1
    said("projects", "export", "moving", "-o", file, "--overwrite")
    assert refused("projects", "import", file)[0] == 1

    code, error = refused("projects", "delete", "moving")
    assert (code, "1 job, 2 candidates and 1 version" in error["message"]) == (2, True)
    assert "--yes" in error["hint"]
    assert said("projects", "show", "moving") == before
    said("projects", "delete", "moving", "--yes")
    assert refused("projects", "show", "moving")[1]["code"] == "not_found"

    said("projects", "import", file)
    after = said("projects", "show", "moving")
    for name in ("jobs", "candidates", "versions", "size", "hosts"):
        assert after[name] == before[name], name
    (entry,) = said("history", "--text", "heron pond", "--project", "moving")["entries"]
    assert entry["versions"][0]["name"] == "pond"
    said("projects", "import", file, "--as", "moved")
    listed = run(shared.folder, "projects").stdout
    assert {"moving", "moved"} <= {line.split()[0] for line in listed.splitlines()[1:]}


def test_a_delete_asks_at_a_terminal(shared, made):
    """What is lost is said, and no means no."""
    pty = pytest.importorskip("pty")
    made("precious", count=1)
    line = [*COMMAND, "projects", "delete", "precious", "--data-dir", str(shared.folder)]
    for typed, code in ((b"n\n", 1), (b"y\n", 0)):
        leader, follower = pty.openpty()
        os.write(leader, typed)
        finished = subprocess.run(
            line, stdin=follower, capture_output=True, text=True, timeout=60, check=False
        )
        os.close(leader)
        os.close(follower)
        assert finished.returncode == code
        assert 'The project "precious" holds 1 job, 1 candidate and 0 versions' in finished.stderr
    assert 'Deleted the project "precious"' in finished.stdout


def test_a_sweep_can_be_tried_first(shared, said, files):
    """A dry run says what would go and takes nothing; what was accepted stays also in earnest."""
    Image.fromarray(noise(height=150, width=200)).save(files / "large.png")
    line = ["refine", files / "large.png", "--strength", 1, "-o", files / "out.png", "--count", 2]
    kept, gone = said(*line, "--seed", 900, "--project", "swept")["candidates"]
    said("accept", kept, "--project", "swept")
    sweep = ["projects", "gc", "--budget", "1", "--keep", 0]
    tried = said(*sweep, "--dry-run")
    assert (tried["dry_run"], tried["candidates"] > 0, tried["over"] > 0) == (True, True, True)
    said("fetch", gone, "-o", shared.folder.parent / "there.png", "--project", "swept")
    shown = run(shared.folder, *sweep).stdout
    assert shown.startswith("Removed the pictures of ")
    assert "too much stays: it was accepted or is in use." in shown
    finished = run(shared.folder, "fetch", gone, "-o", shared.folder.parent / "gone.png")
    assert (finished.returncode, "were removed on" in finished.stderr) == (1, True)
    said("fetch", kept, "-o", shared.folder.parent / "kept.png", "--project", "swept")


def test_taste_is_shown_steered_saved_and_loaded(shared, said, made, files):
    """Pins add up, a saved taste works in another project, and forgetting leaves nothing."""
    chosen, _ = made("tasteful")
    said("accept", chosen, "--project", "tasteful")
    at = ["--project", "tasteful"]
    assert said("taste", "show", "--sheet", files / "taste.png", *at)["lessons"] == 1
    with Image.open(files / "taste.png") as sheet:
        assert sheet.width > 400
    said("taste", "set", "--pin", "warmth=1", "--pin", "grain=-0.5", "--exploration", 0.5, *at)
    said("taste", "set", "--unpin", "grain", "--pin", "edges=0", *at)
    settings = {"on": False, "scope": "project", "exploration": 0.5, "pins": {"warmth": 1.0, "edges": 0.0}}
    assert said("taste", "off", *at)["settings"] == settings
    saved = said("taste", "save", "-o", files / "taste.json", *at)
    assert saved["lessons"] == 1
    loaded = said("taste", "load", files / "taste.json", "--project", "elsewhere")
    assert loaded["settings"] == settings
    shown = run(shared.folder, "taste", "set", "--scope", "all", "--project", "elsewhere").stdout
    assert 'Taste in "elsewhere" is off and learns from all projects.' in shown
    assert "warmer: pinned at 1 by you" in shown
    assert run(shared.folder, "taste", "forget", *at).returncode == 2
    forgotten = said("taste", "forget", "--yes", *at)
    assert (forgotten["lessons"], forgotten["settings"]["pins"]) == (0, {})


def test_a_taste_of_another_kind_is_refused(refused, said, files):
    """No JSON, another file's JSON, and a format that this daemon does not know."""
    said("taste", "save", "-o", files / "taste.json", "--project", "formats")
    (files / "poem.json").write_text("roses")
    assert refused("taste", "load", files / "poem.json")[0] == 2
    other = json.loads((files / "taste.json").read_text()) | {"format": "somebody's/9"}
    (files / "other.json").write_text(json.dumps(other))
    code, error = refused("taste", "load", files / "other.json")
    assert (code, "somebody's/9" in error["message"]) == (1, True)


@pytest.mark.parametrize(
    "line",
    [
        ["accept", IMPOSSIBLE],
        ["reject", IMPOSSIBLE],
        ["more", IMPOSSIBLE],
        ["less", IMPOSSIBLE],
        ["go", IMPOSSIBLE],
        ["mark", IMPOSSIBLE, "--star"],
        ["compare", IMPOSSIBLE, IMPOSSIBLE],
        ["projects", "show", "nowhere"],
        ["projects", "delete", "nowhere", "--yes"],
        ["projects", "export", "nowhere", "-o", "nowhere.bridge"],
    ],
    ids=lambda line: " ".join(line[:2]),
)
def test_what_does_not_exist_is_exit_code_1(refused, line):
    """Named in one sentence, with what to do; nothing is made or written by asking."""
    code, error = refused(*line)
    assert (code, error["code"]) == (1, "not_found")
    assert IMPOSSIBLE in error["message"] or "nowhere" in error["message"]
    assert error["hint"]
    assert not Path("nowhere.bridge").exists()


def test_a_candidate_of_another_project_is_not_taken(refused, made):
    """The message names both projects."""
    (candidate,) = made("its own", count=1)
    code, error = refused("accept", candidate, "--project", "another")
    assert code == 1
    assert "its own" in error["message"]
    assert "another" in error["message"]


def test_the_readmes_commands_work_as_typed(shared, files):
    """In their order, in a folder with a photo and a mask, with the ids that were printed."""
    Image.open(files / "photo.png").save(files / "photo.jpg")
    chapter = README.read_text().split("### Choose, go back, find it again")[1]
    lines = re.search(r"^```\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)[1].splitlines()
    assert len(lines) > 10
    ids = {"CANDIDATE": "", "VERSION": ""}
    for line in lines:
        typed = [ids.get(word, word) for word in shlex.split(line)]
        assert typed[0] == "bridge-server"
        finished = subprocess.run(
            [*COMMAND, *typed[1:], "--data-dir", str(shared.folder)],
            cwd=files, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert finished.returncode == 0, (line, finished.stderr)
        for name, known in ids.items():
            if seen := re.search(rf"{name} (\w{{16}})", finished.stdout, re.IGNORECASE):
                ids[name] = known or seen[1]
    assert {"out-3.png", "like-it-2.png", "chosen.png", "cover.bridge"} <= {f.name for f in files.iterdir()}
