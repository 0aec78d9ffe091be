# SPDX-License-Identifier: Apache-2.0
"""Bytes of the daemon's side of the wire: what comes in is checked by type, field by field."""

from __future__ import annotations

from typing import Any

import msgspec

from ..protocol.codec import Event
from ..protocol.errors import BadRequest, BridgeError, Unsupported
from ..protocol.request import Request
from ..protocol.tables import OPS

__all__ = ["decode_request", "event_frame", "failure_frame", "reply_frame"]


class _Envelope(msgspec.Struct):
    kind: str
    id: int
    op: str
    params: msgspec.Raw


class _Addressed(msgspec.Struct):
    id: int = 0


_ENVELOPE = msgspec.msgpack.Decoder(_Envelope)
_ADDRESSED = msgspec.msgpack.Decoder(_Addressed)
_PARAMS = {op: msgspec.msgpack.Decoder(params) for op, (params, _) in OPS.items()}
_encode = msgspec.msgpack.Encoder().encode
_UNREADABLE = (msgspec.DecodeError, RecursionError)  # the latter from maps nested a thousand deep


class UnreadableRequest(BadRequest):
    """A message that is no request; ``request_id`` is its id as far as it could be read, else 0."""

    def __init__(self, message: str, hint: str, request_id: int = 0) -> None:
        super().__init__(message, hint)
        self.request_id = request_id


def decode_request(message: bytes | str) -> tuple[int, Request[Any] | BridgeError]:
    """The id of a request and its typed parameters, or why they are not acceptable.

    Raises:
        UnreadableRequest: it has no usable envelope.
    """
    if isinstance(message, str):
        raise UnreadableRequest("A text message came.", "Send binary messages with one msgpack map each.")
    try:
        envelope = _ENVELOPE.decode(message)
    except _UNREADABLE as error:
        raise UnreadableRequest(
            f"The message is no request: {error}.",
            "Send a msgpack map with kind 'request', id, op and params.",
            _id_of(message),
        ) from error
    if envelope.kind != "request":
        raise UnreadableRequest(
            f"A message of kind {envelope.kind[:80]!r} came.",
            "Clients send kind 'request' only.",
            envelope.id,
        )
    return envelope.id, _params(envelope)


def _params(envelope: _Envelope) -> Request[Any] | BridgeError:
    decoder = _PARAMS.get(envelope.op)
    if decoder is None:
        return Unsupported(f"There is no op {envelope.op[:80]!r}.", f"This daemon knows {', '.join(OPS)}.")
    try:
        return decoder.decode(envelope.params)
    except _UNREADABLE as error:
        reason = str(error)
        if "`$" in reason:
            reason = reason.replace("`$", "`$.params")
        elif isinstance(error, msgspec.ValidationError):
            reason += " - at `$.params`"
        return BadRequest(f"The request {envelope.op} is malformed: {reason}.", "See docs/protocol.md.")


def _id_of(message: bytes) -> int:
    try:
        return _ADDRESSED.decode(message).id
    except _UNREADABLE:
        return 0


def reply_frame(request_id: int, result: Any) -> bytes:
    """The answer to a request."""
    return _encode({"kind": "reply", "id": request_id, "result": result})


def failure_frame(request_id: int, error: BridgeError) -> bytes:
    """The answer to a request that could not be done."""
    body = {"code": error.wire_code, "message": error.message, "hint": error.hint}
    return _encode({"kind": "failure", "id": request_id, "error": body})


def event_frame(event: Event) -> bytes:
    """Something that happened."""
    return _encode({"kind": "event", "topic": event.topic, "seq": event.seq, "body": event.body})
