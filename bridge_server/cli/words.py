# SPDX-License-Identifier: Apache-2.0
"""Records in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..protocol.records import CandidateInfo
from ..protocol.versions import DecisionInfo, Head, VersionInfo

__all__ = [
    "count_of",
    "decided",
    "host_of",
    "listed",
    "made_line",
    "percent",
    "printable",
    "quoted",
    "setting",
    "standing",
    "titled",
    "when",
]

_MOST = 60


def when(seconds: float) -> str:
    """A time on this machine's clock, to the minute; seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def printable(text: str) -> str:
    """Text in one line, without what would steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def quoted(text: str, most: int = _MOST) -> str:
    """Someone's words in quotes, cut at ``most`` characters."""
    shown = printable(text)
    return f'"{shown}"' if len(shown) <= most else f'"{shown[: most - 1].rstrip()}…"'


def host_of(host: str) -> str:
    """Where something was asked."""
    return printable(host) or "command line"


def count_of(count: int, one: str, many: str = "") -> str:
    """``1 job``, ``2 jobs``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def percent(share: float) -> str:
    """A share of 0 to 1."""
    return f"{share * 100:.0f} %"


def setting(value: Any) -> str:
    """A setting's value as it would be typed; nothing for an empty one."""
    if isinstance(value, str):
        return quoted(value) if value else "nothing"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "nothing"}[value]
    return f"{value:g}" if isinstance(value, float) else printable(str(value))


def titled(version: VersionInfo) -> str:
    """A version by its id and, if it has them, its star and its name."""
    star = " ★" if version.starred else ""
    return f"{version.version}{star}{f' {quoted(version.name)}' if version.name else ''}"


def made_line(info: CandidateInfo) -> str:
    """A new candidate in one line: its seed, the id by which it can be accepted, and why it is offered."""
    offered = f"  {printable(info.offered)}" if info.offered else ""
    return f"seed {info.seed}  candidate {info.candidate}{offered}"


def standing(head: Head, shown: VersionInfo | None) -> list[str]:
    """Where a document stands, and what can be undone and redone."""
    place = f"at version {titled(shown)}" if shown is not None else "at the start, before the first version"
    lines = [f"The document {quoted(head.document)} is {place}." if head.document else f"Now {place}."]
    if head.can_undo:
        lines.append(f"  undo leads to {f'version {head.undo_to}' if head.undo_to else 'the start'}")
    if head.redo_to:
        lines.append(f"  redo leads to version {head.redo_to}")
    return lines


def decided(decisions: Sequence[DecisionInfo], versions: Sequence[VersionInfo], candidate: str) -> str:
    """What was decided about a candidate, in order; empty if nothing was."""
    known = {version.version: version for version in versions}
    said = [_one_decision(each, known.get(each.version)) for each in decisions if each.candidate == candidate]
    return ", ".join(dict.fromkeys(said))


def _one_decision(decision: DecisionInfo, version: VersionInfo | None) -> str:
    if decision.kind == "accept":
        return f"accepted as version {titled(version) if version is not None else decision.version}"
    if decision.kind == "modify":
        if decision.changed is None:
            return "worked over"
        return f"worked over ({percent(decision.changed)} of it changed)"
    return {"reject": "rejected", "more": "more like it", "less": "less like it"}.get(
        decision.kind, printable(decision.kind)
    )
