# SPDX-License-Identifier: Apache-2.0
"""The only place that calls pypatchmatch."""

from __future__ import annotations

import numpy as np
import patchmatch
from numpy.typing import NDArray

from ...protocol.errors import EngineFailed

__all__ = ["VERSION", "synthesise"]

VERSION = patchmatch.__version__


def synthesise(
    picture: NDArray[np.uint8],
    hole: NDArray[np.bool_],
    excluded: NDArray[np.bool_] | None,
    *,
    radius: int,
    seed: int,
    guide: NDArray[np.float32] | None = None,
    guide_weight: float = 0.0,
) -> NDArray[np.uint8]:
    """Fill a hole with patches of the rest.

    The library's seed belongs to the process, so one process must not run two of these at once.

    Args:
        picture: (H, W, 3).
        hole: (H, W), what to fill.
        excluded: (H, W), what is neither filled nor copied; None for nothing.
        radius: of the patches compared, in pixels.
        seed: of the random search; taken modulo 2**32.
        guide: (H, W, 2) within 0 to 0.5; a patch prefers sources whose guide values are near its own.
        guide_weight: how much that counts beside the patches' likeness.

    Raises:
        EngineFailed: the library is missing or gave up.
    """
    _require()
    patchmatch.set_random_seed(seed)
    try:
        if guide is None:
            return patchmatch.inpaint(picture, hole, global_mask=excluded, patch_size=radius)
        third = np.zeros((*guide.shape[:2], 1), np.float32)
        ijmap = np.concatenate([guide, third], axis=2)
        return patchmatch.inpaint_regularity(
            picture, hole, ijmap, global_mask=excluded, patch_size=radius, guide_weight=guide_weight
        )
    except (RuntimeError, MemoryError) as error:
        raise EngineFailed(f"The patchmatch library gave up: {error}", "Try a smaller selection.") from error


def _require() -> None:
    if not patchmatch.patchmatch_available:
        raise EngineFailed(
            "The patchmatch library could not be loaded on this machine.",
            "Reinstall it: pip install --force-reinstall pypatchmatch",
        )
