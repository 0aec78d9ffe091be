# SPDX-License-Identifier: Apache-2.0
"""What people and scripts see: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from ..protocol.errors import BridgeError, Cancelled
from .parsing import UsageError

__all__ = ["Bars", "Screen", "duration", "size"]


#: For consoles that know no Unicode.
_PLAIN = str.maketrans({"★": "*", "◀": "<", "…": "..."})


class Screen:
    """Where a command says things. If the reader of a pipe is gone, what is said is lost, the work is not.

    Args:
        as_json: the only thing on standard output is one JSON object.
        quiet: no remarks and no progress; warnings and errors stay.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self._quiet = quiet
        self._bars: Bars | None = None

    def note(self, text: str) -> None:
        """A remark that one can do without."""
        if not self._quiet:
            self._tell(text)

    def warn(self, text: str) -> None:
        """Something that one should know."""
        self._tell(f"bridge-server: warning: {text}")

    def line(self, text: str) -> None:
        """One line of the result, for people."""
        if not self.as_json:
            self._print(text, sys.stdout)

    def show(self, table: Any) -> None:
        """Something of rich's as a part of the result, for people."""
        if not self.as_json:
            from rich.console import Console  # noqa: PLC0415 - costs more than most commands

            console = Console(highlight=False, markup=False, emoji=False)
            with console.capture() as captured:
                console.print(table)
            self.line("\n".join(line.rstrip() for line in captured.get().splitlines()))

    def confirm(self, what: str, question: str) -> None:
        """Say what is at stake and go on only if a person at a terminal says yes.

        Raises:
            UsageError: nobody can be asked.
            Cancelled: no.
        """
        if self.as_json or not sys.stdin.isatty():
            raise UsageError(what, "Nobody can be asked here; add --yes if it shall be lost.")
        sys.stderr.write(f"{what}\n{question} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise Cancelled("Nothing was changed.")

    def result(self, record: dict[str, Any]) -> None:
        """The whole result, for scripts."""
        if self.as_json:
            self._print(json.dumps(record, ensure_ascii=False), sys.stdout)

    def fail(self, error: BridgeError, **more: Any) -> None:
        """Say what went wrong and what to do about it; ``more`` goes into the JSON object."""
        self.result(
            {
                "error": {"code": error.wire_code, "message": error.message, "hint": error.hint},
                **more,
            }
        )
        hint = f"\n  {error.hint}" if error.hint else ""
        self._tell(f"bridge-server: {error.message}{hint}")

    @contextmanager
    def bars(self, count: int, *, keep: bool = False) -> Generator[Bars]:
        """One progress bar a candidate while the block runs, if a person looks on; ``keep`` leaves them."""
        self._bars = Bars(count, keep=keep) if sys.stderr.isatty() and not self._quiet else Bars(0)
        try:
            with self._bars:
                yield self._bars
        finally:
            self._bars = None

    def _tell(self, text: str) -> None:
        self._print(text, sys.stderr)

    def _print(self, text: str, where: Any) -> None:
        if self._bars is not None and self._bars.print(text, to_terminal=where.isatty()):
            return
        try:
            print(text, file=where, flush=True)
        except UnicodeEncodeError:  # a console of another script
            known = where.encoding or "ascii"
            self._print(text.translate(_PLAIN).encode(known, "replace").decode(known), where)
        except BrokenPipeError:
            _silence(where)


def _silence(stream: Any) -> None:
    """Let the rest go nowhere, also what Python writes when it ends."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Bars:
    """Progress bars on standard error. With a count of 0 there are none and all calls do nothing."""

    def __init__(self, count: int, *, keep: bool = False) -> None:
        self._progress: Any = None
        self._tasks: list[Any] = []
        if count:
            self._progress = _progress(keep=keep)
            self._tasks = [
                self._progress.add_task(f"candidate {number}", total=1.0, note="")
                for number in range(1, count + 1)
            ]

    def __enter__(self) -> Bars:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def waiting(self, position: int) -> None:
        """All candidates are in line; 1 is next."""
        for task in self._tasks:
            self._progress.update(task, note=f"{position - 1} before it" if position > 1 else "")

    def drafts(self, made: int, wanted: int) -> None:
        """Taste will choose among so many drafts; they come before any candidate."""
        for task in self._tasks:
            self._progress.update(task, note=f"draft {made} of {wanted}")

    def set(self, index: int, done: float, note: str = "") -> None:
        """Candidate ``index`` is ``done`` (0 to 1)."""
        if index < len(self._tasks):
            self._progress.update(self._tasks[index], completed=done, note=note)

    def print(self, text: str, *, to_terminal: bool) -> bool:
        """Print above the bars, if there are any and the text goes to the terminal; else False."""
        if self._progress is None or not to_terminal:
            return False
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
        return True


def _progress(*, keep: bool) -> Any:
    from rich.console import Console  # noqa: PLC0415 - only when a person looks on
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(32),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=not keep,
    )


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_:
            return f"{count / bytes_:.1f} {unit}"
    return f"{count} bytes"
