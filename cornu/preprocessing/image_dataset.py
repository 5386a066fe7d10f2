"""Data sets of images in folders."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config
from cornu.errors import ArgumentError
from cornu.preprocessing.from_directory import Folder, datasets_of_files
from cornu.preprocessing.image.arrays import img_to_array
from cornu.preprocessing.image.files import load_img
from cornu.preprocessing.image.resize import NAMES, cut_to_ratio, resize

__all__ = ["image_dataset_from_directory"]

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
    *,
    on_broken: str = "raise",
) -> Any:
    """A data set of the images in a folder: bmp, gif (the first picture), jpeg, png.

    Args:
        directory: the folder; with inferred labels it has one folder for each class.
        labels: "inferred", a list of class numbers in the order of the files' sorted paths, or None. With `label_mode` "int" numbers
            with fractions are handed on as they are.
        label_mode: "int" (class numbers), "binary" (0 or 1), "categorical" (one-hot rows), or None for images alone.
        class_names: the folders to take, in the order of their numbers; all, sorted, by default.
        color_mode, batch_size: "grayscale", "rgb" or "rgba"; images in a batch, None for single ones.
        image_size: (height, width) that all are resized to.
        shuffle: whether files are put into another order, and training files into another each pass.
        seed: what the orders follow from.
        validation_split, subset: the fraction of files for validation; "training", "validation", or "both" for two data sets.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic".
        follow_links: go into folders that are links.
        crop_to_aspect_ratio, pad_to_aspect_ratio: cut the largest centred part with the new proportions out, or put black beside the image.
        data_format: where images keep their channels; the process-wide setting by default.
        format: "tf", Keras's default, gives a `Dataset` of ours, which needs no TensorFlow; "tensorflow", "torch" and "grain" give what its
            `to_tf`, `to_torch` and `to_grain` make.
        verbose: say how many files were found.
        on_broken: "raise" stops at a damaged file, "skip" leaves it out with a warning; both name it.

    Returns:
        Batches of images (batch, height, width, channels), float32 from 0 to 255, and labels (batch,) int32, (batch, 1) or (batch, classes) float32.

    Raises:
        DataError: there are no files, or they do not fit the labels.
    """
    _check(interpolation, color_mode, image_size, crop_to_aspect_ratio and pad_to_aspect_ratio)
    fit = _cut if crop_to_aspect_ratio else _framed if pad_to_aspect_ratio else resize
    load = functools.partial(
        _load, color_mode=color_mode, size=(image_size[0], image_size[1]), interpolation=interpolation, fit=fit,
        data_format=config.standardize_data_format(data_format),
    )  # fmt: skip
    return datasets_of_files(
        Folder(directory, labels, label_mode, class_names, endings=ENDINGS, follow_links=follow_links), load, np.stack,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset, library=format, verbose=verbose,
        on_broken=on_broken,
    )  # fmt: skip


def _check(interpolation: str, color_mode: str, image_size: Sequence[int], both: bool) -> None:
    """Raises where an argument is not what it must be."""
    if interpolation not in NAMES:
        raise ArgumentError(f"interpolation must be one of {', '.join(NAMES)}, got {interpolation!r}.")
    if color_mode not in ("grayscale", "rgb", "rgba"):
        raise ArgumentError(f'color_mode must be "grayscale", "rgb" or "rgba", got {color_mode!r}.')
    if both:
        raise ArgumentError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio may be True, got both.")
    if len(image_size) != 2:
        raise ArgumentError(f"image_size must be (height, width), got {image_size!r}.")


def _load(path: str, *, color_mode: str, size: tuple[int, int], interpolation: str, fit: Any, data_format: str) -> np.ndarray:
    x = fit(img_to_array(load_img(path, color_mode), "channels_last", "float32"), size, interpolation)
    return np.ascontiguousarray(x.transpose(2, 0, 1)) if data_format == "channels_first" else x


def _cut(x: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    return resize(cut_to_ratio(x, size), size, interpolation)


def _framed(x: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """The whole image, as large as it fits, in the middle of black.

    >>> _framed(np.ones((2, 4, 1)), (4, 4), "nearest")[:, 0, 0].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    # in whole numbers: length · part / whole is the length it has in the frame
    part, whole = min((size[0], x.shape[0]), (size[1], x.shape[1]), key=lambda pair: pair[0] / pair[1])
    inner = [max(1, length * part // whole) for length in x.shape[:2]]
    before = [(wanted * whole - length * part) // (2 * whole) for wanted, length in zip(size, x.shape[:2], strict=True)]
    widths = [(start, wanted - start - length) for start, wanted, length in zip(before, size, inner, strict=True)]
    return np.pad(resize(x, (inner[0], inner[1]), interpolation), [*widths, (0, 0)])
