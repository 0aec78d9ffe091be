# SPDX-License-Identifier: Apache-2.0
"""Projects in words."""

from dataclasses import replace

from bridge_server.cli.projects import collected, summary, table
from bridge_server.cli.words import when
from bridge_server.protocol.projects import Collected, ProjectInfo
from bridge_server.protocol.versions import Head

NOTHING = Collected(candidates=0, jobs=0, orphans=0, freed=0, size=31_000, budget=0)


def test_the_list_is_aligned_under_its_heading():
    """Names of any length, numbers to the right; whoever named it can't steer the terminal."""
    rows = table(
        [
            ProjectInfo("default", 3, 1.0, 2.0, 4, 8, 3, 31_000),
            ProjectInfo("a longer name \x1b[2J", 3, 1.0, 2.0, 4000, 8, 3, 2_000_000_000),
        ]
    )
    assert [row.split()[-5:] for row in rows] == [
        ["used", "jobs", "candidates", "versions", "pictures"],
        ["4", "8", "3", "31.0", "kB"],
        ["4000", "8", "3", "2.0", "GB"],
    ]
    assert len({len(row) for row in rows}) == 1
    assert rows[1].startswith("default ")
    assert "\x1b" not in rows[2]


def test_without_projects_there_is_a_sentence():
    """Not an empty table."""
    assert table([]) == ["No projects yet: the first picture makes one."]


def test_a_project_is_shown_with_what_is_in_it_and_where_its_documents_stand():
    """One at a version, one at the start."""
    heads = [Head("p", "", "v1"), Head("p", "cover")]
    info = ProjectInfo("p", 3, 10.0, 7000.0, 1, 2, 3, 1_200_000_000, ["", "krita"], heads)
    assert summary(info) == [
        "project    p",
        f"begun      {when(10.0)}",
        f"last used  {when(7000.0)}",
        "from       command line and krita",
        "holds      1 job, 2 candidates and 3 versions",
        "pictures   1.2 GB",
        "document   at version v1",
        '"cover"    at the start',
    ]


def test_nothing_to_remove_is_said_with_the_reason():
    """No budget, or within it."""
    assert collected(NOTHING, keep=1.0, dry_run=False) == [
        "Nothing was removed.",
        "All pictures now take 31.0 kB and may take what they need (no budget).",
    ]
    within = replace(NOTHING, budget=1_000_000)
    assert collected(within, keep=1.0, dry_run=True) == [
        "Nothing would be removed.",
        "All pictures now take 31.0 kB of 1.0 MB.",
        "That is within the budget.",
    ]


def test_what_was_removed_is_said_and_what_stays():
    """Each kind that there was, and what of it can still be looked up."""
    gone = Collected(candidates=12, jobs=1, orphans=2, freed=1_200_000_000, size=3_000_000, budget=5_000_000)
    removed, *rest = collected(gone, keep=1.0, dry_run=False)
    what = "the pictures of 12 candidates, the inputs of 1 job and 2 files that nothing refers to"
    assert removed == f"Removed {what}: 1.2 GB."
    assert rest == [
        "Settings, decisions and descriptions stay.",
        "All pictures now take 3.0 MB of 5.0 MB.",
    ]
    orphans = replace(gone, candidates=0, jobs=0)
    assert collected(orphans, keep=1.0, dry_run=True) == [
        "Would remove 2 files that nothing refers to: 1.2 GB.",
        "All pictures would then take 3.0 MB of 5.0 MB.",
    ]


def test_what_can_not_be_removed_is_explained():
    """Over budget although all was removed that may be; the age that keeps is as it was asked."""
    over = replace(NOTHING, budget=11_000, over=20_000)
    assert collected(over, keep=2.0, dry_run=False)[-1] == (
        "20.0 kB too much stays: it was accepted, is in use, or is younger than 2 days."
    )
    assert collected(over, keep=0.5, dry_run=False)[-1].endswith("younger than 12 h 0 min.")
    assert collected(over, keep=0.0, dry_run=False)[-1].endswith("it was accepted or is in use.")
