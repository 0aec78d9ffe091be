# SPDX-License-Identifier: Apache-2.0
"""Puts the daemon together, runs it and takes it apart again."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from . import __version__
from .config import Config
from .jobs.chooser import Chooser
from .jobs.clerk import Clerk
from .jobs.scheduler import Scheduler
from .models.extra import installed
from .protocol.codec import Event
from .protocol.discovery import LAUNCHER_FILE, RUNTIME_FILE, Launcher, RuntimeFile
from .protocol.errors import BadRequest, BridgeError
from .protocol.messages import FINAL_STATES, DaemonStops, Hello
from .server.connection import Limits
from .server.desk import Desk
from .server.hub import Hub
from .server.keeping import keep_within_budget
from .server.listener import Listener
from .sessions.memory import Memory
from .workers.fleet import Fleet
from .workers.supervisor import Supervisor

__all__ = ["AlreadyRunning", "serve"]

log = logging.getLogger("bridge_server")

WORKER_COMMAND = (sys.executable, "-m", "bridge_server.workers.child")
CLERK_COMMAND = (sys.executable, "-m", "bridge_server.workers.clerk")
#: torch works with all cores; nothing is fetched behind the artist's back.
_MODEL_ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
#: Seconds to wait for another daemon that starts or ends, and between two looks.
_PATIENCE, _PAUSE = 15.0, 0.02

_LAUNCHER = Launcher([sys.executable, "-m", "bridge_server"])


class AlreadyRunning(BridgeError):
    """Another daemon uses this data folder."""

    code = "already_running"


def serve(config: Config, worker_command: Sequence[str] | None = None) -> None:
    """Run a daemon until it is told to stop, by a signal, a client, or because nobody needs it.

    Args:
        config: its settings.
        worker_command: a program with other engines than our own.

    Raises:
        AlreadyRunning: the data folder is in use.
        BadRequest: the address can't be listened on, or the data folder can't be used.
    """
    logging.basicConfig(
        level=config.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
        force=True,
    )
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # a scanner's nonsense is no news
    _make_private(config.data_dir)
    try:
        with _lock(config.data_dir):
            asyncio.run(_run(config, worker_command))
    except Timeout as error:
        raise AlreadyRunning(
            f"A daemon already runs on {config.data_dir}{_running_pid(config.data_dir)}.",
            "Use it, stop it with 'bridge-server stop', or choose another --data-dir.",
        ) from error


def _lock(folder: Path) -> FileLock:
    """The data folder's lock, taken.

    While its owner has no runtime file it is just starting or ending, so this waits: it can be reached when
    this process gives up, and if it ends this one takes its place.

    Raises:
        Timeout: another daemon has it.
    """
    lock = FileLock(folder / "daemon.lock", timeout=0)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            lock.acquire()
        except Timeout:
            if (folder / RUNTIME_FILE).exists() or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            (folder / RUNTIME_FILE).unlink(missing_ok=True)  # of one that was killed
            return lock


async def _run(config: Config, worker_command: Sequence[str] | None) -> None:
    await _Daemon(config, worker_command).run()


def _fleet(config: Config, worker_command: Sequence[str] | None) -> Fleet:
    """A pool for each kind of engine, also of what may be installed while the daemon runs."""
    pools = {
        "patchmatch": Supervisor(
            worker_command or WORKER_COMMAND, size=config.worker_count, idle_exit=config.worker_idle_exit
        )
    }
    if worker_command is None:
        settings = msgspec.json.encode(config.diffusers).decode()
        models = str(config.data_dir / "models")
        pools["diffusers"] = Supervisor(
            [*WORKER_COMMAND, "diffusers", "--models", models, "--settings", settings],
            size=1,
            idle_exit=config.model_idle_exit,
            name="diffusers",
            environment=_MODEL_ENVIRONMENT,
        )
    return Fleet(pools, _is_installed)


def _is_installed(kind: str) -> bool:
    """Whether the libraries of a kind of engine are there now, found out without loading them."""
    importlib.invalidate_caches()
    return kind != "diffusers" or installed()


class _Daemon:
    """One run of the daemon."""

    def __init__(self, config: Config, worker_command: Sequence[str] | None) -> None:
        self._config = config
        self._token = secrets.token_urlsafe(32)
        self._stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._last_busy = time.monotonic()
        self._memory = Memory(config.data_dir)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._clerk = Clerk(CLERK_COMMAND, idle_exit=config.worker_idle_exit)
        self._fleet = _fleet(config, worker_command)
        self._hub = Hub()
        self._scheduler = Scheduler(
            self._memory.store,
            self._writer,
            self._fleet,
            Chooser(self._memory.store, self._memory.lessons, self._writer, self._clerk),
            self._publish,
            max_pixels=config.max_pixels,
            max_queued=config.max_queued,
        )
        self._desk: Desk | None = None
        limits = Limits(config.max_message, config.max_pixels)
        self._listener = Listener(self._token, limits, self._begin_session, self._scheduler.session_gone)

    async def run(self) -> None:
        """From the first breath to the last."""
        started = time.monotonic()
        try:
            await self._scheduler.resume()
            address = await self._listen(started)
            self._heed_signals()
            with _runtime_files(self._config.data_dir, address, self._token):
                log.info("listening on %s, data in %s", address, self._config.data_dir)
                watch = asyncio.create_task(self._watch_idleness())
                reason = await self._stopped
                watch.cancel()
        finally:
            await self._close()
        log.info("stopped: %s", reason)

    async def _listen(self, started: float) -> str:
        if self._config.host not in ("127.0.0.1", "::1", "localhost"):
            log.warning("listening on %s: other machines can reach this daemon", self._config.host)
        try:
            return await self._listener.start(
                self._config.host, self._config.port, lambda address: self._make_desk(address, started)
            )
        except OSError as error:
            raise BadRequest(
                f"Can't listen on {self._config.host} port {self._config.port}: {error.strerror}.",
                "Choose another --host or --port; port 0 takes a free one.",
            ) from error

    def _make_desk(self, address: str, started: float) -> Desk:
        self._desk = Desk(
            scheduler=self._scheduler,
            fleet=self._fleet,
            clerk=self._clerk,
            memory=self._memory,
            writer=self._writer,
            hub=self._hub,
            max_pixels=self._config.max_pixels,
            budget=self._config.budget,
            data_dir=self._config.data_dir,
            address=address,
            request_stop=self._stop,
            started=started,
        )
        return self._desk

    def _publish(self, channel: str, event: Event) -> None:
        self._hub.publish(channel, event)
        if self._desk is not None and event.topic == "project.job" and event.body.state in FINAL_STATES:
            self._desk.spawn(keep_within_budget(self._desk))

    async def _begin_session(self, session: str, hello: Hello) -> None:
        await asyncio.get_running_loop().run_in_executor(
            self._writer, self._memory.store.add_session, session, hello.project, hello.host, hello.client
        )

    def _stop(self, reason: str) -> None:
        if not self._stopped.done():
            self._stopped.set_result(reason)

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            name = signal.Signals(number).name
            if sys.platform == "win32":  # its event loop can't
                signal.signal(number, partial(self._stop_from_handler, loop))
            else:
                loop.add_signal_handler(number, self._stop, name)

    def _stop_from_handler(self, loop: asyncio.AbstractEventLoop, number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(self._stop, signal.Signals(number).name)

    async def _watch_idleness(self) -> None:
        limit = self._config.idle_exit
        while limit:
            await asyncio.sleep(min(limit / 4, 5.0))
            if self._listener.connections or not self._scheduler.idle:
                self._last_busy = time.monotonic()
            elif time.monotonic() - self._last_busy >= limit:
                self._stop(f"nobody needed it for {limit:g} s")

    async def _close(self) -> None:
        reason = self._stopped.result() if self._stopped.done() else "it failed"
        self._hub.broadcast(Event("daemon.stops", 0, DaemonStops(reason)))
        await self._scheduler.stop()
        await self._listener.stop()
        await self._clerk.close()
        if self._desk is not None:
            await self._desk.settle()
        await self._fleet.close()
        self._writer.shutdown()
        self._memory.close()


def _make_private(folder: Path) -> None:
    """Make the data folder. What the daemon writes is its owner's only, also in a folder that was there."""
    os.umask(0o077)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(
            f"The data folder {folder} can't be used: {error.strerror}.", "Choose another --data-dir."
        ) from error


@contextlib.contextmanager
def _runtime_files(folder: Path, address: str, token: str) -> Generator[None]:
    """Tell clients how to reach this daemon while it runs, and for later how to start one."""
    runtime = folder / RUNTIME_FILE
    _write_private(folder / LAUNCHER_FILE, _LAUNCHER)
    _write_private(runtime, RuntimeFile(address, token, os.getpid(), __version__))
    try:
        yield
    finally:
        runtime.unlink(missing_ok=True)


def _write_private(path: Path, record: RuntimeFile | Launcher) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(record))
    fresh.replace(path)


def _running_pid(folder: Path) -> str:
    try:
        return f" (pid {json.loads((folder / RUNTIME_FILE).read_bytes())['pid']})"
    except (OSError, ValueError, KeyError):
        return ""
