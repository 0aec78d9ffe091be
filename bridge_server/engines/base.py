# SPDX-License-Identifier: Apache-2.0
"""What every engine is given and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..canvas.masks import Box, bounds
from ..protocol.errors import BadRequest, BridgeError
from ..protocol.records import EngineInfo, Steering

__all__ = [
    "BatchingEngine",
    "Brief",
    "Deliver",
    "Engine",
    "GuidePicture",
    "Made",
    "Report",
    "present",
    "selection_of",
]


@dataclass(frozen=True)
class GuidePicture:
    """A :class:`bridge_server.protocol.records.Guide` as an engine sees it.

    Attributes:
        picture: (h, w, C) as :attr:`Brief.picture`, of any size.
        colorspace: ``srgb`` or ``linear``.
    """

    kind: str
    picture: NDArray[Any]
    colorspace: str = "srgb"
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class Brief:
    """One job as an engine sees it.

    ``stage`` says what for. ``full``: to be shown. ``draft``: only to be described, so as cheap as can be
    while its description still foretells the candidate's; nothing is previewed. ``drafted``: to be shown, and
    to look like the draft of its seed. Verbs that ``info.drafts`` does not name know only ``full``.

    Attributes:
        verb: ``fill``, ``vary`` or ``refine`` (an expand arrives as a fill of the grown, transparent border).
        picture: (H, W, C) with C of 1 (grey), 3 (RGB) or 4 (RGBA, not premultiplied), as uint8, uint16 or
            float32 (float: 1.0 is white, more is allowed). The region's pixels.
        mask: (H, W) uint8, coverage of the selection; 0 is outside.
        colorspace: ``srgb`` or ``linear``, of the picture's values.
        seeds: one for each candidate wanted. A seed decides its candidate's pixels alone, whatever
            stands beside it in the list.
        stage: ``full``, ``draft`` or ``drafted``.
    """

    verb: str
    picture: NDArray[Any]
    mask: NDArray[np.uint8]
    seeds: tuple[int, ...]
    colorspace: str = "srgb"
    prompt: str = ""
    negative_prompt: str = ""
    strength: float = 1.0
    amount: float = 0.5
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    stage: str = "full"
    guides: tuple[GuidePicture, ...] = ()


@dataclass(frozen=True)
class Made:
    """One finished candidate.

    Attributes:
        index: which of the brief's seeds it belongs to.
        x, y: where its top left corner lies in the region.
        pixels: (h, w, 4), the dtype of the brief's picture. Alpha is the selection's coverage, scaled to
            the dtype (float: 0 to 1).
        recipe: what the engine chose by itself, for the record; plain msgpack values.
    """

    index: int
    x: int
    y: int
    pixels: NDArray[Any]
    recipe: Mapping[str, Any] = field(default_factory=dict[str, Any])


def selection_of(brief: Brief) -> Box:
    """The bounds of what is selected, the numbers of the brief checked.

    Raises:
        BadRequest: nothing is selected, or ``amount`` or ``strength`` is out of its range.
    """
    for name, value in (("amount", brief.amount), ("strength", brief.strength)):
        if not 0 <= value <= 1:
            raise BadRequest(f"{name} is {value!r}.", "Use a number from 0 to 1.")
    box = bounds(brief.mask)
    if box is None:
        raise BadRequest("Nothing is selected: the mask is empty.", "Mark an area first.")
    return box


def present(brief: Brief, box: Box) -> NDArray[Any]:
    """What a box of the picture holds now, as (h, w, 3)."""
    view = brief.picture[box.slices]
    colours = view[..., :3] if view.shape[2] >= 3 else view[..., :1]
    return np.array(np.broadcast_to(colours, (*colours.shape[:2], 3)))


#: Called with the number of a brief and a candidate of it, or with why it ends early.
Deliver = Callable[[int, "Made | BridgeError"], None]


class Report(Protocol):
    """How an engine talks while it works. Calls are cheap and may come from the engine's thread only."""

    def progress(self, index: int, done: float) -> None:
        """Candidate ``index`` is ``done`` (0 to 1)."""
        ...

    def preview(self, index: int, x: int, y: int, width: int, height: int, pixels: NDArray[np.uint8]) -> None:
        """Show (h, w, 4) uint8 sRGB ``pixels`` stretched over that rectangle of the region."""
        ...

    def check(self) -> None:
        """Raise :class:`bridge_server.protocol.errors.Cancelled` if nobody wants the result any more."""
        ...

    def steering(self) -> Steering:
        """What the artist has changed so far; of what ``info.steers`` does not name nothing is told."""
        ...


class Engine(Protocol):
    """Makes pixels. Lives in a worker process, used by one thread at a time."""

    @property
    def info(self) -> EngineInfo:
        """What this engine can do."""
        ...

    def generate(self, brief: Brief, report: Report) -> Iterator[Made]:
        """Make the brief's candidates, each yielded as soon as it exists.

        Raises:
            EngineFailed: the request makes no picture, with the reason and what to do.
            Cancelled: passed through from ``report.check``.
        """
        ...


class BatchingEngine(Engine, Protocol):
    """An engine whose ``info.batches`` is True: it makes candidates, also of several briefs, at once."""

    def generate_together(
        self,
        briefs: Sequence[Brief],
        reports: Sequence[Report],
        deliver: Deliver,
    ) -> None:
        """Make the candidates of several briefs, as far as they fit in one batch, else one after the other.

        ``deliver`` is called with the number of a brief and each candidate of it as soon as it exists, also
        while the others are still being made; or, once and last for that brief, with why it ends early: what
        :meth:`Engine.generate` would raise. A brief without an error has ended when this returns, or with its
        last seed's candidate; with fewer if ``steering().finish`` was set.
        """
        ...
