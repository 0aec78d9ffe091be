# SPDX-License-Identifier: Apache-2.0
"""A local daemon that lends one AI partner to Krita, GIMP and Blender."""

__version__ = "0.1.0"
