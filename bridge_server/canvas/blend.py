# SPDX-License-Identifier: Apache-2.0
"""Making a generated area meet its surroundings without a seam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pyramid import pull_push

__all__ = ["match_seam"]

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
