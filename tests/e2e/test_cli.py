# SPDX-License-Identifier: Apache-2.0
"""The picture commands as an artist types them, on a real daemon."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from bridge_server.client import find_daemon
from bridge_server.protocol.messages import ListJobs
from commands import COMMAND, answer, begin, noise, run, soft_mask
from daemons import wait_until
from scripted_worker import colour_of

tifffile = pytest.importorskip("tifffile")


@pytest.fixture
def files(tmp_path):
    """A folder with a picture and a soft mask."""
    Image.fromarray(noise()).save(tmp_path / "photo.png")
    Image.fromarray(soft_mask()).save(tmp_path / "mask.png")
    return tmp_path


def verb(files, name="fill", image="photo.png", output="out.png"):
    """A verb with what it needs."""
    line = [name, files / image, "-o", files / output]
    own = {"expand": ["--left", 8, "--top", 5], "vary": ["--amount", 0.3], "refine": ["--strength", 0.4]}
    masked = [] if name == "expand" else ["--mask", files / "mask.png"]
    return [*line, *masked, *own.get(name, [])]


def written(path):
    """The pixels of a file."""
    if path.suffix == ".tif":
        return pyvips.Image.new_from_file(str(path)).numpy()  # tifffile knows no float predictor
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("name", ["fill", "vary", "refine"])
def test_only_the_selection_changes(shared, files, name):
    """OUT differs from IMAGE in the selection alone, by as much as the mask is white there."""
    finished = run(shared.folder, *verb(files, name), "--seed", 5)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith(f"{files / 'out.png'}  seed 5  candidate ")
    assert finished.stdout.count("\n") == 1
    before, after, mask = noise(), written(files / "out.png"), soft_mask()
    assert np.array_equal(after[mask == 0], before[mask == 0])
    assert (after[mask == 255] == colour_of(5)).all()
    half = (before.astype(float) * 127 + np.array(colour_of(5)) * 128) / 255
    assert np.abs(after[mask == 128] - half[mask == 128]).max() <= 0.5


@pytest.mark.parametrize(
    ("dtype", "channels", "ending"),
    [
        ("uint8", 4, "png"),
        ("uint16", 3, "tif"),
        ("uint16", 1, "tif"),
        ("float32", 3, "tif"),
        ("uint8", 1, "png"),
    ],
)
def test_depth_and_channels_stay(shared, files, dtype, channels, ending):
    """Grey, colour and transparency, in 8, 16 and 32 bits, come out as they went in, the rest bit for bit."""
    before = np.squeeze(noise(dtype, channels))
    if ending == "tif":
        tifffile.imwrite(files / "photo.tif", before, photometric="rgb" if channels > 1 else "minisblack")
    else:
        Image.fromarray(before).save(files / "photo.png")
    finished = run(shared.folder, *verb(files, image=f"photo.{ending}", output=f"out.{ending}"))
    assert finished.returncode == 0, finished.stderr
    after, mask = written(files / f"out.{ending}"), soft_mask()
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    assert after[mask == 0].tobytes() == before[mask == 0].tobytes()
    assert not np.array_equal(after[mask == 255], before[mask == 255])


def test_a_photo_keeps_its_profile_and_exif(shared, files):
    """A camera's JPEG comes back as a JPEG with the same ICC profile and EXIF; what JPEG costs is said."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    image = Image.fromarray(noise())
    image.save(files / "photo.jpg", exif=exif, icc_profile=profile, quality=95)
    finished = run(shared.folder, *verb(files, image="photo.jpg", output="out.jpg"))
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.startswith("JPEG changes every pixel a little")
    assert finished.stderr.count("\n") == 1
    with Image.open(files / "out.jpg") as out:
        assert out.size == (80, 60)
        assert out.info["icc_profile"] == profile
        assert out.getexif()[0x010F] == "A camera"


def test_several_candidates_get_numbered_files(shared, files):
    """``--count 3`` writes three files, each with its own seed, and ``--json`` lists them in order."""
    finished = run(shared.folder, *verb(files), "--count", 3, "--seed", 40, "--json")
    assert finished.returncode == 0, finished.stderr
    said = answer(finished)
    assert said["files"] == [str(files / f"out-{number}.png") for number in (1, 2, 3)]
    assert said["seeds"] == [40, 41, 42]
    assert (said["verb"], said["engine"], said["warnings"]) == ("fill", "scripted", [])
    assert said["job"]
    assert len(set(said["candidates"])) == 3
    assert 0 < said["seconds"] < 60
    for seed, file in enumerate(said["files"], 40):
        assert (np.asarray(Image.open(file))[30, 40] == colour_of(seed)).all()
    assert not (files / "out.png").exists()


def test_a_reader_that_leaves_stops_nothing(shared, files):
    """``... --count 2 | head -0``: both files are written, without a traceback and with exit code 0."""
    process = begin(shared.folder, *verb(files), "--count", 2, "--seed", 60)
    process.stdout.close()
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    for number in (1, 2):
        assert (written(files / f"out-{number}.png")[30, 40] == colour_of(59 + number)).all()


def test_webp_is_lossless(shared, files):
    """A WebP keeps every pixel outside the selection, so nothing is remarked on."""
    finished = run(shared.folder, *verb(files, output="out.webp"))
    assert (finished.returncode, finished.stderr) == (0, "")
    outside = soft_mask() == 0
    assert np.array_equal(written(files / "out.webp")[outside], noise()[outside])


def test_an_expanded_picture_is_larger_and_holds_the_old_one(shared, files):
    """Expand grows the canvas by the pixels that were asked for; the old picture lies in it unchanged."""
    sides = ["--left", 8, "--right", 3, "--top", 5, "--bottom", 2]
    line = ["expand", files / "photo.png", *sides, "-o", files / "out.png", "--seed", 9]
    finished = run(shared.folder, *line)
    assert finished.returncode == 0, finished.stderr
    after = written(files / "out.png")
    assert after.shape == (67, 91, 3)
    assert np.array_equal(after[5:65, 8:88], noise())
    assert (after[0, 0] == colour_of(9)).all()
    assert (after[-1, -1] == colour_of(9)).all()


def test_refine_without_a_mask_takes_the_whole_picture(shared, files):
    """A rough sketch needs no selection."""
    line = ["refine", files / "photo.png", "--strength", 0.5, "-o", files / "out.png", "--seed", 3]
    assert run(shared.folder, *line).returncode == 0
    assert (written(files / "out.png") == colour_of(3)).all()


def test_a_strength_that_changes_nothing_is_not_swallowed(shared, files):
    """An engine that has no strength for fill says so, to people and to scripts."""
    finished = run(shared.folder, *verb(files), "--strength", 0.5, "--json")
    assert finished.returncode == 0
    assert "--strength changes nothing" in finished.stderr
    assert "--strength changes nothing" in answer(finished)["warnings"][0]


def test_words_for_an_engine_that_reads_none_are_not_swallowed(shared, files):
    """A prompt that changes nothing is said, also in quiet mode and in the JSON object."""
    finished = run(shared.folder, *verb(files), "--prompt", "a heron", "--quiet", "--json")
    assert finished.returncode == 0
    assert "does not read prompts" in finished.stderr
    assert "does not read prompts" in answer(finished)["warnings"][0]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (lambda f: Image.new("L", (9, 9), 255).save(f / "mask.png"), "bad_request", "9 x 9"),
        (lambda f: Image.new("L", (80, 60)).save(f / "mask.png"), "bad_request", "selects nothing"),
        (lambda f: (f / "mask.png").unlink(), "not_found", "There is no file"),
        (lambda f: (f / "photo.png").unlink(), "not_found", "There is no file"),
        (lambda f: (f / "photo.png").write_text("a poem"), "bad_request", "not a picture"),
        (lambda f: (f / "out.png").mkdir(), "bad_request", "is a folder"),
    ],
)
def test_an_unfit_file_is_found_before_the_daemon_is_asked(files, change, code, message):
    """A wrong file is exit code 2, says which and why, and starts no daemon."""
    change(files)
    finished = run(files / "data", *verb(files), "--json")
    assert finished.returncode == 2
    error = answer(finished)["error"]
    assert error["code"] == code
    assert message in error["message"]
    assert "Traceback" not in finished.stderr
    assert not (files / "data").exists()


@pytest.mark.parametrize("output", ["nowhere/out.png", "out.gif", "out"])
def test_an_output_that_cannot_be_written_is_found_first(files, output):
    """A missing folder or an ending that names no format is exit code 2 before any work."""
    finished = run(files / "data", *verb(files, output=output))
    assert finished.returncode == 2
    assert output.split("/", maxsplit=1)[0] in finished.stderr
    assert not (files / "data").exists()


def test_an_unknown_engine_is_refused_with_the_known_ones(shared, files):
    """The daemon decides what there is: exit code 1, and the message lists the engines."""
    finished = run(shared.folder, *verb(files), "--engine", "dali", "--json")
    assert finished.returncode == 1
    error = answer(finished)["error"]
    assert (error["code"], error["message"]) == ("not_found", "There is no engine 'dali'.")
    assert "scripted" in error["hint"]


def test_an_engine_that_fails_is_heard(shared, files):
    """What the engine says, with what to do, and exit code 1."""
    finished = run(shared.folder, *verb(files), "--param", "fail=Too dark to see.")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == "bridge-server: Too dark to see.\n  Ask for something else.\n"


def test_a_worker_that_dies_is_heard(shared, files):
    """A crashed worker is exit code 1 and a sentence, and the next command works."""
    finished = run(shared.folder, *verb(files), "--param", "crash=9", "--json")
    assert finished.returncode == 1
    assert answer(finished)["error"]["code"] == "worker_died"
    assert run(shared.folder, *verb(files)).returncode == 0


def test_wrong_options_are_exit_code_2_in_json_too(tmp_path):
    """A typing error is told as every other error is."""
    finished = run(
        tmp_path / "data", "fill", "a.png", "--mask", "b.png", "-o", "c.png", "--count", 99, "--json"
    )
    assert finished.returncode == 2
    assert answer(finished)["error"]["code"] == "usage"


def test_ctrl_c_cancels_the_job(shared, files):
    """An interrupted command says so, exits with 130 and leaves nothing running in the daemon."""
    line = [*verb(files), "--param", f"wait_for={files / 'never'}", "--param", f"started={files}"]
    process = begin(shared.folder, *line, "--seed", 77, "--json")
    wait_until((files / "started-77").exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert '"cancelled"' in out
    with shared.client() as client:
        newest = client.call(ListJobs(every_session=True, limit=1)).jobs[0]
    assert newest.state == "cancelled"


def test_what_was_finished_before_an_interruption_stays(shared, files):
    """Of two candidates one is done when Ctrl-C comes: its line was printed and its file is there."""
    line = [*verb(files), "--count", 2, "--seed", 50, "--param", "only=51"]
    process = begin(shared.folder, *line, "--param", f"wait_for={files / 'never'}")
    assert process.stdout.readline().startswith(f"{files / 'out-1.png'}  seed 50  candidate ")
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=20)
    assert (process.returncode, rest, err) == (130, "", "bridge-server: Cancelled.\n")
    assert (written(files / "out-1.png")[30, 40] == colour_of(50)).all()
    assert not (files / "out-2.png").exists()


def test_a_daemon_that_is_killed_meanwhile_is_a_clear_error(start, files):
    """No hanging: some seconds after the daemon is gone the command says so and ends with 1."""
    daemon = start()
    line = [*verb(files), "--param", f"wait_for={files / 'never'}", "--param", f"started={files}"]
    process = begin(daemon.folder, *line, "--seed", 78)
    wait_until((files / "started-78").exists)
    daemon.kill()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "The daemon is gone" in err


def test_a_daemon_that_is_stopped_meanwhile_says_so(start, files):
    """An orderly end of the daemon ends the command at once, with the reason."""
    daemon = start()
    line = [*verb(files), "--param", f"wait_for={files / 'never'}", "--param", f"started={files}"]
    process = begin(daemon.folder, *line, "--seed", 79)
    wait_until((files / "started-79").exists)
    daemon.stop()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "The daemon was stopped meanwhile: SIGTERM" in err


def test_without_a_daemon_one_is_started_and_does_the_work(files):
    """The first command on a fresh account works with the real engine; the daemon is there for the next."""
    folder = files / "data"
    try:
        first = run(folder, *verb(files))
        assert first.returncode == 0, first.stderr
        assert first.stderr == "Starting a daemon; it ends by itself when nobody needs it.\n"
        mask = soft_mask()
        assert np.array_equal(written(files / "out.png")[mask == 0], noise()[mask == 0])
        second = run(folder, *verb(files))
        assert (second.returncode, second.stderr) == (0, "")
    finally:
        assert run(folder, "stop").returncode == 0
    assert find_daemon(folder) is None


def test_a_terminal_gets_progress_bars_and_the_result(shared, files):
    """On a terminal there is a bar for each candidate; they vanish, the result's line stays."""
    pty = pytest.importorskip("pty")
    line = [*COMMAND, *map(str, verb(files)), "--count", "2", "--data-dir", str(shared.folder)]
    leader, follower = pty.openpty()
    steps = ["--param", "steps=5", "--param", "step=0.05"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([*line, *steps], stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(leader)
    assert process.wait(20) == 0
    assert b"candidate 1" in seen
    assert b"candidate 2" in seen
    assert str(files / "out-2.png").encode() in seen


def test_the_demo_shows_everything_and_leaves_no_daemon(files):
    """``make demo``: results, a contact sheet, and where they are."""
    Image.fromarray(soft_mask()).save(files / "other.png")
    masks = ["--fill-mask", files / "mask.png", "--vary-mask", files / "other.png"]
    command = [sys.executable, "-m", "bridge_server.cli.demo", "--photo", files / "photo.png", *masks]
    finished = subprocess.run(
        [*map(str, command), "--out", str(files / "shown")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1] == str(files / "shown" / "contact-sheet.png")
    names = {"fill-1", "fill-2", "fill-3", "vary-near", "vary-far", "expand", "contact-sheet"}
    assert {path.stem for path in (files / "shown").iterdir()} == names


def test_a_picture_over_the_daemons_limit_is_refused_with_both_sizes(start, files):
    """Too many bytes for one message is an error at once, not a connection that drops again and again."""
    (files / "data").mkdir()
    (files / "data" / "config.toml").write_text("max_message = 65_536\n")
    daemon = start()
    Image.fromarray(noise(height=200, width=200)).save(files / "photo.png")
    line = ["refine", files / "photo.png", "--strength", 1, "-o", files / "out.png", "--json"]
    finished = run(daemon.folder, *line)
    assert finished.returncode == 1
    error = answer(finished)["error"]
    assert error["code"] == "too_large"
    assert "65536" in error["message"]


def test_the_picture_and_the_mask_are_never_written_over(shared, files):
    """A slip of the hand with OUT does not cost the artist the original."""
    for name in ("photo.png", "mask.png"):
        before = (files / name).read_bytes()
        refused = run(shared.folder, *verb(files, output=name))
        assert refused.returncode == 2
        assert "writing it would lose it" in refused.stderr
        assert (files / name).read_bytes() == before
