"""Layers that lay the numbers of each sample out in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, ops
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


@LAYERS.add
class Flatten(Layer):
    """All numbers of a sample in one row: (batch, a, b, …) to (batch, a * b * …). No weights.

    Args:
        data_format: with "channels_first" the channels are moved to the end first, so that the row is the same as that of the same data
            with channels last.

    >>> import numpy as np
    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Array) -> Array:
        """The rows."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


@LAYERS.add
class Reshape(Layer):
    """The numbers of each sample, in their order, in another shape: (batch, …) to (batch, *target_shape). No weights.

    Args:
        target_shape: without the batch dimension; one length may be -1 and follows from the others.

    >>> import numpy as np
    >>> Reshape((3, -1))(np.ones((2, 12))).shape
    (2, 3, 4)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = tuple(target_shape)
        if not all(isinstance(n, (int, np.integer)) and n >= -1 for n in shape) or shape.count(-1) > 1:
            raise ArgumentError(f"target_shape is made of whole numbers, of which one may be -1, got {target_shape!r}.")
        self.target_shape = tuple(int(n) for n in shape)

    def call(self, inputs: Array) -> Array:
        """The same numbers in the target shape."""
        count, fixed = math.prod(inputs.shape[1:]), math.prod(n for n in self.target_shape if n != -1)
        if (count != fixed) if -1 not in self.target_shape else (not fixed or count % fixed):
            raise ShapeError(
                f"target_shape of {self.name!r} must hold as many numbers as a sample, "
                f"got {self.target_shape} for samples of shape {tuple(inputs.shape[1:])}."
            )
        return ops.reshape(inputs, (inputs.shape[0], *[count // fixed if n == -1 else n for n in self.target_shape]))


@LAYERS.add
class Permute(Layer):
    """The axes of each sample in another order. No weights.

    Args:
        dims: for each axis of the output the input's axis, counted from 1: the batch is axis 0 and stays.

    >>> import numpy as np
    >>> Permute((2, 1))(np.ones((2, 3, 4))).shape
    (2, 4, 3)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(f"dims must name each of the axes 1 to {len(self.dims)} once, got {dims!r}.")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Array) -> Array:
        """The inputs with their axes in that order."""
        return ops.transpose(inputs, (0, *self.dims))


@LAYERS.add
class RepeatVector(Layer):
    """A vector as a sequence of equal steps: (batch, features) to (batch, n, features). No weights.

    Args:
        n: the number of steps.

    >>> import numpy as np
    >>> RepeatVector(2)(np.array([[1.0, 2.0]])).tolist()
    [[[1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = as_tuple(n, 1, "n")[0]
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Array) -> Array:
        """The vectors, n times."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
