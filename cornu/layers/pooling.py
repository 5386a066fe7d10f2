"""Poolings: one number for each window of cells, channel by channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from cornu import config, ops
from cornu.layers.convolution import standardize_padding
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Pooling"]

Size = int | Sequence[int]


class Pooling(Layer):
    """One number for each window of cells, channel by channel: the largest, or the mean.

    Args:
        pool_size: the window's length along each spatial axis; one number stands for all axes.
        strides: steps between windows; the window's size by default.
        padding: "valid" adds nothing; "same" fills up around, so that there are ceil(length / stride) windows. Cells that were added do not
            count.
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.

    Shapes: (batch, *spatial, channels) to (batch, *new spatial, channels); with "valid" padding `floor((length - pool_size) / stride) + 1`
    windows along each axis. No weights.

    Raises:
        ShapeError: the window is larger than the input.
    """

    rank: ClassVar[int]
    pool: Callable[..., Array]

    def __init__(
        self, pool_size: Size, strides: Size | None = None, padding: str = "valid", data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = as_tuple(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else as_tuple(strides, self.rank, "strides")
        self.padding = standardize_padding(padding, "valid", "same")
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Array) -> Array:
        """The number of each window."""
        return type(self).pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


@LAYERS.add
class MaxPooling1D(Pooling):
    """The largest value in each window along one axis: (batch, steps, channels) to (batch, new steps, channels). For the rest see
    `Pooling`.

    >>> import numpy as np
    >>> MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[3.0], [2.0]]]
    """

    rank, pool = 1, ops.max_pool

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@LAYERS.add
class MaxPooling2D(Pooling):
    """The largest value in each window of an image: (batch, height, width, channels) to (batch, new height, new width, channels).

    For the rest see `Pooling`.

    >>> import numpy as np
    >>> MaxPooling2D(2)(np.ones((1, 4, 6, 3))).shape
    (1, 2, 3, 3)
    """

    rank, pool = 2, ops.max_pool

    def __init__(
        self,
        pool_size: Size = (2, 2),
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@LAYERS.add
class MaxPooling3D(Pooling):
    """The largest value in each window of a volume: (batch, a, b, c, channels) to (batch, new a, new b, new c, channels).

    For the rest see `Pooling`.

    >>> import numpy as np
    >>> MaxPooling3D(2)(np.ones((1, 4, 6, 8, 3))).shape
    (1, 2, 3, 4, 3)
    """

    rank, pool = 3, ops.max_pool

    def __init__(
        self,
        pool_size: Size = (2, 2, 2),
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@LAYERS.add
class AveragePooling1D(Pooling):
    """The mean of each window along one axis: (batch, steps, channels) to (batch, new steps, channels). For the rest see `Pooling`.

    >>> import numpy as np
    >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[2.0], [1.0]]]
    """

    rank, pool = 1, ops.average_pool

    def __init__(
        self,
        pool_size: Size,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@LAYERS.add
class AveragePooling2D(Pooling):
    """The mean of each window of an image: (batch, height, width, channels) to (batch, new height, new width, channels).

    For the rest see `Pooling`.

    >>> import numpy as np
    >>> AveragePooling2D((1, 2))(np.ones((1, 4, 6, 3))).shape
    (1, 4, 3, 3)
    """

    rank, pool = 2, ops.average_pool

    def __init__(
        self,
        pool_size: Size,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@LAYERS.add
class AveragePooling3D(Pooling):
    """The mean of each window of a volume: (batch, a, b, c, channels) to (batch, new a, new b, new c, channels).

    For the rest see `Pooling`.

    >>> import numpy as np
    >>> AveragePooling3D(2)(np.ones((1, 4, 6, 8, 3))).shape
    (1, 2, 3, 4, 3)
    """

    rank, pool = 3, ops.average_pool

    def __init__(
        self,
        pool_size: Size,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)
