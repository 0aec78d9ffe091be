# SPDX-License-Identifier: Apache-2.0
"""The axes by which candidates are described, compared and preferred.

:mod:`bridge_server.canvas.describe` measures them; docs/taste.md says how.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["AXES", "Axis", "distance"]


@dataclass(frozen=True)
class Axis:
    """One axis: the words for more and for less of it, and a typical difference between two candidates."""

    name: str
    more: str
    less: str
    scale: float


#: Each scale is the deviation between the candidates of one job, the median over the pictures of
#: ``python -m bench.drafts`` (the engine patchmatch, fills of a few thousand pixels, eight seeds).
AXES: tuple[Axis, ...] = (
    Axis("lightness", "lighter", "darker", 0.0027),
    Axis("warmth", "warmer", "cooler", 0.00038),
    Axis("redness", "redder", "greener", 0.00029),
    Axis("colourfulness", "more colourful", "more muted", 0.0005),
    Axis("variety", "more colours", "fewer colours", 0.00049),
    Axis("contrast", "more contrast", "less contrast", 0.0024),
    Axis("grain", "grainier", "smoother", 0.0017),
    Axis("pattern", "busier", "calmer", 0.0014),
    Axis("edges", "more edges", "fewer edges", 0.00085),
    Axis("upright", "more upright lines", "more level lines", 0.06),
    Axis("order", "more ordered", "more scattered", 0.043),
    Axis("top_light", "lighter at the top", "lighter at the bottom", 0.0017),
    Axis("left_light", "lighter on the left", "lighter on the right", 0.002),
    Axis("centred", "weight in the middle", "weight at the rim", 0.0017),
)


def distance(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """How different two candidates look: root mean square of the axes' differences in typical ones.

    0 is the same, 1 as different as two candidates of one job usually are. Axes that one of them lacks do not
    count; without a common axis it is 0.
    """
    squares = [
        ((first[axis.name] - second[axis.name]) / axis.scale) ** 2
        for axis in AXES
        if axis.name in first and axis.name in second
    ]
    return math.sqrt(sum(squares) / len(squares)) if squares else 0.0
