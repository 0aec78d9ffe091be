# SPDX-License-Identifier: Apache-2.0
"""What the diffusion engine adds to diffusers' own pipeline: the same model, seeds and steps, in turns.

``python -m bench.diffusion`` takes random weights in a quarter of SD 1.5's width, which a processor can bear.
On a GPU: ``python -m bench.diffusion --device cuda --shape sd15 --side 512`` (or ``sdxl``, 1024) for the real
widths, still with random weights: a picture's content does not change what it costs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoPipelineForImage2Image
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import tiny_models
from bridge_server.engines.base import Brief
from bridge_server.engines.diffusers import DiffusersEngine, load
from bridge_server.models.card import Card
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.records import Steering

STRENGTH, GUIDANCE = 0.5, 7.0
PROMPT = "a lighthouse on a cliff"

#: shape -> what the UNet is made with; the real ones are those of the published configurations.
_LEVELS = ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",), ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3
SHAPES: dict[str, dict[str, Any]] = {
    "quarter": {"block_out_channels": (80, 160, 320, 320), "attention_head_dim": 8, "norm_num_groups": 16},
    "sd15": {"block_out_channels": (320, 640, 1280, 1280), "attention_head_dim": 8, "norm_num_groups": 32},
}


class Nobody:
    """A report that counts previews."""

    def __init__(self) -> None:
        self.previews = 0

    def progress(self, index: int, done: float) -> None:
        pass

    def preview(self, *_: Any) -> None:
        self.previews += 1

    def check(self) -> None:
        pass

    def steering(self) -> Steering:
        return Steering()


def built(folder: Path, shape: str, side: int, steps: int) -> Path:
    """A shelf with one model of that shape."""
    base = folder / shape
    tiny_models.sd15(base)
    if shape == "sdxl":
        raise SystemExit("Give --model with a downloaded SDXL: its text encoders alone take gigabytes.")
    down, up = _LEVELS
    levels = {"down_block_types": down, "up_block_types": up, "layers_per_block": 2}
    unet = tiny_models.unet(shape, sample_size=side // 8, **levels, **SHAPES[shape])
    unet.save_pretrained(base / "unet")
    return shelved(folder, base, shape, side, steps)


def shelved(folder: Path, base: Path, name: str, side: int, steps: int) -> Path:
    """A shelf with the model in ``base``."""
    family = "sdxl" if name == "sdxl" else "sd15"
    habits: dict[str, Any] = {"side": side, "steps": steps, "guidance": GUIDANCE}
    card = Card(id="model", role="base", family=family, title=name, path=str(base), **habits)
    Shelf(folder / "models").put(card)
    return folder / "models"


def timed(work: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Seconds; on a processor those that it worked, which other programs don't lengthen."""
    started = clock()
    work()
    return clock() - started


def measure(
    models: Path, side: int, steps: int, rounds: int, device: str, count: int
) -> dict[str, list[float]]:
    """Seconds of each way, in turns."""
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : -side // 4, side // 4 : -side // 4] = 255
    seeds = tuple(range(count))
    options = {"device": device, "dtype": "fp32" if device == "cpu" else "fp16", "max_batch": count}
    quiet = load(models, {**options, "previews": False})[0]
    shown = load(models, options)[0]
    plain = _plain(Shelf(models).card("model"), device)

    def picture(number: int) -> NDArray[np.uint8]:
        """Another one, with other words, each round: nothing is to be gained by remembering."""
        return np.random.default_rng(number + 1).integers(0, 255, (side, side, 3), np.uint8)

    def by_diffusers(number: int) -> None:
        plain(
            f"{PROMPT} {number}", image=Image.fromarray(picture(number)), strength=STRENGTH,
            num_inference_steps=steps, guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
            num_images_per_prompt=count, output_type="np",
        )  # fmt: skip

    def by_engine(engine: DiffusersEngine, number: int) -> None:
        wanted: dict[str, Any] = {"prompt": f"{PROMPT} {number}", "parameters": {"steps": steps}}
        brief = Brief("refine", picture(number), mask, seeds, strength=STRENGTH, **wanted)
        list(engine.generate(brief, Nobody()))

    ways: dict[str, Callable[[int], Any]] = {
        "diffusers": by_diffusers,
        "without previews": partial(by_engine, quiet),
        "with previews": partial(by_engine, shown),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    clock = time.process_time if device == "cpu" else time.perf_counter
    for way in ways.values():  # loading, and whatever a first run sets up
        way(-1)
    for number in range(rounds):
        order = list(ways) if number % 2 else list(reversed(ways))
        for name in order:
            taken[name].append(timed(partial(ways[name], number), clock))
    return taken


def _plain(card: Card, device: str) -> Any:
    """diffusers' own pipeline, as its documentation has it."""
    dtype = torch.float32 if device == "cpu" else torch.float16
    given = {"dtype": dtype, "use_safetensors": True, "local_files_only": True}
    pipe = AutoPipelineForImage2Image.from_pretrained(card.path, **given).to(device)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=[*SHAPES, "sdxl"], default="quarter")
    parser.add_argument("--model", type=Path, help="a diffusers folder to use instead of random weights")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if given.model:
            models = shelved(folder, given.model, given.shape, given.side, given.steps)
        else:
            models = built(folder, given.shape, given.side, given.steps)
        taken = measure(models, given.side, given.steps, given.rounds, given.device, given.count)
    what = f"{given.shape}, {given.side} px, {given.steps} steps at strength {STRENGTH}, {given.device}"
    table = Table(title=what)
    for column in ("", "median s", "against diffusers", "lowest and highest"):
        table.add_column(column)
    for name, seconds in taken.items():
        ratios = [mine / theirs for mine, theirs in zip(seconds, taken["diffusers"], strict=True)]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        table.add_row(name, f"{statistics.median(seconds):.2f}", f"{statistics.median(ratios):.3f}", spread)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
