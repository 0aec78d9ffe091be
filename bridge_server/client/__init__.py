# SPDX-License-Identifier: Apache-2.0
"""The blocking client that plugins, the command line and the tests share. Python 3.9+."""

from ..protocol.regions import expand_region, region_for
from .client import BridgeClient, ConnectionChanged
from .discovery import find_daemon, start_daemon

__all__ = [
    "BridgeClient",
    "ConnectionChanged",
    "expand_region",
    "find_daemon",
    "region_for",
    "start_daemon",
]
