# SPDX-License-Identifier: Apache-2.0
"""Nothing is missed or done twice over a lost connection."""

from dataclasses import replace

import pytest

import samples
from bridge_server.client import BridgeClient
from bridge_server.client import client as module
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import NotFound, TooBusy
from bridge_server.protocol.messages import Cancel, CandidateDone, Fill, JobState, Status, Submitted, Watch
from bridge_server.protocol.projects import Follow
from counterpart import SOON, Counterpart

FILL = replace(samples.REQUESTS["fill"], job="")
CREATED = samples.RESULTS["follow"].created


@pytest.fixture
def daemon(monkeypatch):
    """The other side, to which the client comes back soon."""
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.005)
    counterpart = Counterpart()
    yield counterpart
    counterpart.close()


@pytest.fixture
def client(daemon):
    """A client that may connect to it."""
    with BridgeClient(lambda: daemon.runtime, name="t") as client:
        yield client


def state(job, seq, name):
    """A lasting event."""
    return Event("job.state", seq, JobState(job, name))


def candidate(job, seq):
    """A lasting event with pixels."""
    return Event("job.candidate", seq, CandidateDone(replace(samples.CANDIDATE, job=job), samples.PATCH))


def numbers(client, last):
    """The numbers of the events that are told, up to one."""
    told = []
    while not told or told[-1] != last:
        happening = client.wait(SOON)
        assert happening is not None, f"{last} did not come after {told}"
        if isinstance(happening, Event):
            told.append(happening.seq)
    return told


def submitted(client, talk):
    """A job that the daemon has taken; its id."""
    future = client.send(FILL)
    request_id, request = talk.request()
    talk.reply(request_id, Submitted(request.job, 1, 42))
    assert future.result(SOON).job == request.job
    return request.job


def test_a_job_that_was_not_answered_is_asked_again_under_the_same_id(client, daemon):
    """So the daemon can see that it is the same; the sitting is the same too."""
    talk = daemon.accept()
    assert talk.welcome(session="sitting").session == ""
    future = client.send(FILL)
    _, first = talk.request()
    assert 1 <= len(first.job) <= 64
    talk.drop()
    talk = daemon.accept()
    assert talk.welcome().session == "sitting"
    request_id, second = talk.request()
    assert second == first
    talk.silence()  # asking again brings its events; it is not watched besides
    talk.reply(request_id, Submitted(second.job, 1, 42))
    assert future.result(SOON).job == first.job


def test_a_job_id_of_the_caller_is_kept(client, daemon):
    """A plugin may name its jobs."""
    talk = daemon.accept()
    talk.welcome()
    client.send(replace(FILL, job="mine"))
    assert talk.request()[1].job == "mine"


def test_open_requests_are_asked_again_in_their_order(client, daemon):
    """Whatever they are; answered ones are not."""
    talk = daemon.accept()
    talk.welcome()
    answered = client.send(Status())
    talk.reply(talk.request()[0], samples.RESULTS["status"])
    answered.result(SOON)
    client.send(Cancel("a"))
    client.send(Status())
    talk.request()
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert [talk.request()[1] for _ in range(2)] == [Cancel("a"), Status()]
    talk.silence()


def test_an_unfinished_job_is_watched_again_from_the_last_event_seen(client, daemon):
    """A replay that overlaps is not told twice, and nothing is left out."""
    talk = daemon.accept()
    talk.welcome()
    job = submitted(client, talk)
    for event in (state(job, 1, "queued"), state(job, 2, "running"), candidate(job, 3)):
        talk.event(event)
    assert numbers(client, last=3) == [1, 2, 3]
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    request_id, request = talk.request()
    assert request == Watch(job, 3)
    for event in (candidate(job, 3), candidate(job, 4), state(job, 5, "done")):
        talk.event(event)
    talk.reply(request_id, samples.JOB)
    assert numbers(client, last=5) == [4, 5]


def test_what_was_watched_before_the_first_event_is_watched_from_the_start(client, daemon):
    """The job was taken, and the connection broke before anything was told."""
    talk = daemon.accept()
    talk.welcome()
    job = submitted(client, talk)
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert talk.request()[1] == Watch(job, 0)


def test_a_finished_or_refused_job_is_not_watched_again(client, daemon):
    """There is nothing more to hear of it."""
    talk = daemon.accept()
    talk.welcome()
    job = submitted(client, talk)
    talk.event(state(job, 1, "cancelled"))
    numbers(client, last=1)
    refused = client.send(FILL)
    talk.fail(talk.request()[0], TooBusy("Full."))
    with pytest.raises(TooBusy):
        refused.result(SOON)
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    talk.silence()


def test_a_watch_that_was_not_answered_is_asked_again_once(client, daemon):
    """Two replays at once would be twice the work."""
    talk = daemon.accept()
    talk.welcome()
    client.watch("other", after=2)
    assert talk.request()[1] == Watch("other", 2)
    talk.event(state("other", 3, "running"))
    assert numbers(client, last=3) == [3]
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert talk.request()[1] == Watch("other", 2)
    talk.silence()


def test_a_job_that_the_daemon_does_not_know_is_not_asked_for_for_ever(client, daemon):
    """Its data folder is another one now."""
    talk = daemon.accept()
    talk.welcome()
    future = client.watch("lost")
    talk.fail(talk.request()[0], NotFound("There is no job."))
    with pytest.raises(NotFound):
        future.result(SOON)
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    talk.silence()


def test_two_replays_at_once_tell_each_event_once(client, daemon):
    """Also those that come after the job's end."""
    talk = daemon.accept()
    talk.welcome()
    client.watch("j")
    client.watch("j")
    for _ in range(2):
        for event in (state("j", 1, "queued"), candidate("j", 2), state("j", 3, "done")):
            talk.event(event)
    marker = Event("daemon.stops", 99, samples.EVENTS["daemon.stops"])
    talk.event(marker)
    assert numbers(client, last=99) == [1, 2, 3, 99]


def test_a_job_asked_for_while_the_connection_is_made_is_not_watched_before_it_exists(client, daemon):
    """The daemon would say that there is no such job, and the client stop listening for it."""
    for _ in range(15):
        talk = daemon.accept()
        talk.welcome()
        jobs = [client.send(FILL) for _ in range(5)]
        requests = [talk.request()[1] for _ in jobs]
        assert all(isinstance(request, Fill) for request in requests)
        for request_id in list(client._pending):
            talk.fail(request_id, TooBusy("Full."))
        for job in jobs:
            with pytest.raises(TooBusy):
                job.result(SOON)
        talk.drop()


def head(seq):
    """A lasting event of the project."""
    return Event("project.head", seq, samples.EVENTS["project.head"])


def followed(client, talk, seq, after=None):
    """Follow; the daemon's answer says that ``seq`` is the last number."""
    future = client.send(Follow(after))
    request_id, request = talk.request()
    assert request == Follow(after)
    talk.reply(request_id, replace(samples.RESULTS["follow"], seq=seq))
    assert future.result(SOON).seq == seq


def test_a_project_is_followed_again_from_the_last_number_seen(client, daemon):
    """Also when nothing happened since the answer; a replay that overlaps is told once."""
    talk = daemon.accept()
    talk.welcome()
    followed(client, talk, 57)
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    request_id, request = talk.request()
    assert request == Follow(57, CREATED)
    for seq in (57, 58, 59):
        talk.event(head(seq))
    talk.reply(request_id, replace(samples.RESULTS["follow"], seq=58))
    assert numbers(client, last=59) == [58, 59]
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert talk.request()[1] == Follow(59, CREATED)
    talk.silence()


def test_a_follow_that_was_not_answered_is_asked_again_once(client, daemon):
    """As it was asked."""
    talk = daemon.accept()
    talk.welcome()
    client.send(Follow(3))
    talk.request()
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert talk.request()[1] == Follow(3)
    talk.silence()


def test_a_project_that_was_begun_anew_is_told_as_deleted_and_followed_from_its_start(client, daemon):
    """Nobody was there to hear that the old one is gone; the number 0 is that of its end."""
    talk = daemon.accept()
    talk.welcome()
    followed(client, talk, 57)
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    request_id, request = talk.request()
    assert request == Follow(57, CREATED)
    talk.fail(request_id, NotFound("It has had 2 events."))
    request_id, request = talk.request()
    assert request == Follow(0)
    for seq in (1, 2):
        talk.event(head(seq))
    talk.reply(request_id, replace(samples.RESULTS["follow"], seq=2))
    talk.event(head(3))
    assert numbers(client, last=3) == [0, 1, 2, 3]


def test_a_follow_that_was_refused_is_not_repeated(client, daemon):
    """Its asker has the answer; what was followed before goes on."""
    talk = daemon.accept()
    talk.welcome()
    refused = client.send(Follow(99))
    talk.fail(talk.request()[0], NotFound("It has had 2 events."))
    with pytest.raises(NotFound):
        refused.result(SOON)
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    talk.silence()
    followed(client, talk, 2)
    client.send(Follow(99))
    talk.fail(talk.request()[0], NotFound("It has had 2 events."))
    talk.event(head(3))
    assert numbers(client, last=3) == [3]


@pytest.mark.parametrize("op", ["accept", "reject", "undo", "set_taste", "load_taste"])
def test_a_change_keeps_the_key_that_the_client_chose(client, daemon, op):
    """Asked again after a lost connection it is the same change; another asking is another."""
    talk = daemon.accept()
    talk.welcome()
    change = replace(samples.REQUESTS[op], key="")
    client.send(change)
    _, first = talk.request()
    assert 1 <= len(first.key) <= 64
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert talk.request()[1] == first
    client.send(change)
    assert talk.request()[1].key != first.key
    client.send(replace(change, key="mine"))
    assert talk.request()[1].key == "mine"


@pytest.mark.parametrize("op", ["more", "less"])
def test_more_and_less_are_jobs_with_an_id_of_their_own(client, daemon, op):
    """Their events are heard, and they are asked again under the same id."""
    talk = daemon.accept()
    talk.welcome()
    client.send(replace(samples.REQUESTS[op], job=""))
    _, first = talk.request()
    assert 1 <= len(first.job) <= 64
    talk.event(state(first.job, 1, "queued"))
    assert numbers(client, last=1) == [1]
    talk.drop()
    talk = daemon.accept()
    talk.welcome()
    assert talk.request()[1] == first
    talk.silence()
