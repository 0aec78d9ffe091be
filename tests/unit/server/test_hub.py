# SPDX-License-Identifier: Apache-2.0
"""Who is told what."""

import msgpack
from hypothesis import given
from hypothesis import strategies as st

import samples
from bridge_server.protocol.codec import Event, event_from_frame
from bridge_server.protocol.messages import DaemonStops, JobProgress, JobState
from bridge_server.protocol.projects import ProjectDeleted
from bridge_server.server.hub import Hub
from bridge_server.sessions.database import channel_of


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


def head(seq):
    """A lasting event of a project."""
    return Event("project.head", seq, samples.EVENTS["project.head"])


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


def test_a_project_and_a_job_of_the_same_name_are_two_channels():
    """A project's has a slash, which no job's id has."""
    hub, of_job, of_project = Hub(), Client(), Client()
    hub.watch(of_job, "j")
    hub.watch(of_project, channel_of("j"))
    hub.publish("j", state(1))
    hub.publish(channel_of("j"), head(2))
    assert (of_job.numbers, of_project.numbers) == ([1], [2])
    assert "/" in channel_of("j")


def test_the_end_of_a_job_ends_no_project():
    """What belongs to a project goes on being told."""
    hub, client = Hub(), Client()
    hub.watch(client, channel_of("p"))
    hub.publish(channel_of("p"), Event("project.job", 1, samples.EVENTS["project.job"]))
    hub.publish(channel_of("p"), head(2))
    assert client.numbers == [1, 2]


def test_a_deletion_is_told_at_once_and_numbers_begin_anew():
    """Also to who is catching up, whose catching up is over."""
    hub, client, channel = Hub(), Client(), channel_of("p")
    state_ = hub.begin_catching_up(client, channel)
    hub.publish(channel, head(9))
    hub.publish(channel, Event("project.deleted", 0, ProjectDeleted("p")))
    assert state_.over
    hub.publish(channel, head(1))
    hub.begin_catching_up(client, channel)
    assert hub.caught_up(client, channel, 1)
    hub.publish(channel, head(1))  # read and told before it was announced
    hub.publish(channel, head(2))
    assert client.numbers == [0, 1, 2]


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


def catch_up(hub, client, log, after=0):
    """Tell what the store holds, one after the other, until nothing newer has come."""
    while True:
        newer = [event for event in log if event.seq > after]
        if newer:
            hub.tell(client, "j", newer[0])
            after = newer[0].seq
        elif hub.caught_up(client, "j", after):
            return


def test_catching_up_with_a_job_that_is_over_leaves_nothing_behind():
    """Looking at an old job costs no memory either."""
    hub, client = Hub(), Client()
    hub.begin_catching_up(client, "j")
    catch_up(hub, client, [state(1, "queued"), state(2, "cancelled")])
    assert client.numbers == [1, 2]
    assert not hub._watchers
    assert not hub._catching_up
    assert not hub._told


def test_what_happens_meanwhile_is_told_once_and_in_order():
    """An event of meanwhile is left to who reads the store; one that is announced late is not repeated."""
    hub, client = Hub(), Client()
    log = [state(2), state(3)]
    hub.begin_catching_up(client, "j")
    hub.publish("j", state(3))
    assert client.events == []
    log.append(state(4))  # written, not announced yet
    catch_up(hub, client, log)
    hub.publish("j", state(4))
    hub.publish("j", state(5))
    assert client.numbers == [2, 3, 4, 5]


def test_an_event_that_the_store_did_not_show_yet_is_read_on_for():
    """Announced while the last read was under way: catching up does not end before it is told."""
    hub, client = Hub(), Client()
    hub.begin_catching_up(client, "j")
    hub.publish("j", state(1))
    assert not hub.caught_up(client, "j", 0)
    catch_up(hub, client, [state(1)])
    assert client.numbers == [1]


def test_passing_events_are_told_meanwhile():
    """Progress and previews of a job that is being caught up with are of use at once."""
    hub, client = Hub(), Client()
    hub.begin_catching_up(client, "j")
    hub.publish("j", progress(3))
    assert len(client.keys) == 1


def test_catching_up_of_one_delays_nobody_else():
    """Who was there all the time is told at once."""
    hub, here, back = Hub(), Client(), Client()
    hub.watch(here, "j")
    hub.begin_catching_up(back, "j")
    hub.publish("j", state(1))
    assert here.numbers == [1]
    assert back.numbers == []


def test_a_catching_up_that_was_given_up_lets_events_through_again():
    """A failed read does not make a connection deaf."""
    hub, client = Hub(), Client()
    hub.begin_catching_up(client, "j")
    hub.stop_catching_up(client, "j")
    hub.publish("j", state(1))
    assert client.numbers == [1]


@given(st.data())
def test_two_at_once_lose_nothing(data):
    """A client that asks twice at once hears of every event, in an order whose first hearings have no gap."""
    hub, client = Hub(), Client()
    log, told = [], []  # told: how far each of the replays has come
    for _ in range(data.draw(st.integers(1, 16))):
        step = data.draw(st.sampled_from(["begin", "event", "tell"]))
        if step == "begin":
            hub.begin_catching_up(client, "j")
            told.append(0)
        elif step == "event":
            log.append(state(len(log) + 1))
            hub.publish("j", log[-1])
        elif told:
            which = data.draw(st.integers(0, len(told) - 1))
            if told[which] < len(log):
                hub.tell(client, "j", log[told[which]])
                told[which] += 1
            elif hub.caught_up(client, "j", told[which]):
                told.pop(which)
    for after in told:
        catch_up(hub, client, log, after)
    if client.events:
        assert list(dict.fromkeys(client.numbers)) == list(range(1, len(log) + 1))


def test_leaving_ends_all_watching_and_tells_whether_the_session_is_gone():
    """A session ends with its last connection."""
    hub, one, two, other = Hub(), Client("a"), Client("a"), Client("b")
    for client in (one, two, other):
        hub.join(client)
        hub.watch(client, "j")
    hub.begin_catching_up(one, "k")
    assert not hub.leave(one)
    hub.publish("j", state(1))
    assert one.events == []
    assert hub.leave(two)
    assert not hub._catching_up
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
