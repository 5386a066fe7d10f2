"""Images corrected by what values they have. As augmentations are, solarization and equalization are left out outside training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError
from cornu.layers.image.base import Data, Factor, ImageLayer, RandomImageLayer, Seed, as_range, checked_values, each, widened
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization", "Solarization"]


@LAYERS.add
class Solarization(RandomImageLayer):
    """In training images whose light values are turned to their negatives: x from the threshold on becomes `low + high - x`.

    Args:
        addition_factor: two shares of the range between which is drawn what is added first; f stands for (0, f).
        threshold_factor: two shares of the range between which the threshold is drawn; f stands for (0, f).
        value_range: (low, high), the two ends between which values lie.
        seed: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> Solarization(threshold_factor=(0.5, 0.5))(np.array([[[[100.0, 200.0]]]])).tolist()
    [[[[100.0, 55.0]]]]
    """

    def __init__(
        self, addition_factor: Factor = 0.0, threshold_factor: Factor = 0.0, value_range: Sequence[float] = (0, 255), seed: Seed = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = as_range(addition_factor, "addition_factor", -1, 1)
        self.threshold_factor = as_range(threshold_factor, "threshold_factor", 0, 1)
        self.value_range = checked_values(value_range)

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> tuple[Array, Array] | None:
        """What is added to each image, and its threshold."""
        if not training:
            return None
        low, high = self.value_range
        return self.drawn(data, self.addition_factor) * (high - low), self.drawn(data, self.threshold_factor) * (high - low) + low

    def transform_images(self, images: Array, transformation: tuple[Array, Array] | None, training: bool = True) -> Array:
        """The images, partly negative."""
        if transformation is None:
            return images
        low, high = self.value_range
        addition, threshold = (ops.cast(each(t, images), images.dtype) for t in transformation)
        lighter = ops.clip(images + addition, low, high)
        return ops.where(ops.less(lighter, threshold), lighter, low + high - lighter)


def _unit(images: Array, value_range: tuple[float, float]) -> Array:
    low, high = value_range
    return ops.clip((widened(images) - low) / (high - low), 0, 1)


def _back(values: Array, value_range: tuple[float, float], like: Array) -> Array:
    low, high = value_range
    return ops.cast(values * (high - low) + low, like.dtype)


@LAYERS.add
class AutoContrast(ImageLayer):
    """Images stretched over the whole range of values: in each channel the darkest becomes `low`, the lightest `high`.

    Args:
        value_range: (low, high), the two ends between which values lie. A channel of one value stays.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> AutoContrast()(np.array([[[[100.0], [125.0], [150.0]]]]))[0, 0, :, 0].tolist()
    [0.0, 127.5, 255.0]
    """

    always = True

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_values(value_range)

    def transform_images(self, images: Array, transformation: None, training: bool = True) -> Array:
        """The images, stretched."""
        values = _unit(images, self.value_range)
        darkest, lightest = ops.min(values, (1, 2), keepdims=True), ops.max(values, (1, 2), keepdims=True)
        stretched = ops.divide_no_nan(values - darkest, lightest - darkest)
        return _back(ops.where(ops.equal(lightest, darkest), values, stretched), self.value_range, images)


def _counted(groups: Array, indices: Array, count: int, bins: int) -> tuple[Array, Array]:
    """How often each bin comes in each of `count` groups, (count, bins), and for each element its place in that table, flat."""
    places = ops.reshape(groups * bins + indices, (-1,))
    found = ops.segment_sum(ops.ones(places.shape, "float32"), places, count * bins)
    return ops.reshape(found, (count, bins)), places


def _shares_below(counts: Array, *, spread: bool) -> Array:
    """For each bin the share of elements up to it, such that the first that occurs gets 0 and the last 1; 0 where there is but one."""
    total = ops.cumsum(counts, -1)
    whole = total[:, -1:]
    least = ops.min(ops.where(ops.greater(total, 0), total, whole), -1, keepdims=True) if spread else total[:, :1]
    return ops.divide_no_nan(ops.maximum(total - least, 0), whole - least)


@LAYERS.add
class Equalization(ImageLayer):
    """In training images whose values are spread evenly: each becomes the share of pixels of its channel that are darker, as a value of 0 to 255.

    Args:
        value_range: the two ends between which values lie.
        bins: how many values are told apart.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same.

    >>> import numpy as np
    >>> Equalization()(np.array([[[[10.0], [20.0], [21.0], [200.0]]]]))[0, 0, :, 0].round(3).tolist()
    [0.0, 85.0, 170.0, 255.0]
    """

    def __init__(self, value_range: Sequence[float] = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_values(value_range)
        if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
            raise ArgumentError(f"bins must be a positive whole number, got {bins!r}.")
        self.bins = bins

    def transform_images(self, images: Array, transformation: None, training: bool = True) -> Array:
        """The images, each evenly spread by itself; a channel of one value stays."""
        if not training:
            return images
        batch, _, _, channels = images.shape
        values = _unit(images, self.value_range)
        indices = ops.cast(ops.floor(values * (self.bins - 1) + 1e-3), "int32")  # a whole number but for rounding is whole
        groups = np.arange(batch * channels, dtype="int32").reshape(batch, 1, 1, channels)
        counts, places = _counted(ops.convert_to_tensor(groups), indices, batch * channels, self.bins)
        table = ops.reshape(ops.round(_shares_below(counts, spread=True) * 255) / 255, (-1,))
        spread = ops.reshape(ops.take(table, places), images.shape)
        varied = ops.reshape(ops.less(ops.max(counts, -1), images.shape[1] * images.shape[2]), (batch, 1, 1, channels))
        return _back(ops.where(varied, spread, values), self.value_range, images)


@LAYERS.add
class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Images whose values are spread evenly within tiles, not more than a limit allows; between the middles of tiles linearly blended.

    In each tile and channel the counts of 256 values are cut at `clip_limit` times their mean, what was cut is given to all values alike, and
    the shares up to each value make the new one.

    Args:
        value_range: the two ends between which values lie.
        clip_limit: how many times the mean a count may be; 1 and less change nearly nothing, large ones are plain equalization.
        tile_grid_size: how many tiles downwards and across.
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) or without the batch, to the same. The dtype stays.

    K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.

    >>> import numpy as np
    >>> x = np.array([10.0, 250.0]).reshape(1, 1, 2, 1)
    >>> ContrastLimitedAdaptiveHistogramEqualization(clip_limit=1000.0, tile_grid_size=(1, 1))(x)[0, 0, :, 0].tolist()
    [127.5, 255.0]
    """

    always = True
    keeps_dtype = True

    def __init__(
        self, value_range: Sequence[float] = (0, 255), clip_limit: float = 4.0, tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_values(value_range)
        if not clip_limit > 0:
            raise ArgumentError(f"clip_limit must be positive, got {clip_limit!r}.")
        self.clip_limit = clip_limit
        self.tile_grid_size = as_tuple(tile_grid_size, 2, "tile_grid_size")

    def transform_images(self, images: Array, transformation: None, training: bool = True) -> Array:
        """The images, spread within tiles."""
        batch, height, width, channels = images.shape
        grid = self.tile_grid_size
        tile = (math.ceil(height / grid[0]), math.ceil(width / grid[1]))
        indices = ops.cast(ops.floor(_unit(images, self.value_range) * 255 + 1e-3), "int32")
        table = self._table(self._widened(indices, tile), tile)
        offsets = np.arange(batch)[:, None, None, None], np.arange(channels)
        result: Any = 0.0
        for rows, tall in _neighbours(height, tile[0], grid[0]):
            for columns, wide in _neighbours(width, tile[1], grid[1]):
                groups = ((offsets[0] * grid[0] + rows[:, None, None]) * grid[1] + columns[:, None]) * channels + offsets[1]
                values = ops.take(table, ops.convert_to_tensor((groups * 256).astype("int32")) + indices)
                result = result + values * ops.convert_to_tensor((tall[:, None, None] * wide[:, None]).astype("float32"))
        return _back(result, self.value_range, images)

    def _widened(self, indices: Array, tile: tuple[int, int]) -> Array:
        """Images mirrored beyond their lower and right edges, such that whole tiles cover them."""
        for axis, (size, count) in enumerate(zip(tile, self.tile_grid_size, strict=True), 1):
            length = indices.shape[axis]
            there = np.arange(size * count) % (2 * length)
            indices = ops.take(indices, np.minimum(there, 2 * length - 1 - there).astype("int32"), axis)
        return indices

    def _table(self, indices: Array, tile: tuple[int, int]) -> Array:
        """For each image, tile, channel and old value the new one, 0 to 1, flat."""
        batch, height, width, channels = indices.shape
        rows, columns = np.arange(height)[:, None, None] // tile[0], np.arange(width)[:, None] // tile[1]
        down, across = self.tile_grid_size
        groups = ((np.arange(batch)[:, None, None, None] * down + rows) * across + columns) * channels + np.arange(channels)
        counts, _ = _counted(ops.convert_to_tensor(groups.astype("int32")), indices, batch * down * across * channels, 256)
        limit = self.clip_limit * tile[0] * tile[1] / 256
        cut = ops.minimum(counts, limit)
        return ops.reshape(_shares_below(cut + ops.sum(counts - cut, -1, keepdims=True) / 256, spread=False), (-1,))


def _neighbours(length: int, size: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each pixel along an axis the tiles on either side of it, and their weights."""
    place = np.arange(length) / size - 0.5
    first = np.floor(place).astype("int64")
    share = place - first
    return [(first.clip(0, count - 1), 1 - share), ((first + 1).clip(0, count - 1), share)]
