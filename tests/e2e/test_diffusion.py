# SPDX-License-Identifier: Apache-2.0
"""Pictures from words through a real daemon, with a model that was really trained, on drawn shapes."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge_server.canvas.formats import as_array
from bridge_server.models.card import Card
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import Unsupported
from bridge_server.protocol.messages import (
    Cancel,
    Engines,
    Expand,
    Fill,
    GetJob,
    JobProgress,
    Preview,
    Refine,
    Status,
    Vary,
)
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Guide, Placement
from bridge_server.protocol.steering import Finish, Steer
from daemons import Daemon, is_alive, outcome, wait_until

pytest.importorskip("diffusers", reason="the extra [diffusers] is not installed")

TRAINED = Path(__file__).parents[1] / "trained"
ENGINE = "diffusers/shapes"
SIDE = 32
RED, GREEN, BLUE = (230, 30, 40), (40, 150, 60), (30, 60, 230)


def card(name="shapes"):
    """The trained model, as it lies in the tests' folder."""
    return Card(
        id=name, role="base", family="sd15", title="Shapes", path=str(TRAINED / "shapes"),
        side=SIDE, steps=20, guidance=4.0, hash="abc", licence="Apache-2.0",
    )  # fmt: skip


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One daemon with the trained model on its shelf."""
    folder = tmp_path_factory.mktemp("words") / "data"
    shelf = Shelf(folder / "models")
    shelf.put(card())
    grey = str(TRAINED / "grey.safetensors")
    shelf.put(Card(id="grey", role="lora", family="sd15", title="Grey", path=grey))
    running = Daemon(folder, "--workers", 1, scripted=False)
    yield running
    assert running.process.poll() is None, "a test brought the daemon down"
    running.stop()


@pytest.fixture
def client(daemon):
    """A session of its own for each test."""
    with daemon.client() as connected:
        yield connected


def plain(colour=(128, 128, 128), side=SIDE):
    """A picture of one colour."""
    return Pixels(side, side, "rgb8", bytes(colour) * (side * side))


def everything(side=SIDE):
    """A mask of all."""
    return Pixels(side, side, "gray8", b"\xff" * (side * side))


def asked(verb=Fill, prompt="a red circle on blue", picture=None, mask=None, **fields):
    """A request for a whole picture."""
    return verb(
        picture or plain(), mask or everything(), Placement(0, 0, SIDE, SIDE),
        engine=ENGINE, prompt=prompt, **{"seed": 1, **fields},
    )  # fmt: skip


def pixels_of(done):
    """A candidate's pixels, (h, w, 4)."""
    p = done.pixels
    return as_array(p.data, p.width, p.height, p.format)


def middle(done):
    """The mean colour in the middle."""
    found = pixels_of(done)
    h, w = found.shape[:2]
    return found[h // 2 - 3 : h // 2 + 3, w // 2 - 3 : w // 2 + 3, :3].reshape(-1, 3).mean(0)


def nearest(colour, *others):
    """Which of some colours is nearest."""
    return min(others, key=lambda other: np.abs(np.array(other) - colour).sum())


def is_near(colour, wanted, *others):
    """Whether a colour is nearer to the wanted one than to the others."""
    return nearest(colour, wanted, *others) == wanted


def progress_of(client, job):
    """Waits until the first step of a job is done."""
    while True:
        happening = client.wait(30)
        assert happening is not None, "no step was told"
        body = happening.body if isinstance(happening, Event) else None
        if isinstance(body, JobProgress) and body.job == job:
            return body


def worker_of(client):
    """The process number of the worker that is no patchmatch's."""
    return {int(pid) for name in client.call(Status()).workers for pid in re.findall(r"pid (\d+)", name)}


def test_a_model_is_an_engine_after_the_default_one(client):
    """What it can do is told from its files and from what else is on the shelf."""
    engines = client.call(Engines()).engines
    assert [engine.name for engine in engines] == ["patchmatch", ENGINE]
    assert engines[1].model_hash == "abc"
    assert set(engines[1].steers) >= {"prompt", "guidance", "strength", "finish"}
    assert engines[1].guides == ["toward"]


def test_the_words_matter_and_are_previewed(client):
    """Red where red was asked for, green where green was; each step but the last can be seen."""
    for prompt, wanted in (("a red circle on blue", RED), ("a green circle on blue", GREEN)):
        job = client.call(asked(prompt=prompt, count=2)).job
        seen, made = [], []
        while len(made) < 2:
            happening = client.wait(60)
            body = happening.body if isinstance(happening, Event) else None
            if isinstance(body, Preview) and body.job == job:
                seen.append(body)
            elif type(body).__name__ == "CandidateDone" and body.info.job == job:
                made.append(body)
        assert all(is_near(middle(each), wanted, RED, GREEN, BLUE) for each in made), [
            middle(m) for m in made
        ]
        assert seen
        assert seen[0].pixels.format == "rgba8"
        recipe = made[0].info.recipe
        assert (recipe["steps"], recipe["guidance"]) == (20, 4.0)


def test_every_verb_works_on_a_canvas(client):
    """Fill an inner area, expand, vary, refine: alpha is the selection's coverage, the place is right."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:24, 6:26] = 255
    mask[8] = 100
    inner = Pixels(SIDE, SIDE, "gray8", mask.tobytes())
    for verb in (Fill, Vary, Refine):
        state, made = outcome(client, client.call(asked(verb, mask=inner)).job)
        assert state.state == "done"
        place = made[0].info.placement
        assert (place.x, place.y, place.width, place.height) == (0, 8, 32, 16) or np.array_equal(
            pixels_of(made[0])[..., 3], mask[8:24, 6:26]
        )
    request = Expand(plain(BLUE), Placement(0, 0, SIDE, SIDE), left=16, engine=ENGINE, prompt="blue", seed=1)
    state, made = outcome(client, client.call(request).job)
    assert state.state == "done"
    assert (made[0].info.placement.x, made[0].info.placement.width) == (-16, 16)


def test_steering_changes_the_subject(client):
    """Asked for red, steered to green after the first steps: green, and the record says so."""
    job = client.call(asked(parameters={"steps": 120})).job
    progress_of(client, job)
    client.call(Steer(job, prompt="a green circle on blue"))
    _, made = outcome(client, job)
    assert is_near(middle(made[0]), GREEN, RED, BLUE), middle(made[0])
    (steered,) = made[0].info.recipe["steered"]
    assert steered["prompt"] == "a green circle on blue"
    assert 0 < steered["done"] < 0.9
    assert client.call(GetJob(job)).steering.prompt == "a green circle on blue"


def test_a_lora_changes_the_style(client):
    """The one that takes colours out: less than half of the saturation is left, less at half its weight."""

    def saturation(weight):
        request = asked(prompt="a yellow square on black", count=4, parameters={"loras": {"grey": weight}})
        _, made = outcome(client, client.call(request).job)
        colours = np.stack([pixels_of(each)[..., :3] for each in made]).astype(float)
        return (colours.max(-1) - colours.min(-1)).mean()

    whole, half, none = saturation(1.0), saturation(0.5), saturation(0.0)
    assert whole < 0.5 * none
    assert whole < half < none


def test_taking_it_now_ends_the_job_with_what_there_is(client):
    """After a few of 150 steps, one of two candidates: a whole picture, and no second one."""
    job = client.call(asked(parameters={"steps": 150}, count=2)).job
    progress_of(client, job)
    client.call(Finish(job))
    state, made = outcome(client, job)
    assert state.state == "done"
    assert len(made) == 1
    assert made[0].info.recipe["finished_early"] is True
    assert (pixels_of(made[0])[..., 3] == 255).all()


def test_a_cancel_keeps_the_model_in_memory(client):
    """The worker is the same process afterwards: it stopped by itself."""
    outcome(client, client.call(asked(parameters={"steps": 2})).job)
    before = worker_of(client)
    job = client.call(asked(parameters={"steps": 150})).job
    progress_of(client, job)
    client.call(Cancel(job))
    state, made = outcome(client, job)
    assert (state.state, made) == ("cancelled", [])
    _, made = outcome(client, client.call(asked()).job)
    assert len(made) == 1
    assert worker_of(client) == before


def test_a_stream_of_a_painting_hand_gets_the_first_and_the_newest(client):
    """Six pictures while the first is being made: two are made, nothing queues up."""
    jobs = [client.call(asked(live="hand", seed=1, parameters={"steps": 150})).job]
    progress_of(client, jobs[0])
    jobs += [client.call(asked(live="hand", seed=n, parameters={"steps": 4})).job for n in range(2, 7)]
    wait_until(lambda: client.call(GetJob(jobs[-1])).state == "done", 60)
    states = [client.call(GetJob(job)).state for job in jobs]
    assert states == ["done", "cancelled", "cancelled", "cancelled", "cancelled", "done"]


def test_the_same_request_gives_the_same_bytes(client):
    """Asked twice with one seed."""
    pictures = [outcome(client, client.call(asked(seed=7)).job)[1][0].pixels.data for _ in range(2)]
    assert pictures[0] == pictures[1]


def test_torch_is_in_the_worker_and_not_in_the_daemon(client, daemon):
    """Read from the maps of the processes, after a picture was made."""
    outcome(client, client.call(asked()).job)

    def has_torch(pid):
        return "libtorch" in Path(f"/proc/{pid}/maps").read_text()

    assert not has_torch(daemon.process.pid)
    assert any(has_torch(pid) for pid in worker_of(client) if is_alive(pid))


def test_a_wrong_setting_is_told_in_words(client):
    """And the model goes on working."""
    state, made = outcome(client, client.call(asked(parameters={"steps": 0})).job)
    assert (state.state, made) == ("failed", [])
    assert state.error_message == "parameters.steps is 0."
    with pytest.raises(Unsupported, match="guide"):
        client.call(asked(guides=[Guide("scribble", plain())]))
    assert outcome(client, client.call(asked()).job)[0].state == "done"


def test_a_model_that_comes_later_is_told_and_works(client, daemon):
    """Everyone who is connected hears of it, and the worker that runs can use it."""
    Shelf(daemon.folder / "models").put(card("shapes-two"))
    told = client.call(Engines(fresh=True)).engines
    assert [engine.name for engine in told] == ["patchmatch", ENGINE, "diffusers/shapes-two"]
    request = replace(asked(), engine="diffusers/shapes-two")
    assert outcome(client, client.call(request).job)[0].state == "done"
    shutil.rmtree(daemon.folder / "models" / "shapes-two")
    client.call(Engines(fresh=True))
