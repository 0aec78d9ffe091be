# SPDX-License-Identifier: Apache-2.0
"""The client against a daemon that the test plays."""

import queue
import threading
from types import SimpleNamespace

import pytest

import samples
from bridge_server.client import BridgeClient, ConnectionChanged
from bridge_server.client import client as module
from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import (
    BadRequest,
    BridgeError,
    ConnectionLost,
    NotFound,
    OutOfSpace,
    TooLarge,
    VersionMismatch,
)
from bridge_server.protocol.messages import Ack, Cancel, DaemonStops, Echo, GetJob, Status, Stop
from bridge_server.protocol.pixels import Pixels
from counterpart import SOON, Counterpart, eventually

STATUS = samples.RESULTS["status"]


@pytest.fixture
def daemon():
    """The other side."""
    counterpart = Counterpart()
    yield counterpart
    counterpart.close()


@pytest.fixture
def client(daemon):
    """A client that may connect to it."""
    with BridgeClient(
        lambda: daemon.runtime, name="test/1", host="krita", project="cover", on_event=None
    ) as client:
        yield client


def happenings(client, until):
    """What is told up to the state ``until``."""
    told = []
    while not told or told[-1] != until:
        told.append(client.wait(SOON).state)
    return told


def test_it_says_hello_first(client, daemon):
    """With the token of the runtime file; the welcome is there to read."""
    hello = daemon.accept().welcome()
    assert (hello.token, hello.client, hello.host, hello.project) == ("t0ken", "test/1", "krita", "cover")
    assert hello.session == ""
    assert client.wait_until_connected(SOON).version == "9.9"
    assert client.session == "s1"
    assert happenings(client, "connected") == ["connecting", "connected"]


def test_answers_find_their_requests_in_any_order(client, daemon):
    """Three questions at once, answered backwards, one of them with an error of its class."""
    talk = daemon.accept()
    talk.welcome()
    futures = [client.send(request) for request in (Status(), Cancel("j0b"), GetJob("x"))]
    asked = [talk.request() for _ in futures]
    assert [request for _, request in asked] == [Status(), Cancel("j0b"), GetJob("x")]
    talk.fail(asked[2][0], NotFound("No such job.", "List them."))
    talk.reply(asked[1][0], Ack())
    talk.reply(asked[0][0], STATUS)
    assert futures[0].result(SOON) == STATUS
    assert futures[1].result(SOON) == Ack()
    with pytest.raises(NotFound, match=r"No such job\. List them\."):
        futures[2].result(SOON)


def test_what_is_asked_before_the_daemon_is_there_is_sent_when_it_is(daemon):
    """A plugin need not wait for the connection."""
    found = []
    with BridgeClient(lambda: found[0] if found else None, name="t") as client:
        assert client.wait(SOON) == ConnectionChanged("waiting", "No daemon is running.")
        future = client.send(Status())
        found.append(daemon.runtime)
        talk = daemon.accept()
        talk.welcome()
        request_id, request = talk.request()
        assert request == Status()
        talk.reply(request_id, STATUS)
        assert future.result(SOON) == STATUS


def test_each_request_is_sent_once(client, daemon):
    """Neither lost nor doubled when it is asked while the connection is made."""
    talk = daemon.accept()
    futures = [client.send(GetJob(str(n))) for n in range(20)]
    talk.welcome()
    futures += [client.send(GetJob(str(n))) for n in range(20, 60)]
    asked = {talk.request()[1].job for _ in futures}
    assert asked == {str(n) for n in range(60)}
    talk.silence()


def test_call_gives_up_after_its_time(client, daemon):
    """A late answer harms nothing."""
    talk = daemon.accept()
    talk.welcome()
    with pytest.raises(ConnectionLost, match=r"did not answer within 0\.01 s"):
        client.call(Status(), timeout=0.01)
    late, _ = talk.request()
    future = client.send(Stop())
    talk.reply(late, STATUS)
    talk.reply(talk.request()[0], Ack())
    assert future.result(SOON) == Ack()
    assert not client._pending


def test_a_future_that_was_cancelled_harms_nothing(client, daemon):
    """A plugin may lose interest."""
    talk = daemon.accept()
    talk.welcome()
    client.send(Status()).cancel()
    talk.reply(talk.request()[0], STATUS)
    future = client.send(Stop())
    talk.reply(talk.request()[0], Ack())
    assert future.result(SOON) == Ack()


def test_a_refused_client_says_why_and_open_requests_fail(daemon):
    """The reason reaches whoever waits."""
    with BridgeClient(lambda: daemon.runtime, name="t") as client:
        future = client.send(Status())
        talk = daemon.accept()
        talk.fail(talk.request()[0], VersionMismatch("The client speaks protocol 1.", "Update the plugin."))
        with pytest.raises(VersionMismatch, match="Update the plugin"):
            client.wait_until_connected(SOON)
        with pytest.raises(VersionMismatch):
            future.result(SOON)
        assert happenings(client, "refused") == ["connecting", "refused"]
        talk.over.set()
        daemon.accept().welcome()  # after the daemon was updated
        assert happenings(client, "connected")[-1] == "connected"
        assert client.wait_until_connected(SOON).session == "s1"


def test_a_hello_that_can_not_be_taken_is_a_refusal(client, daemon):
    """A project's name that can't be: the asker is told why, and what it asked ends; it is no lost one."""
    future = client.send(Status())
    talk = daemon.accept()
    talk.fail(talk.request()[0], BadRequest("params.project is '../x'.", "Use no slashes."))
    with pytest.raises(BadRequest, match="no slashes"):
        future.result(SOON)
    with pytest.raises(BadRequest):
        client.wait_until_connected(SOON)
    assert happenings(client, "refused") == ["connecting", "refused"]
    talk.over.set()


def test_a_daemon_that_can_not_take_a_session_now_is_asked_again(client, daemon):
    """Its disk is full, for example; requests wait."""
    future = client.send(Status())
    talk = daemon.accept()
    talk.fail(talk.request()[0], OutOfSpace("The disk is full.", "Make room."))
    talk.over.set()
    assert client.wait(SOON).state == "connecting"
    assert client.wait(SOON) == ConnectionChanged("waiting", "The disk is full. Make room.")
    talk = daemon.accept()
    talk.welcome()
    talk.reply(talk.request()[0], STATUS)
    assert future.result(SOON) == STATUS


def test_nobody_there_is_told(client, daemon):
    """Within the time given."""
    with pytest.raises(ConnectionLost, match="can't be reached"):
        client.wait_until_connected(0.01)
    daemon.accept().welcome()


def test_a_request_larger_than_the_daemon_takes_is_not_sent(client, daemon):
    """It would end the connection, again and again; other requests are not disturbed."""
    talk = daemon.accept()
    talk.welcome(max_message=1000)
    client.wait_until_connected(SOON)
    future = client.send(Echo(Pixels(20, 20, "rgb8", bytes(1200))))
    with pytest.raises(TooLarge, match=r"has 12\d\d bytes; the daemon accepts 1000"):
        future.result(SOON)
    status = client.send(Status())
    talk.reply(talk.request()[0], STATUS)
    assert status.result(SOON) == STATUS


def test_a_request_that_can_not_be_encoded_fails_alone(client, daemon):
    """A parameter that is no plain value is the caller's mistake and ends nothing else."""
    talk = daemon.accept()
    talk.welcome()
    client.wait_until_connected(SOON)
    request = samples.REQUESTS["fill"]
    for value in (object(), 2**70):
        future = client.send(module.replace(request, parameters={"x": value}))
        with pytest.raises(BadRequest, match="fill can't be sent"):
            future.result(SOON)
    status = client.send(Status())
    talk.reply(talk.request()[0], STATUS)
    assert status.result(SOON) == STATUS
    assert client._seen.unfinished() == {}


@pytest.mark.parametrize(
    "answer",
    [
        {"result": {}},
        {"result": None},
        {"result": 5},
        {},
        {"kind": "failure"},
        {"kind": "failure", "error": 1},
    ],
)
def test_an_answer_of_another_shape_is_an_error_in_words(client, daemon, answer):
    """The request ends, and the connection goes on."""
    talk = daemon.accept()
    talk.welcome()
    future = client.send(Status())
    talk.raw({"kind": "reply", "id": talk.request()[0]} | answer)
    with pytest.raises(BridgeError, match="was not understood"):
        future.result(SOON)
    future = client.send(Stop())
    talk.reply(talk.request()[0], Ack())
    assert future.result(SOON) == Ack()


@pytest.mark.parametrize(
    "frame", ["text", b"\xc1", b"", {"kind": "event"}, {"id": 1}, {"kind": "event", "topic": []}]
)
def test_nonsense_from_the_other_side_costs_the_connection_not_the_client(client, daemon, frame):
    """It reconnects, and asks again."""
    talk = daemon.accept()
    talk.welcome()
    future = client.send(Status())
    talk.request()
    talk.raw(frame)
    talk.over.set()
    talk = daemon.accept()
    talk.welcome()
    talk.reply(talk.request()[0], STATUS)
    assert future.result(SOON) == STATUS


def test_events_wait_for_poll(client, daemon):
    """In order; a topic of a newer daemon is passed over."""
    talk = daemon.accept()
    talk.welcome()
    client.wait_until_connected(SOON)
    happenings(client, "connected")
    assert client.poll() is None
    talk.raw({"kind": "event", "topic": "moon.phase", "seq": 0, "body": {}})
    event = Event("daemon.stops", 0, DaemonStops("SIGTERM"))
    talk.event(event)
    assert eventually(client.poll) == event
    assert client.wait(0.001) is None


def test_with_deliver_events_are_handled_where_the_program_wants(daemon):
    """on_event runs only when and where the delivered function is run."""
    to_run, seen = queue.Queue(), []

    def on_event(happening):
        seen.append((threading.current_thread(), happening))

    with BridgeClient(lambda: daemon.runtime, name="t", deliver=to_run.put, on_event=on_event) as client:
        talk = daemon.accept()
        talk.welcome()
        talk.event(Event("daemon.stops", 0, DaemonStops("x")))
        work = [to_run.get(timeout=SOON) for _ in range(3)]
        assert seen == []
        for each in work:
            each()
        assert [thread for thread, _ in seen] == [threading.current_thread()] * 3
        assert [type(happening) for _, happening in seen] == [ConnectionChanged, ConnectionChanged, Event]
        assert client.poll() is None


def test_a_deliver_that_fails_does_not_end_the_client(daemon):
    """The host may be closing its window."""

    def deliver(_function):
        raise RuntimeError("no event loop")

    with BridgeClient(lambda: daemon.runtime, name="t", deliver=deliver, on_event=print) as client:
        talk = daemon.accept()
        talk.welcome()
        future = client.send(Status())
        talk.event(Event("daemon.stops", 0, DaemonStops("x")))
        talk.reply(talk.request()[0], STATUS)
        assert future.result(SOON) == STATUS


def test_deliver_and_on_event_belong_together():
    """One without the other is a mistake that is told at once."""
    with pytest.raises(ValueError, match="belong together"):
        BridgeClient(lambda: None, name="t", deliver=print)


def test_a_locate_that_fails_is_asked_again(daemon):
    """A folder that can't be read for a moment, for example."""
    answers = [PermissionError("no"), ValueError("no"), daemon.runtime]

    def locate():
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    with BridgeClient(locate, name="t") as client:
        daemon.accept().welcome()
        assert client.wait_until_connected(SOON)


def test_closing_fails_what_is_open_and_what_comes_later(client, daemon):
    """Every request ends, and the client says that it is closed."""
    talk = daemon.accept()
    talk.welcome()
    future = client.send(Status())
    talk.request()
    talk.over.set()
    client.close()
    for each in (future, client.send(Status())):
        with pytest.raises(ConnectionLost, match="closed"):
            each.result(SOON)
    assert happenings(client, "closed")[-1] == "closed"
    assert not client._reader.is_alive()
    assert not client._writer.is_alive()


def test_closing_while_the_daemon_is_greeted_ends_as_well(daemon):
    """However late the welcome comes."""
    client = BridgeClient(lambda: daemon.runtime, name="t")
    talk = daemon.accept()
    request_id, _ = talk.request()
    closing = threading.Thread(target=client.close)
    closing.start()
    eventually(client._closing.is_set)
    talk.reply(request_id, samples.RESULTS["hello"])
    closing.join(SOON)
    eventually(lambda: not client._reader.is_alive())


def test_an_event_handler_may_close_the_client(daemon):
    """Also where it runs on the reader's own thread."""
    closed = threading.Event()

    def on_event(happening):
        if happening.state == "connected":
            client.close()
            closed.set()

    client = BridgeClient(lambda: daemon.runtime, name="t", deliver=lambda f: f(), on_event=on_event)
    talk = daemon.accept()
    talk.welcome()
    talk.over.set()
    assert closed.wait(SOON)
    eventually(lambda: not client._reader.is_alive())


def test_attempts_to_connect_come_ever_slower_up_to_a_limit(monkeypatch):
    """A daemon that is gone for the night is not asked ten times a second."""
    waits, enough = [], threading.Event()

    class Impatient(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            if len(waits) > 8:
                enough.set()
                return super().wait(timeout)
            return self.is_set()

    fake = SimpleNamespace(
        Event=Impatient, **{n: getattr(threading, n) for n in ("Lock", "Thread", "current_thread")}
    )
    monkeypatch.setattr(module, "threading", fake)
    monkeypatch.setattr(module._CHANCE, "uniform", lambda _low, _high: 1.0)
    with BridgeClient(lambda: None, name="t"):
        assert enough.wait(SOON)
    assert waits[:8] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
