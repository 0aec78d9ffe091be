# SPDX-License-Identifier: Apache-2.0
"""Picture arithmetic on numpy arrays. Pure: no I/O, no clock, no threads, no state."""
