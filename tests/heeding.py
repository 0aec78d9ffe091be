# SPDX-License-Identifier: Apache-2.0
"""A daemon with an engine that heeds words, guides, steering and settings of its own, and takes its time.

``heeding.py DATA_DIR [ENGINES]`` runs it; ``ENGINES`` is a file that names engines that there are besides,
looked at whenever the engines are asked for anew. The default engine is ``scripted``, see
``scripted_worker.py``; the one to talk to is ``heeding``. Its settings ``steps`` and ``step`` say how long a
candidate takes; with 100 steps and more it waits to be taken.
"""

import sys
from dataclasses import replace
from pathlib import Path

import scripted_worker
from bridge_server.app import serve
from bridge_server.config import load_config
from bridge_server.protocol.records import Setting
from bridge_server.workers import child

HERE = Path(__file__)
#: So many steps wait until the candidate is taken.
ENDLESS = 100

SETTINGS = [
    Setting("steps", "Steps", "integer", 4, 1, 1000, description="More steps take longer and are finer."),
    Setting("guidance", "Guidance", "number", 5.0, 0, 50, description="How closely the words are followed."),
    Setting("step", "Seconds a step", "number", 0.05, 0, 5),
    Setting("sampler", "Sampler", "choice", "", choices=["", "ddim", "euler a", "dpm++ 2m"]),
    Setting("trigger", "Trigger words", "text", "", description="Put before the words."),
    Setting("loras", "LoRAs", "weights", {}, -2, 2, choices=["ink", "watercolour-on-rough-paper", "pixel"]),
]
WORDS = ["prompt", "negative_prompt"]


class HeedingEngine(scripted_worker.ScriptedEngine):
    """A scripted one with settings; what is not given is as they say."""

    def __init__(self, name):
        super().__init__(name, batches=True)
        self.info = replace(
            self.info,
            title=name.title(),
            verbs={
                "fill": WORDS,
                "expand": WORDS,
                "vary": [*WORDS, "amount"],
                "refine": [*WORDS, "strength"],
            },
            settings=SETTINGS,
            description="Does as it is told.",
        )

    def generate(self, brief, report):
        """With the defaults, and previews."""
        return super().generate(told(brief), report)

    def generate_together(self, briefs, reports, deliver):
        """As above."""
        super().generate_together([told(brief) for brief in briefs], reports, deliver)


def told(brief):
    """What a brief says, and the defaults where it says nothing; endless steps wait until they are taken."""
    parameters = {"steps": 4, "step": 0.05, "preview": 32, **brief.parameters}
    if parameters["steps"] >= ENDLESS:
        parameters |= {"steps": 4, "wait_for": str(HERE / "never")}
    return replace(brief, parameters=parameters)


def engines(listed):
    """All that there are now."""
    more = Path(listed).read_text().split() if listed and Path(listed).exists() else []
    return [*scripted_worker.engines(), HeedingEngine("heeding"), *map(HeedingEngine, more)]


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        child.serve(lambda: engines(sys.argv[2]))
    else:
        rest = sys.argv[2] if len(sys.argv) > 2 else ""
        serve(
            load_config({"data_dir": sys.argv[1], "workers": 2}),
            [sys.executable, str(HERE), "--worker", rest],
        )
