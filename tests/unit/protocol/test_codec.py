# SPDX-License-Identifier: Apache-2.0
"""The client's codec against the daemon's."""

import dataclasses
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_server.protocol.codec import (
    Event,
    event_from_frame,
    failure_from_frame,
    from_plain,
    request_frame,
    result_from_frame,
    to_plain,
)
from bridge_server.protocol.errors import BadRequest, BridgeError, TooBusy
from bridge_server.protocol.messages import GetJob, JobProgress
from bridge_server.protocol.records import CandidateInfo, Placement
from bridge_server.protocol.tables import EVENTS, OPS
from bridge_server.protocol.work import WORK
from bridge_server.server.frames import decode_request, event_frame, failure_frame, reply_frame

RESULTS = {op: result for op, (_, result) in OPS.items()}
_FLOATS = st.floats(allow_nan=False)
_WHOLE = st.integers(-(2**63), 2**63 - 1)
_SCALARS = {
    int: _WHOLE,
    float: _FLOATS,
    str: st.text(max_size=20),
    bytes: st.binary(),
    bool: st.booleans(),
    Any: st.one_of(_WHOLE, _FLOATS, st.text(max_size=8)),
}


def values_of(hint):
    """Values of a field's type."""
    if get_origin(hint) is Union:
        return st.one_of(*(st.none() if arg is type(None) else values_of(arg) for arg in get_args(hint)))
    if get_origin(hint) is list:
        return st.lists(values_of(get_args(hint)[0]), max_size=3)
    if get_origin(hint) is dict:
        return st.dictionaries(st.text(max_size=8), values_of(get_args(hint)[1]), max_size=3)
    return _SCALARS.get(hint) if hint in _SCALARS else messages_of(hint)


def messages_of(cls):
    """Messages of a class with every field at any value of its type."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{f.name: values_of(hints[f.name]) for f in dataclasses.fields(cls)})


@pytest.mark.parametrize("op", OPS)
@given(st.data())
def test_a_request_of_the_client_reaches_the_daemon_unchanged(op, data):
    """What msgpack packs of any request, msgspec decodes to an equal one, with its id."""
    request = data.draw(messages_of(OPS[op][0]))
    request_id, decoded = decode_request(msgpack.packb(request_frame(9, request)))
    assert (request_id, type(decoded), decoded) == (9, type(request), request)


@pytest.mark.parametrize("op", OPS)
@given(st.data())
def test_a_result_of_the_daemon_reaches_the_client_unchanged(op, data):
    """What msgspec encodes of any result, from_plain builds again."""
    result = data.draw(messages_of(RESULTS[op]))
    frame = msgpack.unpackb(reply_frame(4, result))
    assert (frame["kind"], frame["id"]) == ("reply", 4)
    assert result_from_frame(op, frame) == result


@pytest.mark.parametrize("topic", EVENTS)
@given(st.data())
def test_an_event_reaches_the_client_unchanged(topic, data):
    """Topic, number and body of any event survive the way."""
    event = Event(topic, 3, data.draw(messages_of(EVENTS[topic])))
    assert event_from_frame(msgpack.unpackb(event_frame(event))) == event


@pytest.mark.parametrize("cls", [*WORK.values()])
@given(st.data())
def test_to_plain_and_msgspec_agree(cls, data):
    """Both encoders write the same map, byte for byte."""
    message = data.draw(messages_of(cls))
    assert msgpack.packb(to_plain(message)) == msgspec.msgpack.encode(message)


def test_an_unknown_field_is_ignored_by_both_ends():
    """A newer peer may add fields, on any level."""
    frame = request_frame(1, GetJob("a"))
    frame["params"]["new"] = frame["newer"] = {"x": [1]}
    assert decode_request(msgpack.packb(frame)) == (1, GetJob("a"))
    place = {"x": 1, "y": 2, "width": 3, "height": 4, "depth": 5}
    plain = {"candidate": "c", "job": "j", "index": 0, "seed": 1, "placement": place, "seconds": 1.0, "z": 0}
    assert from_plain(CandidateInfo, plain) == CandidateInfo("c", "j", 0, 1, Placement(1, 2, 3, 4), 1.0)


def test_a_missing_field_is_named():
    """The client says which field an answer lacks."""
    with pytest.raises(BadRequest, match="A Placement came without its field 'height'"):
        from_plain(Placement, {"x": 1, "y": 1, "width": 1})


def test_a_missing_field_with_a_default_takes_it():
    """An older daemon that does not send an optional field is understood."""
    plain = {"candidate": "c", "job": "j", "index": 0, "seed": 1, "seconds": 1.0,
             "placement": {"x": 1, "y": 2, "width": 3, "height": 4}}  # fmt: skip
    assert from_plain(CandidateInfo, plain).recipe == {}


def test_an_unknown_topic_is_no_event():
    """Events of a newer daemon are passed over."""
    assert event_from_frame({"kind": "event", "topic": "moon.phase", "seq": 1, "body": {}}) is None


def test_a_failure_becomes_its_class():
    """Code, message and hint come back as the exception they were."""
    error = failure_from_frame(msgpack.unpackb(failure_frame(1, TooBusy("Full.", "Wait."))))
    assert type(error) is TooBusy
    assert (error.message, error.hint) == ("Full.", "Wait.")


def test_a_failure_without_a_hint_is_read():
    """The hint is optional."""
    error = failure_from_frame({"error": {"code": "too_busy", "message": "Full."}})
    assert isinstance(error, BridgeError)
    assert error.hint == ""


def test_bytes_are_not_copied_on_the_way_out():
    """Pixels of hundreds of megabytes pass through to_plain by reference."""
    data: Any = b"x" * 100
    assert to_plain({"list": [data]})["list"][0] is data
    assert to_plain(JobProgress("j", 0, 0.5)) == {"job": "j", "index": 0, "done": 0.5}
