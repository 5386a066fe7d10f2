"""Images as arrays that can be drawn on."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import config, ops
from cornu.errors import ArgumentError, ShapeError

__all__ = ["as_color", "as_pixels", "rescaled"]


def as_pixels(images: Any, data_format: str | None) -> np.ndarray:
    """A copy of the images, (batch, height, width, channels), whose values are whole numbers from 0 to 255."""
    x = np.asarray(ops.convert_to_numpy(images))
    if x.ndim != 4:
        raise ShapeError(f"Images must be a batch, with 4 axes, got the shape {x.shape}. For one image, pass `images[None]`.")
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(f"data_format must be 'channels_last' or 'channels_first', got {data_format!r}.")
    if data_format == "channels_first":
        x = np.moveaxis(x, 1, -1)
    return np.array(np.clip(x, 0, 255), "uint8")


def rescaled(images: Any, value_range: tuple[float, float]) -> np.ndarray:
    """Images of values in that range, as values from 0 to 255."""
    low, high = value_range
    if not low < high:
        raise ArgumentError(f"value_range must be (low, high) with low below high, got {value_range!r}.")
    x = np.asarray(ops.convert_to_numpy(images)).astype("float64")
    return np.clip(np.rint((x - low) / (high - low) * 255), 0, 255)


def as_color(color: Any, channels: int) -> np.ndarray:
    """The colour as a pixel of an image; for one channel, its mean."""
    values = np.asarray(color, "float64").reshape(-1)
    if channels == 1:
        return values.mean(keepdims=True)
    if values.size != channels:
        raise ShapeError(f"A colour must have a number for each of {channels} channels, got {color!r}.")
    return values
