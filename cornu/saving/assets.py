"""What layers keep in files of their own beside the weights, such as vocabularies: `assets/<the layer's place>/<name>`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cornu.saving.layout import places

__all__ = ["FOLDER", "MAX_ASSET", "read_assets", "written_assets"]

FOLDER = "assets"
MAX_ASSET = 2**30
"""The most bytes of one file."""


def written_assets(model: Any) -> dict[str, bytes]:
    """The contents of the files that the model's layers write with `save_assets(folder)`, by their names in an archive."""
    found: dict[str, bytes] = {}
    for place in places(model):
        if hasattr(place.owner, "save_assets"):
            with tempfile.TemporaryDirectory(prefix="cornu-") as folder:
                place.owner.save_assets(folder)
                for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
                    found["/".join((_folder(place.path), path.relative_to(folder).as_posix()))] = path.read_bytes()
    return found


def read_assets(model: Any, names: list[str], read: Callable[[str], bytes]) -> None:
    """Hands each layer that has `load_assets(folder)` a folder with its files.

    Args:
        model: the model, with its weights.
        names: the members of the file.
        read: from a name to the content.
    """
    if not any(name.startswith(f"{FOLDER}/") for name in names):
        return
    for place in places(model):
        front = f"{_folder(place.path)}/"
        mine = [
            name for name in names if name.startswith(front) and "/" not in name[len(front) :] and name[len(front) :] not in ("", ".", "..")
        ]
        if mine and hasattr(place.owner, "load_assets"):
            with tempfile.TemporaryDirectory(prefix="cornu-") as folder:
                for name in mine:
                    Path(folder, Path(name).name).write_bytes(read(name))
                place.owner.load_assets(folder)


def _folder(path: str) -> str:
    return f"{FOLDER}/{path}" if path else FOLDER
