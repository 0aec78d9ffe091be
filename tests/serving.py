# SPDX-License-Identifier: Apache-2.0
"""A listener with everything behind it, on the test's own event loop, with workers moved by hand."""

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import msgpack
from websockets.asyncio.client import connect

import samples
from bridge_server.jobs.clerk import Clerk
from bridge_server.protocol.codec import event_from_frame, request_frame, result_from_frame
from bridge_server.protocol.messages import PROTOCOL_VERSION, GetJob, Hello
from bridge_server.server.connection import Limits
from bridge_server.server.desk import Desk
from bridge_server.server.hub import Hub
from bridge_server.server.listener import Listener
from scheduling import Stage

TOKEN = "t0ken"
SOON = 10
CLERK = [sys.executable, "-m", "bridge_server.workers.clerk"]


class Client:
    """A connection as a program in any language would make it."""

    def __init__(self, socket):
        self.socket = socket
        self._ids = 0

    async def ask(self, request):
        """Send a request; returns its id."""
        self._ids += 1
        await self.say(request_frame(self._ids, request))
        return self._ids

    async def say(self, frame):
        """Send a map, or anything else as it is."""
        await self.socket.send(msgpack.packb(frame) if isinstance(frame, dict) else frame)

    async def hear(self):
        """The next frame."""
        async with asyncio.timeout(SOON):
            return msgpack.unpackb(await self.socket.recv())

    async def answer(self, request):
        """Ask and wait for the reply, past events; a failure is returned as its map."""
        request_id = await self.ask(request)
        while (frame := await self.hear())["kind"] == "event":
            pass
        assert frame["id"] == request_id
        return result_from_frame(request.op, frame) if frame["kind"] == "reply" else frame["error"]

    async def hello(self, session="", token=TOKEN, protocol=PROTOCOL_VERSION, **who):
        """Say hello; the welcome."""
        return await self.answer(Hello(protocol, token, "test", session=session, **who))

    async def event(self, topic):
        """The next event of a topic, past anything else."""
        while (frame := await self.hear())["kind"] != "event" or frame["topic"] != topic:
            pass
        return event_from_frame(frame)

    async def news(self, last):
        """The project's lasting events up to the one with number ``last``: their numbers."""
        numbers = []
        while not numbers or numbers[-1] != last:
            frame = await self.hear()
            if frame["kind"] == "event" and frame["topic"].startswith("project."):
                numbers.append(event_from_frame(frame).seq)
        return numbers

    async def events(self, last):
        """Lasting events up to the one with number ``last``: their numbers."""
        numbers = []
        while not numbers or numbers[-1] != last:
            frame = await self.hear()
            if frame["kind"] == "event" and frame["topic"] in ("job.state", "job.candidate"):
                numbers.append(event_from_frame(frame).seq)
        return numbers


class House:
    """A listener, a hub and a stage. ``clerk``: a real one instead of the stand-in."""

    def __init__(self, folder, *, clerk=None, budget=0, **limits):
        self.hub = Hub()
        self.stage = Stage(folder, size=1, clerk=clerk)
        self.stage.on_publish = self.hub.publish
        self.folder, self.budget = folder, budget
        self.begun, self.gone, self.stops = [], [], []
        self.begin_session = self._remember
        bounds = Limits(limits.get("max_message", 2**20), 100)
        self.listener = Listener(TOKEN, bounds, self._begin, self._gone)
        self.address = ""

    async def _begin(self, session, hello):
        await self.begin_session(session, hello)

    async def _remember(self, session, hello):
        self.begun.append((session, hello.client))

    async def _gone(self, session):
        self.gone.append(session)
        await self.stage.scheduler.session_gone(session)

    def _desk(self, address):
        self.desk = Desk(
            scheduler=self.stage.scheduler,
            fleet=self.stage.workers,
            clerk=self.stage.clerk,
            memory=self.stage.memory,
            writer=self.stage.writer,
            hub=self.hub,
            max_pixels=100,
            budget=self.budget,
            data_dir=self.folder,
            address=address,
            request_stop=self.stops.append,
            started=0.0,
        )
        return self.desk

    async def open(self):
        """Begin to listen."""
        self.address = await self.listener.start("127.0.0.1", 0, self._desk)

    @asynccontextmanager
    async def client(self, *, greet=True, project="default", host="", **options):
        """A connection."""
        async with connect(self.address, compression=None, max_size=None, **options) as socket:
            client = Client(socket)
            if greet:
                await client.hello(project=project, host=host)
            yield client

    async def make(self, client, job="a", count=1, pixels=samples.PATCH, **fields):
        """A finished job of the client's; its candidates' ids."""
        plain = {"engine": "one", "if_gone": "finish", "taste": False, "drafted": False, "unlike": ""}
        plain |= {"guides": [], "live": ""}
        request = replace(samples.REQUESTS["fill"], **plain | {"job": job, "count": count} | fields)
        answer = await client.answer(request)
        assert not isinstance(answer, dict), answer
        for _ in range(count):
            run = await self.stage.started()
            run.make(run.task.indices[0], pixels)
            run.end()
        await self.stage.end_of(job)
        found = await client.answer(GetJob(job))
        return [info.candidate for info in sorted(found.candidates, key=lambda info: info.index)]

    async def empty(self):
        """Wait until nobody is connected."""
        async with asyncio.timeout(SOON):
            while self.listener.connections:  # noqa: ASYNC110 - the listener has no event for it
                await asyncio.sleep(0.002)


@asynccontextmanager
async def house(folder, **limits):
    """An open house, closed in order afterwards."""
    it = House(folder, **limits)
    await it.open()
    try:
        async with asyncio.timeout(30):
            yield it
    finally:
        await it.stage.scheduler.stop()
        await it.listener.stop()
        if isinstance(it.stage.clerk, Clerk):
            await it.stage.clerk.close()
        await it.desk.settle()
        it.stage.writer.shutdown()
        it.stage.memory.close()
