"""What data sets of files share: which files, which labels, which of them for training and which for validation."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.errors import ArgumentError, DataError
from cornu.preprocessing.dataset import Dataset
from cornu.preprocessing.labels import check_distinct
from cornu.preprocessing.listing import class_folders, files_beneath, listed
from cornu.preprocessing.rows import FileRows
from cornu.state.seed import make_seed

__all__ = ["Folder", "datasets_of_files"]


class Folder:
    """The files of a folder, in order, with their labels.

    Args:
        directory: the folder.
        labels: "inferred" for the number of the folder that a file is in, a list of numbers in the order of the files (whole ones unless
            `label_mode` is "int"), or None.
        label_mode: "int", "binary", "categorical" or None.
        class_names: the folders to take, in the order of their numbers; all, sorted, if None.
        endings: of the files.
        follow_links: go into folders that are links.

    Raises:
        DataError: there are no files, or they do not fit the labels or the classes.
    """

    def __init__(
        self,
        directory: Any,
        labels: Any,
        label_mode: str | None,
        class_names: Sequence[str] | None,
        *,
        endings: Sequence[str],
        follow_links: bool,
    ) -> None:
        if label_mode not in ("int", "binary", "categorical", None):
            raise ArgumentError(f'label_mode must be "int", "binary", "categorical" or None, got {label_mode!r}.')
        if isinstance(labels, str) and labels != "inferred":
            raise ArgumentError(f'labels must be "inferred", a list of whole numbers or None, got {labels!r}.')
        if class_names is not None and not isinstance(labels, str):
            raise ArgumentError(f'class_names may be given with labels="inferred" only, got labels={str(labels)[:40]}.')
        self.class_names: list[str] | None = None
        folders = class_folders(directory)  # complains where there is no such folder
        if isinstance(labels, str):
            self.class_names = self._classes(folders, class_names)
            found = listed(directory, self.class_names, endings, follow_links=follow_links)
            names, numbers = [name for name, _ in found], np.array([number for _, number in found], "int32")
        else:
            names = files_beneath(directory, endings, follow_links=follow_links)
            numbers = _numbers([] if labels is None else labels, label_mode)
        if not names:
            raise DataError(
                f"There must be files that end in {', '.join(endings)} in {os.fsdecode(directory)!r}, got none. There are {folders[:10]}."
            )
        if labels is not None and len(numbers) != len(names):
            raise DataError(
                f"labels must have one for each file, got {len(numbers)} for {len(names)} file(s) in {os.fsdecode(directory)!r}."
            )
        if self.class_names is None and len(numbers):
            self.class_names = [str(number) for number in np.unique(numbers)]
        self.paths = [os.path.join(os.fsdecode(directory), name) for name in names]
        count = len(self.class_names or ())
        if label_mode == "binary" and count != 2:
            raise DataError(f'label_mode "binary" must have two classes, got {count}: {self.class_names}. Use "int" or "categorical".')
        self.labels = None if label_mode is None or labels is None else _in_mode(numbers, label_mode, count)

    @staticmethod
    def _classes(folders: list[str], class_names: Sequence[str] | None) -> list[str]:
        if class_names is None:
            return folders
        unknown = [name for name in class_names if name not in folders]
        if unknown:
            raise DataError(f"class_names must be folders in the directory, got {unknown}; there are {folders}.")
        check_distinct(class_names)
        return list(class_names)

    def say_found(self) -> None:
        """Prints how much was found."""
        say(f"Found {len(self.paths)} files" + (f" belonging to {len(self.class_names)} classes." if self.class_names else "."))


def _numbers(labels: Any, label_mode: str | None) -> np.ndarray:
    """The user's labels: class numbers as int32; numbers with fractions, which "int" hands on as they are for regression, as float32."""
    given = np.asarray(labels)
    if given.ndim == 1 and given.dtype.kind in "biuf":
        with np.errstate(invalid="ignore"):
            whole = given.astype("int32")
        if label_mode == "int" and given.dtype.kind == "f":
            return given.astype("float32")
        if np.array_equal(whole, given):
            return whole
    raise DataError(
        f'labels must be a list of whole numbers, one for each file (with label_mode "int" also of fractions), got {str(labels)[:80]} '
        f"with label_mode {label_mode!r}. Number the classes from 0."
    )


def _in_mode(numbers: np.ndarray, label_mode: str, count: int) -> np.ndarray:
    """Class numbers as they are, as a column of 0 and 1, or as one-hot rows."""
    if label_mode == "int":
        return numbers
    if label_mode == "binary":
        return numbers[:, None].astype("float32")
    if numbers.min() < 0 or numbers.max() >= count:
        raise DataError(f"Labels must be from 0 to {count - 1}, as many as there are classes, got {numbers.min()} to {numbers.max()}.")
    return np.eye(count, dtype="float32")[numbers]


def datasets_of_files(
    folder: Folder,
    load: Callable[[str], Any],
    join: Callable[[list[Any]], Any],
    *,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    library: str,
    verbose: bool,
    on_broken: str,
    varying: bool = False,
) -> Any:
    """The data set of a folder, or of a part of it; two for the subset "both".

    With `shuffle` the files are put into an order that follows from the seed before they are parted: the last ones are for validation.
    """
    if bool(validation_split) != bool(subset):
        raise ArgumentError(f"validation_split and subset must be given together, got {validation_split!r} and {subset!r}.")
    if subset not in (None, "training", "validation", "both"):
        raise ArgumentError(f'subset must be "training", "validation" or "both", got {subset!r}.')
    if validation_split and not 0 < validation_split < 1:
        raise ArgumentError(f"validation_split must be a fraction between 0 and 1, got {validation_split!r}.")
    if validation_split and subset != "both" and shuffle and seed is None:
        raise ArgumentError(
            "A shuffled data set in parts must have a seed, so that training and validation share no file. Give seed=1 to both."
        )
    seed = make_seed() if seed is None else seed
    if verbose:
        folder.say_found()
    places = np.arange(len(folder.paths))
    if shuffle:
        # NumPy's legacy generator, so that a seed parts files as users of Keras know it
        np.random.RandomState(seed & 0xFFFFFFFF).shuffle(places)
    cut = len(places) - int(len(places) * (validation_split or 0))
    parts = {"training": places[:cut], "validation": places[cut:], None: places}
    made = []
    for name in ("training", "validation") if subset == "both" else (subset,):
        rows = parts[name]
        if not len(rows):
            raise DataError(
                f"validation_split={validation_split} of {len(places)} file(s) leaves none for {name}. Give more files, or another split."
            )
        if verbose and name is not None:
            say(f"Using {len(rows)} files for {name}.")
        paths, labels = [folder.paths[row] for row in rows], None if folder.labels is None else folder.labels[rows]
        source = FileRows(paths, labels, load, join, on_broken=on_broken, varying=varying)
        dataset = Dataset(source, batch_size, shuffle and name != "validation", seed, class_names=folder.class_names, file_paths=paths)
        made.append(dataset.to(library))
    return made if subset == "both" else made[0]
