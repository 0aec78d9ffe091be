# SPDX-License-Identifier: Apache-2.0
"""What tests/old_python/run executes on the old Python: a fill through the carried client."""

import json
import sys

import msgpack

from bridge_server.client import BridgeClient, region_for
from bridge_server.protocol.codec import from_plain
from bridge_server.protocol.discovery import RuntimeFile
from bridge_server.protocol.history import History
from bridge_server.protocol.messages import Echo, Fill
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.projects import Follow
from bridge_server.protocol.records import Context, Placement
from bridge_server.protocol.report import GetReport
from bridge_server.protocol.taste import GetTaste
from bridge_server.protocol.versions import Accept, GetTree, Undo

daemon = from_plain(RuntimeFile, json.loads(sys.argv[1]))
assert msgpack.Packer.__module__ == "msgpack.fallback", "the compiled msgpack must not be in use"

width, height = 96, 64
row = b"".join(bytes((x * 2, 80, 200 - x, 255)) for x in range(width))
picture = Pixels(width, height, "rgba8", row * height)
mask = bytearray(width * height)
for y in range(20, 40):
    mask[y * width + 30 : y * width + 60] = b"\xff" * 30
region = region_for(Placement(30, 20, 30, 20), width, height, Context(min_side=16, min_margin=64))

with BridgeClient(lambda: daemon, name="old python") as client:
    client.wait_until_connected(10)
    assert client.call(Echo(picture)).pixels == picture
    job = client.call(Fill(picture, Pixels(width, height, "gray8", bytes(mask)), region, seed=0)).job
    event = client.wait(60)
    while event is not None and getattr(event, "topic", "") != "job.candidate":
        assert getattr(event.body if hasattr(event, "body") else event, "state", "") != "failed", event
        event = client.wait(60)
    assert event is not None, "no candidate came within a minute"
    made = event.body
    assert made.info.job == job
    assert len(made.pixels.data) == made.pixels.width * made.pixels.height * 4
    client.call(Follow())
    accepted = client.call(Accept(made.info.candidate, canvas=Placement(0, 0, width, height)))
    assert client.call(GetTree()).versions == [accepted.version]
    event = client.wait(10)
    while event is not None and getattr(event, "topic", "") != "project.head":
        event = client.wait(10)
    assert event.body == accepted.head
    assert client.call(Undo()).version is None
    assert client.call(History(accepted=True)).entries[0].versions == [accepted.version]
    assert client.call(GetTaste()).lessons == 0
    assert client.call(GetReport()).whole.accepted.count == 1

print("client and protocol work on Python %d.%d, pure Python" % sys.version_info[:2])
