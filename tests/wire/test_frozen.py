# SPDX-License-Identifier: Apache-2.0
"""The bytes of every message, frozen: a change here breaks a client or a worker of another version.

Run this file as a program to freeze anew what was changed on purpose, and raise PROTOCOL_VERSION if an older
peer would no longer understand it.
"""

import json
from pathlib import Path

import msgpack
import pytest

import samples
from bridge_server.protocol.codec import (
    Event,
    event_from_frame,
    failure_from_frame,
    request_frame,
    result_from_frame,
)
from bridge_server.protocol.errors import TooBusy
from bridge_server.protocol.tables import EVENTS, OPS
from bridge_server.protocol.work import WORK
from bridge_server.server.frames import decode_request, event_frame, failure_frame, reply_frame
from bridge_server.workers import frames

FILE = Path(__file__).with_name("frozen.json")
FAILURE = TooBusy("64 jobs are waiting already.", "Cancel some, or wait.")


def fresh():
    """Every message as it goes over the wire now, in hexadecimal."""
    return {
        "requests": {op: msgpack.packb(request_frame(7, r)).hex() for op, r in samples.REQUESTS.items()},
        "replies": {op: reply_frame(7, result).hex() for op, result in samples.RESULTS.items()},
        "events": {topic: event_frame(Event(topic, 5, body)).hex() for topic, body in samples.EVENTS.items()},
        "failures": {"too_busy": failure_frame(7, FAILURE).hex()},
        "work": {name: frames.encode(message).hex() for name, message in samples.WORK.items()},
    }


FROZEN = json.loads(FILE.read_text()) if FILE.exists() else {}


def frozen(group):
    """(name, bytes) of each frozen message of a group."""
    return [pytest.param(name, bytes.fromhex(data), id=name) for name, data in FROZEN[group].items()]


def test_nothing_is_left_out():
    """Each message of the tables has its frozen bytes."""
    assert set(FROZEN["requests"]) == set(FROZEN["replies"]) == set(OPS)
    assert set(FROZEN["events"]) == set(EVENTS)
    assert set(FROZEN["work"]) == set(WORK)


@pytest.mark.parametrize("group", ["requests", "replies", "events", "failures", "work"])
def test_the_bytes_have_not_changed(group):
    """What is sent now is what was sent then."""
    assert fresh()[group] == FROZEN[group]


@pytest.mark.parametrize(("op", "data"), frozen("requests"))
def test_frozen_requests_are_understood(op, data):
    """A client of then is understood by the daemon of now."""
    assert decode_request(data) == (7, samples.REQUESTS[op])


@pytest.mark.parametrize(("op", "data"), frozen("replies"))
def test_frozen_replies_are_understood(op, data):
    """A daemon of then is understood by the client of now."""
    assert result_from_frame(op, msgpack.unpackb(data)) == samples.RESULTS[op]


@pytest.mark.parametrize(("topic", "data"), frozen("events"))
def test_frozen_events_are_understood(topic, data):
    """Events of then are understood by the client of now."""
    assert event_from_frame(msgpack.unpackb(data)) == Event(topic, 5, samples.EVENTS[topic])


@pytest.mark.parametrize(("code", "data"), frozen("failures"))
def test_frozen_failures_are_understood(code, data):
    """A failure of then is the same exception now."""
    error = failure_from_frame(msgpack.unpackb(data))
    assert (error.wire_code, str(error)) == (code, str(FAILURE))


@pytest.mark.parametrize(("name", "data"), frozen("work"))
def test_frozen_work_is_understood(name, data):
    """A worker of then is understood by the daemon of now, and the other way round."""
    assert frames.decode(data[frames.HEADER.size :]) == samples.WORK[name]


if __name__ == "__main__":
    FILE.write_text(json.dumps(fresh(), indent=1) + "\n")
