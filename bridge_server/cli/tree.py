# SPDX-License-Identifier: Apache-2.0
"""``tree``: the versions of a project and where each document stands."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text
from rich.tree import Tree as Branches

from ..client import BridgeClient
from ..protocol.codec import to_plain
from ..protocol.projects import GetProject
from ..protocol.versions import GetTree, Head, VersionInfo
from . import exits
from .connect import connected, data_folder
from .show import Screen
from .words import host_of, quoted, titled, when

__all__ = ["branches", "tree"]


def tree(given: argparse.Namespace) -> int:
    """Show the tree."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note, project=given.project) as client:
        heads = client.call(GetProject()).heads
        versions = _all_versions(client, given.document)
    if given.document is not None:
        heads = [head for head in heads if head.document == given.document]
    screen.result({"versions": to_plain(versions), "heads": to_plain(heads)})
    if not versions:
        screen.line("No versions yet: accept a candidate to make the first.")
        return exits.OK
    screen.show(branches(versions, heads))
    return exits.OK


def _all_versions(client: BridgeClient, document: str | None) -> list[VersionInfo]:
    found: list[VersionInfo] = []
    request = GetTree(document=document)
    while True:
        page = client.call(request)
        found += page.versions
        if not page.next:
            return found
        request = replace(request, before=page.next)


def branches(versions: Sequence[VersionInfo], heads: Sequence[Head]) -> Branches:
    """The tree as rich draws it, oldest first.

    A way goes straight down and what leaves it is indented, so that a long history stays narrow. Straight is
    what leads to a head, else the newest.

    Args:
        versions: newest first.
        heads: of the documents shown; where they stand is marked.
    """
    known = {version.version: version for version in versions}
    children: dict[str, list[VersionInfo]] = defaultdict(list)
    for version in reversed(versions):
        children[version.parent if version.parent in known else ""].append(version)
    several = len({each.document for each in (*versions, *heads)}) > 1
    marks: dict[str, str] = defaultdict(str)
    for head in heads:
        marks[head.version] += f"  ◀ {quoted(head.document) if several else 'here'}"
    straight = _ways_to(heads, known)
    root = Branches(Text(f"start{marks['']}"))
    ways = [(root, children[""])]
    while ways:
        under, onward = ways.pop()
        point = under
        while onward:
            main = max(onward, key=lambda each: (each.version in straight, each.created))
            ways += [(point.add("branch"), [other]) for other in onward if other is not main]
            point = under.add(_label(main, marks[main.version], several=several))
            onward = children[main.version]
    return root


def _ways_to(heads: Sequence[Head], known: dict[str, VersionInfo]) -> set[str]:
    """All versions between the start and the heads."""
    found: set[str] = set()
    for head in heads:
        version = head.version
        while version in known and version not in found:
            found.add(version)
            version = known[version].parent
    return found


def _label(version: VersionInfo, mark: str, *, several: bool) -> Text:
    document = f"  in {quoted(version.document)}" if several else ""
    prompt = f" {quoted(version.prompt, 30)}" if version.prompt else ""
    worked = ", worked over" if version.modified else ""
    return Text(
        f"{titled(version)}{mark}{document}\n"
        f"{version.verb}{prompt}, {host_of(version.host)}, {when(version.created)}{worked}"
    )
