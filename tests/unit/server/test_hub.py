# SPDX-License-Identifier: Apache-2.0
"""Who is told what."""

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.protocol.codec import Event, event_from_frame
from bridge_server.protocol.messages import DaemonStops, JobProgress, JobState
from bridge_server.server.hub import Hub


class Client:
    """A connection that remembers what it was sent."""

    def __init__(self, session="s"):
        self.session = session
        self.events = []
        self.keys = []

    def send(self, frame):
        """Remember a frame."""
        self.events.append(event_from_frame(msgpack.unpackb(frame)))

    def send_passing(self, key, frame):
        """Remember a frame and its key."""
        self.keys.append(key)
        self.send(frame)

    @property
    def numbers(self):
        """The numbers of the events, as they came."""
        return [event.seq for event in self.events]


def state(seq, name="running", job="j"):
    """A lasting event."""
    return Event("job.state", seq, JobState(job, name))


def progress(seq, index=0):
    """A passing event."""
    return Event("job.progress", seq, JobProgress("j", index, 0.5))


def test_only_watchers_of_a_job_are_told():
    """Another job's watcher and a connection that watches nothing hear nothing."""
    hub, watcher, other, idle = Hub(), Client(), Client(), Client()
    for client in (watcher, other, idle):
        hub.join(client)
    hub.watch(watcher, "j")
    hub.watch(other, "k")
    hub.publish("j", state(1))
    assert (watcher.numbers, other.numbers, idle.numbers) == ([1], [], [])


def test_passing_events_are_sent_as_such_with_a_key_for_each_candidate():
    """Progress of one candidate replaces its own older progress, never another's."""
    hub, client = Hub(), Client()
    hub.watch(client, "j")
    for index in (0, 1, 0):
        hub.publish("j", progress(1, index))
    assert client.keys[0] == client.keys[2] != client.keys[1]


def test_after_the_final_state_nobody_watches():
    """A job that is over costs no memory."""
    hub, client = Hub(), Client()
    hub.watch(client, "j")
    hub.publish("j", state(2, "done"))
    hub.publish("j", state(3))
    assert client.numbers == [2]
    assert not hub._watchers


def test_replaying_a_job_that_is_over_leaves_nothing_behind():
    """Looking at an old job costs no memory either."""
    hub, client = Hub(), Client()
    hub.hold(client, "j")
    hub.replay(client, "j", [state(1, "queued"), state(2, "cancelled")])
    assert client.numbers == [1, 2]
    assert not hub._watchers
    assert not hub._held


def test_what_happens_during_a_replay_comes_after_it_once():
    """No gap, no duplicate, in order; passing events of meanwhile are left out."""
    hub, client = Hub(), Client()
    hub.hold(client, "j")
    hub.publish("j", state(3))
    hub.publish("j", progress(3))
    hub.publish("j", state(4))
    assert client.events == []
    hub.replay(client, "j", [state(2), state(3)])
    hub.publish("j", state(5))
    assert client.numbers == [2, 3, 4, 5]


def test_holding_one_watcher_does_not_hold_another():
    """The replay for who returns delays nobody else."""
    hub, here, back = Hub(), Client(), Client()
    hub.watch(here, "j")
    hub.hold(back, "j")
    hub.publish("j", state(1))
    assert here.numbers == [1]
    assert back.numbers == []


def test_a_final_event_that_was_held_ends_the_watching():
    """The job ended while the older events were read."""
    hub, client = Hub(), Client()
    hub.hold(client, "j")
    hub.publish("j", state(2, "done"))
    hub.replay(client, "j", [state(1)])
    assert client.numbers == [1, 2]
    assert not hub._watchers


@given(st.data())
def test_two_replays_at_once_lose_nothing(data):
    """A client that asks twice at once hears of every event, in an order whose first hearings have no gap."""
    hub, client = Hub(), Client()
    log, unread = [], []
    for _ in range(data.draw(st.integers(1, 12))):
        step = data.draw(st.sampled_from(["hold", "event", "replay"]))
        if step == "hold":
            hub.hold(client, "j")
            unread.append(len(log))  # what the store holds when it is read, at the earliest
        elif step == "event" and (unread or client.events):
            log.append(state(len(log) + 1))
            hub.publish("j", log[-1])
        elif step == "replay" and unread:
            read = data.draw(st.integers(unread.pop(0), len(log)))
            hub.replay(client, "j", log[:read])
    while unread:
        hub.replay(client, "j", log[: unread.pop(0)])
    first = list(dict.fromkeys(client.numbers))
    if client.events:
        assert first == list(range(1, len(log) + 1))


def test_leaving_ends_all_watching_and_tells_whether_the_session_is_gone():
    """A session ends with its last connection."""
    hub, one, two, other = Hub(), Client("a"), Client("a"), Client("b")
    for client in (one, two, other):
        hub.join(client)
        hub.watch(client, "j")
    hub.hold(one, "k")
    assert not hub.leave(one)
    hub.publish("j", state(1))
    assert one.events == []
    assert hub.leave(two)
    assert not hub._held
    assert set(hub._watchers) == {"j"}


def test_a_broadcast_reaches_everyone_who_said_hello():
    """Also connections that watch nothing."""
    hub, client = Hub(), Client()
    hub.join(client)
    hub.broadcast(Event("daemon.stops", 0, DaemonStops("SIGTERM")))
    assert client.events[0].body == DaemonStops("SIGTERM")


def test_an_event_nobody_watches_is_not_even_encoded():
    """A body that can't be encoded does no harm then."""
    Hub().publish("j", Event("job.state", 1, object()))
