# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugins' parts hand to each other. Lengths are pixels of the document, ratios 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Union

from bridge_server.protocol.messages import FINAL_STATES
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import CandidateInfo, GuideInfo, Placement

__all__ = ["Candidate", "Job", "Layer", "Layout", "Look", "Raw", "Settings", "Shown", "Sides"]


@dataclass(frozen=True)
class Layout:
    """How a host keeps the pixels of one document, and what they are sent as.

    ``order`` is ``rgba`` or ``bgra``; ``depth`` is 8 or 16 (unsigned integers) or 32 (floats), in native byte
    order, alpha last and not premultiplied. ``linear`` says that values are proportional to light.
    """

    order: str
    depth: int
    linear: bool = False
    #: Whether the primaries are those of sRGB: such values can be shown without the host's colour management.
    plain: bool = False

    @property
    def pixel_size(self) -> int:
        """Bytes of one pixel."""
        return self.depth // 2

    @property
    def format(self) -> str:
        """The name of the wire's format that holds such values."""
        return {8: "rgba8", 16: "rgba16", 32: "rgbaf32"}[self.depth]

    @property
    def colorspace(self) -> str:
        """The wire's name for how values relate to light."""
        return "linear" if self.linear else "srgb"


@dataclass(frozen=True)
class Raw:
    """Pixels as the host gave them: rows from top to bottom without padding, nothing copied or converted yet.

    ``layout`` None: one byte a pixel, the coverage of a selection.
    """

    width: int
    height: int
    layout: Optional[Layout]
    data: Union[bytes, memoryview]


@dataclass(frozen=True)
class Look:
    """What a host shows at this moment; cheap enough to be asked for several times a second."""

    #: Names the document to the daemon, the same from start to end, and for readers ("sky.kra").
    document: str
    title: str
    width: int
    height: int
    #: Bounds of the selection, cut at the canvas; None: nothing is selected, or nothing on the canvas.
    selection: Optional[Placement] = None
    #: The name of the active layer; empty: none.
    layer: str = ""
    #: Why a result can't go into the active layer, in words; empty: it can.
    not_into: str = ""
    #: Why this document can't be worked on at all, in words; empty: it can.
    trouble: str = ""


@dataclass(frozen=True)
class Layer:
    """A result on its way into a document."""

    name: str
    placement: Placement
    #: In the layout of the document, see :meth:`Host.layout`.
    pixels: Raw
    #: Recorded with the layer, in the document: candidate, seed, prompt, engine and so on.
    facts: dict[str, Any] = field(default_factory=dict)
    visible: bool = True


@dataclass(frozen=True)
class Sides:
    """By how much a canvas grows."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        """Whether it grows at all."""
        return any((self.left, self.right, self.top, self.bottom))


@dataclass(frozen=True)
class Settings:
    """What the artist has set in the panel."""

    prompt: str = ""
    negative_prompt: str = ""
    #: Of refine.
    strength: float = 0.5
    #: Of vary and more: 0 stays near, 1 goes far.
    amount: float = 0.5
    count: int = 4
    #: None: a new one each time.
    seed: Optional[int] = None
    #: With a seed: make it as a candidate that taste chose among drafts.
    drafted: bool = False
    #: Empty: the daemon's default.
    engine: str = ""
    #: What an engine sees: ``visible`` (all layers as they show) or ``layer`` (the active one alone).
    source: str = "visible"
    #: What accept makes: a ``layer``, ``into`` the active layer, or a ``group`` with all candidates.
    place_as: str = "layer"
    sides: Sides = Sides(256, 256, 0, 0)
    #: Which guide the active layer is, of the kinds in ``asking.GUIDES``; empty: none.
    guide: str = ""
    #: 0 to 2.
    guide_weight: float = 1.0
    #: What is set of each engine's own settings: engine -> name -> value. See ``parameters``.
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Strip: only what was asked for this document, or everything in the project.
    whole_project: bool = False


@dataclass
class Candidate:
    """One result, as the strip shows it."""

    info: CandidateInfo
    job: Job
    #: 8-bit RGBA, at most 96 pixels a side; None: not here yet.
    thumbnail: Optional[Pixels] = None
    #: ``accept``, ``reject`` or empty: not decided.
    decision: str = ""
    #: The latest version that an accept made of it; empty: none.
    version: str = ""

    @property
    def id(self) -> str:
        """The daemon's name for it."""
        return self.info.candidate


@dataclass
class Job:
    """One request, as the queue and the strip show it.

    ``state`` is ``sending`` (the daemon has not written it down yet), ``queued``, ``running``, ``done``,
    ``failed`` or ``cancelled``.
    """

    id: str
    verb: str
    state: str
    count: int
    prompt: str = ""
    negative_prompt: str = ""
    strength: float = 1.0
    amount: float = 0.0
    seed: int = 0
    engine: str = ""
    #: The document it was asked for, and its size then; 0: asked elsewhere or before this start.
    document: str = ""
    canvas: tuple[int, int] = (0, 0)
    host: str = ""
    created: float = 0.0
    #: Place in line, 1 for next; 0: it is not waiting.
    position: int = 0
    #: How far the candidates are that are being made: index -> 0 to 1.
    progress: dict[int, float] = field(default_factory=dict)
    #: What candidates look like so far: index -> where, and 8-bit RGBA to be stretched over it.
    previews: dict[int, tuple[Placement, Pixels]] = field(default_factory=dict)
    #: Drafts for taste to choose among: made and wanted.
    drafts: tuple[int, int] = (0, 0)
    candidates: list[Candidate] = field(default_factory=list)
    #: What went wrong, in words.
    trouble: str = ""
    #: What was sent of the canvas; None: not known yet.
    region: Optional[Placement] = None
    #: As it was sent, to change its course; only while it is not finished, and only by who asked.
    request: Any = None
    #: Cancelled before it was sent.
    unwanted: bool = False
    #: Whether its candidates are made from drafts.
    drafted: bool = False
    #: Of the engine's own settings, those that are not as the engine has them by itself.
    parameters: dict[str, Any] = field(default_factory=dict)
    guides: list[GuideInfo] = field(default_factory=list)
    #: What is begun is being finished, and no more is made.
    finishing: bool = False

    @property
    def finished(self) -> bool:
        """Whether its state is a final one."""
        return self.state in FINAL_STATES

    @property
    def done(self) -> float:
        """How much of the whole is made."""
        if self.state == "done":
            return 1.0
        made = {candidate.info.index for candidate in self.candidates}
        under_way = sum(share for index, share in self.progress.items() if index not in made)
        return min(1.0, (len(made) + under_way) / max(self.count, 1))


@dataclass(frozen=True)
class Shown:
    """What the panel lays over the canvas of a document: a candidate or the latest preview of one."""

    document: str
    placement: Placement
    #: 8-bit sRGB RGBA, to be stretched over the placement; or, where only the host knows how it looks, a
    #: candidate in the document's layout.
    pixels: Union[Raw, Pixels]
    #: Empty: a preview.
    candidate: str = ""
