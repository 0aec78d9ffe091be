# SPDX-License-Identifier: Apache-2.0
"""What the demo shows; that it works is in ``tests/e2e/test_cli.py``."""

from pathlib import Path

from bridge_server.cli.demo import main, steps


def test_the_demo_fills_varies_and_expands():
    """Three candidates of a fill, a variation that stays near and one that goes far, and a wider canvas."""
    fill, near, far, expand = (step.asked for step in steps(Path("p"), Path("f"), Path("v"), Path("out")))
    assert (fill.verb, fill.count, fill.mask) == ("fill", 3, Path("f"))
    assert (near.verb, far.verb, near.mask, far.mask) == ("vary", "vary", Path("v"), Path("v"))
    assert near.amount < far.amount
    assert (expand.verb, expand.sides[0] > 0, expand.sides[1] > 0) == ("expand", True, True)


def test_a_folder_that_cannot_be_made_is_said_before_a_daemon_starts(tmp_path, capsys):
    """One sentence and exit code 1."""
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path / "file" / "out")]) == 1
    assert "can't be made" in capsys.readouterr().err
