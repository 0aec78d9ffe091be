# SPDX-License-Identifier: Apache-2.0
"""A daemon whose workers do as they are told: ``scripted_daemon.py DATA_DIR [FILE_SIZE_LIMIT]``.

The limit, in bytes, makes every larger file fail to be written, as a full disk would.
"""

import sys
from pathlib import Path

from bridge_server.app import serve
from bridge_server.config import load_config

WORKER = Path(__file__).with_name("scripted_worker.py")

if __name__ == "__main__":
    if len(sys.argv) > 2:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    serve(load_config({"data_dir": sys.argv[1], "workers": 2}), [sys.executable, str(WORKER)])
