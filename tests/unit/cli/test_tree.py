# SPDX-License-Identifier: Apache-2.0
"""The tree of versions as it is drawn."""

import io

from rich.console import Console

from bridge_server.cli.tree import branches
from bridge_server.protocol.versions import Head
from told import version


def drawn(versions, *heads):
    """The lines that begin a version or a branch, without the second line of each."""
    console = Console(file=io.StringIO(), width=80)
    console.print(branches(versions, list(heads)))
    return [line.rstrip() for line in console.file.getvalue().splitlines() if ", krita, " not in line]


def grown(*pairs):
    """Versions of (name, parent), made one after the other; newest first, as the daemon tells."""
    return [version(name, parent, created=float(at)) for at, (name, parent) in enumerate(pairs)][::-1]


def test_a_history_without_branches_goes_straight_down():
    """However long, it is not indented, and the head is marked."""
    chain = grown(*((f"v{at}", f"v{at - 1}" if at else "") for at in range(300)))
    lines = drawn(chain, Head("p", "", "v298"))
    assert lines[0] == "start"
    assert lines[1] == "├── v0"
    assert lines[-2:] == ["├── v298  ◀ here", "└── v299"]
    assert len(lines) == 301


def test_what_leaves_the_way_to_the_head_is_indented():
    """Each branch with all that follows on it, under the version that it left."""
    versions = grown(("a", ""), ("b", "a"), ("c", "b"), ("d", "a"), ("e", "d"))
    assert drawn(versions, Head("p", "", "c")) == [
        "start",
        "├── a",
        "│   └── branch",
        "│       ├── d",
        "│       └── e",
        "├── b",
        "└── c  ◀ here",
    ]


def test_without_a_head_the_newest_way_is_straight():
    """At the start again, and two ways from there."""
    assert drawn(grown(("a", ""), ("b", "")), Head("p", "")) == [
        "start  ◀ here",
        "├── branch",
        "│   └── a",
        "└── b",
    ]


def test_documents_are_named_where_there_are_several():
    """Which canvas a version belongs to, and whose head it is."""
    versions = [version("b", "a", document="cover", created=1.0), version("a", starred=True, name="dusk")]
    lines = drawn(versions, Head("p", "", "a"), Head("p", "cover", "b"))
    assert lines[1:] == ['├── a ★ "dusk"  ◀ ""  in ""', '└── b  ◀ "cover"  in "cover"']


def test_a_version_whose_parent_is_not_shown_begins_at_the_start():
    """Of one document's versions the first may have come from another document's."""
    assert drawn(grown(("b", "elsewhere"), ("c", "b"))) == ["start", "├── b", "└── c"]


def test_a_prompt_is_no_markup():
    """Square brackets are the artist's own."""
    console = Console(file=io.StringIO(), width=80)
    console.print(branches([version("a", prompt="[red] sky")], []))
    assert 'fill "[red] sky", krita' in console.file.getvalue()
