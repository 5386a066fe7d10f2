"""Batches of images whose files and targets a data frame lists."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.errors import ArgumentError, DataError
from cornu.preprocessing.image.directory_iterator import FileIterator
from cornu.preprocessing.labels import FRAME_MODES, check_mode, check_subset, column, frame_labels
from cornu.preprocessing.listing import share

if TYPE_CHECKING:
    from cornu.preprocessing.image.generator import ImageDataGenerator

__all__ = ["DataFrameIterator"]


class DataFrameIterator(FileIterator):
    """Batches of images that a data frame lists; `ImageDataGenerator.flow_from_dataframe` makes it and tells of the arguments.

    Attributes:
        filenames: as the data frame has them; `filepaths` are whole.
        labels: the class numbers, or the columns' values.
        class_indices: the number of each class by its name; empty where targets are no classes.
    """

    allowed_class_modes = FRAME_MODES

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
        check_mode(class_mode, self.allowed_class_modes)
        check_subset(subset, image_data_generator.validation_split)
        self.directory = directory
        names = column(dataframe, x_col, "x_col")
        not_texts = [name for name in names if not isinstance(name, (str, os.PathLike))]
        if not_texts:
            raise DataError(f"The column {x_col!r} must hold file names, got {not_texts[0]!r} among them.")
        labels, rows = frame_labels(dataframe, y_col, class_mode, classes)
        rows = self._valid(names, rows) if validate_filenames else rows
        rows = rows[share(len(rows), image_data_generator.validation_split, subset)]
        self.filenames = [os.fsdecode(names[row]) for row in rows]
        self.filepaths = [self._path(name) for name in self.filenames]
        self._labels = labels.taken(rows)
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

    def _valid(self, names: list[Any], rows: list[int]) -> list[int]:
        """Those of the rows whose files are there and have an image's ending."""
        endings = tuple(f".{ending}" for ending in self.white_list_formats)
        found = {row: os.fsdecode(names[row]).lower().endswith(endings) and os.path.isfile(self._path(names[row])) for row in rows}
        lost = [self._path(names[row]) for row, there in found.items() if not there]
        if lost:
            warnings.warn(
                f"{len(lost)} of {len(rows)} rows name no image file that is there, the first {lost[0]!r}; they are left out.", stacklevel=2
            )
        return [row for row, there in found.items() if there]

    @property
    def classes(self) -> Any:
        """The class's number of each image; a list of numbers each for "categorical" rows with several."""
        single = self.class_mode == "categorical" and all(len(numbers) == 1 for numbers in self.labels)
        return [numbers[0] for numbers in self.labels] if single else list(self.labels)
