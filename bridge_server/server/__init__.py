# SPDX-License-Identifier: Apache-2.0
"""The WebSocket side of the daemon."""
