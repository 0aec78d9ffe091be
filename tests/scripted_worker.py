# SPDX-License-Identifier: Apache-2.0
"""A worker process that does what a request's ``parameters`` tell it, for tests of all around engines.

Start it as the daemon's worker: ``app.serve(config, worker_command=[sys.executable, SCRIPTED_WORKER])`` with
this file's path.

It has two engines: ``scripted`` (the default; each candidate is a task of its own, killed 0.3 s after a
cancel) and ``scripted-batch`` (one task makes all candidates of a job, and several jobs go together; killed
after 5 s). A candidate is the selection's box in the plain colour ``colour_of(seed)``, so the same seed gives
the same pixels; a draft is the same. ``scripted`` drafts every verb but ``refine``, ``scripted-batch`` none.
Both heed every kind of guide and steering: what holds when a candidate is finished stands in its recipe, with
the number of jobs that it was made together with. Of several together, all do a step (or look once whether
there is something to wait for) before any does the next. Parameters, all optional; for each candidate they
work in this order:

==============  =====  ============================================================================
``started``     path   a folder: the file ``started-SEED`` with the process's pid is made first
``only``        int    what stands below up to ``wait_for`` happens to the candidate of this seed alone
``print``       text   print it on stdout, through Python and past it
``crash``       int    end the process at once with this exit code
``crash_once``  path   end the process unless this file exists; make it first
``raise``       text   raise RuntimeError(text)
``memory``      bool   raise MemoryError
``fail``        text   raise EngineFailed(text)
``preview``     int    send a preview of this many pixels a side
``block``       secs   sleep without looking whether anyone still wants it
``steps``       int    this many steps; before each it looks for a cancel, after each it tells progress
``step``        secs   how long a step takes (0)
``wait_for``    path   wait, looking for a cancel or a finish every 5 ms, until this file exists
``nothing``     bool   make no picture
``twice``       bool   make the same candidate twice
``side``        int    the result is this many pixels a side instead of the selection's box
==============  =====  ============================================================================

Options on the command line: ``--silent`` never says READY, ``--die`` ends at once with exit code 3,
``--only-fill`` knows no verb but ``fill``, ``--kind KIND`` puts ``KIND/`` before the engines' names, and
``--list FILE`` has an engine more for each line of a file, whenever the engines are looked for.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also without an installed bridge_server

from bridge_server.canvas.masks import bounds
from bridge_server.canvas.patches import assemble
from bridge_server.engines.base import Made
from bridge_server.protocol.errors import BridgeError, EngineFailed
from bridge_server.protocol.records import Context, EngineInfo
from bridge_server.workers.child import serve

VERBS = ["fill"] if "--only-fill" in sys.argv else ["fill", "expand", "vary", "refine"]


def colour_of(seed):
    """The 8-bit RGB colour of a candidate."""
    return (seed * 37 + 11) % 256, (seed * 73 + 7) % 256, (seed * 151 + 3) % 256


class ScriptedEngine:
    """Does as it is told."""

    def __init__(self, name, *, batches):
        self.info = EngineInfo(
            name=name,
            version="1",
            title=name.title(),
            verbs={verb: ["strength"] if verb == "refine" else [] for verb in VERBS},
            steers=["prompt", "negative_prompt", "strength", "guidance", "weights", "finish"],
            context=Context(min_side=16, min_margin=4),
            batches=batches,
            cancel_grace=5.0 if batches else 0.3,
            drafts=[] if batches else [verb for verb in VERBS if verb != "refine"],
            guides=["scribble", "lineart", "canny", "depth", "style", "toward"],
        )

    def generate(self, brief, report):
        """Each candidate of the brief, in order."""
        for _, made in advance([steps_of(brief, report)]):
            if isinstance(made, BridgeError):
                raise made
            yield made

    def generate_together(self, briefs, reports, deliver):
        """The briefs in step, each with its candidates in order."""
        pairs = zip(briefs, reports, strict=True)
        for number, made in advance([steps_of(brief, report, len(briefs)) for brief, report in pairs]):
            deliver(number, made)


def advance(works):
    """(number, candidate or error) of several works, which go on in turn."""
    works = dict(enumerate(works))
    while works:
        for number, steps in list(works.items()):
            try:
                made = next(steps)
            except StopIteration:
                del works[number]
            except BridgeError as error:
                del works[number]
                yield number, error
            else:
                if made is not None:
                    yield number, made


def steps_of(brief, report, together=1):
    """Work on a brief: None after each step, else a finished candidate."""
    told = brief.parameters
    for index, seed in enumerate(brief.seeds):
        if index and report.steering().finish:
            return
        if "started" in told:
            (Path(told["started"]) / f"started-{seed}").write_text(str(os.getpid()))
        if told.get("only", seed) == seed:
            misbehave(told)
            yield from work(told, index, brief, report)
        if not told.get("nothing"):
            made = picture(brief, index, told, in_force(brief, report, together))
            yield made
            if told.get("twice"):
                yield made


def in_force(brief, report, together):
    """What a candidate is made with at its end."""
    said = report.steering()
    prompt = brief.prompt if said.prompt is None else said.prompt
    weights = [guide.weight for guide in brief.guides] if said.weights is None else said.weights
    guides = [[guide.kind, *guide.picture.shape] for guide in brief.guides]
    plain = {"prompt": prompt, "weights": weights, "guides": guides, "together": together}
    return plain | {"guidance": said.guidance, "finished": said.finish}


def misbehave(told):
    """What should never happen in an engine."""
    if "print" in told:
        print(told["print"], flush=True)  # noqa: T201 - as a careless library would
        os.write(1, told["print"].encode())
    if "crash" in told:
        os._exit(told["crash"])
    if "crash_once" in told and not Path(told["crash_once"]).exists():
        Path(told["crash_once"]).touch()
        os._exit(1)
    if "raise" in told:
        raise RuntimeError(told["raise"])
    if told.get("memory"):
        raise MemoryError
    if "fail" in told:
        raise EngineFailed(told["fail"], "Ask for something else.")


def work(told, index, brief, report):
    """Take time, with and without looking up."""
    if "preview" in told:
        side = told["preview"]
        height, width = brief.mask.shape
        report.preview(index, 0, 0, width, height, np.full((side, side, 4), 128, np.uint8))
    time.sleep(told.get("block", 0))
    steps = told.get("steps", 0)
    for step in range(steps):
        report.check()
        time.sleep(told.get("step", 0))
        report.progress(index, (step + 1) / steps)
        yield None
    while "wait_for" in told and not Path(told["wait_for"]).exists() and not report.steering().finish:
        report.check()
        time.sleep(0.005)
        yield None


def picture(brief, index, told, made_with):
    """One candidate in its seed's colour."""
    box = bounds(brief.mask)
    coverage = brief.mask[box.slices]
    if "side" in told:
        coverage = np.full((told["side"], told["side"]), 255, np.uint8)
    dtype = brief.picture.dtype
    scale = np.iinfo(dtype).max // 255 if np.issubdtype(dtype, np.integer) else 1 / 255
    colours = np.empty((*coverage.shape, 3), dtype)
    colours[:] = np.array([value * scale for value in colour_of(brief.seeds[index])], dtype)
    return Made(index, box.x0, box.y0, assemble(colours, coverage), {"told": sorted(told), **made_with})


def option(name):
    """What stands after an option on the command line, or None."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def engines():
    """All that there are now."""
    kind, listed = option("--kind"), option("--list")
    more = Path(listed).read_text().split() if listed else []
    names = {"scripted": False, "scripted-batch": True} | dict.fromkeys(more, True)
    before = f"{kind}/" if kind else ""
    return [ScriptedEngine(before + name, batches=batches) for name, batches in names.items()]


if __name__ == "__main__":
    if "--die" in sys.argv:
        sys.exit(3)
    if "--silent" in sys.argv:
        sys.stdin.buffer.read()
        sys.exit(0)
    serve(engines)
