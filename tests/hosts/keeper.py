# SPDX-License-Identifier: Apache-2.0
"""Process 1 of a room: starts programs, knows what became of them, and takes all of them along when it ends.

Runs in mount and process namespaces of its own. Reads one JSON request a line and answers each with one line;
when its stdin ends (the tests ended, however that came) it leaves, and the kernel ends every process of the
namespace and undoes its mounts. If nobody said "leave" before, it clears the run folder too.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


def prepare(root, run):
    """Mount what a root needs; ``run`` lies at the same path on both sides, the machine at /mnt."""
    _mount("--rbind", "/", root + "/mnt")  # first, so that what follows is not in it twice
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root + "/tmp")
    Path(root + run).mkdir(parents=True)
    _mount("--bind", run, root + run)
    _mount("--rbind", "/dev", root + "/dev")
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root + "/dev/shm")
    _mount("-t", "proc", "proc", root + "/proc")


def _mount(*args):
    subprocess.run(["mount", *args], check=True)


class Keeper:
    """What the tests may ask for; each method is a request."""

    def __init__(self):
        self.ended = {}

    def spawn(self, argv, env, log):
        """Start a program with its output in a file; its process id."""
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        files = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
        files += [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        unmasked = [signal.SIGINT, signal.SIGPIPE, signal.SIGTERM]
        try:
            return os.posix_spawnp(argv[0], argv, env, file_actions=files, setsid=True, setsigdef=unmasked)
        finally:
            os.close(output)

    def ended_with(self, pid):
        """Its exit code (negative: the signal), or None while it runs."""
        self._reap()
        return self.ended.get(pid)

    def signal(self, pid, number):
        """Send a signal to its process group."""
        os.killpg(pid, number)

    def running(self):
        """What runs here besides this: command lines by process id."""
        self._reap()
        lines = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                lines[int(path.parent.name)] = line
            except OSError:
                continue  # it ended meanwhile
        lines.pop(1)
        return lines

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self.ended[pid] = os.waitstatus_to_exitcode(status)


def _say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main():
    """Prepare, then serve until stdin ends."""
    prepare(sys.argv[1], sys.argv[2])
    keeper = Keeper()
    _say({"answer": "ready"})
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "leave":
            return
        try:
            answer = {"answer": getattr(keeper, request.pop("do"))(**request)}
        except OSError as error:
            answer = {"error": str(error)}
        _say(answer)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    shutil.rmtree(sys.argv[2], ignore_errors=True)


if __name__ == "__main__":
    main()
