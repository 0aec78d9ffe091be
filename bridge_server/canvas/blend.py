# SPDX-License-Identifier: Apache-2.0
"""Making a generated area meet its surroundings without a seam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .masks import box_sum, dilate
from .pyramid import pull_push

__all__ = ["match_seam", "meet"]

Floats = NDArray[np.float32]


def match_seam(
    original: Floats, generated: Floats, hole: NDArray[np.bool_], ring: NDArray[np.bool_]
) -> Floats:
    """Shift the generated colours so that they meet the original at the hole's border.

    Where both are known, on the ring, their difference is measured and carried into the hole by a membrane:
    the approximate solution of Perez et al. 2003, "Poisson Image Editing", by pull-push. Texture and grain
    are not blurred, because only the smooth difference is added.

    Args:
        original: (H, W, C), right outside the hole.
        generated: (H, W, C), made for the hole and the ring.
        hole: (H, W), what is to be replaced.
        ring: (H, W), pixels outside the hole where ``generated`` is valid as well.

    Returns:
        ``original`` with the hole replaced.
    """
    usable = ring & ~hole
    if not usable.any():
        return np.where(hole[..., None], generated, original)
    gap = np.where(usable[..., None], original - generated, np.float32(0))
    membrane = pull_push(gap, usable.astype(np.float32))
    return np.where(hole[..., None], generated + membrane, original)


def meet(
    original: Floats, generated: Floats, hole: NDArray[np.bool_], held: NDArray[np.bool_], band: int
) -> Floats:
    """Make a generated area fit its surroundings although what was generated may cross the hole's border.

    Colours that drifted are told by what was generated where nothing should change, and corrected
    throughout. At the border itself the difference may be one of content: an object that goes on outside,
    where it can't be shown. It is evened out there too, but within a narrow band, so as not to tint the rest.

    Args:
        original: (H, W, C), right outside the hole.
        generated: (H, W, C), valid everywhere.
        hole: (H, W), what is to be replaced.
        held: (H, W), pixels outside the hole that the maker left as they were, as far as it could.
        band: width in pixels of what is evened out inside the border.

    Returns:
        ``original`` with the hole replaced.
    """
    matched = match_seam(original, generated, hole, held)
    # what was generated right outside, drift corrected alike: only its difference to the original counts
    outside = dilate(hole, 1) & ~hole
    if not outside.any() or band < 1:
        return matched
    drift = match_seam(original, generated, hole | outside, held)
    gap = np.where(outside[..., None], original - drift, np.float32(0))
    bridge = pull_push(gap, outside.astype(np.float32))
    share = box_sum(hole.astype(np.float32), band) / box_sum(np.ones(hole.shape, np.float32), band)
    near = np.clip(2 * (1 - share), 0, 1)[..., None]
    return np.where(hole[..., None], matched + bridge * near, original)
