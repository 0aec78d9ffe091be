# SPDX-License-Identifier: Apache-2.0
"""Who is connected and who watches which job."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

from ..protocol.codec import Event
from ..protocol.messages import FINAL_STATES
from .frames import event_frame

__all__ = ["Hub", "Watcher"]

_PASSING = ("job.progress", "job.preview")


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
class _CatchingUp:
    """A watcher who is told older events, ``replays`` times at once; ``skipped``: the newest passed over."""

    replays: int = 0
    skipped: int = 0


class Hub:
    """Hands events to the connections that watch their job. Each event is encoded once."""

    def __init__(self) -> None:
        self.connected: set[Watcher] = set()
        self._watchers: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._catching_up: dict[tuple[Watcher, str], _CatchingUp] = {}
        self._told: dict[tuple[Watcher, str], int] = {}

    def join(self, watcher: Watcher) -> None:
        """A connection said hello."""
        self.connected.add(watcher)

    def leave(self, watcher: Watcher) -> bool:
        """A connection ended. True if it was its session's last one."""
        self.connected.discard(watcher)
        for job in [job for job, watchers in self._watchers.items() if watcher in watchers]:
            self.unwatch(watcher, job)
        return not self.has(watcher.session)

    def has(self, session: str) -> bool:
        """Whether a session has a connection."""
        return any(watcher.session == session for watcher in self.connected)

    def watch(self, watcher: Watcher, job: str) -> None:
        """From now on tell this connection of the job."""
        self._watchers[job].add(watcher)

    def begin_catching_up(self, watcher: Watcher, job: str) -> None:
        """Watch, but leave the lasting events to who now reads them from the store and tells them.

        That goes on until :meth:`caught_up` is true or :meth:`stop_catching_up` was called.
        """
        self._catching_up.setdefault((watcher, job), _CatchingUp()).replays += 1
        self.watch(watcher, job)

    def caught_up(self, watcher: Watcher, job: str, last: int) -> bool:
        """False if an event after number ``last`` has come meanwhile: read on. True ends the catching up."""
        state = self._catching_up.get((watcher, job))
        if state is not None and state.skipped > last:
            return False
        if state is not None:
            self._told[watcher, job] = max(last, self._told.get((watcher, job), 0))
        self.stop_catching_up(watcher, job)
        return True

    def stop_catching_up(self, watcher: Watcher, job: str) -> None:
        """From here on events are told as they come."""
        state = self._catching_up.get((watcher, job))
        if state is not None:
            state.replays -= 1
            if not state.replays:
                del self._catching_up[watcher, job]

    def publish(self, job: str, event: Event) -> None:
        """Tell everyone who watches the job."""
        watchers = self._watchers.get(job)
        if not watchers:
            return
        frame = event_frame(event)
        for watcher in list(watchers):
            if event.topic in _PASSING:
                watcher.send_passing((event.topic, job, event.body.index), frame)
            elif (watcher, job) in self._catching_up:
                self._catching_up[watcher, job].skipped = event.seq
            elif event.seq > self._told.get((watcher, job), 0):
                self._send(watcher, job, event, frame)

    def tell(self, watcher: Watcher, job: str, event: Event) -> None:
        """Tell one watcher a lasting event."""
        self._send(watcher, job, event, event_frame(event))

    def broadcast(self, event: Event) -> None:
        """Tell every connection."""
        frame = event_frame(event)
        for watcher in self.connected:
            watcher.send(frame)

    def _send(self, watcher: Watcher, job: str, event: Event, frame: bytes) -> None:
        watcher.send(frame)
        if event.topic == "job.state" and event.body.state in FINAL_STATES:
            self.unwatch(watcher, job)

    def unwatch(self, watcher: Watcher, job: str) -> None:
        """Tell this connection of the job no more."""
        self._catching_up.pop((watcher, job), None)
        self._told.pop((watcher, job), None)
        self._watchers[job].discard(watcher)
        if not self._watchers[job]:
            del self._watchers[job]
