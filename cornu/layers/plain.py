"""Layers without weights of their own: the identity, a penalty on what passes, any function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cornu import tree
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.regularizers import L1L2

__all__ = ["ActivityRegularization", "Identity", "Lambda"]


@LAYERS.add
class Identity(Layer):
    """The inputs as they are: a place holder where a layer is asked for. No weights.

    >>> import numpy as np
    >>> Identity()(np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    supports_masking = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs


@LAYERS.add
class ActivityRegularization(Layer):
    """The inputs as they are, their size added to the loss: `(l1 * sum |x| + l2 * sum x ** 2) / batch`. No weights.

    Args:
        l1: the weight of the absolute values.
        l2: the weight of the squares.

    >>> import numpy as np
    >>> layer = ActivityRegularization(l2=0.5)
    >>> layer(np.array([[2.0], [4.0]])).tolist(), float(layer.losses[0])
    ([[2.0], [4.0]], 5.0)
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Array) -> Array:
        """The inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The two weights, which stand for the penalty."""
        config = super().get_config()
        del config["activity_regularizer"]
        return config


@LAYERS.add
class Lambda(Layer):
    """A function as a layer: `function(inputs, **arguments)`; it may take `mask` and `training` too.

    A file holds the function's name, so it can be saved if it was written with `def` and registered
    (`@cornu.saving.register_keras_serializable()`). Files with the code of a lambda are refused: code in a file is never run.

    Args:
        function: called with the inputs; written in `cornu.ops` it runs on every backend.
        output_shape: the shape of its result without the batch dimension, or a function of the input's shape that gives the whole shape.
            It need not be given where the function can be tried out on shapes.
        mask: the mask of the outputs, or a function `mask(inputs, mask)` that gives it; none by default.
        arguments: further keyword arguments of the function.

    No weights: variables that the function uses are not found. Write a Layer for those.

    >>> import numpy as np, cornu
    >>> Lambda(cornu.ops.square)(np.array([[3.0]])).tolist()
    [[9.0]]
    """

    supports_masking = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Sequence[int | None] | Callable[[Any], Any] | None = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentError(f"function must be a function of the inputs, got {function!r} of type {type(function).__name__}.")
        self.function = function
        self.output_shape = output_shape if output_shape is None or callable(output_shape) else tuple(output_shape)
        self.mask = mask
        self.arguments = dict(arguments or {})
        taken = inspect.signature(function).parameters
        self._context = tuple(name for name in ("mask", "training") if name in taken)

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """What the function makes of the inputs."""
        context = {"mask": mask, "training": training}
        return self.function(inputs, **{name: context[name] for name in self._context}, **self.arguments)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask that was asked for."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that was declared, else the one that the function shows."""
        if self.output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self.output_shape):
            return self.output_shape(input_shape)
        first = input_shape[0] if not isinstance(input_shape[0], (list, tuple)) else input_shape[0][0]
        return (first, *self.output_shape)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the outputs, by the declared shape if there is one."""
        if self.output_shape is None:
            return self._inferred_(args, kwargs)
        shapes = tree.map_structure(lambda x: tuple(x.shape), args[0])
        return TensorSpec(self.compute_output_shape(shapes), self.compute_dtype)
