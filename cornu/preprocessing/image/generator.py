"""Images changed at random while a model trains on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import config
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.preprocessing.image.affine import FILL_MODES, apply_affine_transform, apply_brightness_shift, apply_channel_shift
from cornu.preprocessing.image.array_iterator import NumpyArrayIterator
from cornu.preprocessing.image.directory_iterator import DirectoryIterator
from cornu.preprocessing.image.frame_iterator import DataFrameIterator
from cornu.state.seed import make_seed

__all__ = ["ImageDataGenerator"]

STD_EPSILON = 1e-6
"""Added to a standard deviation before it divides."""

_STILL = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
"""The affine map that changes nothing."""


class ImageDataGenerator:
    """Makes batches of images, each changed at random and then standardised.

    Args:
        featurewise_center, featurewise_std_normalization: subtract each channel's mean over the data set, and divide by its standard deviation;
            both are found by `fit`. The second includes the first.
        samplewise_center, samplewise_std_normalization: the same with each image's own mean and standard deviation.
        zca_whitening: make all pixels uncorrelated, by the matrix `U diag(√n / (S + zca_epsilon)) Uᵀ` where `U S Vᵀ` is the singular value
            decomposition of the flattened, centred images that `fit` was given. Includes `featurewise_center`.
        zca_epsilon: see there.
        rotation_range: degrees; turn by −range … range.
        width_shift_range, height_shift_range: below 1 a fraction of the image's size; a float is drawn from −range … range, an int from the whole
            numbers between −range and range, a list has the shifts to choose from, with either sign.
        brightness_range: two factors, the lowest and the highest.
        shear_range: degrees.
        zoom_range: a number for 1 − range … 1 + range, or two numbers.
        channel_shift_range: what is added to all channels is drawn from −range … range.
        fill_mode, cval: what stands beyond the border: "nearest", "constant" (`cval`), "reflect" or "wrap".
        horizontal_flip, vertical_flip: mirror every second image.
        rescale: multiply all values by this, after the changes.
        preprocessing_function: from one image to another of its shape, run before anything is rescaled or standardised.
        data_format: where images keep their channels; the process-wide setting by default.
        validation_split: the fraction of the data that is the subset "validation" of the flows.
        interpolation_order: of the spline between pixels, 0 (nearest) to 5.
        dtype: of the batches; `floatx` by default.

    Attributes:
        mean, std: of each channel, after `fit`; None before.
        zca_whitening_matrix: after `fit`, if whitening was asked for.

    >>> images = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True)
    >>> x, y = next(images.flow(np.full((5, 4, 4, 3), 255.0), np.arange(5), batch_size=2, seed=1))
    >>> x.shape, float(x.max()), y.shape
    ((2, 4, 4, 3), 1.0, (2,))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: str | None = None,
    ) -> None:
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening  # whitening leaves a deviation of 1
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range, self.channel_shift_range = rotation_range, shear_range, channel_shift_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = None if brightness_range is None else _two(brightness_range, "brightness_range")
        self.zoom_range = [1 - zoom_range, 1 + zoom_range] if isinstance(zoom_range, (int, float)) else _two(zoom_range, "zoom_range")
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.data_format, self.dtype = config.standardize_data_format(data_format), dtype or config.floatx()
        # axes of a batch
        self.channel_axis, self.row_axis, self.col_axis = (3, 1, 2) if self.data_format == "channels_last" else (1, 2, 3)
        if fill_mode not in FILL_MODES:
            raise ArgumentError(f"fill_mode must be one of {', '.join(FILL_MODES)}, got {fill_mode!r}.")
        if not 0 <= validation_split < 1:
            raise ArgumentError(f"validation_split must be a fraction, at least 0 and below 1, got {validation_split!r}.")
        self.validation_split = validation_split
        self.mean: np.ndarray | None = None
        self.std: np.ndarray | None = None
        self.zca_whitening_matrix: np.ndarray | None = None

    # --- where batches come from --------------------------------------------------------------------------------------

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
        workers: int = 1,
    ) -> NumpyArrayIterator:
        """Batches of images in memory.

        Args:
            x: images, rank 4; or (images, other inputs), the others given along unchanged.
            y, sample_weight: targets and weights, or None.
            batch_size: images in a batch.
            shuffle: whether each pass has an order of its own.
            seed: what order and changes follow from.
            save_to_dir, save_prefix, save_format: write what is given into this folder, to look at it.
            ignore_class_split: do not check that both subsets have the same classes.
            subset: "training" or "validation", where `validation_split` is set.
            workers: how many batches are made at the same time.

        Returns:
            An endless iterator that `fit` takes too, of x, (x, y) or (x, y, sample_weight).
        """
        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed, data_format=self.data_format,
            save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format, subset=subset, ignore_class_split=ignore_class_split,
            dtype=self.dtype, workers=workers,
        )  # fmt: skip

    def flow_from_directory(
        self,
        directory: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        on_broken: str = "raise",
        workers: int = 1,
    ) -> DirectoryIterator:
        """Batches of images from a folder with one folder for each class.

        Args:
            directory: the folder.
            target_size: (height, width) that all images are resized to.
            color_mode: "grayscale", "rgb" or "rgba".
            classes: the folders to take, in the order of their numbers; all, sorted, by default.
            class_mode: what the targets are: "categorical" (one-hot rows), "binary" (0 or 1), "sparse" (class numbers), "input" (the images),
                or None for none.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset, workers: as for `flow`.
            follow_links: go into folders that are links.
            interpolation, keep_aspect_ratio: as for `load_img`.
            on_broken: "raise" stops at a damaged file, "skip" leaves it out with a warning; both name it.

        Returns:
            An endless iterator that `fit` takes too.
        """
        return DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes, class_mode=class_mode, batch_size=batch_size,
            shuffle=shuffle, seed=seed, data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            follow_links=follow_links, subset=subset, interpolation=interpolation, keep_aspect_ratio=keep_aspect_ratio, dtype=self.dtype,
            on_broken=on_broken, workers=workers,
        )  # fmt: skip

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
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
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Batches of images whose files and targets a data frame lists.

        Args:
            dataframe: of pandas or polars.
            directory: what the file names are relative to; None if they are whole paths.
            x_col: the column of file names.
            y_col: the column of targets; a list of columns for "raw" and "multi_output".
            weight_col: the column of sample weights, or None.
            target_size, color_mode, interpolation: as for `flow_from_directory`.
            classes: the classes to take, in the order of their numbers; all, sorted, by default.
            class_mode: as for `flow_from_directory`; also "raw" (the columns' values) and "multi_output" (one array a column). For
                "categorical" a row may have a list of classes.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset: as for `flow`.
            validate_filenames: leave rows out whose files are not there or no images, with a warning.
            **kwargs: `keep_aspect_ratio`, `on_broken` and `workers`, as for `flow_from_directory`; `use_multiprocessing`, `max_queue_size`.

        Returns:
            An endless iterator that `fit` takes too.
        """
        return DataFrameIterator(
            dataframe, directory, self, x_col=x_col, y_col=y_col, weight_col=weight_col, target_size=target_size, color_mode=color_mode,
            classes=classes, class_mode=class_mode, batch_size=batch_size, shuffle=shuffle, seed=seed, data_format=self.data_format,
            save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format, subset=subset, interpolation=interpolation,
            dtype=self.dtype, validate_filenames=validate_filenames, **kwargs,
        )  # fmt: skip

    # --- what is done to an image -------------------------------------------------------------------------------------

    def standardize(self, x: Any) -> np.ndarray:
        """One image, or a batch, after `preprocessing_function`, `rescale` and the standardisations that were asked for, in this order.

        Raises:
            DataError: the statistics of the data set are needed, and `fit` has not found them.
        """
        x = np.asarray(x if self.preprocessing_function is None else self.preprocessing_function(x))
        x = x.astype(self.dtype, copy=False)
        if self.rescale is not None:
            x = x * x.dtype.type(self.rescale)
        if self.samplewise_center:
            x = x - x.mean(axis=_own_axes(x), keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (x.std(axis=_own_axes(x), keepdims=True) + STD_EPSILON)
        if self.featurewise_center:
            x = x - self._fitted("mean")
        if self.featurewise_std_normalization:
            x = x / (self._fitted("std") + STD_EPSILON)
        if self.zca_whitening:
            matrix = self._fitted("zca_whitening_matrix")
            x = (x.reshape(-1, len(matrix)) @ matrix).reshape(x.shape)
        return x.astype(self.dtype, copy=False)

    def _fitted(self, name: str) -> np.ndarray:
        value = getattr(self, name)
        if value is None:
            raise DataError(
                f"The images' {name} must be known before they are standardised by it, got none. Call `fit(x)` on training images first."
            )
        return value

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """The changes drawn for one image, as `apply_transform` takes them; the same seed gives the same, None draws afresh.

        Args:
            img_shape: of the image, rank 3.
            seed: a whole number below 2³².

        >>> ImageDataGenerator(rotation_range=10).get_random_transform((4, 4, 3), seed=3)["theta"]
        1.0159580514915092
        """
        # NumPy's legacy generator gives for a seed what users know it to give
        draws = np.random.default_rng(make_seed()) if seed is None else np.random.RandomState(seed)
        return self._drawn(img_shape, draws)

    def _drawn(self, shape: Sequence[int], draws: Any) -> dict[str, Any]:
        theta = draws.uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        ty = _shift(self.height_shift_range, shape[self.row_axis - 1], draws)
        tx = _shift(self.width_shift_range, shape[self.col_axis - 1], draws)
        shear = draws.uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = draws.uniform(*self.zoom_range, 2).tolist() if list(self.zoom_range) != [1, 1] else (1, 1)
        horizontal, vertical = draws.random() < 0.5, draws.random() < 0.5
        channel = draws.uniform(-self.channel_shift_range, self.channel_shift_range) if self.channel_shift_range else None
        brightness = draws.uniform(*self.brightness_range) if self.brightness_range is not None else None
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
            "flip_horizontal": bool(horizontal and self.horizontal_flip), "flip_vertical": bool(vertical and self.vertical_flip),
            "channel_shift_intensity": channel, "brightness": brightness,
        }  # fmt: skip

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> np.ndarray:
        """One image, changed as told; where nothing is to change, `x` itself.

        Args:
            x: of rank 3.
            transform_parameters: any of `theta`, `tx`, `ty`, `shear`, `zx`, `zy` (see `apply_affine_transform`), `channel_shift_intensity`,
                `flip_horizontal`, `flip_vertical`, `brightness`.

        Raises:
            ArgumentError: a parameter is unknown.
        """
        given = dict(transform_parameters)
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = np.asarray(x)
        moves = {name: given.pop(name) for name in tuple(given) if name in _STILL}
        if any(moves[name] != _STILL[name] for name in moves):
            x = apply_affine_transform(
                x, **moves, row_axis=rows, col_axis=columns, channel_axis=channels, fill_mode=self.fill_mode, cval=self.cval,
                order=self.interpolation_order,
            )  # fmt: skip
        if (intensity := given.pop("channel_shift_intensity", None)) is not None:
            x = apply_channel_shift(x, intensity, channels)
        if given.pop("flip_horizontal", False):
            x = np.flip(x, columns)
        if given.pop("flip_vertical", False):
            x = np.flip(x, rows)
        if (brightness := given.pop("brightness", None)) is not None:
            x = apply_brightness_shift(x, brightness, scale=False)
        if given:
            raise ArgumentError(f"transform_parameters must be among those that `get_random_transform` gives, got {sorted(given)}.")
        return x

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """One image of rank 3, changed at random; the same seed changes it in the same way."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    # --- what is learned from the data --------------------------------------------------------------------------------

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Finds the mean, the standard deviation and the whitening matrix that `standardize` is to use.

        Args:
            x: images, rank 4, before standardisation; they are rescaled first, if `rescale` is set.
            augment: find them on images changed at random.
            rounds: with `augment`, how often each image is changed.
            seed: with `augment`, what the changes follow from.

        Raises:
            ShapeError: `x` has another rank.
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ShapeError(f"fit must be given images of rank 4 (batch, and height, width, channels), got shape {x.shape}.")
        if augment:
            draws = np.random.default_rng(make_seed() if seed is None else seed)
            x = np.stack([self.apply_transform(image, self._drawn(image.shape, draws)) for _ in range(rounds) for image in x]).astype(
                self.dtype
            )
        if self.rescale is not None:
            x *= self.rescale
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = x.mean(axis=axes, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = x.std(axis=axes, keepdims=True)[0]
            x /= self.std + STD_EPSILON
        if self.zca_whitening:
            left, singular, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            self.zca_whitening_matrix = (left * (np.sqrt(len(x)) / (singular + self.zca_epsilon))) @ left.T


def _own_axes(x: np.ndarray) -> tuple[int, ...]:
    """The axes of one image, in an image or a batch."""
    return tuple(range(x.ndim - 3, x.ndim))


def _two(value: Any, name: str) -> list[float]:
    if not isinstance(value, (tuple, list, np.ndarray)) or len(value) != 2:
        raise ArgumentError(f"{name} must be two numbers, the lowest and the highest, got {value!r}.")
    return [float(number) for number in value]


def _shift(span: Any, size: int, draws: Any) -> float:
    """A shift in pixels: from −span … span, or one of a list with either sign; where all are below 1 they are fractions of the size."""
    if isinstance(span, (tuple, list, np.ndarray)):
        shift, fraction = float(draws.choice(span)) * int(draws.choice([-1, 1])), max(span) < 1
    elif not span:
        return 0
    elif isinstance(span, (int, np.integer)):
        shift, fraction = int(draws.choice(span)) * int(draws.choice([-1, 1])), False
    else:
        shift, fraction = draws.uniform(-span, span), span < 1
    return shift * size if fraction else shift
