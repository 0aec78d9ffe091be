# SPDX-License-Identifier: Apache-2.0
"""Models of the artist's choice: what is there, what can be had, getting, adding and removing them."""
