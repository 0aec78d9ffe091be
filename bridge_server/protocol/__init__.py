# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire. Standard library only, Python 3.9+, no I/O."""
