"""Batches of images whose files and targets a data frame lists."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.errors import ArgumentError, DataError
from cornu.preprocessing.image.array_iterator import check_subset
from cornu.preprocessing.image.directory_iterator import FileIterator
from cornu.preprocessing.listing import share

if TYPE_CHECKING:
    from cornu.preprocessing.image.generator import ImageDataGenerator

__all__ = ["DataFrameIterator", "column"]


def column(frame: Any, name: str, role: str) -> list[Any]:
    """The values of a data frame's column.

    Raises:
        DataError: there is no such column.
    """
    if name not in frame.columns:
        raise DataError(f"{role} must be a column of the data frame, got {name!r}; there are {list(map(str, frame.columns))}.")
    return frame[name].to_list()


class DataFrameIterator(FileIterator):
    """Batches of images that a data frame lists; `ImageDataGenerator.flow_from_dataframe` makes it and tells of the arguments.

    Attributes:
        filenames: as the data frame has them; `filepaths` are whole.
        labels: the class numbers, or the columns' values.
        class_indices: the number of each class by its name; empty where targets are no classes.
    """

    allowed_class_modes = ("categorical", "binary", "sparse", "input", "raw", "multi_output", None)

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: ImageDataGenerator | None = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = None,
        validate_filenames: bool = True,
        on_broken: str = "raise",
        **kwargs: Any,
    ) -> None:
        if image_data_generator is None:
            raise ArgumentError("image_data_generator must be an ImageDataGenerator, got None.")
        self._check_mode(class_mode)
        check_subset(subset, image_data_generator.validation_split)
        self.directory, self.class_mode, self.class_indices = directory, class_mode, {}
        names = column(dataframe, x_col, "x_col")
        not_texts = [name for name in names if not isinstance(name, (str, os.PathLike))]
        if not_texts:
            raise DataError(f"The column {x_col!r} must hold file names, got {not_texts[0]!r} among them.")
        rows = self._valid(names) if validate_filenames else list(range(len(names)))
        labels = self._read_labels(dataframe, y_col, classes)
        if self.class_indices:
            rows, labels = self._of_known_classes(rows, labels)
        rows = rows[share(len(rows), image_data_generator.validation_split, subset)]
        self.filenames = [os.fsdecode(names[row]) for row in rows]
        self.filepaths = [self._path(name) for name in self.filenames]
        self.labels = (
            [np.asarray([part[row] for row in rows]) for part in labels] if class_mode == "multi_output" else self._taken(labels, rows)
        )
        if weight_col is not None:
            self.sample_weight = np.asarray(column(dataframe, weight_col, "weight_col"), dtype="float64")[rows]
        super().__init__(
            len(rows), image_data_generator, target_size=target_size, color_mode=color_mode, batch_size=batch_size, shuffle=shuffle,
            seed=seed, data_format=data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            interpolation=interpolation, keep_aspect_ratio=keep_aspect_ratio, dtype=dtype, on_broken=on_broken, **kwargs,
        )  # fmt: skip
        say(f"Found {self.n} images" + (f" belonging to {self.num_classes} classes." if self.class_indices else "."))

    def _path(self, name: Any) -> str:
        return os.path.join(os.fsdecode(self.directory or ""), os.fsdecode(name))

    def _valid(self, names: list[Any]) -> list[int]:
        """The rows whose files are there and have an image's ending."""
        endings = tuple(f".{ending}" for ending in self.white_list_formats)
        valid = [row for row, name in enumerate(names) if os.fsdecode(name).lower().endswith(endings) and os.path.isfile(self._path(name))]
        if len(valid) < len(names):
            kept = set(valid)
            lost = [self._path(name) for row, name in enumerate(names) if row not in kept]
            warnings.warn(
                f"{len(lost)} of {len(names)} rows name no image file that is there, the first {lost[0]!r}; they are left out.",
                stacklevel=2,
            )
        return valid

    def _read_labels(self, frame: Any, y_col: Any, classes: Sequence[str] | None) -> Any:
        """The targets by row; where they are classes, as sets of names, and the classes' numbers are set."""
        mode = self.class_mode
        if mode in (None, "input"):
            return None
        if mode == "multi_output":
            if not isinstance(y_col, (list, tuple)):
                raise ArgumentError(f'class_mode "multi_output" must have a list of columns as y_col, got {y_col!r}.')
            return [column(frame, name, "y_col") for name in y_col]
        if mode == "raw":
            several = isinstance(y_col, (list, tuple))
            return list(zip(*(column(frame, name, "y_col") for name in y_col), strict=True)) if several else column(frame, y_col, "y_col")
        values = column(frame, y_col, "y_col")
        kinds = (str, list, tuple) if mode == "categorical" else (str,)
        for value in values:
            if not isinstance(value, kinds):
                also = (
                    ' or lists of them; use class_mode "raw" for numbers' if mode == "categorical" else '; use class_mode "raw" for numbers'
                )
                raise DataError(f'With class_mode "{mode}" the column {y_col!r} must hold texts{also}, got {value!r}.')
        sets = [{value} if isinstance(value, str) else set(value) for value in values]
        names = list(dict.fromkeys(classes)) if classes else sorted(set().union(*sets))
        if mode == "binary" and len(names) != 2:
            raise DataError(f'class_mode "binary" must have two classes, got {len(names)}: {names[:10]}. Use "categorical" or "sparse".')
        self.class_indices = {name: number for number, name in enumerate(names)}
        return sets

    def _of_known_classes(self, rows: list[int], labels: list[set[str]]) -> tuple[list[int], list[Any]]:
        """The rows that have a class, and the classes' numbers of all rows."""
        numbers: list[Any] = [sorted(self.class_indices[name] for name in names if name in self.class_indices) for names in labels]
        return [row for row in rows if numbers[row]], numbers if self.class_mode == "categorical" else [
            part[0] if part else -1 for part in numbers
        ]

    def _taken(self, labels: Any, rows: list[int]) -> Any:
        if labels is None:
            return None
        return [labels[row] for row in rows] if self.class_mode == "categorical" else np.asarray([labels[row] for row in rows])

    @property
    def classes(self) -> Any:
        """The class's number of each image; a list of numbers each for "categorical" rows with several."""
        single = self.class_mode == "categorical" and all(len(numbers) == 1 for numbers in self.labels)
        return [numbers[0] for numbers in self.labels] if single else list(self.labels)

    def _targets(self, rows: np.ndarray) -> Any:
        if self.class_mode == "multi_output":
            return tuple(part[rows] for part in self.labels)
        if self.class_mode == "raw":
            return self.labels[rows]
        if self.class_mode != "categorical":
            return super()._targets(rows)
        y = np.zeros((len(rows), self.num_classes), dtype=self.dtype)
        for place, row in enumerate(rows):
            y[place, self.labels[row]] = 1
        return y
