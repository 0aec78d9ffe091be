# SPDX-License-Identifier: Apache-2.0
"""One worker process as the daemon sees it. Runs on the daemon's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from ..protocol.errors import WorkerDied
from ..protocol.records import Steering
from ..protocol.work import CancelTask, Ready, SteerTask, TaskEnded
from .frames import HEADER, decode, encode

__all__ = ["ONE_THREAD", "Work", "WorkerProcess"]

log = logging.getLogger(__name__)

#: A pipe is read into memory this far ahead before the worker has to wait.
_READ_AHEAD = 64 * 2**20

#: Environment of a worker that shares the cores with others: numpy's threads on top would only get in each
#: other's way, and their number would change the last bits of a result.
ONE_THREAD: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Listener = Callable[[Any], None]


class Work(Protocol):
    """What a worker can be told to do, a task or an errand: a message with a name that its answers repeat."""

    @property
    def task(self) -> str:
        """The name."""
        ...


class WorkerProcess:
    """Starts a worker, gives it one task at a time, and knows when it is dead."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._process = process
        self._listener: Listener | None = None
        self._task = ""
        self._ended: asyncio.Future[TaskEnded] | None = None
        self._reader = asyncio.create_task(self._read(), name=f"{name} reader")

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        ready_timeout: float,
        environment: Mapping[str, str] = ONE_THREAD,
    ) -> WorkerProcess:
        """Start the process, with ``environment`` added to the daemon's own, and wait for its READY.

        Raises:
            WorkerDied: it ended, or said nothing for ``ready_timeout`` seconds.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            env=os.environ | dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_READ_AHEAD,
            start_new_session=True,  # a Ctrl-C in the terminal is for the daemon alone
        )
        worker = cls(name, process)
        try:
            async with asyncio.timeout(ready_timeout):
                await asyncio.shield(worker.ready)
        except BaseException as error:
            await worker.kill()
            if isinstance(error, TimeoutError):
                raise WorkerDied(f"A worker was not ready after {ready_timeout:.0f} s.") from error
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False from the moment its pipe closed."""
        return not self._reader.done()

    async def run(self, task: Work, listener: Listener) -> TaskEnded:
        """Do one task; ``listener`` gets each message of it before the end, also the ends of its parts.

        Raises:
            WorkerDied: the process ended first.
        """
        self._ended = asyncio.get_running_loop().create_future()
        self._listener, self._task = listener, task.task
        try:
            if not self.alive:
                raise self._death()
            await self._send(task)
            return await self._ended
        finally:
            self._listener = self._ended = None

    def cancel(self, task: str) -> None:
        """Ask for the end of a task at its next step. Never waits."""
        self._tell(CancelTask(task))

    def steer(self, task: str, steering: Steering) -> None:
        """Say all that was changed of a task. Never waits."""
        self._tell(SteerTask(task, steering))

    def _tell(self, message: Any) -> None:
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(message))

    async def kill(self) -> None:
        """End the process now and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _send(self, body: Any) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for as a pipe
        try:
            stdin.write(encode(body))
            await stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise self._death() from error

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for as a pipe
        try:
            while True:
                (length,) = HEADER.unpack(await stdout.readexactly(HEADER.size))
                self._dispatch(decode(await stdout.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except msgspec.DecodeError:
            log.exception("%s said something unreadable", self.name)
            self._process.kill()
        finally:
            for future in (self.ready, self._ended):
                if future is not None and not future.done():
                    future.set_exception(self._death())
                    future.exception()  # counts as looked at: nobody may be waiting for it any more

    def _dispatch(self, message: Any) -> None:
        if isinstance(message, Ready):
            if not self.ready.done():
                self.ready.set_result(message)
        elif isinstance(message, TaskEnded) and message.task == self._task:
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(message)
        elif self._listener is not None:
            self._listener(message)

    def _death(self) -> WorkerDied:
        return WorkerDied(
            f"The worker process {self.name} (pid {self.pid}) ended unexpectedly.",
            "It is being replaced; ask again. If it happens again, select a smaller area.",
        )
