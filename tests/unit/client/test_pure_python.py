# SPDX-License-Identifier: Apache-2.0
"""The client as a plugin carries it: without compiled parts, and without what only the daemon needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import samples
from bridge_server.protocol.codec import Event
from counterpart import Counterpart

PROGRAM = """
import json, sys
for name in ("websockets.speedups", "msgspec", "numpy", "PIL", "filelock", "rich"):
    sys.modules[name] = None  # importing it fails
import msgpack
assert msgpack.Packer.__module__ == "msgpack.fallback"
from bridge_server.client import BridgeClient
from bridge_server.protocol.codec import from_plain
from bridge_server.protocol.discovery import RuntimeFile
from bridge_server.protocol.messages import Echo
from bridge_server.protocol.pixels import Pixels
daemon = from_plain(RuntimeFile, json.loads(sys.argv[1]))
picture = Pixels(300, 300, "rgba16", bytes(range(240)) * 3000)
with BridgeClient(lambda: daemon, name="pure") as client:
    client.wait_until_connected(10)
    assert client.call(Echo(picture)).pixels == picture
    while True:
        happening = client.wait(10)
        if getattr(happening, "topic", "") == "job.preview":
            print(happening.body.pixels.data.hex())
            break
"""


@pytest.fixture
def daemon():
    """The other side."""
    counterpart = Counterpart()
    yield counterpart
    counterpart.close()


def test_the_client_works_without_compiled_parts(daemon):
    """msgpack and websockets in Python only; a large picture there and back, and an event with pixels."""
    runtime = json.dumps(vars(daemon.runtime))
    environment = os.environ | {"MSGPACK_PUREPYTHON": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, runtime], env=environment, stdout=subprocess.PIPE
    ) as child:
        talk = daemon.accept()
        talk.welcome()
        request_id, echo = talk.request()
        talk.reply(request_id, echo)
        talk.event(Event("job.preview", 0, samples.EVENTS["job.preview"]))
        talk.over.set()
        output, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    assert output.decode().strip() == samples.PATCH.data.hex()
