# SPDX-License-Identifier: Apache-2.0
"""Maps to bytes and back."""

import msgpack
import pytest

from bridge_server.client.packing import pack, unpack
from bridge_server.protocol.errors import BridgeError


def test_a_map_comes_back():
    """Bytes stay bytes and text stays text."""
    frame = {"kind": "request", "params": {"data": b"\x00\xff", "prompt": "Bäume", "seed": 2**63 - 1}}
    assert unpack(pack(frame)) == frame


@pytest.mark.parametrize("message", ["text", msgpack.packb([1]), msgpack.packb({"id": 1})])
def test_what_no_daemon_says_is_an_error_in_words(message):
    """Something else listens at that address."""
    with pytest.raises(BridgeError):
        unpack(message)


def test_a_result_of_hundreds_of_megabytes_is_not_refused():
    """msgpack's own limit of 100 MiB is meant for strangers."""
    frame = {"kind": "reply", "data": bytes(101 * 2**20)}
    assert len(unpack(pack(frame))["data"]) == 101 * 2**20
