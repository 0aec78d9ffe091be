# SPDX-License-Identifier: Apache-2.0
"""What a client hears: the daemon's events, and how its own connection fares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from ..protocol.codec import Event

__all__ = ["ConnectionChanged", "Happening"]


@dataclass(frozen=True)
class ConnectionChanged:
    """The client's own event. ``state``: ``connecting``, ``connected``, ``waiting``, ``refused``, ``closed``.

    ``reason`` says in words why it is waiting or was refused.
    """

    state: str
    reason: str = ""


Happening = Union[Event, ConnectionChanged]
