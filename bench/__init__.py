# SPDX-License-Identifier: Apache-2.0
"""What is measured, each figure as a ratio within one run. Run all of it with ``make bench``."""

import os

# as in a worker process, so that the same engine is compared with itself; before numpy is loaded
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
