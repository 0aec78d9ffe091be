# SPDX-License-Identifier: Apache-2.0
"""Bytes between the daemon and a worker."""

import msgspec
import pytest

import samples
from bridge_server.workers.frames import HEADER, decode, encode


@pytest.mark.parametrize("name", samples.WORK)
def test_each_message_comes_back(name):
    """The header says how long the rest is, the rest decodes to an equal message."""
    frame = bytes(encode(samples.WORK[name]))
    assert HEADER.unpack_from(frame) == (len(frame) - HEADER.size,)
    assert decode(frame[HEADER.size :]) == samples.WORK[name]


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", msgspec.msgpack.encode(["Dance", {}]), msgspec.msgpack.encode(["Task", {}]),
     msgspec.msgpack.encode({"Task": 1}), msgspec.msgpack.encode(["CancelTask", {"task": 1}])],
)  # fmt: skip
def test_anything_else_is_refused(payload):
    """Also a message of another version of the program."""
    with pytest.raises(msgspec.DecodeError):
        decode(payload)
