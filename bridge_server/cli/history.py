# SPDX-License-Identifier: Apache-2.0
"""``history``: what was asked for, made and decided."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import replace

from ..client import BridgeClient
from ..protocol.codec import to_plain
from ..protocol.history import History, HistoryEntry
from ..protocol.records import CandidateInfo, JobInfo
from . import exits
from .connect import connected, data_folder
from .show import Screen
from .words import decided, host_of, printable, quoted, setting, when

__all__ = ["block", "history"]

#: Jobs that are asked for at once, and the columns of a block.
_PAGE, _WIDTH = 100, 80

_STATES = {"queued": "waiting", "running": "being made", "failed": "failed", "cancelled": "cancelled"}
_STRENGTHS = {"refine": 0.5}


def history(given: argparse.Namespace) -> int:
    """Search a project's history."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    wanted = History(
        text=given.text,
        host=given.host,
        verb=given.verb,
        engine=given.engine,
        since=given.since,
        until=given.until,
        accepted=given.accepted,
        starred=given.starred,
    )
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        entries, more = find(client, wanted, given.limit)
    screen.result({"entries": to_plain(entries), "more": more})
    for entry in entries:
        screen.line("\n".join(block(entry)) + "\n")
    if not entries:
        screen.line(f"Nothing found in the project {quoted(given.project)}.")
    elif more:
        screen.note(f"There is more; these are the newest {len(entries)}. Raise --limit to see it.")
    return exits.OK


def find(client: BridgeClient, wanted: History, limit: int) -> tuple[list[HistoryEntry], bool]:
    """At most ``limit`` entries, page by page, and whether there are more."""
    found: list[HistoryEntry] = []
    before = 0
    while True:
        page = client.call(replace(wanted, before=before, limit=min(_PAGE, limit - len(found))))
        found += page.entries
        before = page.next
        if not before or len(found) >= limit:
            return found, bool(before)


def block(entry: HistoryEntry) -> list[str]:
    """One job in lines of at most 80 columns, but for ids and what can't be broken."""
    job = entry.job
    title = [when(job.created), host_of(job.host), job.verb]
    if job.document:
        title.insert(2, f"document {quoted(job.document)}")
    if job.state in _STATES:
        title.append(_STATES[job.state])
    lines = ["  ".join(title)]
    if job.prompt:
        lines += _wrapped(quoted(job.prompt, 20_000), "  ")
    lines += _wrapped(", ".join(_settings(job)), "  ")
    if job.state == "failed":
        lines += _wrapped(f"{job.error_message} {job.error_hint}", "  ")
    for candidate in sorted(job.candidates, key=lambda each: each.index):
        lines += _candidate(candidate, entry)
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _settings(job: JobInfo) -> list[str]:
    """What it was made with, without what goes without saying."""
    said = [f"engine {job.engine} {job.engine_version}".rstrip(), f"job {job.job}"]
    if job.model:
        said.append(f"model {job.model}")
    if job.negative_prompt:
        said.append(f"without {quoted(job.negative_prompt)}")
    if job.strength != _STRENGTHS.get(job.verb, 1.0):
        said.append(f"strength {job.strength:g}")
    if job.verb == "vary":
        said.append(f"amount {job.amount:g}")
    said += [f"{name} {setting(value)}" for name, value in job.parameters.items()]
    if job.region is not None:
        said.append(f"{job.region.width} x {job.region.height} pixels at {job.region.x}, {job.region.y}")
    if job.drafts:
        said.append(f"chosen from {job.drafts} drafts")
    if job.unlike:
        said.append(f"unlike {job.unlike}")
    return said


def _candidate(candidate: CandidateInfo, entry: HistoryEntry) -> list[str]:
    said = [f"{candidate.index + 1:3}  {candidate.candidate}  seed {candidate.seed}"]
    if candidate.offered:
        said.append(printable(candidate.offered))
    lines = ["  ".join(said)]
    if words := decided(entry.decisions, entry.versions, candidate.candidate):
        if len(lines[0]) + len(words) + 2 <= _WIDTH:
            return [f"{lines[0]}  {words}"]
        lines += _wrapped(words, "     ")
    return lines
