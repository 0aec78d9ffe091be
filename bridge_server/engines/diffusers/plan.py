# SPDX-License-Identifier: Apache-2.0
"""What can be decided before a model is loaded: sizes, steps, batches, what to offload. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Pass", "batch_for", "offload_for", "passes_for", "schedule", "strength_of"]

#: Up to this many native areas a region is made in one go, at its own size.
_ONE_GO = 1.5

#: The second pass works on at most this many native areas.
_MOST = 4.0

#: How much the second pass may change: enough for detail, too little for another composition.
_REFINING = 0.4

#: The fewest steps that a pass really takes, where the model takes as many.
_LEAST = 4

#: Of ``vary``: how far the nearest goes.
_NEAREST = 0.2

#: Bytes of working memory for each pixel of a candidate; the measure of SDXL's attention in half precision,
#: rounded up.
_BYTES_PER_PIXEL = 2_500


@dataclass(frozen=True)
class Pass:
    """One run of the model: at which size, and how much of what is there it may change (0 to 1)."""

    width: int
    height: int
    strength: float

    @property
    def area(self) -> int:
        """Pixels."""
        return self.width * self.height


def passes_for(width: int, height: int, side: int, multiple: int, strength: float) -> tuple[Pass, ...]:
    """The runs that make a region: one near the model's own size, for a large region a refining second one.

    Args:
        width: of the region, in pixels.
        height: likewise.
        side: the model's native side: it was trained on side x side pixels.
        multiple: each working side is a multiple of this.
        strength: of the first run.
    """
    native = float(side * side)
    area = width * height
    if native <= area <= _ONE_GO * native:
        return (Pass(*_sized(width, height, area, side, multiple), strength),)
    first = Pass(*_sized(width, height, native, side, multiple), strength)
    if area <= _ONE_GO * native or strength <= 0:
        return (first,)
    second = _sized(width, height, min(area, _MOST * native), side, multiple)
    return first, Pass(*second, min(_REFINING, strength))


def _sized(width: int, height: int, area: float, side: int, multiple: int) -> tuple[int, int]:
    """The region's shape with about that area; very long ones are squeezed, as models can't make slivers."""
    scale = math.sqrt(area / (width * height))
    longest = 4 * math.sqrt(area)
    shortest = max(multiple, side / 4)
    sides = (min(max(each * scale, shortest), longest) for each in (width, height))
    w, h = (max(multiple, round(each / multiple) * multiple) for each in sides)
    return w, h


def strength_of(verb: str, strength: float, amount: float, *, toward: bool = False) -> float:
    """How much of the way from noise a verb goes; for ``vary`` it grows with ``amount``.

    Between two pictures the way is the same everywhere, so that only ``amount`` tells them apart.
    """
    if verb != "vary":
        return strength
    return 0.6 if toward else _NEAREST + (1 - _NEAREST) * amount


def schedule(steps: int, strength: float, most: int = 1000) -> tuple[int, float]:
    """The number of steps to ask a pipeline for and the strength, so that enough of them are really taken.

    Pipelines take ``int(steps * strength)`` steps: a few-step model at low strength would take none. At least
    four are taken, or all of a model that has fewer.

    Args:
        steps: as many as the whole way from noise would take.
        strength: above 0, to 1.
        most: as many as the sampler can divide the whole way into.

    Returns:
        (number of steps, strength).
    """
    taken = min(max(round(steps * strength), min(steps, _LEAST)), most)
    total = min(max(taken, round(taken / strength)), most)
    share = taken / total
    return total, share if int(total * share) >= taken else math.nextafter(share, 2.0)


def batch_for(area: int, free: float | None, most: int) -> int:
    """How many candidates of so many pixels to make at once.

    Args:
        area: width x height at which the model works.
        free: bytes of the accelerator's memory that are free; None on a processor, where one by one is as
            quick and the first is there sooner.
        most: the artist's limit; 0 for none.
    """
    if most:
        return most
    if free is None:
        return 1
    return max(1, min(16, int(free / (_BYTES_PER_PIXEL * area))))


def offload_for(weights: int, largest: int, free: float | None) -> str:
    """What to keep in main memory: ``none``, ``model`` (all parts but the one at work) or ``sequential``.

    Args:
        weights: bytes of all parts in the dtype they are run in.
        largest: bytes of the largest part.
        free: bytes of the accelerator's memory that may be used; None on a processor.
    """
    if free is None or weights * 1.25 <= free:
        return "none"
    return "model" if largest * 1.25 <= free else "sequential"
