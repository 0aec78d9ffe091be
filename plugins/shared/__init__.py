# SPDX-License-Identifier: GPL-3.0-or-later
"""What all plugins share: the conversation with the daemon, without a host's API and without a toolkit."""
