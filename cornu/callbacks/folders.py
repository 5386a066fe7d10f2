"""Folders that callbacks write to."""

from __future__ import annotations

import os
from pathlib import Path

from cornu.errors import ArgumentError

__all__ = ["check_folder"]


def check_folder(name: str, folder: str | os.PathLike[str]) -> None:
    """Raises where a folder cannot be made when it is needed, because it, or one that it is in, is a file.

    Args:
        name: the argument that named it.
        folder: the folder.

    Raises:
        ArgumentError: it cannot.

    >>> check_folder("log_dir", "runs/first")
    """
    there = next((path for path in (Path(folder), *Path(folder).parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise ArgumentError(f"{name} must lie in folders, and {str(there)!r} is a file. Choose another path, or move that file.")
