# SPDX-License-Identifier: Apache-2.0
"""The command line: one more client of the daemon."""
