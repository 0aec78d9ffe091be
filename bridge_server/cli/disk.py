# SPDX-License-Identifier: Apache-2.0
"""How much the data folder holds."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["folder_size"]


def folder_size(folder: Path) -> int:
    """Bytes in the files under ``folder``; links count nothing, and so does what vanishes meanwhile."""
    total, folders = 0, [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += _file_size(entry)
        except OSError:  # not there, or not ours to read
            continue
    return total


def _file_size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else 0
    except OSError:
        return 0
