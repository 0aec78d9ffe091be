# SPDX-License-Identifier: Apache-2.0
"""What makes pixels. Runs in worker processes only."""
