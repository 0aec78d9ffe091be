# SPDX-License-Identifier: Apache-2.0
"""What every worker process does with what it is told."""

import subprocess
import sys

import pytest

from bridge_server.protocol.errands import Learn
from bridge_server.protocol.records import Steering
from bridge_server.protocol.work import CancelTask, Ready, SteerTask, TaskEnded
from bridge_server.workers.frames import HEADER, decode, encode

PROGRAM = """
from bridge_server.protocol.errors import BridgeError, Cancelled, NotFound
from bridge_server.protocol.work import Ready
from bridge_server.workers.line import open_line, serve

def do(task, line, inbox):
    print("noise", flush=True)
    name = task.task
    if name == "wait":
        while not inbox.is_cancelled("wait"): pass
        raise Cancelled("Cancelled.")
    if name == "known": raise NotFound("No such thing.", "Look elsewhere.")
    if name == "memory": raise MemoryError
    if name == "unknown": raise RuntimeError("secret")

def blame(task, error):
    return BridgeError(f"{task.task} failed: {type(error).__name__}", "See the log.")

serve(open_line("test"), Ready([]), do, blame)
"""


def ends_of(*messages, count, program=PROGRAM):
    """How the tasks end, and what stands in the process's log."""
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        child.stdin.write(b"".join(bytes(encode(message)) for message in messages))
        child.stdin.flush()
        said = []
        while len(said) < count + 1:
            (length,) = HEADER.unpack(child.stdout.read(HEADER.size))
            said.append(decode(child.stdout.read(length)))
        child.stdin.close()
        log = child.stderr.read().decode()
        assert child.wait(20) == 0
    assert said[0] == Ready([])
    return said[1:], log


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("fine", TaskEnded("fine")),
        ("known", TaskEnded("known", "not_found", "No such thing.", "Look elsewhere.")),
        ("memory", TaskEnded("memory", "internal", "memory failed: MemoryError", "See the log.")),
        ("unknown", TaskEnded("unknown", "internal", "unknown failed: RuntimeError", "See the log.")),
    ],
)
def test_every_task_ends_once_in_words(name, end):
    """What the artist is told; the rest is in the log. What is printed does no harm."""
    said, log = ends_of(Learn(name, [], {}), count=1)
    assert said == [end]
    assert "noise" in log
    assert ("secret" in log) == (name == "unknown")


def test_a_cancel_is_heard_while_a_task_is_at_work():
    """And the next task is done."""
    said, _ = ends_of(Learn("wait", [], {}), CancelTask("wait"), Learn("fine", [], {}), count=2)
    assert [(end.task, end.error_code) for end in said] == [("wait", "cancelled"), ("fine", "")]


def test_what_is_steered_is_heard_while_a_task_is_at_work():
    """The newest holds, until the task is over."""
    program = PROGRAM.replace(
        'if name == "known"',
        'if name == "steer":\n        while (inbox.steering(name) or Steering()).prompt != "b": pass\n'
        '    if name == "again" and inbox.steering("steer"): raise RuntimeError\n'
        '    if name == "known"',
    ).replace("import Ready\n", "import Ready\nfrom bridge_server.protocol.records import Steering\n")
    said, _ = ends_of(
        Learn("steer", [], {}),
        SteerTask("steer", Steering(prompt="a")),
        SteerTask("steer", Steering(prompt="b")),
        Learn("again", [], {}),
        count=2,
        program=program,
    )
    assert [(end.task, end.error_code) for end in said] == [("steer", ""), ("again", "")]
