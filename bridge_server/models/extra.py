# SPDX-License-Identifier: Apache-2.0
"""What the diffusion engine needs to be installed besides; looked for without loading it."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["INSTALL", "installed"]

#: How to get it, in one line.
INSTALL = (
    'pip install "bridge-server[diffusers]"'
    ' (from a checkout: pip install -c constraints.txt -e ".[diffusers]")'
)


def installed() -> bool:
    """Whether models can be run here."""
    return all(find_spec(name) is not None for name in ("torch", "diffusers"))
