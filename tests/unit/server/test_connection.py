# SPDX-License-Identifier: Apache-2.0
"""One client's connection."""

import asyncio

import msgpack
import pytest

import samples
from bridge_server.protocol.errors import OutOfSpace
from bridge_server.protocol.messages import Ack, Cancel, Echo, Hello, Status, Stop
from bridge_server.server import connection
from serving import SOON, house


async def closed(client):
    """The close code of a connection that the daemon ends."""
    async with asyncio.timeout(SOON):
        await client.socket.wait_closed()
    return client.socket.close_code, client.socket.close_reason


def test_a_hello_is_welcomed(tmp_path):
    """With the limits, and a session that is written down before the answer."""

    async def scenario():
        async with house(tmp_path) as it, it.client(greet=False) as client:
            welcome = await client.hello()
            assert (welcome.protocol, welcome.max_message, welcome.max_pixels) == (1, 2**20, 100)
            assert it.begun == [(welcome.session, "test")]
            assert len(welcome.session) == 16

    asyncio.run(scenario())


def test_a_returning_session_keeps_its_name(tmp_path):
    """It is the same sitting."""

    async def scenario():
        async with house(tmp_path) as it, it.client(greet=False) as client:
            assert (await client.hello(session="mine")).session == "mine"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("hello", "code", "words"),
    [
        ({"token": "wrong"}, "authentication_failed", "The token is wrong."),
        ({"token": ""}, "authentication_failed", "The token is missing."),
        ({"token": "tök€n"}, "authentication_failed", "The token is wrong."),
        ({"protocol": 0}, "version_mismatch", "Update the plugin."),
        ({"protocol": 2}, "version_mismatch", "pip install -U bridge-server"),
    ],
)
def test_an_unacceptable_hello_gets_one_failure_and_the_door(tmp_path, hello, code, words):
    """The close frame names the reason too."""

    async def scenario():
        async with house(tmp_path) as it, it.client(greet=False) as client:
            error = await client.hello(**hello)
            assert error["code"] == code
            assert words in error["message"] + error["hint"]
            assert await closed(client) == (1008, code)
            assert it.begun == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\xc1garbage", "bad_request"),
        ("text", "bad_request"),
        (b"\x91" * 10_000, "bad_request"),
        (msgpack.packb({"kind": "request", "id": 7, "op": "levitate", "params": {}}), "unsupported"),
        (msgpack.packb({"kind": "request", "id": 7, "op": "hello", "params": {}}), "bad_request"),
        (msgpack.packb({"kind": "request", "id": 7, "op": "stop", "params": {}}), "authentication_failed"),
    ],
    ids=["garbage", "text", "deep", "unknown op", "no token", "stop"],
)
def test_anything_but_a_hello_first_gets_one_failure_and_the_door(tmp_path, message, code):
    """Nothing is done for a stranger."""

    async def scenario():
        async with house(tmp_path) as it, it.client(greet=False) as client:
            await client.say(message)
            frame = await client.hear()
            assert (frame["kind"], frame["error"]["code"]) == ("failure", code)
            assert (await closed(client))[0] == 1008
            assert it.stops == []

    asyncio.run(scenario())


def test_a_stranger_that_says_nothing_is_sent_away(tmp_path, monkeypatch):
    """After a while."""
    monkeypatch.setattr(connection, "_HELLO_TIMEOUT", 0.01)

    async def scenario():
        async with house(tmp_path) as it, it.client(greet=False) as client:
            assert await closed(client) == (1008, "no hello")

    asyncio.run(scenario())


def test_a_stranger_that_leaves_before_its_refusal_leaves_nothing(tmp_path):
    """Waiting for it to take the refusal would last for ever."""

    async def scenario():
        async with house(tmp_path) as it:
            refused = []

            async def slow(_session, _hello):
                client.socket.transport.abort()
                await asyncio.sleep(0.01)
                refused.append(1)
                raise OutOfSpace("The disk is full.")

            it.begin_session = slow
            async with it.client(greet=False) as client:
                await client.ask(Hello(1, "t0ken", "test"))
                await it.empty()
            assert refused

    asyncio.run(scenario())


def test_a_stranger_may_not_send_much(tmp_path):
    """Before hello 16 KiB are enough."""

    async def scenario():
        async with house(tmp_path) as it, it.client(greet=False) as client:
            await client.say(bytes(17_000))
            assert (await closed(client))[0] == 1009

    asyncio.run(scenario())


def test_a_guest_may_send_up_to_the_limit(tmp_path):
    """More ends the connection before it is read."""

    async def scenario():
        async with house(tmp_path, max_message=100_000) as it, it.client() as client:
            await client.say(bytes(99_000))
            assert (await client.hear())["error"]["code"] == "bad_request"
            await client.say(bytes(100_001))
            assert (await closed(client))[0] == 1009

    asyncio.run(scenario())


def test_bad_requests_are_answered_and_the_connection_goes_on(tmp_path):
    """Each with its id, as far as it can be read."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            for message in (
                b"\xc1",
                {"kind": "request", "id": 9, "op": "levitate", "params": {}},
                {"kind": "request", "id": 8, "op": "cancel", "params": {"job": 5}},
            ):
                await client.say(message)
            frames = [await client.hear() for _ in range(3)]
            assert {(frame["id"], frame["error"]["code"]) for frame in frames} == {
                (0, "bad_request"),
                (9, "unsupported"),
                (8, "bad_request"),
            }
            assert (await client.answer(Echo(samples.PICTURE))).pixels == samples.PICTURE

    asyncio.run(scenario())


def test_a_second_hello_is_refused(tmp_path):
    """A connection has one session."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            assert (await client.hello())["message"] == "This connection has said hello already."

    asyncio.run(scenario())


def test_a_bug_is_an_internal_error_without_details(tmp_path, monkeypatch):
    """The traceback stays in the log; other requests go on."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:

            async def broken(_job):
                raise RuntimeError("secret")

            monkeypatch.setattr(it.stage.scheduler, "cancel", broken)
            error = await client.answer(Cancel("a"))
            assert error["code"] == "internal"
            assert "secret" not in str(error)
            assert (await client.answer(Status())).address == it.address

    asyncio.run(scenario())


def test_a_slow_request_does_not_hold_up_the_next(tmp_path, monkeypatch):
    """Requests of one connection are worked on side by side."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            go = asyncio.Event()
            monkeypatch.setattr(it.stage.scheduler, "cancel", lambda _job: go.wait())
            slow = await client.ask(Cancel("a"))
            assert await client.answer(Stop()) == Ack()
            go.set()
            assert (await client.hear())["id"] == slow

    asyncio.run(scenario())


def test_a_client_that_does_not_read_is_disconnected(tmp_path, monkeypatch):
    """When more waits for it than it may; what comes after is not kept for it."""
    monkeypatch.setattr(connection, "_SOFT_OUTBOX", 1000)

    async def scenario():
        async with house(tmp_path, max_message=100_000) as it, it.client() as client:
            (watcher,) = it.hub.connected
            monkeypatch.setattr(watcher._socket, "send", lambda _frame: asyncio.Event().wait())
            for _ in range(50):
                watcher.send(bytes(9_990))
            waiting = watcher._outbox._size
            assert waiting <= 110_000
            watcher.send(b"small")  # it would fit, but leave a gap before it
            assert watcher._outbox._size == waiting
            assert (await closed(client))[0] == 1013
            await it.empty()

    asyncio.run(scenario())
