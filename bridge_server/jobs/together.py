# SPDX-License-Identifier: Apache-2.0
"""Which jobs an engine can make together in one batch. Pure."""

from __future__ import annotations

from typing import Any

from ..protocol.messages import Expand, Vary
from ..sessions.store import JobRecord

__all__ = ["MOST_TOGETHER", "kin"]

#: The most candidates of one batch of several jobs: what comes meanwhile waits for all of them.
MOST_TOGETHER = 8


def kin(record: JobRecord) -> tuple[Any, ...] | None:
    """What must be equal of jobs that are made together; None for one that is made alone.

    Words, seeds and what guides show may differ. What was asked counts: an engine to which one of them is
    steered away from the others may still take them one after the other.
    """
    asked = record.request
    if not record.engine.batches or record.drafts or asked.drafted:
        return None
    picture = asked.picture
    return (
        record.engine.name,
        asked.op,
        (picture.width, picture.height),
        [asked.left, asked.right, asked.top, asked.bottom] if isinstance(asked, Expand) else None,
        asked.strength,
        asked.amount if isinstance(asked, Vary) else None,
        asked.parameters,
        [(guide.kind, guide.weight, guide.start, guide.end) for guide in asked.guides],
    )
