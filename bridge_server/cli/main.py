# SPDX-License-Identifier: Apache-2.0
"""Where the command line begins. What a command needs is imported when it runs, and not before."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ..protocol.errors import BridgeError, Cancelled
from . import exits
from .arguments import UsageError, parse
from .show import Screen

__all__ = ["main"]

#: command -> module beside this one, and the function in it that takes the options and returns an exit code
_COMMANDS = {
    "serve": ("daemon", "serve"),
    "status": ("daemon", "status"),
    "stop": ("daemon", "stop"),
    "doctor": ("doctor", "doctor"),
    "report": ("report", "report"),
    "install": ("install", "install"),
    "models": ("models.actions", "models"),
    "fill": ("verbs", "verb"),
    "expand": ("verbs", "verb"),
    "vary": ("verbs", "verb"),
    "refine": ("verbs", "verb"),
    "accept": ("decide", "accept"),
    "reject": ("decide", "reject"),
    "more": ("again", "more"),
    "less": ("again", "less"),
    "undo": ("decide", "undo"),
    "redo": ("decide", "redo"),
    "go": ("decide", "go"),
    "mark": ("decide", "mark"),
    "tree": ("tree", "tree"),
    "compare": ("compare", "compare"),
    "fetch": ("again", "fetch"),
    "history": ("history", "history"),
    "projects": ("projects", "projects"),
    "taste": ("taste", "taste"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit code. ``arguments`` default to those of the process."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    screen = Screen(as_json="--json" in typed)
    try:
        given = parse(typed or ["--help"])
        return _run(given)
    except UsageError as error:
        if error.usage and not screen.as_json:
            print(error.usage, end="", file=sys.stderr)  # noqa: T201 - as argparse does
        screen.fail(error)
        return exits.USAGE
    except BridgeError as error:
        screen.fail(error)
        return exits.FAILED
    except MemoryError:
        screen.fail(BridgeError("There is not enough memory for this.", "Take a smaller picture."))
        return exits.FAILED
    except KeyboardInterrupt:
        screen.fail(Cancelled("Cancelled."))
        return exits.INTERRUPTED


def _run(given: argparse.Namespace) -> int:
    module, function = _COMMANDS[given.command]
    code: int = getattr(import_module(f"{__package__}.{module}"), function)(given)
    return code
