"""Files in folders that stand for classes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cornu.errors import DataError

__all__ = ["class_folders", "files_beneath", "listed", "share"]


def class_folders(directory: str | os.PathLike[str]) -> list[str]:
    """The names of the folders in a folder, sorted; hidden ones aside.

    Raises:
        DataError: there is no such folder.
    """
    if not os.path.isdir(directory):
        raise DataError(f"The directory must be a folder, got {os.fsdecode(directory)!r}, which is {_instead(directory)}. Check the path.")
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _instead(directory: str | os.PathLike[str]) -> str:
    return "a file" if os.path.exists(directory) else f"not there (the present folder is {Path.cwd()})"


def files_beneath(directory: str | os.PathLike[str], endings: Sequence[str], *, follow_links: bool = False) -> list[str]:
    """The paths of files with these endings in a folder and the folders in it, from the folder on: sorted by folder, then by name.

    A link that leads back to a folder that it lies in is not followed.
    """
    found = []
    for folder, _, names in sorted(_walk(os.fsdecode(directory), follow_links)):
        inside = os.path.relpath(folder, directory)
        found += [os.path.normpath(os.path.join(inside, name)) for name in sorted(names) if name.lower().endswith(tuple(endings))]
    return found


def _walk(directory: str, follow_links: bool) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` that goes round no circle."""
    above = {directory: {os.path.realpath(directory)}}  # the folders that lead to a folder, itself included
    for folder, inner, names in os.walk(directory, followlinks=follow_links):
        if follow_links:
            real = {name: os.path.realpath(os.path.join(folder, name)) for name in inner}
            inner[:] = [name for name in inner if real[name] not in above[folder]]
            above.update({os.path.join(folder, name): above[folder] | {real[name]} for name in inner})
        yield folder, inner, names


def listed(
    directory: str | os.PathLike[str], classes: Sequence[str], endings: Sequence[str], *, follow_links: bool = False
) -> list[tuple[str, int]]:
    """Each file of these classes' folders, its path from the folder on, with its class's number.

    Raises:
        DataError: a class has no folder.
    """
    missing = [name for name in classes if not os.path.isdir(os.path.join(directory, name))]
    if missing:
        raise DataError(f"Each class must be a folder in {os.fsdecode(directory)!r}, got {missing}; there are {class_folders(directory)}.")
    return [
        (os.path.join(name, path), number)
        for number, name in enumerate(classes)
        for path in files_beneath(os.path.join(directory, name), endings, follow_links=follow_links)
    ]


def share(count: int, validation_split: float, subset: str | None) -> slice:
    """Which of `count` things are of a subset: the first fraction for "validation", the others for "training", all for None.

    >>> share(10, 0.25, "validation"), share(10, 0.25, "training")
    (slice(0, 2, None), slice(2, 10, None))
    """
    cut = int(count * validation_split)
    return {"validation": slice(0, cut), "training": slice(cut, count), None: slice(0, count)}[subset]
