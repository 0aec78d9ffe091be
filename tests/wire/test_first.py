# SPDX-License-Identifier: Apache-2.0
"""What was said before there were projects, versions and taste is still understood.

first.json holds the requests, replies and events as they were then; it is never frozen anew.
"""

import json
from dataclasses import MISSING, fields, replace
from pathlib import Path

import msgpack
import pytest

import samples
from bridge_server.protocol.codec import event_from_frame, result_from_frame, to_plain
from bridge_server.server.frames import decode_request

FIRST = json.loads(Path(__file__).with_name("first.json").read_text())


def first(group):
    """(name, bytes) of each message of a group."""
    return [pytest.param(name, bytes.fromhex(data), id=name) for name, data in FIRST[group].items()]


def as_then(message, plain):
    """The message with every field that was not sent then at its default."""
    new = [f for f in fields(message) if f.name not in plain]
    defaults = {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in new}
    assert MISSING not in defaults.values(), "a field was added that an older client does not send"
    return replace(message, **defaults)


def said_then(plain, then):
    """What is left of a message when the fields are left out that it did not have then."""
    if isinstance(then, dict):
        return {key: said_then(plain[key], value) for key, value in then.items()}
    if isinstance(then, list):
        return [said_then(*pair) for pair in zip(plain, then, strict=True)]
    return plain


@pytest.mark.parametrize(("op", "data"), first("requests"))
def test_a_client_of_then_is_understood(op, data):
    """New fields have the defaults that mean what was done then."""
    sent = msgpack.unpackb(data)["params"]
    assert decode_request(data) == (7, as_then(samples.REQUESTS[op], sent))


@pytest.mark.parametrize(("op", "data"), first("replies"))
def test_a_daemon_of_then_is_understood(op, data):
    """Nothing of its answer is lost, and nothing that it lacks is asked for."""
    frame = msgpack.unpackb(data)
    assert said_then(to_plain(result_from_frame(op, frame)), frame["result"]) == frame["result"]


@pytest.mark.parametrize(("topic", "data"), first("events"))
def test_events_of_then_are_understood(topic, data):
    """As its answers."""
    frame = msgpack.unpackb(data)
    event = event_from_frame(frame)
    assert (event.topic, event.seq) == (topic, frame["seq"])
    assert said_then(to_plain(event.body), frame["body"]) == frame["body"]


@pytest.mark.parametrize("op", FIRST["replies"])
def test_a_client_of_then_finds_in_an_answer_all_that_it_needs(op):
    """No field of an answer has gone or changed its kind."""
    frame = msgpack.unpackb(bytes.fromhex(FIRST["replies"][op]))
    assert said_then(to_plain(samples.RESULTS[op]), frame["result"]) == frame["result"]
