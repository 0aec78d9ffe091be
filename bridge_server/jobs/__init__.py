# SPDX-License-Identifier: Apache-2.0
"""What is to be done, in which order, and what has become of it."""
