# SPDX-License-Identifier: Apache-2.0
"""Tasks for tests/scripted_worker.py."""

import asyncio
import os
import sys
from pathlib import Path

from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.work import Task

COMMAND = [sys.executable, str(Path(__file__).with_name("scripted_worker.py"))]

#: Seconds after which a test gives up on what should happen much sooner.
SOON = 20


def task(name="t", engine="scripted", seeds=(5,), **told):
    """A fill of a 4 x 2 picture whose left half is selected; ``told`` are the engine's parameters."""
    return Task(
        task=name,
        engine=engine,
        verb="fill",
        picture=Pixels(4, 2, "rgb8", bytes(24)),
        mask=Pixels(4, 2, "gray8", b"\xff\x80\x00\x00" * 2),
        indices=list(range(len(seeds))),
        seeds=list(seeds),
        parameters={key: str(value) if isinstance(value, Path) else value for key, value in told.items()},
    )


async def appears(path):
    """Wait until another process has made a file."""
    async with asyncio.timeout(SOON):
        while not path.exists():  # noqa: ASYNC110 - another process makes it, so there is no event to wait for
            await asyncio.sleep(0.002)


async def ends(process_id):
    """Wait until a process of that number is gone."""
    async with asyncio.timeout(SOON):
        while _runs(process_id):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.002)


def _runs(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
