# SPDX-License-Identifier: Apache-2.0
"""The default engine: fills from what surrounds the selection, with no GPU and no download."""

from .engine import PatchMatchEngine

__all__ = ["PatchMatchEngine"]
