# SPDX-License-Identifier: Apache-2.0
"""The daemon's socket."""

import asyncio
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge_server.protocol.codec import Event
from bridge_server.protocol.messages import DaemonStops
from serving import SOON, house


def test_it_says_where_it_listens(tmp_path):
    """A free port of the loopback address."""

    async def scenario():
        async with house(tmp_path) as it:
            assert it.address.startswith("ws://127.0.0.1:")
            assert int(it.address.rpartition(":")[2]) > 0

    asyncio.run(scenario())


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1", "null"])
def test_a_web_page_may_not_come_in(tmp_path, origin):
    """Any Origin at all is a browser's."""

    async def scenario():
        async with house(tmp_path) as it:
            with pytest.raises(InvalidStatus) as caught:
                async with connect(it.address, origin=origin):
                    pass
            assert caught.value.response.status_code == 403

    asyncio.run(scenario())


def test_nothing_is_compressed(tmp_path):
    """Also when the client offers it: deflate costs more than the network."""

    async def scenario():
        async with house(tmp_path) as it, connect(it.address, compression="deflate") as client:
            assert client.protocol.extensions == []

    asyncio.run(scenario())


def test_a_taken_port_is_an_error(tmp_path):
    """The caller names it."""

    async def scenario():
        async with house(tmp_path) as it:
            port = int(it.address.rpartition(":")[2])
            with pytest.raises(OSError, match="in use"):
                await it.listener.start("127.0.0.1", port, lambda _address: None)

    asyncio.run(scenario())


def test_a_session_is_gone_with_its_last_connection(tmp_path):
    """Not with the first of two, and never without a hello."""

    async def scenario():
        async with house(tmp_path) as it:
            async with it.client(greet=False):
                pass
            async with it.client(greet=False) as one:
                await one.hello(session="s")
                async with it.client(greet=False) as two:
                    await two.hello(session="s")
                    await one.socket.close()
                    async with asyncio.timeout(SOON):
                        while it.listener.connections > 1:  # noqa: ASYNC110 - there is no event for it
                            await asyncio.sleep(0.002)
                    assert it.gone == []
            await it.empty()
            assert it.gone == ["s"]

    asyncio.run(scenario())


def test_stopping_sends_what_waits_and_says_goodbye(tmp_path):
    """The last event is heard before the connection ends with "going away"."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            it.hub.broadcast(Event("daemon.stops", 0, DaemonStops("SIGTERM")))
            stopping = asyncio.create_task(it.listener.stop())
            assert (await client.hear())["body"] == {"reason": "SIGTERM"}
            with pytest.raises(ConnectionClosed):
                await client.hear()
            assert client.socket.close_code == 1001
            await stopping

    asyncio.run(scenario())


def test_a_socket_that_never_speaks_http_is_no_connection(tmp_path):
    """A port scanner keeps nothing alive."""

    async def scenario():
        async with house(tmp_path) as it:
            port = int(it.address.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)):
                async with it.client() as client:
                    assert it.listener.connections == 1
                    assert (await client.hello())["code"] == "bad_request"

    asyncio.run(scenario())
