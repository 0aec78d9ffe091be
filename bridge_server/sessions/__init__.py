# SPDX-License-Identifier: Apache-2.0
"""What lasts: jobs, candidates and events in SQLite, pixels in content-addressed files."""
