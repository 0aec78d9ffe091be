# SPDX-License-Identifier: Apache-2.0
"""Maps to bytes and back."""

import msgpack
import pytest

from bridge_server.client.packing import PIECE, pack, unpack
from bridge_server.protocol.errors import BridgeError


def test_a_map_comes_back():
    """Bytes stay bytes and text stays text."""
    frame = {"kind": "request", "params": {"data": b"\x00\xff", "prompt": "Bäume", "seed": 2**63 - 1}}
    assert unpack(b"".join(pack(frame))) == frame


@pytest.mark.parametrize("message", ["text", msgpack.packb([1]), msgpack.packb({"id": 1})])
def test_what_no_daemon_says_is_an_error_in_words(message):
    """Something else listens at that address."""
    with pytest.raises(BridgeError):
        unpack(message)


def test_a_result_of_hundreds_of_megabytes_is_not_refused():
    """msgpack's own limit of 100 MiB is meant for strangers."""
    frame = {"kind": "reply", "data": bytes(101 * 2**20)}
    assert len(unpack(b"".join(pack(frame)))["data"]) == 101 * 2**20


def test_large_pixels_go_out_in_pieces_and_uncopied():
    """No piece is so large that masking it holds a user interface up; together they are plain MessagePack."""
    pixels = bytearray(range(256)) * 4096
    frame = {
        "id": 7,
        "params": {"picture": {"data": memoryview(pixels), "width": 9}, "list": [b"x" * 70_000, None]},
    }
    pieces = pack(frame)
    pixels[-1] = 77  # seen in the message: nothing was copied
    assert max(len(piece) for piece in pieces) == PIECE
    assert len(pieces) > 4
    expected = {"picture": {"data": bytes(pixels), "width": 9}, "list": [b"x" * 70_000, None]}
    assert msgpack.unpackb(b"".join(pieces)) == {"id": 7, "params": expected}
