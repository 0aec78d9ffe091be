# SPDX-License-Identifier: Apache-2.0
"""The engine that everyone has, through a real daemon: verbs, depths, seeds, previews, cancelling."""

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from bridge_server.canvas.formats import as_array, as_bytes, white_of
from bridge_server.canvas.patches import composite
from bridge_server.protocol.codec import Event
from bridge_server.protocol.messages import (
    Cancel,
    CandidateDone,
    Expand,
    Fill,
    GetJob,
    JobProgress,
    JobState,
    Preview,
    Refine,
    Status,
    Vary,
)
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from daemons import FINAL, Daemon, is_alive, outcome, wait_until

VERBS = ("fill", "expand", "vary", "refine")
DTYPES = {"rgba8": np.uint8, "rgba16": np.uint16, "rgbaf32": np.float32, "gray8": np.uint8}
WIDTH, HEIGHT = 96, 72
#: Where the region lies on the canvas, and how far an expand grows it to the left and at the bottom.
X, Y, LEFT, BOTTOM = 100, 200, 12, 9


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One daemon with one worker: a job that went on after its end would hold up the next."""
    running = Daemon(tmp_path_factory.mktemp("real") / "data", "--workers", 1, scripted=False)
    yield running
    assert running.process.poll() is None, "a test brought the daemon down"
    running.kill()


@pytest.fixture
def client(daemon):
    """A session of its own for each test."""
    with daemon.client() as connected:
        yield connected


def picture_of(name, width=WIDTH, height=HEIGHT):
    """A texture in a format, (H, W, C); where it has alpha, a corner outside the selection is clear."""
    rng = np.random.default_rng(width)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 0.5 + 0.25 * np.sin(columns / 5)[..., None] * np.array([1.0, 0.5, -0.5])
    waves = waves + 0.1 * np.cos(rows / 7)[..., None] + rng.normal(0, 0.06, (height, width, 3))
    dtype = DTYPES[name]
    if name == "gray8":
        return np.rint(waves.clip(0, 1)[..., :1] * 255).astype(dtype)
    opaque = np.dstack([waves.clip(0, 1), np.ones((height, width))])
    opaque[:6, :8, 3] = np.linspace(0, 1, 8)
    if name == "rgbaf32":
        opaque[6:9, :8, 0] = 7.5  # brighter than white
        return opaque.astype(dtype)
    return np.rint(opaque * white_of(dtype)).astype(dtype)


def mask_of(width=WIDTH, height=HEIGHT):
    """A rectangle in the middle with an edge that is half selected."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3] = 128
    mask[height // 3 + 2 : height * 2 // 3 - 2, width // 3 + 2 : width * 2 // 3 - 2] = 255
    return mask


def sent(array, name):
    """An array for the wire."""
    return Pixels(array.shape[1], array.shape[0], name, as_bytes(array))


def request(verb, name="rgba8", picture=None, mask=None, **fields):
    """A verb on a picture; without one, on the small picture with its soft mask."""
    picture = picture_of(name) if picture is None else picture
    height, width = picture.shape[:2]
    common = {"picture": sent(picture, name), **fields}
    if verb == "expand":
        return Expand(region=Placement(0, 0, width, height), left=LEFT, bottom=BOTTOM, **common)
    mask = mask_of(width, height) if mask is None else mask
    common |= {"mask": sent(mask[..., None], "gray8"), "region": Placement(X, Y, width, height)}
    if verb == "vary":
        return Vary(amount=0.6, **common)
    return Refine(strength=0.6, **common) if verb == "refine" else Fill(**common)


def bodies_of(client, job, seconds=30.0):
    """All that is said of a job up to its end, passing things too."""
    said, deadline = [], time.monotonic() + seconds
    while not (said and isinstance(said[-1], JobState) and said[-1].state in FINAL):
        happening = client.wait(max(0.0, deadline - time.monotonic()))
        assert happening is not None, f"job {job} did not end"
        body = happening.body if isinstance(happening, Event) else None
        of = body.info.job if isinstance(body, CandidateDone) else getattr(body, "job", "")
        if of == job:
            said.append(body)
    return said


def made_by(client, asked):
    """The candidates of a request, by index; it has to succeed."""
    state, candidates = outcome(client, client.call(asked).job)
    assert state.state == "done", state
    return sorted(candidates, key=lambda each: each.info.index)


def array_of(pixels):
    """(h, w, C) of what came over the wire."""
    return as_array(pixels.data, pixels.width, pixels.height, pixels.format)


def canvas_of(verb, picture):
    """What a result is laid over, the coverage it must have there, and where on the canvas that begins."""
    if verb != "expand":
        return picture, mask_of(), X, Y
    sides = ((0, BOTTOM), (LEFT, 0))
    return (
        np.pad(picture, (*sides, (0, 0))),
        255 - np.pad(np.full((HEIGHT, WIDTH), 255, "u1"), sides),
        -LEFT,
        0,
    )


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_in_each_depth(client, verb, name):
    """The result lies on the selection, in the picture's depth, covers it exactly and alters nothing else."""
    picture = picture_of(name)
    (made,) = made_by(client, request(verb, name, seed=5))
    base, coverage, x, y = canvas_of(verb, picture)
    rows, columns = np.flatnonzero(coverage.any(1)), np.flatnonzero(coverage.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = coverage[box].shape
    place = made.info.placement
    assert place == Placement(x + int(columns[0]), y + int(rows[0]), width, height)
    assert (made.pixels.width, made.pixels.height) == (width, height)
    assert made.pixels.format == ("rgba8" if name == "gray8" else name)

    patch = array_of(made.pixels)
    levels = coverage[box].astype(np.float32) / np.float32(255) * white_of(picture.dtype)
    assert np.array_equal(patch[..., 3], levels.astype(picture.dtype))

    result = composite(base, patch, place.x - x, place.y - y)
    assert result[coverage == 0].tobytes() == base[coverage == 0].tobytes()
    inside = coverage == 255
    assert not np.array_equal(result[inside], base[inside])
    assert np.isfinite(result).all()


def test_a_seed_makes_the_same_bytes_on_another_daemon(client, start):
    """A result can be had again from its seed, on a fresh daemon and a fresh worker, for each verb."""
    other = start("--workers", 1, name="other", scripted=False)
    with other.client() as elsewhere:
        for verb in VERBS:
            (here,) = made_by(client, request(verb, seed=11))
            (there,) = made_by(elsewhere, request(verb, seed=11))
            assert here.pixels.data == there.pixels.data
            assert here.info.seed == there.info.seed == 11
    assert other.stop() == 0


@pytest.mark.parametrize("verb", VERBS)
def test_a_preview_comes_before_the_candidate(client, verb):
    """The artist sees a draft, over the selection, while the result is being made."""
    said = bodies_of(client, client.call(request(verb, seed=3)).job)
    first = next(number for number, body in enumerate(said) if isinstance(body, Preview))
    done = next(number for number, body in enumerate(said) if isinstance(body, CandidateDone))
    assert first < done
    shown, made = said[first].placement, said[done].info.placement
    assert shown.x <= made.x
    assert shown.y <= made.y
    assert shown.x + shown.width >= made.x + made.width
    assert shown.y + shown.height >= made.y + made.height
    assert said[first].pixels.format == "rgba8"


def test_candidates_differ(client):
    """Three candidates are three pictures, numbered, with seeds that follow each other."""
    made = made_by(client, request("fill", count=3, seed=20))
    assert [each.info.index for each in made] == [0, 1, 2]
    assert [each.info.seed for each in made] == [20, 21, 22]
    colours = [array_of(each.pixels)[..., :3].astype(float) for each in made]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(colours[a] - colours[b]).mean() > 2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the library at work")
def test_a_cancel_ends_the_library_call(client):
    """While the library fills a large hole nothing asks whether to go on; the job ends all the same.

    There is one worker, so the next job could not begin while the cancelled one goes on.
    """
    picture = picture_of("rgba8", 900, 900)
    mask = np.zeros((900, 900), np.uint8)
    mask[100:800, 100:800] = 255
    asked = request("fill", picture=picture, mask=mask, parameters={"patch_radius": 9}, count=4)
    job = client.call(asked).job
    while not isinstance(getattr(client.wait(30), "body", None), JobProgress):
        pass
    busy = next(worker for worker in client.call(Status()).workers if "busy" in worker)
    pid = int(re.search(r"pid (\d+)", busy)[1])
    # what goes before the library takes a twentieth of a second, the library ten
    enough = processor_time(pid) + 0.5
    wait_until(lambda: processor_time(pid) > enough)
    client.call(Cancel(job))
    assert bodies_of(client, job)[-1].state == "cancelled"
    assert client.call(GetJob(job)).candidates == []
    assert len(made_by(client, request("fill"))) == 1
    assert not is_alive(pid)


def processor_time(pid):
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [({"steps": 3}, "parameters.steps"), ({"patch_radius": 99}, "parameters.patch_radius is 99")],
)
def test_a_parameter_that_it_does_not_know_is_a_clear_failure(client, parameters, named):
    """The name is said and what can be given instead, and nothing is made."""
    state, candidates = outcome(client, client.call(request("fill", parameters=parameters)).job)
    assert (state.state, state.error_code, candidates) == ("failed", "bad_request", [])
    assert named in state.error_message
    assert "2 to 9" in state.error_hint
