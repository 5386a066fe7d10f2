"""Data sets of texts in folders."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import ArgumentError
from cornu.preprocessing.from_directory import Folder, datasets_of_files
from cornu.preprocessing.text.iterators import read_text

__all__ = ["text_dataset_from_directory"]


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
    *,
    on_broken: str = "raise",
) -> Any:
    """A data set of the texts in a folder: files that end in .txt, in UTF-8.

    Args:
        max_length: texts are cut after so many characters.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, format, verbose, on_broken: as
            for `image_dataset_from_directory`.

    Returns:
        Batches of texts (batch,), strings in an array of objects, and labels.

    Raises:
        DataError: there are no files, or they do not fit the labels.
    """
    if max_length is not None and max_length < 1:
        raise ArgumentError(f"max_length must be a whole number above 0, or None, got {max_length!r}.")
    return datasets_of_files(
        Folder(directory, labels, label_mode, class_names, endings=(".txt",), follow_links=follow_links),
        functools.partial(_load, max_length=max_length), functools.partial(np.array, dtype=object),
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset, library=format, verbose=verbose,
        on_broken=on_broken,
    )  # fmt: skip


def _load(path: str, *, max_length: int | None) -> str:
    return read_text(path)[:max_length]
