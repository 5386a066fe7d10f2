"""Global poolings: one number for each channel."""

from __future__ import annotations

from typing import Any, ClassVar

from cornu import config, ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = [
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "GlobalMaxPooling3D", "GlobalPooling",
]  # fmt: skip


class GlobalPooling(Layer):
    """One number for each channel, over all spatial axes: the largest, or the mean.

    Args:
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.
        keepdims: whether the spatial axes stay, with length 1.

    Shapes: (batch, *spatial, channels) to (batch, channels), or to (batch, 1, …, channels) with `keepdims`. No weights.
    """

    rank: ClassVar[int]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = keepdims
        first = 1 if self.data_format == "channels_last" else 2
        self._axes = tuple(range(first, first + self.rank))
        self.input_spec = InputSpec(ndim=self.rank + 2)


class GlobalMaxPooling(GlobalPooling):
    """The largest value of each channel."""

    def call(self, inputs: Array) -> Array:
        """The maxima."""
        return ops.max(inputs, self._axes, keepdims=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """The mean of each channel."""

    def call(self, inputs: Array) -> Array:
        """The means."""
        return ops.mean(inputs, self._axes, keepdims=self.keepdims)


@LAYERS.add
class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest value of each channel over the steps: (batch, steps, channels) to (batch, channels). For the rest see `GlobalPooling`.

    >>> import numpy as np
    >>> GlobalMaxPooling1D()(np.array([[[1.0], [3.0], [2.0]]])).tolist()
    [[3.0]]
    """

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)


@LAYERS.add
class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest value of each channel of an image: (batch, height, width, channels) to (batch, channels). For the rest see
    `GlobalPooling`.

    >>> import numpy as np
    >>> GlobalMaxPooling2D()(np.ones((1, 4, 4, 3))).shape
    (1, 3)
    """

    rank = 2

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)


@LAYERS.add
class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest value of each channel of a volume: (batch, a, b, c, channels) to (batch, channels). For the rest see `GlobalPooling`.

    >>> import numpy as np
    >>> GlobalMaxPooling3D(keepdims=True)(np.ones((1, 4, 4, 4, 3))).shape
    (1, 1, 1, 1, 3)
    """

    rank = 3

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)


@LAYERS.add
class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of each channel over the steps: (batch, steps, channels) to (batch, channels). For the rest see `GlobalPooling`.

    Steps that a mask (batch, steps) leaves out do not count; where it leaves out all, the mean is 0.

    >>> import numpy as np
    >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0], [9.0]]]), mask=np.array([[True, True, False]])).tolist()
    [[2.0]]
    """

    rank = 1
    supports_masking = True

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """The means, over the steps where the mask holds."""
        if mask is None:
            return super().call(inputs)
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 2 if self.data_format == "channels_last" else 1)  # (batch, steps, 1)
        totals = ops.sum(ops.multiply(inputs, weights), self._axes, keepdims=self.keepdims)
        return ops.divide_no_nan(totals, ops.sum(weights, self._axes, keepdims=self.keepdims))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """No mask: there are no steps left."""
        return


@LAYERS.add
class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel of an image: (batch, height, width, channels) to (batch, channels). For the rest see `GlobalPooling`.

    M. Lin and others, "Network in network", https://arxiv.org/abs/1312.4400.

    >>> import numpy as np
    >>> GlobalAveragePooling2D()(np.ones((1, 4, 4, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    """

    rank = 2

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)


@LAYERS.add
class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of each channel of a volume: (batch, a, b, c, channels) to (batch, channels). For the rest see `GlobalPooling`.

    >>> import numpy as np
    >>> GlobalAveragePooling3D()(np.ones((1, 4, 4, 4, 3))).shape
    (1, 3)
    """

    rank = 3

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)
