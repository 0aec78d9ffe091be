# SPDX-License-Identifier: Apache-2.0
"""Run by GIMP's batch interpreter: takes Python from the tests until they hang up."""

import os
import sys

sys.path.insert(0, os.environ["BRIDGE_INSIDE"])
from driver import Driver

driver = Driver(os.environ["BRIDGE_DRIVER"])
while driver.serve_one():
    pass
