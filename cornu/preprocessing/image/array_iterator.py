"""Batches of changed images: what all of them share, and those of images in memory."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import config
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.preprocessing.image.files import save_img
from cornu.preprocessing.iterator import Iterator
from cornu.preprocessing.labels import check_subset
from cornu.preprocessing.listing import share

if TYPE_CHECKING:
    from cornu.preprocessing.image.generator import ImageDataGenerator

__all__ = ["ImageIterator", "NumpyArrayIterator"]


class ImageIterator(Iterator):
    """Batches of images that a generator changes and standardises.

    A subclass gives `_image(row)`, the image of a row as an array or None where it is to be left out, and `_packed(x, rows)`, the batch.
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(
        self,
        n: int,
        image_data_generator: ImageDataGenerator,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        data_format: str | None,
        save_to_dir: Any,
        save_prefix: str,
        save_format: str,
        dtype: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(n, batch_size, shuffle, seed, **kwargs)
        self.image_data_generator = image_data_generator
        self.data_format, self.dtype = config.standardize_data_format(data_format), dtype or config.floatx()
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        if save_to_dir is not None and not os.path.isdir(save_to_dir):
            raise ArgumentError(f"save_to_dir must be a folder that is there, got {os.fsdecode(save_to_dir)!r}. Make it first.")

    def _image(self, row: int) -> np.ndarray | None:
        raise NotImplementedError(f"{type(self).__name__} must define `_image(self, row)`, which gives the image of a row.")

    def _packed(self, x: np.ndarray, rows: np.ndarray) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define `_packed(self, x, rows)`, which gives the batch.")

    def _rows_batch(self, rows: np.ndarray, number: int) -> Any:
        images = {int(row): self._changed(row, number) for row in rows}
        kept = np.array([row for row in rows if images[int(row)] is not None], dtype=int)
        if not len(kept):
            raise DataError(
                f"A batch must hold at least one image, got {len(rows)} damaged file(s) and none that could be read. Remove them."
            )
        x = np.stack([images[int(row)] for row in kept]).astype(self.dtype, copy=False)  # type: ignore[misc]
        if self.save_to_dir is not None:
            for row, image in zip(kept, x, strict=True):
                # the last part keeps iterators that write into one folder from writing over each other's files
                name = f"{self.save_prefix}_{row}_{number}_{secrets.token_hex(6)}.{self.save_format}"
                save_img(os.path.join(self.save_to_dir, name), image, self.data_format)
        return self._packed(x, kept)

    def _changed(self, row: int, number: int) -> np.ndarray | None:
        image = self._image(int(row))
        if image is None:
            return None
        make = self.image_data_generator
        return make.standardize(make.apply_transform(image, make._drawn(image.shape, self._draws(row, number))))


class NumpyArrayIterator(ImageIterator):
    """Batches of images in memory; `ImageDataGenerator.flow` makes it and tells of the arguments."""

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: ImageDataGenerator,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        images, beside = (x[0], _listed(x[1])) if isinstance(x, (tuple, list)) and len(x) == 2 else (x, [])
        columns: dict[str, Any] = {
            "x": np.asarray(images), **{f"input {index + 1}": np.asarray(other) for index, other in enumerate(beside)},
            "y": None if y is None else np.asarray(y), "sample_weight": None if sample_weight is None else np.asarray(sample_weight),
        }  # fmt: skip
        lengths = {name: len(column) for name, column in columns.items() if column is not None}
        if len(set(lengths.values())) > 1:
            raise DataError(f"All arrays must have as many rows, got {lengths}.")
        split = image_data_generator.validation_split
        check_subset(subset, split)
        rows = share(lengths["x"], split, subset)
        if subset is not None and y is not None and not ignore_class_split:
            _check_classes(columns["y"], int(lengths["x"] * split))
        cut: dict[str, Any] = {name: None if column is None else column[rows] for name, column in columns.items()}
        self.x, self.y, self.sample_weight = cut.pop("x"), cut.pop("y"), cut.pop("sample_weight")
        self.x_misc = list(cut.values())
        if np.ndim(images) != 4:
            raise ShapeError(f"Images must have rank 4 (batch, and height, width, channels), got shape {np.shape(images)}.")
        super().__init__(
            len(self.x), image_data_generator, batch_size=batch_size, shuffle=shuffle, seed=seed, data_format=data_format,
            save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format, dtype=dtype, **kwargs,
        )  # fmt: skip

    def _image(self, row: int) -> np.ndarray:
        # a function of the user's may write into its argument, nothing else does
        return self.x[row].astype(self.dtype, copy=self.image_data_generator.preprocessing_function is not None)

    def _packed(self, x: np.ndarray, rows: np.ndarray) -> Any:
        """x, (x, y) or (x, y, sample_weight); with other inputs, x is a tuple of the images and them."""
        inputs: Any = (x, *(other[rows] for other in self.x_misc if other is not None)) if self.x_misc else x
        if self.y is None:
            return (inputs,) if self.x_misc else inputs
        return (inputs, self.y[rows]) if self.sample_weight is None else (inputs, self.y[rows], self.sample_weight[rows])


def _listed(beside: Any) -> list[Any]:
    return list(beside) if isinstance(beside, (tuple, list)) else [beside]


def _check_classes(y: np.ndarray, cut: int) -> None:
    """Raises where the rows for validation, which come first, have other classes than those for training."""
    if not np.array_equal(np.unique(y[:cut], axis=0), np.unique(y[cut:], axis=0)):
        raise DataError(
            f"Training and validation must have the same classes, but the first {cut} of {len(y)} rows, which are for validation, have others than the rest. "
            "Shuffle the data before it is split, or give ignore_class_split=True."
        )
