# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent to one client. Bounded, so that a slow client costs nobody else anything."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

__all__ = ["Outbox"]


class Outbox:
    """Frames in order. Full means: passing frames are dropped, a lasting one ends the connection.

    Args:
        soft: bytes above which passing frames (progress, previews) are dropped.
        hard: bytes above which the client counts as too slow. One frame always fits.
    """

    def __init__(self, *, soft: int, hard: int) -> None:
        self._soft, self._hard = soft, hard
        self._frames: OrderedDict[object, bytes] = OrderedDict()
        self._size = 0
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._closed = False

    def put(self, frame: bytes) -> bool:
        """Add a lasting frame. False if the client is too slow for it."""
        if self._frames and self._size + len(frame) > self._hard:
            return False
        self._add(object(), frame)
        return True

    def put_passing(self, key: object, frame: bytes) -> None:
        """Add a frame that replaces a waiting one of the same key, or drop it if too much waits."""
        old = self._frames.pop(key, None)
        if old is not None:
            self._size -= len(old)
        if self._size + len(frame) <= self._soft:
            self._add(key, frame)

    async def get(self) -> bytes:
        """The next frame; waits for one."""
        while not self._frames:
            self._filled.clear()
            self._drained.set()
            await self._filled.wait()
        _, frame = self._frames.popitem(last=False)
        self._size -= len(frame)
        if self._size <= self._soft:
            self._roomy.set()
        return frame

    def close(self) -> None:
        """Nobody takes frames any more: forget those that wait and those to come."""
        self._closed = True
        self._frames.clear()
        self._size = 0
        self._drained.set()
        self._roomy.set()

    async def room(self) -> None:
        """Wait until no more than ``soft`` bytes wait, or the outbox was closed."""
        await self._roomy.wait()

    async def drained(self) -> None:
        """Wait until everything was taken and the taker came back for more, or the outbox was closed."""
        await self._drained.wait()

    def _add(self, key: object, frame: bytes) -> None:
        if self._closed:
            return
        self._frames[key] = frame
        self._size += len(frame)
        self._drained.clear()
        if self._size > self._soft:
            self._roomy.clear()
        self._filled.set()
