# SPDX-License-Identifier: Apache-2.0
"""``make demo``: fills, varies and expands a photo through a daemon of its own, and shows what came out.

Run it as ``python -m bridge_server.cli.demo --out FOLDER``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..client import BridgeClient, find_daemon
from ..protocol.errors import BadRequest, BridgeError
from . import exits
from .arguments import Asked
from .connect import connected
from .daemon import stop_daemon
from .show import Screen, duration
from .verbs import Outcome, perform, prepare

__all__ = ["main"]

_PICTURES = Path(__file__).parents[2] / "docs" / "demo"
_PHOTO = _PICTURES / "aitzgorri.jpg"
_CREDIT = "aitzgorri by Aitzol Berasategi, CC BY 4.0"
_SEED, _EXPAND_SEED = 7, 11


@dataclass(frozen=True)
class Step:
    """One thing that the demo shows."""

    title: str
    asked: Asked


def steps(photo: Path, fill_mask: Path, vary_mask: Path, out: Path) -> list[Step]:
    """What is shown, in its order."""
    fill = Asked("fill", photo, out / "fill.png", fill_mask, count=3, seed=_SEED)
    near = Asked("vary", photo, out / "vary-near.png", vary_mask, seed=_SEED, amount=0.2)
    far = Asked("vary", photo, out / "vary-far.png", vary_mask, seed=_SEED, amount=0.9)
    expand = Asked("expand", photo, out / "expand.png", sides=(160, 160, 0, 0), seed=_EXPAND_SEED)
    return [
        Step("Fill: the fir goes, three candidates", fill),
        Step("Vary: the larches a little", near),
        Step("Vary: the larches a lot", far),
        Step("Expand: 160 pixels on the left and on the right", expand),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit code."""
    given = _parser().parse_args(arguments)
    screen = Screen()
    started = time.monotonic()
    try:
        out: Path = given.out
        _make(out)
        shown = steps(given.photo, given.fill_mask, given.vary_mask, out)
        with _own_daemon(screen) as client:
            outcomes = [_perform(step, client, screen) for step in shown]
        sheet = _contact_sheet(shown, outcomes, out)
    except BridgeError as error:
        screen.fail(error)
        return exits.FAILED
    except KeyboardInterrupt:
        screen.note("\nCancelled; the daemon is stopped.")
        return exits.INTERRUPTED
    screen.note(f"\nDone in {duration(time.monotonic() - started)}; the daemon is stopped. Look at")
    screen.line(str(sheet.absolute()))
    return exits.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge_server.cli.demo", description="Show the bridge.")
    add = parser.add_argument
    add("--out", type=Path, default=Path("demo-output"), help="where the results go (default demo-output)")
    add("--photo", type=Path, default=_PHOTO, help="the picture")
    add("--fill-mask", type=Path, default=_PICTURES / "tree-mask.png", help="what is filled, in white")
    add("--vary-mask", type=Path, default=_PICTURES / "forest-mask.png", help="what is varied, in white")
    return parser


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{folder} can't be made: {error.strerror}.", "Choose another --out.") from error


@contextmanager
def _own_daemon(screen: Screen) -> Generator[BridgeClient]:
    """A daemon on a folder of its own, so that nothing of the user's is touched; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="bridge-demo-", ignore_cleanup_errors=True) as name:
        folder, started = Path(name), time.monotonic()
        try:
            with connected(folder, lambda _: None) as client:
                found = find_daemon(folder)
                where = found.address if found else ""
                screen.note(f"A daemon answers on {where} after {duration(time.monotonic() - started)}.")
                yield client
        finally:
            if find_daemon(folder) is not None:
                with suppress(BridgeError):
                    stop_daemon(folder)


def _perform(step: Step, client: BridgeClient, screen: Screen) -> Outcome:
    screen.note(f"\n{step.title}")
    outcome = Outcome(step.asked.verb)
    perform(prepare(step.asked), client, screen, outcome, keep_bars=True)
    screen.note(f"  {duration(outcome.seconds)}")
    return outcome


def _contact_sheet(shown: Sequence[Step], outcomes: Sequence[Outcome], out: Path) -> Path:
    from .sheet import Labelled, contact_sheet  # noqa: PLC0415 - Pillow loads while results are looked at

    fill, near, far, expand = (
        [Labelled(Path(each.file), f"seed {each.seed}") for each in sorted(o.written, key=lambda w: w.index)]
        for o in outcomes
    )
    path, photo = out / "contact-sheet.png", shown[0].asked.image
    title = _CREDIT if photo == _PHOTO else photo.name
    contact_sheet(
        path,
        photo=Labelled(photo, f"{title}; red is filled, blue is varied"),
        fill_mask=shown[0].asked.mask or Path(),
        vary_mask=shown[1].asked.mask or Path(),
        fills=[Labelled(each.file, f"fill {number}, {each.label}") for number, each in enumerate(fill, 1)],
        varied=[
            Labelled(near[0].file, f"vary, amount {shown[1].asked.amount:g}"),
            Labelled(far[0].file, f"vary, amount {shown[2].asked.amount:g}"),
        ],
        expanded=Labelled(expand[0].file, "expand, 160 pixels on the left and on the right"),
    )
    return path


if __name__ == "__main__":
    sys.exit(main())
