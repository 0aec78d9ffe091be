# SPDX-License-Identifier: Apache-2.0
"""Crashes, full disks and lost connections: what was told stays true, what was asked gets an end."""

import os
import re
import signal

import pytest

from bridge_server.client import BridgeClient, find_daemon
from bridge_server.client.client import ConnectionChanged
from bridge_server.protocol.discovery import RuntimeFile
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.messages import Cancel, Fetch, GetJob, ListJobs, Status, Stop
from daemons import Daemon, events_of, fill, is_alive, outcome, wait_until


def worker_pids(client):
    """The processes that compute for a daemon."""
    return [int(re.search(r"pid (\d+)", name).group(1)) for name in client.call(Status()).workers]


def pid_of(folder, seed):
    """The worker that computes this seed, once it has begun."""
    started = folder / f"started-{seed}"
    return int(started.read_text() or 0) if started.exists() else 0


def until(client, wanted):
    """Wait for the client's happening of a type or topic."""
    while True:
        happening = client.wait(20)
        assert happening is not None, f"no {wanted}"
        if wanted in (getattr(happening, "topic", ""), getattr(happening, "state", "")):
            return happening


def test_a_killed_worker_fails_its_job_alone_and_is_replaced(shared, tmp_path):
    """SIGKILL to one worker: a clear error for its job; another job, and the daemon, go on."""
    gate = tmp_path / "gate"
    with shared.client() as client:
        other = client.call(fill(parameters={"wait_for": str(gate), "started": str(tmp_path)}, seed=1)).job
        doomed = client.call(fill(parameters={"block": 60, "started": str(tmp_path)}, seed=2)).job
        wait_until(lambda: pid_of(tmp_path, 1))
        os.kill(wait_until(lambda: pid_of(tmp_path, 2)), signal.SIGKILL)
        state, made = outcome(client, doomed)
        assert (state.state, state.error_code, made) == ("failed", "worker_died", [])
        assert "ended unexpectedly" in state.error_message
        assert "ask again" in state.error_hint
        gate.touch()
        assert outcome(client, other)[0].state == "done"
        assert outcome(client, client.call(fill()).job)[0].state == "done"


def test_a_killed_daemon_takes_its_jobs_up_again(start, tmp_path):
    """SIGKILL to the daemon: finished candidates stay, the running one is redone, the queued ones follow."""
    daemon = start()
    gate = tmp_path / "gate"
    seen = []
    with daemon.client() as client:
        held = {"wait_for": str(gate), "only": 12, "started": str(tmp_path)}
        running = client.call(fill(count=3, seed=10, parameters=held)).job
        queued = client.call(fill(seed=20, priority=-1)).job
        for event in events_of(client, running):
            seen.append(event)
            if len([e for e in seen if e.topic == "job.candidate"]) == 2:
                break
        wait_until(lambda: pid_of(tmp_path, 12))
        workers = worker_pids(client)
        daemon.kill()
        wait_until(lambda: not any(is_alive(pid) for pid in workers))  # no orphans
        until(client, "waiting")
        gate.touch()
        daemon.start()
        rest = list(events_of(client, running))
        assert [e.seq for e in seen + rest] == list(range(1, len(seen + rest) + 1)), "no gap, nothing twice"
        assert any(getattr(e.body, "resumed", False) for e in rest), "the interrupted job is marked"
        made = [e.body.info.index for e in seen + rest if e.topic == "job.candidate"]
        assert sorted(made) == [0, 1, 2], "each candidate once"
        assert rest[-1].body.state == "done"
        wait_until(lambda: client.call(GetJob(queued)).state == "done")


def test_a_job_that_brings_the_daemon_down_twice_is_given_up(start, tmp_path):
    """After the second crash the job fails as interrupted instead of crashing the daemon for ever."""
    daemon = start()
    with daemon.client() as client:
        job = client.call(fill(seed=5, parameters={"started": str(tmp_path), "block": 60})).job
        for _ in range(2):
            wait_until(lambda: pid_of(tmp_path, 5))
            wait_until(lambda: client.call(GetJob(job)).state == "running")
            daemon.kill()
            (tmp_path / "started-5").unlink()
            daemon.start()
        wait_until(lambda: client.call(GetJob(job)).state == "failed")
        assert client.call(GetJob(job)).error_code == "interrupted"


def test_a_client_that_drops_and_returns_gets_what_finished_meanwhile(start, tmp_path):
    """The candidate that was made while nobody listened is told to the session when it is back."""
    daemon = start()
    gate = tmp_path / "gate"
    way = {"open": True}
    client = BridgeClient(lambda: find_daemon(daemon.folder) if way["open"] else None, name="test")
    with client, daemon.client() as other:
        client.wait_until_connected(10)
        session = client.session
        job = client.call(fill(count=2, seed=3, parameters={"wait_for": str(gate)})).job
        way["open"] = False
        client._socket.socket.shutdown(2)  # as a cable does, not as a goodbye
        until(client, "waiting")
        gate.touch()
        wait_until(lambda: other.call(GetJob(job)).state == "done")
        way["open"] = True
        state, made = outcome(client, job)
        assert state.state == "done"
        assert sorted(c.info.seed for c in made) == [3, 4]
        assert client.session == session


def test_a_client_that_returns_to_more_than_fits_its_outbox_gets_it_all(start):
    """Sixteen large candidates are told as fast as the client takes them, and nobody is called too slow."""
    daemon = start()
    (daemon.folder / "config.toml").write_text("max_message = 8_000_000\n")  # an outbox of 32 MiB
    assert daemon.stop() == 0
    daemon.start()
    with daemon.client() as client:
        job = client.call(fill(count=16, seed=0, parameters={"side": 900})).job  # 52 MB in all
        assert outcome(client, job)[0].state == "done"
    with daemon.client() as later:
        later.watch(job)
        state, made = outcome(later, job)
        assert state.state == "done"
        assert sorted(c.info.index for c in made) == list(range(16))
    assert "too slow" not in daemon.log.read_text()


def test_a_request_asked_into_a_gap_is_answered_once_the_daemon_is_there(start, tmp_path):
    """A fill sent while no daemon runs is not lost; it goes out at the next welcome."""
    daemon = start()
    with daemon.client() as client:
        assert daemon.stop() == 0
        until(client, "waiting")
        future = client.send(fill(seed=1))
        assert not future.done()
        daemon.start()
        job = future.result(20).job
        assert outcome(client, job)[0].state == "done"


@pytest.mark.parametrize(("if_gone", "state"), [("cancel", "cancelled"), ("finish", "done")])
def test_a_vanished_program_takes_along_only_what_it_said_so(shared, tmp_path, if_gone, state):
    """GIMP's Cancel kills the plug-in: its job ends. A docker's job goes on."""
    gate = tmp_path / "gate"
    with shared.client() as onlooker:
        client = shared.client()
        job = client.call(fill(if_gone=if_gone, parameters={"wait_for": str(gate)})).job
        client._socket.socket.shutdown(2)
        client.close()
        if if_gone == "finish":
            gate.touch()
        wait_until(lambda: onlooker.call(GetJob(job)).state == state)


def test_a_short_cut_does_not_end_a_job_that_goes_with_its_program(shared, tmp_path):
    """A connection that drops and is back at once finds its job running, also one sent to be cancelled."""
    gate = tmp_path / "gate"
    with shared.client() as client:
        asked = fill(if_gone="cancel", seed=6, parameters={"wait_for": str(gate), "started": str(tmp_path)})
        job = client.call(asked).job
        wait_until(lambda: pid_of(tmp_path, 6))
        client._socket.socket.shutdown(2)
        until(client, "waiting")
        until(client, "connected")
        gate.touch()
        assert outcome(client, job)[0].state == "done"


def test_a_goodbye_ends_such_a_job_at_once(shared, tmp_path):
    """Who leaves on purpose is not waited for."""
    with shared.client() as onlooker:
        client = shared.client()
        job = client.call(fill(if_gone="cancel", seed=7, parameters={"block": 60})).job
        client.close()
        wait_until(lambda: onlooker.call(GetJob(job)).state == "cancelled", seconds=2.0)


def test_a_program_that_was_restarted_returns_to_its_session(shared, tmp_path):
    """Krita crashed: with the session's name the new process finds what finished meanwhile."""
    first = shared.client()
    session = first.session
    job = first.call(fill(count=2, seed=1)).job
    first.close()
    with shared.client(session=session) as second:
        assert second.session == session
        assert [info.job for info in second.call(ListJobs()).jobs] == [job]
        second.watch(job)
        assert len(outcome(second, job)[1]) == 2


def test_closing_never_waits_for_a_daemon_that_hangs(start):
    """A host that quits is not held up, and neither is one that gives the goodbye a moment."""
    daemon = start()
    client, other = daemon.client(), daemon.client()
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        client.close(timeout=0)
        other.close(timeout=0.05)
        assert other.send(Status()).exception() is not None
    finally:
        daemon.process.send_signal(signal.SIGCONT)


def test_a_full_disk_refuses_new_work_in_words_and_keeps_what_was_there(start):
    """A picture that can't be stored is refused whole; the daemon and the earlier results stay."""
    daemon = start(4_000_000)
    with daemon.client() as client:
        job = client.call(fill()).job
        _, (made,) = outcome(client, job)
        with pytest.raises(BridgeError) as refused:
            client.call(fill(width=1200, height=1000))  # 4.8 MB
        assert refused.value.wire_code == "out_of_space"
        assert "--data-dir" in refused.value.hint
        assert client.call(Fetch(made.info.candidate)) == made
        assert [j.job for j in client.call(ListJobs()).jobs] == [job], "nothing half-accepted"


def test_a_disk_that_fills_up_meanwhile_fails_the_job_in_words(start):
    """A candidate that can't be stored is never announced; the job says why."""
    daemon = start(4_000_000)
    with daemon.client() as client:
        job = client.call(fill(parameters={"side": 1100})).job  # 4.84 MB
        state, made = outcome(client, job)
        assert (state.state, state.error_code, made) == ("failed", "out_of_space", [])
        assert outcome(client, client.call(fill()).job)[0].state == "done"


def test_an_announced_candidate_is_on_disk(start):
    """The moment a client hears of a candidate, a SIGKILL can't take it away any more."""
    daemon = start()
    with daemon.client() as client:
        job = client.call(fill(count=4, seed=8)).job
        announced = next(e.body for e in events_of(client, job) if e.topic == "job.candidate")
        daemon.kill()
        daemon.start()
        assert client.call(Fetch(announced.info.candidate)) == announced


def test_cancel_ends_one_job_at_once_even_in_code_that_can_not_be_interrupted(shared, tmp_path):
    """The blocked job's end is told and its process is gone; a neighbour's job is not touched."""
    gate = tmp_path / "gate"
    with shared.client() as mine, shared.client() as neighbour:
        kept = neighbour.call(fill(parameters={"wait_for": str(gate)})).job
        job = mine.call(fill(seed=7, parameters={"block": 60, "started": str(tmp_path)})).job
        wait_until(lambda: pid_of(tmp_path, 7))
        mine.call(Cancel(job))
        assert outcome(mine, job)[0].state == "cancelled"
        assert outcome(mine, mine.call(fill()).job)[0].state == "done", "the worker was replaced"
        gate.touch()
        assert outcome(neighbour, kept)[0].state == "done"


def test_sigterm_tells_clients_and_leaves_nothing_behind(start, tmp_path):
    """An orderly stop: the event, exit code 0, no runtime file, no worker; the job waits for a start."""
    daemon = start()
    with daemon.client() as client:
        job = client.call(fill(seed=1, parameters={"block": 60, "started": str(tmp_path)})).job
        wait_until(lambda: pid_of(tmp_path, 1))
        workers = worker_pids(client)
        assert daemon.stop() == 0
        assert until(client, "daemon.stops").body.reason == "SIGTERM"
        assert not (daemon.folder / "daemon.json").exists()
        assert not any(is_alive(pid) for pid in workers)
        daemon.start()
        wait_until(lambda: client.call(GetJob(job)).state in ("queued", "running"))
        client.call(Cancel(job))


def test_a_client_can_stop_the_daemon(start):
    """The stop op is answered, then the daemon ends with code 0."""
    daemon = start()
    with daemon.client() as client:
        client.call(Stop())
        assert daemon.process.wait(20) == 0


def test_a_second_daemon_on_the_same_folder_is_refused(shared):
    """Two daemons never share one store; the message names the first one's pid."""
    with pytest.raises(AssertionError, match=rf"already runs on .* \(pid {shared.process.pid}\)"):
        Daemon(shared.folder)
    assert shared.process.poll() is None


def test_a_runtime_file_of_a_killed_daemon_is_not_believed(start):
    """After SIGKILL the file is still there, but no client waits for a dead process."""
    daemon = start()
    daemon.kill()
    assert (daemon.folder / "daemon.json").exists()
    assert find_daemon(daemon.folder) is None


def test_a_refused_client_says_so(shared):
    """A wrong token ends in the state ``refused`` with the daemon's words."""
    wrong = RuntimeFile(shared.runtime()["address"], "wrong", shared.process.pid, "0")
    with BridgeClient(lambda: wrong, name="test") as client:
        refused = until(client, "refused")
        assert isinstance(refused, ConnectionChanged)
        assert "The token is wrong." in refused.reason
