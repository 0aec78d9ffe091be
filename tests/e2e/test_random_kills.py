# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments to the daemon and its workers, while a client goes on asking."""

import contextlib
import os
import random
import re
import signal
import time

import pytest

from bridge_server.protocol.codec import Event
from bridge_server.protocol.messages import CandidateDone, Fetch, JobState, Status
from daemons import FINAL, fill

KILLS = 8


class Witness:
    """Holds the daemon to what it has told."""

    def __init__(self, client):
        self._client = client
        self._seen = {}
        self.candidates = {}
        self.ends = {}

    def listen(self, seconds, enough=lambda: False):
        """Take in what is told for so long; a job's lasting events come in order, none missing or twice."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not enough():
            happening = self._client.wait(left)
            body = happening.body if isinstance(happening, Event) else None
            if isinstance(body, CandidateDone):
                self._count(body.info.job, happening.seq)
                self.candidates[body.info.candidate] = body
            elif isinstance(body, JobState):
                self._count(body.job, happening.seq)
                if body.state in FINAL:
                    self.ends[body.job] = body

    def _count(self, job, seq):
        assert seq == self._seen.get(job, 0) + 1, f"job {job}: event {seq} after {self._seen.get(job, 0)}"
        self._seen[job] = seq


def kill_a_worker(client, chance):
    """One of those that compute now, if there is one."""
    pids = [int(re.search(r"pid (\d+)", name).group(1)) for name in client.call(Status()).workers]
    if pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_when_nothing_that_was_told_is_lost(start, seed):
    """Every request ends, events have no gap, and each announced candidate is there in the end."""
    chance = random.Random(seed)
    daemon = start()
    with daemon.client() as client:
        witness, asked = Witness(client), []
        for _ in range(KILLS):
            work = {"steps": 4, "step": 0.02}
            asked += [client.send(fill(count=3, seed=n, parameters=work)) for n in range(3)]
            witness.listen(chance.uniform(0, 0.5))
            if chance.random() < 0.4:
                kill_a_worker(client, chance)
            else:
                daemon.kill()
                daemon.start()
        jobs = {future.result(30).job for future in asked}
        witness.listen(40, enough=lambda: jobs <= witness.ends.keys())
        assert jobs <= witness.ends.keys()
        codes = {end.error_code for end in witness.ends.values()}
        assert codes <= {"", "worker_died", "interrupted"}
        assert witness.candidates
        for name, told in witness.candidates.items():
            assert client.call(Fetch(name)) == told
