"""Sequences, images and volumes made longer, by repetition or by interpolation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from cornu import config, ops
from cornu.errors import ArgumentError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]


def _triangle(d: np.ndarray) -> np.ndarray:
    return np.maximum(1 - d, 0)


def _cubic(d: np.ndarray) -> np.ndarray:
    """R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -1/2."""
    return np.where(d <= 1, (1.5 * d - 2.5) * d * d + 1, np.where(d < 2, ((-0.5 * d + 2.5) * d - 4) * d + 2, 0))


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda d: np.where(d < radius, np.sinc(d) * np.sinc(d / radius), 0)


_KERNELS = {"bilinear": (1, _triangle), "bicubic": (2, _cubic), "lanczos3": (3, _lanczos(3)), "lanczos5": (5, _lanczos(5))}
"""For each interpolation how many cells it takes on either side, and the weight of a cell by its distance."""


def _taps(length: int, factor: int, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """For each new cell the old ones that it is made of, and their weights, which sum to 1: both (length * factor, taps).

    Cells are intervals, so the middle of new cell i lies at `(i + 1/2) / factor - 1/2`; cells beyond the ends have no weight.
    """
    radius, kernel = _KERNELS[interpolation]
    middle = (np.arange(length * factor) + 0.5) / factor - 0.5
    places = np.floor(middle).astype("int64")[:, None] + np.arange(1 - radius, 1 + radius)
    weights = kernel(np.abs(middle[:, None] - places)) * ((places >= 0) & (places < length))
    return places.clip(0, length - 1), weights / weights.sum(1, keepdims=True)


def _interpolated(x: Array, factor: int, axis: int, interpolation: str) -> Array:
    """`x` with `factor` times as many cells along an axis."""
    if factor == 1:
        return x
    places, weights = _taps(x.shape[axis], factor, interpolation)
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    total: Array = 0
    for k in range(places.shape[1]):
        weight = ops.convert_to_tensor(weights[:, k].reshape(shape), x.dtype)
        total = ops.add(total, ops.multiply(ops.take(x, places[:, k], axis), weight))
    return total


class UpSampling(Layer):
    """Each cell repeated along the spatial axes; `size` says how often along each."""

    rank: ClassVar[int]

    def arrange(self, size: int | Sequence[int], data_format: str | None) -> tuple[int, ...]:
        """Keeps a factor for each axis and the layout; gives the factors."""
        self.factors = as_tuple(size, self.rank, "size")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        return self.factors

    def call(self, inputs: Array) -> Array:
        """The inputs with more cells."""
        first = 1 if self.data_format == "channels_last" else 2
        for axis, factor in enumerate(self.factors, first):
            inputs = self.lengthened(inputs, factor, axis)
        return inputs

    def lengthened(self, x: Array, factor: int, axis: int) -> Array:
        """`x` with `factor` cells for each one along an axis."""
        return x if factor == 1 else ops.repeat(x, factor, axis)


@LAYERS.add
class UpSampling1D(UpSampling):
    """Each step of a sequence repeated.

    Args:
        size: how often.

    Shapes: (batch, steps, channels) to (batch, steps * size, channels). No weights.

    >>> import numpy as np
    >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        (self.size,) = self.arrange(size, "channels_last")


@LAYERS.add
class UpSampling2D(UpSampling):
    """Images made larger, by repeating pixels or by interpolating between them.

    Args:
        size: how many times as high and as wide.
        data_format: "channels_last", (batch, height, width, channels), or "channels_first"; `image_data_format` by default.
        interpolation: "nearest" repeats; "bilinear", "bicubic", "lanczos3" and "lanczos5" weigh the pixels around.

    Shapes: (batch, height, width, channels) to (batch, height * size[0], width * size[1], channels). No weights.

    >>> import numpy as np
    >>> UpSampling2D((1, 2), interpolation="bilinear")(np.array([[[[0.0], [4.0]]]]))[0, 0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """

    rank = 2

    def __init__(
        self, size: int | Sequence[int] = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = self.arrange(size, data_format)
        self.interpolation = interpolation.lower()
        if self.interpolation != "nearest" and self.interpolation not in _KERNELS:
            raise ArgumentError(f"interpolation must be 'nearest', {', '.join(map(repr, _KERNELS))}, got {interpolation!r}.")

    def lengthened(self, x: Array, factor: int, axis: int) -> Array:
        """`x` with `factor` times as many cells along an axis."""
        if self.interpolation == "nearest":
            return super().lengthened(x, factor, axis)
        return _interpolated(x, factor, axis, self.interpolation)


@LAYERS.add
class UpSampling3D(UpSampling):
    """Each cell of a volume repeated along all three axes.

    Args:
        size: how often along each.
        data_format: "channels_last", (batch, a, b, c, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, a, b, c, channels) to (batch, a * size[0], b * size[1], c * size[2], channels). No weights.

    >>> import numpy as np
    >>> UpSampling3D(2)(np.ones((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 3)
    """

    rank = 3

    def __init__(self, size: int | Sequence[int] = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = self.arrange(size, data_format)
