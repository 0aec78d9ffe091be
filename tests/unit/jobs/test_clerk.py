# SPDX-License-Identifier: Apache-2.0
"""The daemon's side of the clerk, with real processes."""

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from bridge_server.jobs.clerk import Clerk
from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.errands import Chosen, Converted, Differs, Learned, Overlaid, Reckoned
from bridge_server.protocol.errors import BadRequest, BridgeError, DaemonStopping, WorkerDied
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from bridge_server.sessions.database import Database
from scripted import SOON, appears

REAL = [sys.executable, "-m", "bridge_server.workers.clerk"]

#: A clerk that does to an errand what the name of its only pin says, in a folder given as argument.
SCRIPTED = """
import os, sys, time
from pathlib import Path
from bridge_server.protocol.errands import Learned
from bridge_server.protocol.work import Ready
from bridge_server.sessions.database import Database
from bridge_server.workers.line import open_line, serve
folder = Path(sys.argv[1])

def do(errand, line, inbox):
    told = next(iter(errand.pins))
    with open(folder / "log", "a") as log: log.write(told + "\\n")
    if told == "die": os._exit(1)
    if told == "die once" and not (folder / "died").exists():
        (folder / "died").touch()
        os._exit(1)
    if told == "hold":
        (folder / "held").touch()
        while not (folder / "go").exists(): time.sleep(0.002)
    if told != "say nothing":
        line.send(Learned(errand.task, [], told, [], []))

serve(open_line("clerk"), Ready([]), do, None)
"""

PLACE = Placement(0, 0, 1, 1)
PIXEL = Pixels(1, 1, "rgba8", bytes([1, 2, 3, 255]))


@asynccontextmanager
async def clerk(*command):
    """A clerk whose process is gone afterwards."""
    it = Clerk(command or REAL, ready_timeout=SOON)
    try:
        async with asyncio.timeout(SOON):
            yield it
    finally:
        await it.close()


def scripted(folder):
    """A clerk that does as it is told."""
    return clerk(sys.executable, "-c", SCRIPTED, str(folder))


def told(it, what):
    """An errand for the scripted clerk."""
    return it.learn([], {what: 1.0})


def pid(it):
    """The number of its process."""
    (name,) = it.names
    return int(re.search(r"pid (\d+)", name)[1])


def test_each_errand_has_its_answer_from_one_process(tmp_path):
    """Also when all are asked at once: they wait for each other."""

    async def scenario():
        async with clerk() as it:
            assert it.names == []
            Database(tmp_path).close()
            answers = await asyncio.gather(
                it.learn([], {AXES[0].name: 1.0}),
                it.choose([{}, {}], 1, 3, [], {}, 0.0),
                it.differ(PIXEL, PLACE, PIXEL, PLACE),
                it.overlay(PIXEL, PLACE, PIXEL, PLACE),
                it.convert(PIXEL, "rgba8", "srgb"),
                it.reckon(tmp_path, "nothing yet"),
            )
            assert [type(each) for each in answers] == [
                Learned, Chosen, Differs, Overlaid, Converted, Reckoned,
            ]  # fmt: skip
            assert answers[0].summary == f"{AXES[0].more} (pinned)"
            assert answers[2].changed == 0
            assert answers[3].picture == answers[4].pixels == PIXEL
            assert (answers[5].report.project, answers[5].report.whole.jobs) == ("nothing yet", 0)
            assert len(it.names) == 1

    asyncio.run(scenario())


def test_a_bad_errand_fails_with_the_clerks_words_and_harms_no_other():
    """The same process goes on."""

    async def scenario():
        async with clerk() as it:
            await it.learn([], {})
            before = pid(it)
            with pytest.raises(BadRequest, match=r"first has 1 x 1 pixels but its place 2 x 1"):
                await it.differ(PIXEL, Placement(0, 0, 2, 1), PIXEL, PLACE)
            await it.learn([], {})
            assert pid(it) == before

    asyncio.run(scenario())


def test_a_clerk_that_dies_is_replaced_and_asked_again(tmp_path):
    """Nobody notices, whether it died at work or idle."""

    async def scenario():
        async with scripted(tmp_path) as it:
            assert (await told(it, "die once")).summary == "die once"
            assert (tmp_path / "log").read_text().split("\n") == ["die once", "die once", ""]
            os.kill(pid(it), signal.SIGKILL)
            assert (await told(it, "on")).summary == "on"

    asyncio.run(scenario())


def test_an_errand_that_kills_two_clerks_fails_and_the_next_is_done(tmp_path):
    """No endless loop over something that can't be done."""

    async def scenario():
        async with scripted(tmp_path) as it:
            with pytest.raises(WorkerDied):
                await told(it, "die")
            assert (tmp_path / "log").read_text().count("die") == 2
            assert (await told(it, "on")).summary == "on"

    asyncio.run(scenario())


def test_no_answer_is_an_error(tmp_path):
    """An errand that ends without one must not leave its asker with None."""

    async def scenario():
        async with scripted(tmp_path) as it:
            with pytest.raises(BridgeError, match="no answer to the errand Learn"):
                await told(it, "say nothing")

    asyncio.run(scenario())


def test_cancelling_who_waits_for_an_answer_wedges_nothing(tmp_path):
    """The errand is finished, and the next one gets its own answer from the same process."""

    async def scenario():
        async with scripted(tmp_path) as it:
            asked = asyncio.create_task(told(it, "hold"))
            await appears(tmp_path / "held")
            before = pid(it)
            following = asyncio.create_task(told(it, "next"))
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            (tmp_path / "go").touch()
            assert (await following).summary == "next"
            assert pid(it) == before

    asyncio.run(scenario())


def test_cancelling_who_waits_in_line_leaves_the_line_whole(tmp_path):
    """Its errand is never begun."""

    async def scenario():
        async with scripted(tmp_path) as it:
            first = asyncio.create_task(told(it, "hold"))
            await appears(tmp_path / "held")
            waiting, last = (asyncio.create_task(told(it, what)) for what in ("gone", "last"))
            await asyncio.sleep(0)
            waiting.cancel()
            (tmp_path / "go").touch()
            assert [(await each).summary for each in (first, last)] == ["hold", "last"]
            assert "gone" not in (tmp_path / "log").read_text()

    asyncio.run(scenario())


def test_closing_ends_the_process_and_fails_what_waits(tmp_path):
    """The one at work, the one in line and any later one; not as if their askers had been cancelled."""

    async def scenario():
        async with scripted(tmp_path) as it:
            errands = [asyncio.create_task(told(it, what)) for what in ("hold", "waiting")]
            await appears(tmp_path / "held")
            number = pid(it)
            await it.close()
            for errand in (*errands, told(it, "late")):
                with pytest.raises(DaemonStopping):
                    await errand
            assert it.names == []
            with pytest.raises(ProcessLookupError):
                os.kill(number, 0)
            await it.close()

    asyncio.run(scenario())


def test_closing_while_the_process_is_starting_leaves_none():
    """A daemon that is stopped at once."""

    async def scenario():
        async with clerk(sys.executable, "-c", "import time; time.sleep(60)") as it:
            errand = asyncio.create_task(it.learn([], {}))
            await asyncio.sleep(0.05)
            await it.close()
            with pytest.raises(DaemonStopping):
                await errand

    asyncio.run(scenario())


def test_a_program_that_is_no_clerk_is_told():
    """A broken installation fails the errand, not the daemon."""

    async def scenario():
        async with clerk(sys.executable, "-c", "raise SystemExit(1)") as it:
            with pytest.raises(WorkerDied):
                await it.learn([], {})

    asyncio.run(scenario())
