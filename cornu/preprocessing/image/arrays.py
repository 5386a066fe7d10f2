"""Images as arrays, and arrays as images."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import config
from cornu.errors import ArgumentError, ShapeError
from cornu.preprocessing.image.pillow import pillow

__all__ = ["array_to_img", "img_to_array"]


def img_to_array(img: Any, data_format: str | None = None, dtype: str | None = None) -> np.ndarray:
    """An image as an array of rank 3; a single channel gets an axis.

    Args:
        img: a Pillow image, or an array of rank 2, or of rank 3 with the channels last.
        data_format: where the result keeps its channels; the process-wide setting by default.
        dtype: `floatx` by default.

    Returns:
        (height, width, channels), or (channels, height, width) for "channels_first".

    Raises:
        ShapeError: an array is of another rank.

    >>> img_to_array(np.zeros((4, 6))).shape
    (4, 6, 1)
    """
    data_format = config.standardize_data_format(data_format)
    x = np.asarray(img, dtype=dtype or config.floatx())
    if x.ndim == 2:
        x = x[:, :, None]
    if x.ndim != 3:
        raise ShapeError(f"An image must be an array of rank 2 or 3, got shape {x.shape}. Take one image of a batch at a time.")
    return np.transpose(x, (2, 0, 1)) if data_format == "channels_first" else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: str | None = None) -> Any:
    """An array of rank 3 as a Pillow image.

    Args:
        x: one image with 1, 3 or 4 channels: grey, RGB or RGBA.
        data_format: where `x` keeps its channels; the process-wide setting by default.
        scale: stretch the values so that the lowest becomes 0 and the highest 255; otherwise they are taken as they are, and those
            outside 0 … 255 become 0 or 255 (an image with one channel and values above 255 gets 32 bits).
        dtype: what to compute in; `floatx` by default.

    Raises:
        ShapeError: the array is of another rank, or has another number of channels.
        ImportError: Pillow is not installed.

    >>> array_to_img(np.zeros((4, 6, 3))).size
    (6, 4)
    """
    data_format = config.standardize_data_format(data_format)
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ShapeError(f"An image must be an array of rank 3, got shape {x.shape}.")
    if data_format == "channels_first":
        x = np.transpose(x, (1, 2, 0))
    if scale:
        x = stretched(x)
    channels = x.shape[2]
    if channels == 1 and x.size and x.max() > 255:
        return pillow().fromarray(x[:, :, 0].astype("int32"))
    if channels not in (1, 3, 4):
        raise ShapeError(f"An image must have 1, 3 or 4 channels, got {channels} (shape {x.shape}, {data_format}).")
    return pillow().fromarray(np.ascontiguousarray((x[:, :, 0] if channels == 1 else x).clip(0, 255).astype("uint8")))


def stretched(x: np.ndarray) -> np.ndarray:
    """The values stretched to 0 … 255; all equal ones become 0.

    >>> stretched(np.array([1.0, 2.0])).tolist()
    [0.0, 255.0]
    """
    if not x.size:
        raise ArgumentError(f"An image must have pixels, got shape {x.shape}.")
    low = x.min()
    span = x.max() - low
    return (x - low) * (255 / span) if span else x - low
