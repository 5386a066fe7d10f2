"""Poolings that give as many cells as one asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from cornu import config, ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = [
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D", "AdaptivePooling",
]  # fmt: skip


class AdaptivePooling(Layer):
    """`output_size` numbers along each spatial axis, whatever its length: the largest of each window, or the mean.

    Of n cells, window i of m goes from floor(i * n / m) to ceil((i + 1) * n / m).

    Args:
        output_size: the number of windows along each spatial axis; one number stands for all axes.
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.

    Shapes: (batch, *spatial, channels) to (batch, *output_size, channels). No weights.
    """

    rank: ClassVar[int]
    pool: Callable[..., Array]

    def __init__(self, output_size: int | Sequence[int], data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = as_tuple(output_size, self.rank, "output_size")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Array) -> Array:
        """The number of each window."""
        return type(self).pool(inputs, self.output_size, self.data_format)


@LAYERS.add
class AdaptiveAveragePooling1D(AdaptivePooling):
    """The mean in each of `output_size` windows along one axis: (batch, steps, channels) to (batch, new steps, channels).

    For the rest see `AdaptivePooling`.

    >>> import numpy as np
    >>> AdaptiveAveragePooling1D(2)(np.ones((1, 7, 3), "float32")).shape
    (1, 2, 3)
    """

    rank, pool = 1, ops.adaptive_average_pool


@LAYERS.add
class AdaptiveAveragePooling2D(AdaptivePooling):
    """The mean in each of `output_size` windows of an image: (batch, height, width, channels) to (batch, new height, new width, channels).

    For the rest see `AdaptivePooling`.

    >>> import numpy as np
    >>> AdaptiveAveragePooling2D((2, 3))(np.ones((1, 5, 7, 3), "float32")).shape
    (1, 2, 3, 3)
    """

    rank, pool = 2, ops.adaptive_average_pool


@LAYERS.add
class AdaptiveAveragePooling3D(AdaptivePooling):
    """The mean in each of `output_size` windows of a volume: (batch, a, b, c, channels) to (batch, new a, new b, new c, channels).

    For the rest see `AdaptivePooling`.

    >>> import numpy as np
    >>> AdaptiveAveragePooling3D(2)(np.ones((1, 4, 5, 6, 3), "float32")).shape
    (1, 2, 2, 2, 3)
    """

    rank, pool = 3, ops.adaptive_average_pool


@LAYERS.add
class AdaptiveMaxPooling1D(AdaptivePooling):
    """The largest value in each of `output_size` windows along one axis: (batch, steps, channels) to (batch, new steps, channels).

    For the rest see `AdaptivePooling`.

    >>> import numpy as np
    >>> AdaptiveMaxPooling1D(2)(np.ones((1, 7, 3), "float32")).shape
    (1, 2, 3)
    """

    rank, pool = 1, ops.adaptive_max_pool


@LAYERS.add
class AdaptiveMaxPooling2D(AdaptivePooling):
    """The largest value in each of `output_size` windows of an image.

    (batch, height, width, channels) to (batch, new height, new width, channels). For the rest see `AdaptivePooling`.

    >>> import numpy as np
    >>> AdaptiveMaxPooling2D((2, 3))(np.ones((1, 5, 7, 3), "float32")).shape
    (1, 2, 3, 3)
    """

    rank, pool = 2, ops.adaptive_max_pool


@LAYERS.add
class AdaptiveMaxPooling3D(AdaptivePooling):
    """The largest value in each of `output_size` windows of a volume: (batch, a, b, c, channels) to (batch, new a, new b, new c, channels).

    For the rest see `AdaptivePooling`.

    >>> import numpy as np
    >>> AdaptiveMaxPooling3D(2)(np.ones((1, 4, 5, 6, 3), "float32")).shape
    (1, 2, 2, 2, 3)
    """

    rank, pool = 3, ops.adaptive_max_pool
