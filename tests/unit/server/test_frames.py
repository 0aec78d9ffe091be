# SPDX-License-Identifier: Apache-2.0
"""What the daemon makes of bytes that come in."""

import msgpack
import pytest

import samples
from bridge_server.protocol.codec import request_frame
from bridge_server.protocol.errors import BadRequest, Unsupported
from bridge_server.server.frames import UnreadableRequest, decode_request


def changed(op, **params):
    """A sample request with some of its parameters replaced."""
    frame = request_frame(3, samples.REQUESTS[op])
    frame["params"].update(params)
    return msgpack.packb(frame)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"seed": "x"}, "Expected `int | null`, got `str` - at `$.params.seed`"),
        ({"count": "3"}, "Expected `int`, got `str` - at `$.params.count`"),
        ({"strength": "x"}, "Expected `float`, got `str` - at `$.params.strength`"),
        ({"parameters": []}, "Expected `object`, got `array` - at `$.params.parameters`"),
        ({"picture": 5}, "Expected `object`, got `int` - at `$.params.picture`"),
        ({"region": {"x": 1}}, "Object missing required field `y` - at `$.params.region`"),
        (
            {"mask": {"width": 1, "height": 1, "format": 5, "data": b""}},
            "Expected `str`, got `int` - at `$.params.mask.format`",
        ),
    ],
)
def test_a_wrong_type_is_told_with_its_path(params, reason):
    """The text is exactly this, since plugins show it and people search for it."""
    request_id, error = decode_request(changed("fill", **params))
    assert request_id == 3
    assert type(error) is BadRequest
    assert error.message == f"The request fill is malformed: {reason}."
    assert error.hint == "See docs/protocol.md."


def test_a_missing_parameter_is_told_with_its_path():
    """Also on the top level of params."""
    frame = {"kind": "request", "id": 8, "op": "cancel", "params": {}}
    request_id, error = decode_request(msgpack.packb(frame))
    assert request_id == 8
    assert error.message == (
        "The request cancel is malformed: Object missing required field `job` - at `$.params`."
    )


def test_an_unknown_op_is_a_clear_failure():
    """It names the op and those that there are."""
    frame = {"kind": "request", "id": 8, "op": "levitate", "params": {}}
    request_id, error = decode_request(msgpack.packb(frame))
    assert request_id == 8
    assert type(error) is Unsupported
    assert error.message == "There is no op 'levitate'."
    assert "fill, expand" in error.hint


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (b"", 0),
        (b"\xc1garbage", 0),
        (b"GET / HTTP/1.1\r\n", 0),
        (msgpack.packb([1, 2]), 0),
        (msgpack.packb({"kind": "request", "id": 5, "op": "status"}), 5),
        (msgpack.packb({"kind": "request", "op": "status", "params": {}}), 0),
        (msgpack.packb({"kind": "request", "id": "x", "op": "status", "params": {}}), 0),
        (msgpack.packb({"kind": "reply", "id": 6, "op": "status", "params": {}}), 6),
        (msgpack.packb({"kind": "request", "id": 5, "op": "status", "params": {}})[:-1], 0),
        ("text", 0),
        (b"\x91" * 100_000, 0),
    ],
    ids=[
        "empty",
        "garbage",
        "http",
        "array",
        "no params",
        "no id",
        "text id",
        "reply",
        "cut",
        "text",
        "deep",
    ],
)
def test_what_is_no_request_is_told_with_the_id_as_far_as_readable(message, request_id):
    """No bytes whatever raise anything but UnreadableRequest."""
    with pytest.raises(UnreadableRequest) as caught:
        decode_request(message)
    assert caught.value.request_id == request_id
    assert caught.value.hint


def test_parameters_nested_too_deep_are_malformed():
    """Depth that would exhaust the stack is refused as any other nonsense, with the request's id."""
    deep = b"\x81\xa1x" * 50_000 + b"\x01"
    head = msgpack.packb({"kind": "request", "id": 5, "op": "fill"})
    message = bytes([head[0] + 1]) + head[1:] + msgpack.packb("params") + deep
    with pytest.raises(UnreadableRequest):
        decode_request(message)
