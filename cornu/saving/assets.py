"""What layers keep in files of their own beside the weights, such as vocabularies: `assets/<the layer's place>/<name>`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cornu.errors import CorruptFileError, SavingError, UnsafeFileError
from cornu.layers.copying import written_files
from cornu.saving.layout import places

__all__ = ["FOLDER", "MAX_ASSET", "folder_assets", "read_asset", "read_assets", "written_assets"]

FOLDER = "assets"
MAX_ASSET = 2**30
"""The most bytes of one file."""


def written_assets(model: Any) -> dict[str, bytes]:
    """The contents of the files that the model's layers write with `save_assets(folder)`, by their names in an archive.

    Raises:
        SavingError: a file could not be read again, by its name or its size.
    """
    found: dict[str, bytes] = {}
    for place in places(model):
        for name, path in written_files(place.owner):
            _check(place.owner, name, path.stat().st_size)
            found[f"{_folder(place.path)}/{name}"] = path.read_bytes()
    return found


def read_assets(model: Any, names: list[str], read: Callable[[str], bytes]) -> None:
    """Hands each layer that has `load_assets(folder)` a folder with its files.

    Args:
        model: the model, with its weights.
        names: the members of the file, relative paths that do not climb.
        read: from a name to the content.

    Raises:
        CorruptFileError: two names cannot stand in one folder.
    """
    if not any(name.startswith(f"{FOLDER}/") for name in names):
        return
    readers = {f"{_folder(place.path)}/": place.owner for place in places(model) if hasattr(place.owner, "load_assets")}
    mine: dict[str, list[str]] = {}
    for name in names:
        fronts = [front for front in readers if name.startswith(front) and _is_plain(name[len(front) :])]
        if fronts:
            mine.setdefault(max(fronts, key=len), []).append(name)
    for front in (front for front in readers if front in mine):
        with tempfile.TemporaryDirectory(prefix="cornu-") as folder:
            for name in mine[front]:
                _put(Path(folder, name[len(front) :]), read(name), name)
            readers[front].load_assets(folder)


def _put(path: Path, content: bytes, name: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CorruptFileError(f"A model's file {name!r} must have a place of its own in a folder: {error.strerror or error}.") from error


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file below a folder, on every system."""
    parts = name.split("/")
    return not any(part in ("", ".", "..") for part in parts) and not set(name) & set(":\\\0")


def _check(owner: Any, name: str, size: int) -> None:
    """Raises for a file that would be written and never read."""
    if not _is_plain(name):
        raise SavingError(
            f"Layer {owner.name!r} must give its files names without ':' and '\\\\', got {name!r}. Rename it in `save_assets`."
        )
    if size > MAX_ASSET:
        raise SavingError(f"A file of layer {owner.name!r} must have at most {MAX_ASSET} bytes to be read again, {name!r} has {size}.")


def folder_assets(model: Path) -> list[str]:
    """The names of the assets of a model that is saved as a folder.

    Raises:
        UnsafeFileError: one is a symbolic link.
    """
    found = [model / FOLDER, *(model / FOLDER).rglob("*")]
    links = [path for path in found if path.is_symlink()]
    if links:
        raise UnsafeFileError(
            f"A model's files must be in its folder, and {str(links[0])!r} is a symbolic link. Put the file itself there."
        )
    return [path.relative_to(model).as_posix() for path in found if path.is_file()]


def read_asset(path: Path) -> bytes:
    """The content of an asset in a folder.

    Raises:
        UnsafeFileError: it is too large.
        SavingError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size <= MAX_ASSET:
                return file.read(MAX_ASSET)
    except OSError as error:
        raise SavingError(f"Could not read {str(path)!r}: {error.strerror or error}.") from error
    raise UnsafeFileError(f"{str(path)!r} must be at most {MAX_ASSET} bytes; it has {size}.")


def _folder(path: str) -> str:
    return f"{FOLDER}/{path}" if path else FOLDER
