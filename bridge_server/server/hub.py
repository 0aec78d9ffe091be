# SPDX-License-Identifier: Apache-2.0
"""Who is connected and who watches which channel: a job, by its id, or a project."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

from ..protocol.codec import Event
from ..protocol.messages import FINAL_STATES
from .frames import event_frame

__all__ = ["CatchingUp", "Hub", "Watcher"]

_PASSING = ("job.progress", "job.preview", "job.drafts")


class Watcher(Protocol):
    """A connection as the hub sees it."""

    session: str

    def send(self, frame: bytes) -> None:
        """Send a lasting frame."""
        ...

    def send_passing(self, key: object, frame: bytes) -> None:
        """Send a frame that may be dropped."""
        ...


@dataclass
class CatchingUp:
    """A watcher who is told older events, ``replays`` times at once."""

    replays: int = 0
    #: The newest event that was passed over, and its number.
    newest: Event | None = None
    skipped: int = 0
    #: The project was deleted: what is read from now on is another one's.
    over: bool = False


class Hub:
    """Hands events to the connections that watch their channel. Each event is encoded once."""

    def __init__(self) -> None:
        self.connected: set[Watcher] = set()
        self._watchers: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._catching_up: dict[tuple[Watcher, str], CatchingUp] = {}
        self._told: dict[tuple[Watcher, str], int] = {}

    def join(self, watcher: Watcher) -> None:
        """A connection said hello."""
        self.connected.add(watcher)

    def leave(self, watcher: Watcher) -> bool:
        """A connection ended. True if it was its session's last one."""
        self.connected.discard(watcher)
        watched = [channel for channel, watchers in self._watchers.items() if watcher in watchers]
        for channel in watched:
            self.unwatch(watcher, channel)
        return not self.has(watcher.session)

    def has(self, session: str) -> bool:
        """Whether a session has a connection."""
        return any(watcher.session == session for watcher in self.connected)

    def watch(self, watcher: Watcher, channel: str) -> None:
        """From now on tell this connection what happens there."""
        self._watchers[channel].add(watcher)

    def begin_catching_up(self, watcher: Watcher, channel: str) -> CatchingUp:
        """Watch, but leave the lasting events to who now reads them from the store and tells them.

        That goes on until :meth:`caught_up` is true, :meth:`stop_catching_up` was called, or what is returned
        is ``over``.
        """
        state = self._catching_up.setdefault((watcher, channel), CatchingUp())
        state.replays += 1
        self.watch(watcher, channel)
        return state

    def caught_up(self, watcher: Watcher, channel: str, last: int) -> bool:
        """False if an event after number ``last`` has come meanwhile: read on. True ends the catching up."""
        state = self._catching_up.get((watcher, channel))
        if state is not None and state.skipped > last:
            return False
        if state is not None:
            self._told[watcher, channel] = max(last, self._told.get((watcher, channel), 0))
        self.stop_catching_up(watcher, channel)
        return True

    def stop_catching_up(self, watcher: Watcher, channel: str) -> None:
        """From here on events are told as they come."""
        state = self._catching_up.get((watcher, channel))
        if state is not None:
            state.replays -= 1
            if not state.replays:
                del self._catching_up[watcher, channel]

    def publish(self, channel: str, event: Event) -> None:
        """Tell everyone who watches the channel."""
        watchers = self._watchers.get(channel)
        if not watchers:
            return
        frame = event_frame(event)
        for watcher in list(watchers):
            if event.topic in _PASSING:
                watcher.send_passing((event.topic, channel, getattr(event.body, "index", 0)), frame)
            elif event.topic == "project.deleted":
                self._told.pop((watcher, channel), None)  # begun anew, it counts from 1
                state = self._catching_up.pop((watcher, channel), None)
                if state is not None:
                    state.over = True
                watcher.send(frame)
            elif (watcher, channel) in self._catching_up:
                state = self._catching_up[watcher, channel]
                state.newest, state.skipped = event, event.seq
            elif event.seq > self._told.get((watcher, channel), 0):
                self._send(watcher, channel, event, frame)

    def tell(self, watcher: Watcher, channel: str, event: Event) -> None:
        """Tell one watcher a lasting event."""
        self._send(watcher, channel, event, event_frame(event))

    def broadcast(self, event: Event) -> None:
        """Tell every connection."""
        frame = event_frame(event)
        for watcher in self.connected:
            watcher.send(frame)

    def _send(self, watcher: Watcher, channel: str, event: Event, frame: bytes) -> None:
        watcher.send(frame)
        if event.topic == "job.state" and event.body.state in FINAL_STATES:
            self.unwatch(watcher, channel)

    def unwatch(self, watcher: Watcher, channel: str) -> None:
        """Tell this connection no more of it."""
        self._catching_up.pop((watcher, channel), None)
        self._told.pop((watcher, channel), None)
        self._watchers[channel].discard(watcher)
        if not self._watchers[channel]:
            del self._watchers[channel]
