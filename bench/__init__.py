# SPDX-License-Identifier: Apache-2.0
"""Measurements. ``make bench`` runs them; each module can be run alone with ``python -m bench.NAME``."""
