# SPDX-License-Identifier: Apache-2.0
"""Who may not come in, and what the daemon says to nonsense."""

import json
import socket
import stat
import struct
from urllib.parse import urlsplit

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from bridge_server.protocol.codec import to_plain
from bridge_server.protocol.messages import Echo, Status
from bridge_server.protocol.pixels import Pixels
from daemons import fill


def hello(token, protocol=1, **fields):
    """The params of a hello."""
    return {"protocol": protocol, "token": token, "client": "raw", **fields}


def ask(ws, op, params, request_id=1, kind="request"):
    """Send one request; the next message that comes."""
    ws.send(msgpack.packb({"kind": kind, "id": request_id, "op": op, "params": params}))
    return msgpack.unpackb(ws.recv(10))


@pytest.fixture
def raw(shared):
    """A bare WebSocket to the shared daemon."""
    with connect(shared.runtime()["address"], compression=None, max_size=None, proxy=None) as ws:
        yield ws


@pytest.fixture
def greeted(raw, shared):
    """A bare WebSocket that has said hello."""
    assert ask(raw, "hello", hello(shared.runtime()["token"]))["kind"] == "reply"
    return raw


def assert_still_well(daemon):
    """It is the same process, and it answers."""
    with daemon.client() as client:
        assert client.call(Status()).pid == daemon.process.pid


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        (hello(""), "authentication_failed", "The token is missing."),
        (hello("guess"), "authentication_failed", "The token is wrong."),
        (hello("", protocol=99), "version_mismatch", "Update the daemon"),
        (hello("", protocol=0), "version_mismatch", "Update the plugin"),
        ({"token": "x"}, "bad_request", "missing required field `protocol` - at `$.params`"),
    ],
)
def test_a_bad_hello_is_told_why_and_disconnected(raw, params, code, words):
    """Token and version are checked before anything else; the answer says what to do."""
    answer = ask(raw, "hello", params)
    assert answer["kind"] == "failure"
    assert answer["error"]["code"] == code
    assert words in answer["error"]["message"] + answer["error"]["hint"]
    with pytest.raises(ConnectionClosed) as closed:
        raw.recv(10)
    assert closed.value.rcvd.code == 1008


def test_nothing_is_done_before_hello(raw):
    """A request without a hello is refused, whatever it is."""
    assert ask(raw, "status", {})["error"]["code"] == "authentication_failed"


def test_a_large_message_before_hello_is_not_even_read(raw):
    """Who has no token can't make the daemon hold megabytes."""
    raw.send(bytes(1_000_000))
    with pytest.raises(ConnectionClosed) as closed:
        raw.recv(10)
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_web_page_can_not_connect(shared, origin):
    """A browser always sends an Origin; none is allowed, so no page can drive the daemon."""
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(shared.runtime()["address"], origin=origin, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_the_runtime_file_is_for_its_owner_only(shared):
    """Nobody else on the machine can read the token."""
    assert stat.S_IMODE((shared.folder / "daemon.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(shared.folder.stat().st_mode) == 0o700
    assert len(json.loads((shared.folder / "daemon.json").read_text())["token"]) >= 32


@pytest.mark.parametrize("garbage", [b"\xc1\xff\x00 not msgpack", b"", msgpack.packb([1, 2]), "text"])
def test_garbage_gets_an_answer_and_the_connection_lives_on(greeted, garbage):
    """One unreadable message does not cost a client its session."""
    greeted.send(garbage)
    answer = msgpack.unpackb(greeted.recv(10))
    assert (answer["kind"], answer["id"], answer["error"]["code"]) == ("failure", 0, "bad_request")
    assert ask(greeted, "status", {})["kind"] == "reply"


def test_an_unknown_op_and_a_wrong_type_are_named(greeted):
    """The failure names the op, or the field with its path."""
    unknown = ask(greeted, "paint_me_a_cat", {})
    assert unknown["error"]["code"] == "unsupported"
    assert "'paint_me_a_cat'" in unknown["error"]["message"]
    plain = to_plain(fill()) | {"seed": "seven"}
    wrong = ask(greeted, "fill", plain, 2)
    assert "Expected `int | null`, got `str` - at `$.params.seed`" in wrong["error"]["message"]


def test_an_unknown_field_is_ignored(greeted):
    """A newer client can talk to an older daemon."""
    assert ask(greeted, "status", {"from_the_future": 1})["kind"] == "reply"


def test_a_frame_that_claims_3_gb_is_refused_at_its_header(shared):
    """The claim alone ends the connection (1009); the daemon neither waits for nor reserves the bytes."""
    runtime = shared.runtime()
    where = urlsplit(runtime["address"])
    with socket.create_connection((where.hostname, where.port), timeout=10) as raw:
        raw.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        received = raw.recv(4096)
        assert b"101" in received
        params = hello(runtime["token"])
        greeting = msgpack.packb({"kind": "request", "id": 1, "op": "hello", "params": params})
        raw.sendall(struct.pack("!BBH4x", 0x82, 0x80 | 126, len(greeting)) + greeting)
        raw.recv(4096)
        raw.sendall(struct.pack("!BBQ4x", 0x82, 0x80 | 127, 3 * 10**9))
        close = raw.recv(4096)
    assert close[0] == 0x88
    assert struct.unpack("!H", close[2:4])[0] == 1009
    assert_still_well(shared)


def test_a_picture_that_claims_3_gb_is_refused(greeted):
    """A size that the data does not have, or that is over the limit, names the field and both numbers."""
    claim = Pixels(30_000, 25_000, "rgba8", b"")
    answer = ask(greeted, "echo", to_plain(Echo(claim)))
    assert answer["error"]["code"] == "too_large"
    assert "params.pixels claims 30000 x 25000 pixels; the limit is" in answer["error"]["message"]


def test_a_mask_of_another_size_and_an_empty_mask_are_refused(greeted):
    """The artist hears what is wrong with the selection."""
    request = fill()
    other = to_plain(request) | {"mask": to_plain(Pixels(2, 2, "gray8", b"\xff" * 4))}
    answer = ask(greeted, "fill", other)
    assert "params.mask is 2 x 2, params.picture is 32 x 24" in answer["error"]["message"]
    empty = to_plain(request) | {"mask": to_plain(Pixels(32, 24, "gray8", bytes(32 * 24)))}
    assert ask(greeted, "fill", empty)["error"] == {
        "code": "bad_request",
        "message": "Nothing is selected: params.mask is 0 everywhere.",
        "hint": "Select an area first.",
    }


def test_an_unknown_engine_is_refused_with_the_known_ones(greeted):
    """A wrong name is answered with the right ones."""
    answer = ask(greeted, "fill", to_plain(fill(engine="dall-e")))
    assert answer["error"]["code"] == "not_found"
    assert "'dall-e'" in answer["error"]["message"]
    assert "scripted" in answer["error"]["hint"]


def test_a_job_id_can_not_be_taken_twice_nor_be_a_path(greeted):
    """The client's own id is checked, and asking again with it makes no second job."""
    first = ask(greeted, "fill", to_plain(fill(job="mine", parameters={"steps": 1})))
    while first["kind"] == "event":
        first = msgpack.unpackb(greeted.recv(10))
    again = ask(greeted, "fill", to_plain(fill(job="mine")), 2)
    while again["kind"] == "event":
        again = msgpack.unpackb(greeted.recv(10))
    assert again["result"]["job"] == "mine"
    assert again["result"]["seed"] == first["result"]["seed"]
    path = ask(greeted, "fill", to_plain(fill(job="../../etc")), 3)
    while path["kind"] == "event":
        path = msgpack.unpackb(greeted.recv(10))
    assert path["error"]["code"] == "bad_request"
