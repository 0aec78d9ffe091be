# SPDX-License-Identifier: Apache-2.0
"""``compare``: how two candidates differ."""

from __future__ import annotations

import argparse

from ..protocol.codec import to_plain
from ..protocol.history import Compare, Comparison
from . import exits
from .connect import connected, data_folder
from .show import Screen
from .words import listed, percent, printable, setting

__all__ = ["compare", "differences"]

#: Seconds: both pictures are looked at.
_TIMEOUT = 60.0


def compare(given: argparse.Namespace) -> int:
    """Say how the second candidate differs from the first."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        found = client.call(Compare(given.first, given.second), _TIMEOUT)
    screen.result(to_plain(found))
    for line in differences(found):
        screen.line(line)
    return exits.OK


def differences(found: Comparison) -> list[str]:
    """A comparison in words: what is seen, what was set otherwise, and the figures."""
    first, second = found.first.candidate, found.second.candidate
    seen = f"is {listed(found.words)}" if found.words else "looks about the same"
    lines = [f"Beside {first}, {second} {seen}."]
    width = max((len(name) for name in found.settings), default=0)
    for name, (one, other) in found.settings.items():
        lines.append(f"  {printable(name):{width}}  {setting(one)} -> {setting(other)}")
    if not found.settings:
        lines.append("  They were made with the same settings.")
    if found.overlap <= 0:
        lines.append("  They lie at different places.")
    else:
        lines.append(f"  They share {percent(found.overlap)} of the smaller one's area.")
        seen = percent(found.changed)
        lines.append(f"  {seen} of that differs visibly, by {found.difference:.1f} on a scale to 100.")
    return lines
