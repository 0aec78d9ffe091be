# SPDX-License-Identifier: Apache-2.0
"""``projects``: what there is, moving a project to another machine, making room."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from ..client import BridgeClient
from ..protocol.codec import to_plain
from ..protocol.errors import NotFound
from ..protocol.projects import (
    Collect,
    Collected,
    DeleteProject,
    ExportProject,
    GetProject,
    ImportProject,
    ListProjects,
    ProjectInfo,
)
from . import exits
from .connect import connected, data_folder
from .show import Screen, duration, size
from .words import count_of, host_of, listed, quoted, when

__all__ = ["collected", "projects", "summary", "table"]

_DAY = 86_400.0


def projects(given: argparse.Namespace) -> int:
    """Run one of the actions; without one, ``list``."""
    screen = Screen(as_json=given.json, quiet=given.quiet)
    with connected(data_folder(given.data_dir), screen.note) as client:
        _ACTIONS[given.action or "list"](given, client, screen)
    return exits.OK


def _list(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> None:
    del given
    found = client.call(ListProjects())
    screen.result(to_plain(found))
    for line in table(found.projects):
        screen.line(line)


def table(found: Sequence[ProjectInfo]) -> list[str]:
    """The projects, one a line under a heading."""
    if not found:
        return ["No projects yet: the first picture makes one."]
    rows = [("", "last used", "jobs", "candidates", "versions", "pictures")]
    rows += [
        (
            quoted(each.project)[1:-1],
            when(each.last_used),
            str(each.jobs),
            str(each.candidates),
            str(each.versions),
            size(each.size),
        )
        for each in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return [
        f"{name:{widths[0]}}  {used:{widths[1]}}  "
        + "  ".join(f"{number:>{width}}" for number, width in zip(numbers, widths[2:], strict=True))
        for name, used, *numbers in rows
    ]


def _show(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> None:
    info = _existing(given.name, client)
    screen.result(to_plain(info))
    for line in summary(info):
        screen.line(line)


def _existing(name: str, client: BridgeClient) -> ProjectInfo:
    """What is in a project, which must exist; nothing was ever done in one that was not created."""
    info = client.call(GetProject(name))
    if not info.created:
        raise NotFound(
            f"There is no project {quoted(name)}.", "'bridge-server projects' lists those there are."
        )
    return info


def summary(info: ProjectInfo) -> list[str]:
    """A project in words."""
    lines = [
        f"{'project':10} {info.project}",
        f"{'begun':10} {when(info.created)}",
        f"{'last used':10} {when(info.last_used)}",
        f"{'from':10} {listed([host_of(host) for host in info.hosts]) or 'nowhere yet'}",
        f"{'holds':10} {_contents(info)}",
        f"{'pictures':10} {size(info.size)}",
    ]
    for head in info.heads:
        name = quoted(head.document) if head.document else "document"
        lines.append(f"{name:10} at {f'version {head.version}' if head.version else 'the start'}")
    return lines


def _contents(info: ProjectInfo) -> str:
    return listed(
        [
            count_of(info.jobs, "job"),
            count_of(info.candidates, "candidate"),
            count_of(info.versions, "version"),
        ]
    )


def _export(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> None:
    _existing(given.name, client)
    request = ExportProject(str(given.output.absolute()), given.name, given.overwrite)
    made = client.call(request, timeout=None)
    screen.result(to_plain(made))
    what = listed([count_of(made.jobs, "job"), count_of(made.candidates, "candidate")])
    screen.line(f"{made.path}  {what}, {size(made.size)}")


def _import(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> None:
    info = client.call(ImportProject(str(given.file.absolute()), given.name), timeout=None)
    screen.result(to_plain(info))
    screen.line(f"The project {quoted(info.project)} is here: {_contents(info)}.")


def _delete(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> None:
    info = _existing(given.name, client)
    if not given.yes:
        what = f"The project {quoted(info.project)} holds {_contents(info)} ({size(info.size)})."
        screen.confirm(what, "Delete all of it for good?")
    gone = client.call(DeleteProject(given.name), timeout=None)
    screen.result({"deleted": info.project, **to_plain(gone)})
    screen.line(f"Deleted the project {quoted(info.project)}: {_contents(info)} ({size(gone.freed)} freed).")


def _collect(given: argparse.Namespace, client: BridgeClient, screen: Screen) -> None:
    gone = client.call(Collect(given.budget, given.keep * _DAY, given.dry_run), timeout=None)
    screen.result({**to_plain(gone), "dry_run": given.dry_run})
    for line in collected(gone, keep=given.keep, dry_run=given.dry_run):
        screen.line(line)


def collected(gone: Collected, *, keep: float, dry_run: bool) -> list[str]:
    """What was or would be removed, what is left and why not less, in words; ``keep`` in days."""
    what: list[str] = []
    if gone.candidates:
        what.append(f"the pictures of {count_of(gone.candidates, 'candidate')}")
    if gone.jobs:
        what.append(f"the inputs of {count_of(gone.jobs, 'job')}")
    if gone.orphans:
        what.append(count_of(gone.orphans, "file that nothing refers to", "files that nothing refers to"))
    if not what:
        lines = ["Nothing would be removed." if dry_run else "Nothing was removed."]
    else:
        lines = [f"{'Would remove' if dry_run else 'Removed'} {listed(what)}: {size(gone.freed)}."]
        if gone.candidates or gone.jobs:
            lines.append("Settings, decisions and descriptions stay.")
    limit = f"of {size(gone.budget)}" if gone.budget else "and may take what they need (no budget)"
    lines.append(
        f"All pictures {'would then' if dry_run and what else 'now'} take {size(gone.size)} {limit}."
    )
    if gone.over:
        why = "it was accepted or is in use"
        if keep:
            young = duration(keep * _DAY) if keep < 1 else count_of(round(keep), "day")
            why = f"it was accepted, is in use, or is younger than {young}"
        lines.append(f"{size(gone.over)} too much stays: {why}.")
    elif not what and gone.budget:
        lines.append("That is within the budget.")
    return lines


_ACTIONS: dict[str, Callable[[argparse.Namespace, BridgeClient, Screen], None]] = {
    "list": _list,
    "show": _show,
    "export": _export,
    "import": _import,
    "delete": _delete,
    "gc": _collect,
}
