# SPDX-License-Identifier: Apache-2.0
"""What the decisions say about taste, and what to offer because of it. Pure functions on numpy arrays."""
