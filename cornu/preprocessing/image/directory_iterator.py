"""Batches of images in files: what all of them share, and those of folders that stand for classes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.errors import ArgumentError, CorruptFileError
from cornu.preprocessing.image.array_iterator import ImageIterator
from cornu.preprocessing.image.arrays import img_to_array
from cornu.preprocessing.image.files import load_img
from cornu.preprocessing.labels import CLASS_MODES, Labels, check_classes, check_mode, check_subset
from cornu.preprocessing.listing import class_folders, listed, share

if TYPE_CHECKING:
    from cornu.preprocessing.image.generator import ImageDataGenerator

__all__ = ["DirectoryIterator", "FileIterator"]

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


class FileIterator(ImageIterator):
    """Batches of images in files, each resized to one size.

    Attributes:
        filepaths: the path of each image.
        sample_weight: the weight of each, or None.
        image_shape: of one image.
    """

    filepaths: list[str]
    _labels: Labels
    sample_weight: np.ndarray | None = None
    allowed_class_modes: tuple[str | None, ...] = CLASS_MODES

    def __init__(
        self,
        n: int,
        image_data_generator: ImageDataGenerator,
        *,
        target_size: tuple[int, int],
        color_mode: str,
        interpolation: str,
        keep_aspect_ratio: bool,
        on_broken: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(n, image_data_generator, **kwargs)
        if color_mode not in CHANNELS:
            raise ArgumentError(f"color_mode must be one of {', '.join(CHANNELS)}, got {color_mode!r}.")
        if on_broken not in ("raise", "skip"):
            raise ArgumentError(f'on_broken must be "raise" or "skip", got {on_broken!r}.')
        self.target_size, self.color_mode = (int(target_size[0]), int(target_size[1])), color_mode
        self.interpolation, self.keep_aspect_ratio, self.on_broken = interpolation, keep_aspect_ratio, on_broken
        channels = CHANNELS[color_mode]
        self.image_shape = (*self.target_size, channels) if self.data_format == "channels_last" else (channels, *self.target_size)

    @property
    def class_mode(self) -> str | None:
        """How targets are given."""
        return self._labels.class_mode

    @property
    def labels(self) -> Any:
        """The target of each image."""
        return self._labels.values

    @property
    def class_indices(self) -> dict[str, int]:
        """The number of each class by its name."""
        return self._labels.class_indices

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_indices)

    def _image(self, row: int) -> np.ndarray | None:
        try:
            image = load_img(self.filepaths[row], self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio)
        except CorruptFileError as error:
            if self.on_broken == "raise":
                raise
            warnings.warn(f"{error} It is left out of its batch.", stacklevel=2)
            return None
        return img_to_array(image, self.data_format, self.dtype)

    def _packed(self, x: np.ndarray, rows: np.ndarray) -> Any:
        if self.class_mode is None:
            return x
        y = x.copy() if self.class_mode == "input" else self._labels.targets(rows, self.dtype)
        return (x, y) if self.sample_weight is None else (x, y, self.sample_weight[rows])


class DirectoryIterator(FileIterator):
    """Batches of images in a folder with one folder for each class; `ImageDataGenerator.flow_from_directory` makes it and tells of the
    arguments.

    Attributes:
        directory: the folder.
        filenames: the path of each image from the folder on; `filepaths` are whole.
        classes: the class's number of each image; also `labels`.
        class_indices: the number of each class by its name.
    """

    def __init__(
        self,
        directory: Any,
        image_data_generator: ImageDataGenerator,
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
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = None,
        on_broken: str = "raise",
        **kwargs: Any,
    ) -> None:
        check_mode(class_mode, self.allowed_class_modes)
        self.directory = directory
        names = list(classes) if classes else class_folders(directory)
        check_classes(class_mode, names)
        split = image_data_generator.validation_split
        check_subset(subset, split)
        endings = tuple(f".{ending}" for ending in self.white_list_formats)
        by_class = [listed(directory, [name], endings, follow_links=follow_links) for name in names]
        found = [(path, number) for number, files in enumerate(by_class) for path, _ in files[share(len(files), split, subset)]]
        self.filenames = [path for path, _ in found]
        self.filepaths = [os.path.join(os.fsdecode(directory), path) for path in self.filenames]
        self.classes = np.array([number for _, number in found], dtype="int32")
        self._labels = Labels(self.classes, class_mode, {name: number for number, name in enumerate(names)})
        super().__init__(
            len(found), image_data_generator, target_size=target_size, color_mode=color_mode, batch_size=batch_size, shuffle=shuffle,
            seed=seed, data_format=data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            interpolation=interpolation, keep_aspect_ratio=keep_aspect_ratio, dtype=dtype, on_broken=on_broken, **kwargs,
        )  # fmt: skip
        say(f"Found {self.n} images belonging to {len(names)} classes.")
