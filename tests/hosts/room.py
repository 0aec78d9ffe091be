# SPDX-License-Identifier: Apache-2.0
"""A room: a provisioned root with mounts and processes of its own, that leaves nothing behind."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
CANNOT = 77
PATIENCE = 30


class NoHosts(Exception):
    """This machine can't have a root; the message says why."""


class RoomError(Exception):
    """A program in the room did not do what it should."""


def provision(suite):
    """The folder of a suite's root, made if it is not there yet.

    Raises:
        NoHosts: this machine can't.
        RoomError: it should have worked.
    """
    if sys.platform != "linux":
        raise NoHosts("needs Linux")
    made = subprocess.run([HERE / "provision", suite], capture_output=True, text=True, check=False)
    if made.returncode == CANNOT:
        raise NoHosts(made.stderr.strip().splitlines()[-1])
    if made.returncode:
        raise RoomError(made.stderr)
    return Path(made.stdout.strip().splitlines()[-1])


def until(met, what, timeout=PATIENCE, pause=0.05):
    """Ask ``met()`` until it answers with something true, which is returned.

    Raises:
        RoomError: it did not within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (answer := met()):
        if time.monotonic() > deadline:
            raise RoomError(f"{what}: not within {timeout} s")
        time.sleep(pause)
    return answer


class Program:
    """Something that runs in a room."""

    def __init__(self, room, pid, log):
        self.room, self.pid, self.log = room, pid, log

    @property
    def exit_code(self):
        """None while it runs; negative for a signal."""
        return self.room.ask("ended_with", pid=self.pid)

    def wait(self, timeout=PATIENCE):
        """Its exit code once it ended."""
        until(lambda: self.exit_code is not None, f"the end of {self.log.stem}", timeout)
        return self.exit_code

    def signal(self, number):
        """Send a signal to it and its children."""
        if self.exit_code is None:
            self.room.ask("signal", pid=self.pid, number=int(number))

    def output(self):
        """What it has written so far."""
        return self.log.read_text(errors="replace")


class Room:
    """A context; ``run`` is its folder, at the same path outside and inside."""

    def __init__(self, root, keep=None):
        """A room in ``root``; the logs are copied to the folder ``keep`` at the end."""
        self.root = Path(root)
        self.run = Path(tempfile.mkdtemp(prefix="bridge-hosts-", dir="/tmp"))
        self.home, self.runtime, self.bin = self.run / "home", self.run / "runtime", self.run / "bin"
        self._keep = keep
        for folder in (self.home, self.runtime, self.bin):
            folder.mkdir(mode=0o700)
        self._lock = threading.Lock()
        self._keeper = None

    def __enter__(self):
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        self._keeper = subprocess.Popen(
            [*apart, sys.executable, "-I", HERE / "keeper.py", self.root, self.run],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path},
            start_new_session=True,  # Ctrl-C is for the tests, which then end the room
        )
        try:
            self._hear()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End every process of the room; its mounts and its folder go too."""
        if self._keeper:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.write('{"do": "leave"}\n')
                self._keeper.stdin.close()
            self._keeper.wait(PATIENCE)
            self._keeper.stdout.close()
        if self._keep:
            self._keep.mkdir(parents=True, exist_ok=True)
            for log in self.run.glob("*.log"):
                shutil.copy(log, self._keep)
        shutil.rmtree(self.run, ignore_errors=True)

    def ask(self, do, **details):
        """Ask the keeper; see there."""
        with self._lock:
            self._keeper.stdin.write(json.dumps({"do": do, **details}) + "\n")
            self._keeper.stdin.flush()
            return self._hear()

    def _hear(self):
        line = self._keeper.stdout.readline()
        if not line:
            raise RoomError("the room's keeper is gone")
        heard = json.loads(line)
        if "error" in heard:
            raise RoomError(heard["error"])
        return heard["answer"]

    def start(self, argv, name=None, **env):
        """Start a program of the root in the background, with its output in NAME.log of the run folder."""
        line = ["chroot", str(self.root), *map(str, argv)]
        return self._spawn(line, name or Path(argv[0]).name, {**self.environment(), **env})

    def start_outside(self, argv, name, **env):
        """Start a program of the machine, not of the root, that ends with the room (a daemon, say)."""
        return self._spawn([*map(str, argv)], name, {**self.environment(), "PATH": os.environ["PATH"], **env})

    def _spawn(self, line, name, env):
        before = len(list(self.run.glob(f"{name}*.log")))
        log = self.run / (f"{name}-{before + 1}.log" if before else f"{name}.log")
        log.touch()
        return Program(self, self.ask("spawn", argv=line, env=env, log=str(log)), log)

    def call(self, argv, timeout=PATIENCE, **env):
        """Run a program of the root; what it wrote.

        Raises:
            RoomError: it failed, or took too long.
        """
        name = f"call-{time.monotonic_ns()}"
        program = self.start(argv, name, **env)
        try:
            if code := program.wait(timeout):
                raise RoomError(f"{argv[0]} ended with {code}: {program.output()[-2000:]}")
            return program.output()
        finally:
            program.log.unlink()

    def lend(self, name, argv):
        """Put a command on the path inside that runs a program of the machine: the daemon, say."""
        script = self.bin / name
        outside = " ".join(f"'{part}'" for part in map(str, argv))
        script.write_text(f'#!/bin/sh\nexec /usr/sbin/chroot /mnt {outside} "$@"\n')
        script.chmod(0o755)
        return script

    def environment(self):
        """What programs inside see."""
        return {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
        }
