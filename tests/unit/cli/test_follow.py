# SPDX-License-Identifier: Apache-2.0
"""Staying with a job to its end."""

import queue
import time
from concurrent.futures import Future

import pytest

from bridge_server.cli import follow
from bridge_server.cli.follow import run_job
from bridge_server.client import ConnectionChanged
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import (
    BadRequest,
    BridgeError,
    Cancelled,
    ConnectionLost,
    DaemonStopping,
    WorkerDied,
)
from bridge_server.protocol.messages import (
    Ack,
    Cancel,
    DaemonStops,
    DraftsProgress,
    JobProgress,
    JobState,
    Submitted,
)
from samples import DONE, REQUESTS

FILL = REQUESTS["fill"]


class Client:
    """Plays back what a daemon would say."""

    def __init__(self, *bodies, refusal=None):
        self.sent = []
        self._refusal = refusal
        self._happenings = queue.SimpleQueue()
        for body in bodies:
            event = body if isinstance(body, ConnectionChanged) else Event("", 1, body)
            self._happenings.put(event)

    def send(self, request):
        """Answer at once."""
        self.sent.append(request)
        future = Future()
        if self._refusal is not None and request is FILL:
            future.set_exception(self._refusal)
        else:
            future.set_result(Ack() if isinstance(request, Cancel) else Submitted("j0b", 2, 42))
        return future

    def wait(self, timeout):
        """The next event."""
        try:
            return self._happenings.get(timeout=timeout)
        except queue.Empty:
            return None


class Listener:
    """Writes down what it is told."""

    def __init__(self, error=None):
        self.told = []
        self._error = error

    def waiting(self, position):
        """In line."""
        self.told.append(("waiting", position))

    def drafts(self, made, wanted):
        """Among drafts."""
        self.told.append(("drafts", made, wanted))

    def progress(self, index, done):
        """Under way."""
        self.told.append(("progress", index, done))

    def candidate(self, made):
        """Done, or not wanted."""
        if self._error is not None:
            raise self._error
        self.told.append(("candidate", made))


def test_a_job_is_followed_from_line_to_candidate():
    """The listener hears everything in order; nothing is cancelled."""
    client, listener = (
        Client(
            ConnectionChanged("connecting"),
            ConnectionChanged("connected"),
            JobState("j0b", "queued"),
            JobState("j0b", "running"),
            DraftsProgress("j0b", 3, 12),
            JobProgress("j0b", 1, 0.5),
            DONE,
            JobState("j0b", "done"),
        ),
        Listener(),
    )
    run_job(client, FILL, listener)
    assert listener.told == [("waiting", 2), ("drafts", 3, 12), ("progress", 1, 0.5), ("candidate", DONE)]
    assert client.sent == [FILL]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (JobState("j0b", "failed", "worker_died", "It ended.", "Ask again."), WorkerDied, "It ended."),
        (JobState("j0b", "cancelled", 0, "cancelled", "By a cat."), Cancelled, "By a cat."),
        (DaemonStops("SIGTERM"), DaemonStopping, "SIGTERM"),
    ],
)
def test_an_end_without_a_result_is_an_error(body, error, message):
    """Each way a job can end badly has its class, and keeps the daemon's words."""
    with pytest.raises(error, match=message):
        run_job(Client(body), FILL, Listener())


def test_what_the_daemon_refuses_is_raised():
    """A refused request is no endless wait."""
    with pytest.raises(BadRequest, match="Not today"):
        run_job(Client(refusal=BadRequest("Not today.")), FILL, Listener())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("full")])
def test_if_the_command_gives_up_the_job_is_cancelled(error):
    """Ctrl-C and a result that can't be written end the job in the daemon too."""
    client = Client(DONE)
    with pytest.raises(type(error)):
        run_job(client, FILL, Listener(error))
    assert client.sent == [FILL, Cancel(FILL.job)]


def test_a_lost_daemon_is_given_some_seconds(monkeypatch):
    """A connection that comes back in time goes on; one that does not is an error."""
    monkeypatch.setattr(follow, "_PATIENCE", 0.05)
    back = Client(ConnectionChanged("waiting"), ConnectionChanged("connected"), JobState("j0b", "done"))
    run_job(back, FILL, Listener())
    with pytest.raises(ConnectionLost, match="gone"):
        run_job(Client(ConnectionChanged("waiting")), FILL, Listener())


def test_a_limit_ends_a_job_that_hangs():
    """For checks that must not wait for ever."""
    started = time.monotonic()
    with pytest.raises(BridgeError, match="too long"):
        run_job(Client(), FILL, Listener(), limit=0.05)
    assert time.monotonic() - started < 5
