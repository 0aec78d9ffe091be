# SPDX-License-Identifier: Apache-2.0
"""The programs in the documentation do what the text around them says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_server.client import BridgeClient, find_daemon
from bridge_server.protocol.messages import Stop

ROOT = Path(__file__).parents[2]


def program_in(document):
    """The one Python program that a document shows."""
    (program,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL
    )
    return program


def run(document, folder, **environment):
    """What the program prints."""
    return subprocess.run(
        [sys.executable, "-c", program_in(document)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@pytest.fixture
def stopping(tmp_path):
    """Stops what a program has started."""
    yield tmp_path
    folder = tmp_path / "bridge-data"
    if find_daemon(folder) is not None:
        with BridgeClient(lambda: find_daemon(folder), name="test") as client:
            client.wait_until_connected(10)
            client.call(Stop())


def test_the_readmes_program_gets_its_candidates(stopping):
    """It starts a daemon, fills, and sees both candidates and the end."""
    printed = run("README.md", stopping).split()
    assert printed.count("CandidateDone") == 2
    assert printed[-1] == "JobState"


def test_the_protocols_client_fills_with_no_code_of_ours(start):
    """websockets and msgpack alone are enough."""
    daemon = start(scripted=False)
    printed = run("docs/protocol.md", daemon.folder.parent, BRIDGE_DATA_DIR=str(daemon.folder)).splitlines()
    assert [line.split()[1] for line in sorted(printed[:2])] == ["0", "1"]
    assert printed[-1] == "done"
