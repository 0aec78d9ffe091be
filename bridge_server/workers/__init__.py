# SPDX-License-Identifier: Apache-2.0
"""The processes that run engines, and the supervisor that keeps them."""
