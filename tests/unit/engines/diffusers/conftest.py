# SPDX-License-Identifier: Apache-2.0
"""A shelf of tiny models, benches to try them on, and a report that can cancel, steer and finish."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bridge_server.engines.base import Brief, GuidePicture, Made
from bridge_server.engines.diffusers.engine import DiffusersEngine
from bridge_server.engines.diffusers.options import Options
from bridge_server.engines.diffusers.residence import Residence
from bridge_server.models.card import Card
from bridge_server.models.shelf import Shelf
from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.records import Steering

SIDE = 64
STEPS = 4

#: Where the selection of ``MASK`` lies: x, y, width, height.
PLACE = (16, 8, 32, 40)

#: What other people's code warns of, whatever we do.
OTHERS = (
    # EulerDiscreteScheduler.set_timesteps makes a numpy array of a tensor, which torch does the old way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",
    # peft says so of the second LoRA that diffusers puts on a model
    "ignore:Already found a `peft_config` attribute in the model:UserWarning",
)


def pytest_itemcollected(item):
    """Let the tests of this folder pass over what diffusers warns of."""
    for each in OTHERS:
        item.add_marker(pytest.mark.filterwarnings(each))


def _picture(side: int = SIDE):
    y, x = np.mgrid[0:side, 0:side] * (255 / side)
    return np.dstack([x, y, (x + y) / 2]).astype(np.uint8)


def _mask():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    x, y, width, height = PLACE
    mask[y : y + height, x : x + width] = 255
    mask[y : y + 4, x : x + width] = 127
    return mask


PICTURE, MASK, ALL = _picture(), _mask(), np.full((SIDE, SIDE), 255, np.uint8)


def drawing():
    """A dark cross on white, as an artist sketches."""
    drawn = np.full((SIDE, SIDE, 3), 255, np.uint8)
    drawn[28:36, 8:56] = drawn[8:56, 28:36] = 0
    return drawn


def apart(a: Made, b: Made) -> float:
    """How far two candidates are apart on average, from 0 to 255."""
    return float(np.abs(a.pixels.astype(float) - b.pixels).mean())


def furthest(a: Made, b: Made) -> float:
    """How far the most different of their values are apart."""
    return float(np.abs(a.pixels.astype(float) - b.pixels).max())


def same(a: Made, b: Made) -> bool:
    """Whether two candidates are the same to the byte."""
    return (a.x, a.y, a.pixels.tobytes()) == (b.x, b.y, b.pixels.tobytes())


class Ear:
    """A report that remembers what it was told, and wants something else from some step on.

    Args:
        bench: whose denoiser's forwards are the steps.
        wants: how the job is steered after so many steps, or the error that ends it.
    """

    def __init__(
        self, bench: Bench | None = None, wants: Mapping[int, Steering | BridgeError] | None = None
    ) -> None:
        self._bench, self._wants = bench, dict(wants or {})
        self._began = len(bench.heard) if bench else 0
        self.done: list[tuple[int, float]] = []
        self.shown: list[tuple[int, int, int, int, int, Any]] = []

    def _now(self) -> Steering | BridgeError:
        step = len(self._bench.heard) - self._began if self._bench else 0
        past = [each for each in self._wants if each <= step]
        return self._wants[max(past)] if past else Steering()

    def progress(self, index: int, done: float) -> None:
        """Note it."""
        self.done.append((index, done))

    def preview(self, index: int, x: int, y: int, width: int, height: int, pixels: Any) -> None:
        """Note it."""
        self.shown.append((index, x, y, width, height, pixels))

    def check(self) -> None:
        """Raise what is wanted by now, if that is an error."""
        now = self._now()
        if isinstance(now, BridgeError):
            raise now

    def steering(self) -> Steering:
        """What is wanted by now."""
        now = self._now()
        return now if isinstance(now, Steering) else Steering()


@dataclass
class Heard:
    """What the denoiser was told in one forward."""

    rows: int
    words: Any
    guidance: Any
    pooled: Any


class Bench:
    """An engine with its own place in memory, whose denoiser is listened to."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.heard: list[Heard] = []
        self._hooked: Any = None
        self._plain: list[Made] | None = None
        _ = self.model

    @property
    def model(self) -> Any:
        """The model in memory."""
        model = self.engine._residence.model(self.engine._card)
        if model is not self._hooked:
            model.denoiser.register_forward_hook(self._listen, with_kwargs=True)
            self._hooked = model
        return model

    def _listen(self, part: Any, args: Any, kwargs: Any, output: Any) -> None:
        first = args[0] if args else kwargs["hidden_states"]
        added = (kwargs.get("added_cond_kwargs") or {}).get("text_embeds")
        self.heard.append(
            Heard(
                first.shape[0],
                kwargs["encoder_hidden_states"].clone(),
                None if kwargs.get("guidance") is None else kwargs["guidance"].tolist(),
                kwargs.get("pooled_projections", added),
            )
        )

    def ask(self, report: Any = None, **changes: Any) -> list[Made]:
        """The candidates of a brief: a fill of ``MASK`` in ``PICTURE`` where nothing else is said."""
        return list(self.engine.generate(brief(**changes), report or Ear()))

    def one(self, report: Any = None, **changes: Any) -> Made:
        """The only candidate of a brief."""
        (made,) = self.ask(report, **changes)
        return made

    def steps(self, report: Any = None, **changes: Any) -> int:
        """How many forwards a brief takes."""
        before = len(self.heard)
        self.ask(report, **changes)
        return len(self.heard) - before

    @property
    def plain(self) -> Made:
        """The picture of the brief without changes, as it was at first."""
        if self._plain is None:
            self._plain = self.ask()
        return self._plain[0]

    def is_as_before(self) -> bool:
        """Whether the brief without changes still gives the very bytes."""
        return same(self.plain, self.one())

    def together(self, *asked: tuple[Brief, Any]) -> list[tuple[int, Made | BridgeError]]:
        """What is delivered of some briefs that came together, in order."""
        told: list[tuple[int, Made | BridgeError]] = []
        briefs, reports = [each for each, _ in asked], [each for _, each in asked]
        self.engine.generate_together(briefs, reports, lambda number, what: told.append((number, what)))
        return told


def brief(**changes: Any) -> Brief:
    """A fill of ``MASK`` in ``PICTURE`` where nothing else is said."""
    given: dict[str, Any] = {
        "verb": "fill",
        "picture": PICTURE,
        "mask": MASK,
        "seeds": (1,),
        "prompt": "a cat",
    }
    return Brief(**{**given, **changes})


def guide(kind: str, picture: Any = None, **more: Any) -> GuidePicture:
    """A guide, of the drawing where nothing else is said."""
    return GuidePicture(kind, drawing() if picture is None else picture, **more)


class Models:
    """The tiny models on a shelf; benches are made when first asked for."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder
        self.shelf = Shelf(folder / "models")
        self._benches: dict[Any, Bench] = {}

    def put(self, id_: str, family: str, path: Any, role: str = "base", **more: Any) -> Card:
        """Put something on the shelf."""
        given = {"title": id_, "side": SIDE, "steps": STEPS, **more}
        return self.shelf.put(Card(id=id_, role=role, family=family, path=str(path), **given))

    def bench(self, id_: str, **options: Any) -> Bench:
        """A bench with this model, four candidates at once; made once for all tests."""
        key = (id_, *sorted(options.items()))
        if key not in self._benches:
            self._benches[key] = self.fresh(id_, **options)
        return self._benches[key]

    def fresh(self, id_: str, **options: Any) -> Bench:
        """Likewise, for one test."""
        residence = Residence(self.shelf, Options.of({"max_batch": 4, **options}))
        return Bench(DiffusersEngine(self.shelf.card(id_), residence))


def _built(folder: Any) -> Models:
    import tiny_models as tiny  # noqa: PLC0415 - imports torch

    made, at = Models(folder), (folder / name for name in map(str, itertools.count()))
    sd15, sdxl = tiny.sd15(next(at)), tiny.sdxl(next(at))
    flux = tiny.flux(next(at))
    made.put("sd15", "sd15", sd15)
    made.put("inpaint", "sd15", tiny.sd15(next(at), inpaint=True), inpaints=True)
    made.put("sdxl", "sdxl", sdxl)
    made.put("sd3", "sd3", tiny.sd3(next(at)))
    made.put("flux", "flux", flux, guidance=3.5)
    made.put("flux-dev", "flux", tiny.flux(next(at), guidance=True), guidance=3.5)
    fill = tiny.flux(next(at), guidance=True, fill=True)
    made.put("flux-fill", "flux", fill, guidance=30.0, inpaints=True)
    net = tiny.controlnet(next(at), sd15)
    for kind in ("scribble", "canny", "depth"):
        made.put(kind, "sd15", net, "control", kind=kind)
    made.put("depth-xl", "sdxl", tiny.controlnet(next(at), sdxl), "control", kind="depth")
    made.put("ink", "sd15", tiny.lora(next(at) / "ink.safetensors", sd15), "lora")
    made.put("wash.1", "sd15", tiny.lora(next(at) / "w.safetensors", sd15, kohya=True, rank=3), "lora")
    made.put("ink-xl", "sdxl", tiny.lora(next(at) / "ink.safetensors", sdxl), "lora")
    made.put("ink-flux", "flux", tiny.lora(next(at) / "ink.safetensors", flux), "lora")
    word = tiny.textual_inversion(next(at) / "zork.safetensors", sd15, "<zork>", vectors=2)
    made.put("zork", "sd15", word, "embedding", word="<zork>")
    glow = tiny.textual_inversion(next(at) / "glow.safetensors", sdxl, "<glow>")
    made.put("glow", "sdxl", glow, "embedding", word="<glow>")
    style = tiny.ip_adapter(next(at), sd15)
    made.put(
        "style", "sd15", style / "ip-adapter.safetensors", "style", image_encoder=str(style / "image_encoder")
    )
    return made


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The shelf with all the tiny models."""
    import torch  # noqa: PLC0415 - only where there is something to test

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # such small work only waits for other threads
    yield _built(tmp_path_factory.mktemp("diffusers"))
    torch.set_num_threads(before)


@pytest.fixture
def sd15(models):
    """The bench with Stable Diffusion 1.5."""
    return models.bench("sd15")


@pytest.fixture
def every_preview(monkeypatch):
    """Previews at each step, however long they take: on tiny models they are dearer than the steps."""
    monkeypatch.setattr("bridge_server.engines.diffusers.denoising.course._PREVIEW_SHARE", 1e9)
