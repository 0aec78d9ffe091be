# SPDX-License-Identifier: Apache-2.0
"""The command line in processes of its own, and the pictures it is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

COMMAND = [sys.executable, "-m", "bridge_server"]
TIMEOUT = 60


def run(folder, *arguments, timeout=TIMEOUT):
    """Run ``bridge-server ARGUMENTS`` on a data folder; the finished process with its output as text."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments), "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def begin(folder, *arguments):
    """Start ``bridge-server ARGUMENTS`` on a data folder and return at once."""
    command = [*COMMAND, *map(str, arguments), "--data-dir", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(finished):
    """The one JSON object that a command with ``--json`` printed."""
    assert finished.stdout.count("\n") == 1, finished.stdout
    return json.loads(finished.stdout)


def noise(dtype="uint8", channels=3, height=60, width=80):
    """(height, width, channels), always the same."""
    rng = np.random.default_rng(channels)
    if dtype == "float32":
        return rng.normal(0.5, 0.4, (height, width, channels)).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels)).astype(dtype)


def soft_mask(height=60, width=80):
    """(height, width) uint8 with a rectangle whose edge is half selected."""
    mask = np.zeros((height, width), np.uint8)
    mask[20:40, 30:55] = 128
    mask[23:37, 33:52] = 255
    return mask


def may_write_anything():
    """Whether permissions stop nobody here, as for root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
