# SPDX-License-Identifier: Apache-2.0
"""What a client has seen of its jobs."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

import samples
from bridge_server.client.seen import SeenLog
from bridge_server.protocol.codec import Event
from bridge_server.protocol.messages import CandidateDone, DaemonStops, JobProgress, JobState
from bridge_server.protocol.projects import ProjectDeleted
from bridge_server.protocol.steering import Steered


def state(seq, name="running", job="j"):
    """A lasting event."""
    return Event("job.state", seq, JobState(job, name))


def candidate(seq):
    """A lasting event with pixels."""
    return Event("job.candidate", seq, CandidateDone(replace(samples.CANDIDATE, job="j"), samples.PATCH))


def head(seq):
    """A lasting event of the project."""
    return Event("project.head", seq, samples.EVENTS["project.head"])


def test_a_project_that_is_not_followed_has_no_news():
    """The daemon may still tell of it for a moment."""
    log = SeenLog()
    assert not log.is_news(head(1))
    assert log.followed is None


def test_events_of_the_project_are_news_once():
    """A replay that overlaps is recognised by the numbers."""
    log = SeenLog()
    log.begin_following(after=2)
    assert [log.is_news(head(seq)) for seq in (2, 3, 3, 2, 4)] == [False, True, False, False, True]
    assert log.followed == 4


def test_following_from_now_on_counts_from_what_the_daemon_says():
    """An event that came before the answer is not forgotten."""
    log = SeenLog()
    log.begin_following(None)
    assert log.followed is None
    assert log.is_news(head(8))
    log.follow_from(7, 1.5)
    assert log.followed == 8
    log.follow_from(9, 1.5)
    assert not log.is_news(head(9))


def test_a_follow_that_was_refused_changes_nothing():
    """What was followed before goes on from where it was; what was not is not followed."""
    log = SeenLog()
    log.begin_following(99)
    log.refuse_following()
    assert log.followed is None
    assert not log.is_news(head(100))
    log.begin_following(3)
    log.begin_following(99)
    log.refuse_following()
    assert log.is_news(head(4))


def test_after_a_deletion_numbers_begin_at_one():
    """And all of them are news again."""
    log = SeenLog()
    log.begin_following(7)
    assert log.is_news(Event("project.deleted", 0, ProjectDeleted("p")))
    assert log.followed == 0
    assert [log.is_news(head(seq)) for seq in (1, 2)] == [True, True]


def test_lasting_events_are_news_once():
    """A replay that overlaps is recognised by the numbers."""
    log = SeenLog()
    log.begin("j")
    events = [state(1, "queued"), state(2), candidate(3)]
    assert [log.is_news(event) for event in events] == [True] * 3
    assert [log.is_news(event) for event in [*events, candidate(4)]] == [False, False, False, True]
    assert log.unfinished() == {"j": 4}


def test_steering_is_a_lasting_event():
    """It counts, so that a client that returns asks for those after it."""
    log = SeenLog()
    log.begin("j")
    steered = Event("job.steered", 2, Steered("j", samples.STEERING))
    assert [log.is_news(event) for event in (state(1), steered, steered)] == [True, True, False]
    assert log.unfinished() == {"j": 2}


def test_passing_events_are_always_news():
    """Also those of a job that is not followed, and what belongs to no job."""
    log = SeenLog()
    progress = Event("job.progress", 2, JobProgress("j", 0, 0.5))
    stops = Event("daemon.stops", 0, DaemonStops("x"))
    assert [log.is_news(event) for event in (progress, progress, stops)] == [True] * 3


def test_a_job_that_ended_is_not_followed_and_its_replay_is_no_news():
    """Two replays at once, the first of which brought the end."""
    log = SeenLog()
    log.begin("j")
    assert log.is_news(state(2, "done"))
    assert log.unfinished() == {}
    assert not log.is_news(candidate(1))
    assert not log.is_news(state(2, "done"))


def test_beginning_in_the_middle_skips_what_was_seen():
    """A client of a later sitting knows what it has."""
    log = SeenLog()
    log.begin("j", after=3)
    assert [log.is_news(state(seq)) for seq in (3, 4)] == [False, True]


def test_beginning_again_forgets_nothing():
    """A job that is followed already goes on from where it is."""
    log = SeenLog()
    log.begin("j")
    log.is_news(state(5))
    log.begin("j")
    assert log.unfinished() == {"j": 5}


def test_an_ended_job_can_be_looked_at_anew():
    """Who asks for all events again gets them."""
    log = SeenLog()
    log.begin("j")
    log.is_news(state(2, "failed"))
    log.begin("j")
    assert log.is_news(state(1, "queued"))


@given(st.lists(st.integers(0, 8), min_size=1, max_size=6))
def test_any_overlapping_replays_deliver_each_event_once(starts):
    """Each replay begins at some number seen before; what is delivered has neither gap nor duplicate."""
    log, delivered = SeenLog(), []
    log.begin("j")
    for start in starts:
        seen = log.unfinished().get("j", 8)
        replay = [state(seq, "done" if seq == 8 else "running") for seq in range(min(start, seen) + 1, 9)]
        delivered += [event.seq for event in replay if log.is_news(event)]
    assert delivered == list(range(1, 9))
