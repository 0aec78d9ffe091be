# SPDX-License-Identifier: Apache-2.0
"""What is decided: ``accept``, ``reject``, ``undo``, ``redo``, ``go`` and ``mark``."""

from __future__ import annotations

import argparse
from typing import Any

from ..protocol.codec import to_plain
from ..protocol.projects import GetProject
from ..protocol.request import Request
from ..protocol.versions import Accept, Go, Head, Mark, Moved, Redo, Reject, Undo
from . import exits
from .connect import connected, data_folder
from .parsing import UsageError
from .show import Screen
from .words import count_of, standing, titled

__all__ = ["accept", "go", "mark", "redo", "reject", "undo"]


def accept(given: argparse.Namespace) -> int:
    """Make a candidate a version."""
    screen, made = _ask(given, Accept(given.candidate, given.document, name=given.name))
    screen.line(f"Accepted as version {titled(made.version)}.")
    for line in standing(made.head, made.version):
        screen.line(line)
    return exits.OK


def reject(given: argparse.Namespace) -> int:
    """Say no to candidates."""
    screen, made = _ask(given, Reject(given.candidates))
    screen.line(f"Rejected {count_of(len(made.decisions), 'candidate')}.")
    return exits.OK


def mark(given: argparse.Namespace) -> int:
    """Name or star a version."""
    if given.name is None and given.starred is None:
        raise UsageError("Nothing would be marked.", "Give --name, --star or --unstar.")
    screen, version = _ask(given, Mark(given.version, given.name, given.starred))
    screen.line(f"Version {titled(version)}.")
    return exits.OK


def go(given: argparse.Namespace) -> int:
    """Put a document's head on any version."""
    version = "" if given.version == "start" else given.version
    screen, moved = _ask(given, Go(version, given.document))
    for line in standing(moved.head, moved.version):
        screen.line(line)
    return exits.OK


def undo(given: argparse.Namespace) -> int:
    """Take a document's head back."""
    return _step(given, Undo(given.document), "Nothing to undo.")


def redo(given: argparse.Namespace) -> int:
    """Lead a document's head forward again."""
    return _step(given, Redo(given.document), "Nothing to redo.")


def _step(given: argparse.Namespace, request: Undo | Redo, nothing: str) -> int:
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        heads = client.call(GetProject()).heads
        moved = client.call(request)
    screen.result({**to_plain(moved), "moved": has_moved(heads, moved)})
    if not has_moved(heads, moved):
        screen.line(nothing)
    for line in standing(moved.head, moved.version):
        screen.line(line)
    return exits.OK


def has_moved(before: list[Head], moved: Moved) -> bool:
    """Whether a document stands elsewhere now; one without a head stood at the start."""
    stood = {head.document: head.version for head in before}
    return stood.get(moved.head.document, "") != moved.head.version


def _ask(given: argparse.Namespace, request: Request[Any]) -> tuple[Screen, Any]:
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        made = client.call(request)
    screen.result(to_plain(made))
    return screen, made
