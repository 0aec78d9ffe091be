# SPDX-License-Identifier: Apache-2.0
"""The client inside a built plugin talks to a real daemon."""

import subprocess
import sys

from plugins.build import build_folder
from standin import standin

#: Run without site-packages; the plugin's own __init__ would need Krita.
SCRIPT = """
import sys, types
from pathlib import Path
package = types.ModuleType("bridge_krita")
package.__path__ = [sys.argv[1]]
sys.modules["bridge_krita"] = package
from bridge_krita.host import connect
from bridge_krita.bridge.client import find_daemon
from bridge_krita.bridge.protocol.messages import Echo, Status
from bridge_krita.bridge.protocol.pixels import Pixels
elsewhere = {"websockets", "msgpack", "bridge_server"}
assert not elsewhere & {name.partition(".")[0] for name in sys.modules}
picture = Pixels(64, 48, "rgba8", bytes(range(256)) * 48)
with connect(lambda: find_daemon(Path(sys.argv[2]))) as client:
    client.wait_until_connected(10)
    assert client.call(Echo(picture)).pixels == picture
    print(client.call(Status(), 10).pid)
"""


def test_the_carried_client_reaches_a_daemon(start, tmp_path):
    """With no library of the system's in reach, pixels make the round trip."""
    daemon = start()
    package = build_folder("krita", tmp_path / "built", standin(tmp_path / "repository"))
    run = [sys.executable, "-I", "-S", "-c", SCRIPT, package, daemon.folder]
    assert int(subprocess.run(run, capture_output=True, check=True).stdout) == daemon.process.pid
