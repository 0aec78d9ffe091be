# SPDX-License-Identifier: Apache-2.0
"""Telling what was written, to everyone and without a gap."""

import asyncio
import threading

import pytest

from bridge_server.protocol.codec import Event
from bridge_server.protocol.errors import OutOfSpace
from bridge_server.protocol.messages import JobState
from bridge_server.protocol.projects import Follow, ProjectDeleted
from bridge_server.protocol.versions import Accept, Go, Undo
from bridge_server.sessions.database import Told
from serving import house

CHANNEL = "project/x"


class Caller:
    """A connection of which only the numbers of its events matter."""

    def __init__(self, hub):
        self.told, self.session, self.project, self.host, self.hub = [], "s", "x", "", hub
        self.before_each = None

    def send(self, _frame):
        """Count."""
        self.told.append(self.number)

    async def room(self):
        """Let something else happen."""
        if self.before_each is not None:
            self.before_each()
        await asyncio.sleep(0)


def state(seq, name="running"):
    """A lasting event of a job."""
    return Event("job.state", seq, JobState("j", name))


def watching(hub, monkeypatch):
    """A caller that remembers the numbers of what it is told."""
    caller = Caller(hub)

    def send(watcher, channel, event, frame):
        caller.number = event.seq
        original(watcher, channel, event, frame)

    original = hub._send
    monkeypatch.setattr(hub, "_send", send)
    return caller


def test_a_change_is_told_though_its_asker_is_gone(tmp_path):
    """The asking task ends while the change is being written; followers hear of it all the same."""

    async def scenario():
        async with house(tmp_path) as it:
            written, go = threading.Event(), threading.Event()
            heard = []
            it.hub.publish = lambda channel, event: heard.append((channel, event.seq))

            def change():
                written.set()
                go.wait(10)
                return "result", [Told(CHANNEL, state(1))]

            asking = asyncio.create_task(it.desk.change(change))
            await asyncio.to_thread(written.wait, 10)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            go.set()
            await it.desk.settle()
            assert heard == [(CHANNEL, 1)]

    asyncio.run(scenario())


def test_a_change_is_told_though_its_connection_drops(tmp_path, monkeypatch):
    """Over the wire: who asked is cut off in the middle of the writing."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as follower:
            (candidate,) = await it.make(follower)
            await follower.answer(Follow())
            written, go = threading.Event(), threading.Event()
            accept = it.stage.memory.conversation.accept

            def slow(*args):
                written.set()
                go.wait(10)
                return accept(*args)

            monkeypatch.setattr(it.stage.memory.conversation, "accept", slow)
            async with it.client() as asker:
                await asker.ask(Accept(candidate))
                await asyncio.to_thread(written.wait, 10)
                asker.socket.transport.abort()
            go.set()
            head = await follower.event("project.head")
            assert head.body.version

    asyncio.run(scenario())


def test_a_change_that_fails_is_told_to_nobody(tmp_path):
    """The error is the asker's alone, and the next change works."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            await client.answer(Follow())
            assert (await client.answer(Go("nowhere")))["code"] == "not_found"

            def full():
                raise OutOfSpace("Full.")

            with pytest.raises(OutOfSpace):
                await it.desk.change(full)
            assert not isinstance(await client.answer(Undo()), dict)

    asyncio.run(scenario())


def test_settling_waits_for_what_is_done_on_the_side(tmp_path):
    """Also for what fails."""

    async def scenario():
        async with house(tmp_path) as it:
            done = []

            async def work(*, fail):
                await asyncio.sleep(0)
                done.append(fail)
                if fail:
                    raise OutOfSpace("Full.")

            for fail in (True, False):
                it.desk.spawn(work(fail=fail))
            await it.desk.settle()
            assert done == [True, False]
            assert not it.desk._errands

    asyncio.run(scenario())


def test_a_replay_tells_what_happens_meanwhile_once_and_in_order(tmp_path, monkeypatch):
    """Each event told while another is written and published."""

    async def scenario():
        async with house(tmp_path) as it:
            caller, log = watching(it.hub, monkeypatch), [state(1), state(2)]

            def more():
                if len(log) < 40:
                    log.append(state(len(log) + 1))
                    it.hub.publish(CHANNEL, log[-1])

            caller.before_each = more
            await it.desk.replay(caller, CHANNEL, 0, lambda _, after: next(iter(log[after:]), None), "x")
            more()
            assert caller.told == list(range(1, 41))

    asyncio.run(scenario())


def test_an_end_that_could_not_be_written_reaches_who_catches_up(tmp_path, monkeypatch):
    """The scheduler tells it under a number that the store never shows; the replay does not wait for it."""

    async def scenario():
        async with house(tmp_path) as it:
            caller, log = watching(it.hub, monkeypatch), [state(1)]

            def once():
                it.hub.publish("j", state(2, "failed"))
                caller.before_each = None

            caller.before_each = once
            await it.desk.replay(caller, "j", 0, lambda _, after: next(iter(log[after:]), None), "j")
            assert caller.told == [1, 2]
            assert not it.hub._catching_up
            assert not it.hub._watchers

    asyncio.run(scenario())


def test_a_replay_ends_when_its_project_is_deleted(tmp_path, monkeypatch):
    """What was begun anew under the name counts from 1 and is told as it comes."""

    async def scenario():
        async with house(tmp_path) as it:
            caller, log = watching(it.hub, monkeypatch), [state(n) for n in range(1, 6)]

            def delete():
                if len(caller.told) == 2:
                    caller.before_each = None
                    caller.number = 0
                    it.hub.publish(CHANNEL, state(6))  # passed over, and gone before it could be read
                    log.clear()
                    it.hub.publish(CHANNEL, Event("project.deleted", 0, ProjectDeleted("x")))

            caller.before_each = delete
            await it.desk.replay(caller, CHANNEL, 0, lambda _, after: next(iter(log[after:]), None), "x")
            it.hub.publish(CHANNEL, state(1))
            assert caller.told == [1, 2, 0, 1]
            assert not it.hub._catching_up

    asyncio.run(scenario())


def test_followers_that_come_and_go_hear_everything_once(tmp_path):
    """Several catch up from the start while others change things, as fast as they can."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as first, it.client() as second:
            names = await it.make(first, count=2)
            versions = [(await first.answer(Accept(name))).version.version for name in names]

            async def change(client):
                for number in range(30):
                    await client.answer(Go(versions[number % 2], document=f"d{number % 3}"))

            async def follow(pause):
                for _ in range(pause):
                    await asyncio.sleep(0)
                async with it.client() as client:
                    await client.ask(Follow(0))
                    return await asyncio.create_task(hear(client))

            async def hear(client):
                numbers = []
                while not (over.is_set() and numbers and numbers[-1] == it.last):
                    frame = await client.hear()
                    if frame["kind"] == "event":
                        numbers.append(frame["seq"])
                return numbers

            over = asyncio.Event()
            it.last = 0
            followers = [asyncio.create_task(follow(pause)) for pause in (0, 7, 40, 150)]
            await asyncio.gather(change(first), change(second))
            await asyncio.gather(*[asyncio.sleep(0) for _ in range(3)])
            it.last = it.stage.memory.library.project("default").seq + 1
            over.set()
            await first.answer(Go(versions[0], document="the last"))
            for numbers in await asyncio.gather(*followers):
                assert numbers == list(range(1, it.last + 1))

    asyncio.run(scenario())
