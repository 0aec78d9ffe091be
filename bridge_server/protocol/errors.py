# SPDX-License-Identifier: Apache-2.0
"""Every way a request can fail, each with a stable code.

A code travels on the wire; the class is what Python callers catch. A code that this copy does not know
decodes to the base class, so that an older client survives a newer daemon.
"""

from __future__ import annotations

from typing import ClassVar, Optional

__all__ = [
    "AuthenticationFailed",
    "BadRequest",
    "BridgeError",
    "Cancelled",
    "Conflict",
    "ConnectionLost",
    "DaemonStopping",
    "EngineFailed",
    "Interrupted",
    "NotFound",
    "OutOfSpace",
    "TooBusy",
    "TooLarge",
    "Unsupported",
    "VersionMismatch",
    "WorkerDied",
    "error_from_wire",
]


class BridgeError(Exception):
    """Something the artist should hear about.

    Args:
        message: what went wrong, in words an artist understands.
        hint: what to do about it; may be empty.
        code: overrides the class's own code (only for codes that this copy does not know).
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, hint: str = "", code: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.wire_code = code or self.code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadRequest(BridgeError):
    """A field is missing, of the wrong type or out of its range."""

    code = "bad_request"


class AuthenticationFailed(BridgeError):
    """The token is missing or wrong."""

    code = "authentication_failed"


class VersionMismatch(BridgeError):
    """Client and daemon share no protocol version; the hint says which one to update."""

    code = "version_mismatch"


class Unsupported(BridgeError):
    """The daemon or the engine cannot do this."""

    code = "unsupported"


class NotFound(BridgeError):
    """No job, candidate, blob or engine of that name."""

    code = "not_found"


class TooLarge(BridgeError):
    """A picture or message is over the daemon's limit."""

    code = "too_large"


class Conflict(BridgeError):
    """It has changed meanwhile: another program moved the document's head, or the job has ended."""

    code = "conflict"


class TooBusy(BridgeError):
    """The queue is full."""

    code = "too_busy"


class OutOfSpace(BridgeError):
    """The disk with the daemon's data is full; nothing was accepted."""

    code = "out_of_space"


class EngineFailed(BridgeError):
    """The engine could not make a picture from this request."""

    code = "engine_failed"


class WorkerDied(BridgeError):
    """The process that was computing this job ended; it has been replaced."""

    code = "worker_died"


class Interrupted(BridgeError):
    """The daemon ended while this job was being computed, more than once."""

    code = "interrupted"


class Cancelled(BridgeError):
    """Someone asked for this job to end."""

    code = "cancelled"


class DaemonStopping(BridgeError):
    """The daemon is shutting down and takes no new work."""

    code = "daemon_stopping"


class ConnectionLost(BridgeError):
    """The client has no connection; raised by the client itself, never sent."""

    code = "connection_lost"


_BY_CODE: dict[str, type[BridgeError]] = {
    cls.code: cls for cls in [BridgeError, *BridgeError.__subclasses__()]
}


def error_from_wire(code: str, message: str, hint: str = "") -> BridgeError:
    """The exception for a failure that came over the wire."""
    cls = _BY_CODE.get(code, BridgeError)
    return cls(message, hint, code=code)
