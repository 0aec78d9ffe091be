# SPDX-License-Identifier: Apache-2.0
"""Who is connected and who watches which job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ..protocol.codec import Event
from .frames import event_frame

__all__ = ["Hub", "Watcher"]

_PASSING = ("job.progress", "job.preview")
_FINAL = ("done", "failed", "cancelled")


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
class _Held:
    """Events kept back until ``replays`` (more than one if a client asks twice at once) are over."""

    events: list[Event] = field(default_factory=list[Event])
    replays: int = 0


class Hub:
    """Hands events to the connections that watch their job. Each event is encoded once."""

    def __init__(self) -> None:
        self.connected: set[Watcher] = set()
        self._watchers: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._held: dict[tuple[Watcher, str], _Held] = {}

    def join(self, watcher: Watcher) -> None:
        """A connection said hello."""
        self.connected.add(watcher)

    def leave(self, watcher: Watcher) -> bool:
        """A connection ended. True if it was its session's last one."""
        self.connected.discard(watcher)
        for job in [job for job, watchers in self._watchers.items() if watcher in watchers]:
            self.unwatch(watcher, job)
        return all(other.session != watcher.session for other in self.connected)

    def watch(self, watcher: Watcher, job: str) -> None:
        """From now on tell this connection of the job."""
        self._watchers[job].add(watcher)

    def hold(self, watcher: Watcher, job: str) -> None:
        """Watch, but keep the job's lasting events back until :meth:`replay` has told the older ones.

        Every call is to be followed by one of replay.
        """
        self._held.setdefault((watcher, job), _Held()).replays += 1
        self.watch(watcher, job)

    def replay(self, watcher: Watcher, job: str, older: Iterable[Event]) -> None:
        """Tell ``older`` events, then those that were held back meanwhile and are newer."""
        held = self._held.get((watcher, job), _Held())
        held.replays -= 1
        if held.replays <= 0:
            self._held.pop((watcher, job), None)
        last = 0
        for event in older:
            self._tell(watcher, event, event_frame(event), job)
            last = event.seq
        if held.replays <= 0:
            for event in held.events:
                if event.seq > last:
                    self._tell(watcher, event, event_frame(event), job)

    def publish(self, job: str, event: Event) -> None:
        """Tell everyone who watches the job."""
        watchers = self._watchers.get(job)
        if not watchers:
            return
        frame = event_frame(event)
        for watcher in list(watchers):
            held = self._held.get((watcher, job))
            if held is None:
                self._tell(watcher, event, frame, job)
            elif event.topic not in _PASSING:
                held.events.append(event)

    def broadcast(self, event: Event) -> None:
        """Tell every connection."""
        frame = event_frame(event)
        for watcher in self.connected:
            watcher.send(frame)

    def _tell(self, watcher: Watcher, event: Event, frame: bytes, job: str) -> None:
        if event.topic in _PASSING:
            watcher.send_passing((event.topic, job, event.body.index), frame)
            return
        watcher.send(frame)
        if event.topic == "job.state" and event.body.state in _FINAL:
            self.unwatch(watcher, job)

    def unwatch(self, watcher: Watcher, job: str) -> None:
        """Tell this connection of the job no more."""
        self._held.pop((watcher, job), None)
        self._watchers[job].discard(watcher)
        if not self._watchers[job]:
            del self._watchers[job]
