# SPDX-License-Identifier: Apache-2.0
"""The bounded line of frames to one client."""

import asyncio

from bridge_server.server.outbox import Outbox


def take_all(box):
    """What waits, in order."""

    async def take():
        frames = []
        try:
            while True:
                frames.append(await asyncio.wait_for(box.get(), 0.01))
        except TimeoutError:
            return frames

    return asyncio.run(take())


def test_frames_come_out_in_order():
    """Lasting and passing frames share one line."""
    box = Outbox(soft=100, hard=100)
    box.put(b"1")
    box.put_passing("p", b"2")
    box.put(b"3")
    assert take_all(box) == [b"1", b"2", b"3"]


def test_a_passing_frame_replaces_the_waiting_one_of_its_key():
    """Only the newest preview of a candidate is sent, in its newest place."""
    box = Outbox(soft=100, hard=100)
    box.put_passing("a", b"old")
    box.put_passing("b", b"other")
    box.put_passing("a", b"new")
    assert take_all(box) == [b"other", b"new"]


def test_above_the_soft_limit_passing_frames_are_dropped():
    """Lasting ones still fit; what was replaced does not come back."""
    box = Outbox(soft=10, hard=100)
    box.put_passing("a", b"a")
    assert box.put(b"x" * 9)
    box.put_passing("b", b"b")
    box.put_passing("a", b"aa")
    assert box.put(b"y" * 20)
    assert take_all(box) == [b"x" * 9, b"y" * 20]


def test_above_the_hard_limit_a_lasting_frame_is_refused():
    """The client is too slow; what waits already still goes out."""
    box = Outbox(soft=10, hard=20)
    assert box.put(b"x" * 15)
    assert not box.put(b"y" * 6)
    assert box.put(b"z" * 5)
    assert take_all(box) == [b"x" * 15, b"z" * 5]


def test_one_frame_always_fits():
    """A single result larger than the limit can be sent at all."""
    box = Outbox(soft=10, hard=20)
    assert box.put(b"x" * 500)
    assert not box.put(b"y")


def test_taking_makes_room():
    """The limits count what waits, not what was sent."""

    async def scenario():
        box = Outbox(soft=10, hard=10)
        for _ in range(5):
            assert box.put(b"x" * 10)
            await box.get()
            box.put_passing("p", b"y" * 10)
            assert await box.get() == b"y" * 10

    asyncio.run(scenario())


def test_drained_waits_until_the_taker_is_back_for_more():
    """A frame counts as sent when its sender asks for the next one, not when it was taken."""

    async def scenario():
        box = Outbox(soft=10, hard=10)
        await box.drained()
        box.put(b"x")
        drained = asyncio.create_task(box.drained())
        await box.get()
        await asyncio.sleep(0)
        assert not drained.done()
        taker = asyncio.create_task(box.get())
        await asyncio.wait_for(drained, 5)
        taker.cancel()

    asyncio.run(scenario())


def test_a_closed_outbox_is_drained_and_keeps_nothing():
    """When the socket is gone nobody waits for frames to be taken, and none pile up."""

    async def scenario():
        box = Outbox(soft=10, hard=10)
        box.put(b"x" * 10)
        drained = asyncio.create_task(box.drained())
        await asyncio.sleep(0)
        box.close()
        await asyncio.wait_for(drained, 5)
        for _ in range(100):
            assert box.put(b"x" * 10)
        await asyncio.wait_for(box.drained(), 5)

    asyncio.run(scenario())
