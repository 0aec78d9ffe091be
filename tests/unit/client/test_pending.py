# SPDX-License-Identifier: Apache-2.0
"""Requests and the futures of their answers."""

from concurrent.futures import Future

import pytest

from bridge_server.client.pending import Pending, settle, settle_from
from bridge_server.protocol.errors import BridgeError, TooBusy
from bridge_server.protocol.messages import Ack, Cancel, GetJob


def asked(request):
    """A request without an answer."""
    return Pending(request, Future())


def test_a_reply_is_the_typed_result():
    """By the table of ops."""
    pending = asked(Cancel("j"))
    settle_from(pending, {"kind": "reply", "id": 1, "result": {}})
    assert pending.future.result(0) == Ack()


def test_a_failure_is_the_exception():
    """Of its class."""
    pending = asked(Cancel("j"))
    error = {"code": "too_busy", "message": "Full.", "hint": ""}
    settle_from(pending, {"kind": "failure", "id": 1, "error": error})
    with pytest.raises(TooBusy, match="Full"):
        pending.future.result(0)


@pytest.mark.parametrize(
    "frame", [{"kind": "reply"}, {"kind": "reply", "result": {"job": 1}}, {"kind": "failure"}]
)
def test_an_answer_that_can_not_be_read_settles_too(frame):
    """Nobody waits for ever because two versions disagree."""
    pending = asked(GetJob("j"))
    settle_from(pending, frame)
    with pytest.raises(BridgeError, match="Update the plugin and the daemon"):
        pending.future.result(0)


def test_a_cancelled_future_stays_cancelled():
    """An answer that comes later is dropped."""
    future = Future()
    future.cancel()
    settle(future, result=1)
    assert future.cancelled()
