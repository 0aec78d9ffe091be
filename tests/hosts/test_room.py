# SPDX-License-Identifier: Apache-2.0
"""The ground the host tests stand on: rooms leave nothing behind, failures speak."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hosts.room import NoHosts, Room, RoomError, provision, until

HERE = Path(__file__).parent
HOLDER = """
import sys, time
sys.path.insert(0, {tests!r})
from hosts.room import Room
with Room({root!r}) as room:
    room.start(["sleep", "600"])
    print(room.run, flush=True)
    time.sleep(600)
"""


def processes_in(root):
    """Ids of the machine's processes whose root folder is this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = (process / "root").readlink()
        except OSError:
            continue
        found += [process.name] if here == root else []
    return found


def mounts_in(root):
    """Mount points of this machine below a folder."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.startswith(f"{root}/")]


def test_a_room_leaves_no_process_no_mount_and_no_folder(root):
    """Also when a program inside runs on and the test failed."""

    def fail_in(room):
        with room:
            sleeper = room.start(["sh", "-c", "sleep 600 & sleep 600"])
            until(lambda: len(processes_in(root)) >= 3, "sh and two sleeps")
            assert sleeper.exit_code is None
            assert mounts_in(root) == []
            raise ZeroDivisionError

    room = Room(root)
    with pytest.raises(ZeroDivisionError):
        fail_in(room)
    assert processes_in(root) == []
    assert mounts_in(root) == []
    assert not room.run.exists()
    assert list((root / "tmp").iterdir()) == []


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_test_run_leaves_nothing(root, blow):
    """Whatever ends the tests ends the room: its keeper reads their pipe."""
    code = HOLDER.format(tests=str(HERE.parent), root=str(root))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as holder:
        run = Path(holder.stdout.readline().strip())
        until(lambda: processes_in(root), "the sleep")
        holder.send_signal(blow)
        holder.wait(10)
    until(lambda: not processes_in(root) and not run.exists(), "an empty root and no run folder", 10)
    assert mounts_in(root) == []


def test_both_sides_see_the_same_files(root):
    """The run folder lies at the same path inside and outside."""
    with Room(root) as room:
        (room.run / "from-outside").write_text("hello")
        said = room.call(["sh", "-c", f"cat {room.run}/from-outside; echo back > {room.run}/from-inside"])
        assert said == "hello"
        assert (room.run / "from-inside").read_text() == "back\n"


def test_a_program_of_the_machine_can_be_lent(root):
    """As a plugin inside starts the daemon outside: it sees the same folder and the same process ids."""
    with Room(root) as room:
        room.lend("outer-python", [sys.executable])
        code = f"import os; open('{room.run}/pid', 'w').write(str(os.getpid())); print(os.listdir('/proc'))"
        seen = room.call(["outer-python", "-c", code])
        assert repr((room.run / "pid").read_text()) in seen
        assert sys.version in room.call(["outer-python", "-c", "import sys; print(sys.version)"])


def test_what_fails_inside_says_so(root):
    """Exit code and output reach the test."""
    with Room(root) as room:
        with pytest.raises(RoomError, match="ended with 3: oops"):
            room.call(["sh", "-c", "echo oops; exit 3"])
        with pytest.raises(RoomError, match=r"not within 0\.2 s"):
            room.call(["sleep", "60"], timeout=0.2)


def test_where_it_cannot_be_made_the_reason_is_told(monkeypatch, tmp_path):
    """Not root: one sentence, and no folder."""
    without_root = tmp_path / "bin"
    without_root.mkdir()
    (without_root / "id").write_text("#!/bin/sh\necho 1000\n")
    (without_root / "id").chmod(0o755)
    monkeypatch.setenv("PATH", f"{without_root}:{os.environ['PATH']}")
    monkeypatch.setenv("BRIDGE_HOSTS", str(tmp_path / "hosts"))
    with pytest.raises(NoHosts, match="hosts of trixie: needs root"):
        provision("trixie")
    assert not (tmp_path / "hosts").exists()


def test_a_half_made_root_is_not_taken_for_a_whole_one(root, monkeypatch, tmp_path):
    """Without the mark of a finished run it is made anew; here it can't, for there is no mirror."""
    half = tmp_path / "hosts" / "trixie"
    (half / "usr/bin").mkdir(parents=True)
    monkeypatch.setenv("BRIDGE_HOSTS", str(tmp_path / "hosts"))
    monkeypatch.setenv("DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
    began = time.monotonic()
    with pytest.raises(NoHosts, match=r"http://127\.0\.0\.1:9/debian can't be reached"):
        provision("trixie")
    assert time.monotonic() - began < 60
