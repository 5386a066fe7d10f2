"""Where the axes of images lie: one image or a batch of them, channels last or first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cornu import config, dtypes
from cornu.errors import DTypeError, ShapeError
from cornu.ops.arguments import Array
from cornu.ops.core import cast, convert_to_tensor, saturate_cast
from cornu.ops.elementwise import round
from cornu.ops.shaping import expand_dims, moveaxis, squeeze

__all__ = ["channel_axis", "channels_come_last", "constant", "images_of", "in_dtype_of", "pictures", "real_images", "spatial_axes"]


def channels_come_last(data_format: str | None) -> bool:
    """Whether the format, or that of the configuration, is `channels_last`."""
    return config.standardize_data_format(data_format) == "channels_last"


def images_of(images: Array, op: str, *, rank: int = 2) -> Array:
    """The images as an array of `rank` spatial axes, one of channels and perhaps one of the batch."""
    x = convert_to_tensor(images)
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"ops.image.{op} takes an image of {rank + 1} axes, or a batch of them ({rank + 2} axes), got the shape {tuple(x.shape)}."
        )
    return x


def real_images(images: Array, op: str) -> Array:
    """The images, which must be floats."""
    x = images_of(images, op)
    if not dtypes.is_floating(dtypes.standardize(x.dtype)):
        raise DTypeError(
            f"ops.image.{op} takes floats, for colours of hue, saturation and value lie from 0 to 1, got {dtypes.standardize(x.dtype)}. "
            "Scale first: `ops.cast(images, 'float32') / 255`."
        )
    return x


def channel_axis(x: Array, data_format: str | None) -> int:
    """The axis of the channels, counted from the end."""
    return -1 if channels_come_last(data_format) else -3


def spatial_axes(x: Array, data_format: str | None, *, rank: int = 2) -> tuple[int, ...]:
    """The spatial axes, in order."""
    first = x.ndim - rank - (1 if channels_come_last(data_format) else 0)
    return tuple(range(first, first + rank))


def pictures(x: Array, data_format: str | None, *, rank: int = 2) -> tuple[Array, Callable[[Array], Array]]:
    """The images as (batch, *spatial, channels), and the way back for a result of that layout."""
    single, last = x.ndim == rank + 1, channels_come_last(data_format)
    x = expand_dims(x, 0) if single else x
    x = x if last else moveaxis(x, 1, -1)

    def back(y: Array) -> Array:
        y = y if last else moveaxis(y, -1, 1)
        return squeeze(y, 0) if single else y

    return x, back


def in_dtype_of(y: Array, x: Array) -> Array:
    """What was computed in floats, in the dtype of the images: rounded, and held to what an integer dtype can hold."""
    name = dtypes.standardize(x.dtype)
    if dtypes.is_floating(name):
        return cast(y, name)
    return saturate_cast(round(y), name)


def constant(values: np.ndarray, like: Array) -> Array:
    """Numbers known beforehand, in the dtype of an array."""
    return convert_to_tensor(values, dtypes.standardize(like.dtype))
