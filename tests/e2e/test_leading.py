# SPDX-License-Identifier: Apache-2.0
"""Steering, taking it early, painting live and making together, through a real daemon and real workers."""

from bridge_server.protocol.history import GetInputs
from bridge_server.protocol.messages import Engines, GetJob
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Guide, Steering
from bridge_server.protocol.steering import Finish, Steer
from daemons import fill, outcome, wait_until

BATCH = {"engine": "scripted-batch"}


def held(folder, **more):
    """Parameters of a job that waits until it is taken."""
    return {"started": str(folder), "wait_for": str(folder / "never"), **more}


def recipes(made):
    """What the candidates were made with, by their seeds."""
    return {each.info.seed: each.info.recipe for each in made}


def test_what_is_steered_survives_the_daemon(start, tmp_path):
    """Steered, killed, started again: what is made then has the new words; take it now ends it there."""
    daemon = start()
    with daemon.client() as client:
        asked = fill(seed=1, count=2, parameters=held(tmp_path), prompt="a fir", **BATCH)
        job = client.call(asked).job
        wait_until((tmp_path / "started-1").exists)
        answer = client.call(Steer(job, prompt="an oak", guidance=5.0))
        assert answer.steering == Steering(prompt="an oak", guidance=5.0)
        daemon.kill()
        (tmp_path / "started-1").unlink()
        daemon.start()
        wait_until((tmp_path / "started-1").exists)
        client.call(Finish(job))
        state, made = outcome(client, job)
        assert state.state == "done"
        (recipe,) = recipes(made).values()
        assert (recipe["prompt"], recipe["guidance"], recipe["finished"]) == ("an oak", 5.0, True)
        info = client.call(GetJob(job))
        assert (info.prompt, info.steering) == ("a fir", Steering(prompt="an oak", guidance=5.0, finish=True))


def test_guides_reach_the_engine_and_come_back(shared):
    """With their own sizes and depths, and among the inputs."""
    depth = Guide("depth", Pixels(3, 2, "gray8", b"\1\2\3\4\5\6"), 0.5, 0.25, 0.75)
    style = Guide("style", Pixels(1, 1, "rgba16", bytes(range(8))))
    with shared.client() as client:
        job = client.call(fill(guides=[depth, style])).job
        _, made = outcome(client, job)
        assert made[0].info.recipe["guides"] == [["depth", 2, 3, 1], ["style", 1, 1, 4]]
        inputs = client.call(GetInputs(job))
        assert inputs.guides == [depth, style]
        assert [guide.kind for guide in client.call(GetJob(job)).guides] == ["depth", "style"]


def test_only_the_newest_of_a_stream_is_made(shared, tmp_path):
    """Both workers are busy while the artist paints; one more picture comes of it."""
    with shared.client() as client, shared.client() as other:
        busy = [other.call(fill(seed=seed, parameters=held(tmp_path))).job for seed in (1, 2)]
        for seed in (1, 2):
            wait_until((tmp_path / f"started-{seed}").exists)
        jobs = [client.call(fill(seed=seed, live="strokes")).job for seed in range(10, 16)]
        for job in busy:
            other.call(Finish(job))
        ends = {job: client.call(GetJob(job)).state for job in jobs[:-1]}
        assert set(ends.values()) == {"cancelled"}
        client.watch(jobs[-1])
        wait_until(lambda: client.call(GetJob(jobs[-1])).state == "done")


def test_what_fits_is_made_in_one_batch(start, tmp_path):
    """Three that waited; each ends by itself, and the pixels are those that it has alone."""
    daemon = start()
    with daemon.client() as client:
        blockers = [
            client.call(fill(seed=seed, strength=0.5, parameters=held(tmp_path), **BATCH)).job
            for seed in (1, 2)
        ]
        for seed in (1, 2):
            wait_until((tmp_path / f"started-{seed}").exists)
        jobs = [client.call(fill(seed=seed, value=seed, **BATCH)).job for seed in (10, 20, 30)]
        for job in blockers:
            client.call(Finish(job))
        made = []
        for job in jobs:
            wait_until(lambda job=job: client.call(GetJob(job)).state == "done")
            made += client.call(GetJob(job)).candidates
        assert [each.recipe["together"] for each in made] == [3, 3, 3]
        assert [each.seed for each in made] == [10, 20, 30]


def test_the_engines_say_what_can_be_led(shared):
    """A client offers no more than that."""
    with shared.client() as client:
        engine = client.call(Engines(fresh=True)).engines[0]
        assert "finish" in engine.steers
        assert "depth" in engine.guides
