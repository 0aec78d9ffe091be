# SPDX-License-Identifier: Apache-2.0
"""Exit codes, as ``bridge-server --help`` lists them."""

from __future__ import annotations

__all__ = ["FAILED", "INTERRUPTED", "OK", "USAGE"]

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130
