"""Activation functions as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import activations, constraints, dtypes, initializers, ops, regularizers
from cornu.errors import ArgumentError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths, make_weight
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax", "exact_softmax"]


def exact_softmax(x: Array, axis: int | Sequence[int] = -1) -> Array:
    """The softmax, of half-size floats computed in float32: in half size a difference of exponents loses what the result needs."""
    kind = dtypes.standardize(x.dtype)
    if kind not in ("float16", "bfloat16"):
        return ops.softmax(x, axis)
    return ops.cast(ops.softmax(ops.cast(x, "float32"), axis), kind)


@LAYERS.add
class Activation(Layer):
    """A function applied to each element, or along the last axis: `activation(inputs)`.

    Args:
        activation: a function, its name, or a layer.

    Shapes: any to the same. No weights, unless the activation is a layer that has some.

    >>> import numpy as np
    >>> Activation("relu")(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Array) -> Array:
        """The inputs, activated."""
        return self.activation(inputs)


def _not_negative(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ArgumentError(f"{name} must be a number of at least 0, got {value!r}.")
    return value


@LAYERS.add
class ReLU(Layer):
    """Rectified linear unit: `max(inputs, 0)`; in general `x` above the threshold, `negative_slope * (x - threshold)` below, at most
    `max_value`.

    Args:
        max_value: the largest output; unbounded if None.
        negative_slope: the slope below the threshold.
        threshold: where the slope changes.

    Shapes: any to the same. No weights. The gradient at the threshold is that from below.

    >>> import numpy as np
    >>> ReLU(max_value=6.0, negative_slope=0.5)(np.array([-2.0, 3.0, 9.0])).tolist()
    [-1.0, 3.0, 6.0]
    """

    supports_masking = True

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative("max_value", max_value)
        self.negative_slope = _not_negative("negative_slope", negative_slope)
        self.threshold = _not_negative("threshold", threshold)

    def call(self, inputs: Array) -> Array:
        """The rectified inputs."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


@LAYERS.add
class LeakyReLU(Layer):
    """Rectified linear unit that lets a little through: `x` above 0, `negative_slope * x` below.

    Args:
        negative_slope: the slope below 0.

    Shapes: any to the same. No weights.

    A. Maas and others, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _not_negative("negative_slope", negative_slope)

    def call(self, inputs: Array) -> Array:
        """The rectified inputs."""
        return activations.leaky_relu(inputs, self.negative_slope)


@LAYERS.add
class ELU(Layer):
    """Exponential linear unit: `x` above 0, `alpha * (e ** x - 1)` below.

    Args:
        alpha: how far below 0 the outputs reach.

    Shapes: any to the same. No weights.

    D.-A. Clevert and others, https://arxiv.org/abs/1511.07289.

    >>> import numpy as np
    >>> ELU()(np.array([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Array) -> Array:
        """The activated inputs."""
        return activations.elu(inputs, self.alpha)


@LAYERS.add
class PReLU(Layer):
    """Rectified linear unit with learned slopes: `x` above 0, `alpha * x` below, an alpha for each place in a sample.

    Args:
        alpha_initializer: the first slopes.
        alpha_regularizer: a penalty on the slopes.
        alpha_constraint: a projection after each update.
        shared_axes: axes, counted from 1, along which one slope serves all: [1, 2] for one slope a channel of images.

    Shapes: any to the same. Weights: alpha, of a sample's shape with 1 for shared axes; zeros.

    K. He and others, "Delving deep into rectifiers", https://arxiv.org/abs/1502.01852.

    >>> import numpy as np
    >>> PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = shared_axes if shared_axes is None else [shared_axes] if isinstance(shared_axes, int) else list(shared_axes)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the slopes."""
        rank, shared = len(input_shape), self.shared_axes or []
        if not all(1 <= axis < rank for axis in shared):
            raise ArgumentError(
                f"shared_axes of {self.name!r} must be from 1 to {rank - 1}, got {shared} for the input {tuple(input_shape)}."
            )
        own = [axis for axis in range(1, rank) if axis not in shared]
        lengths = dict(zip(own, known_lengths(self, input_shape, own), strict=True))
        self.alpha = make_weight(self, "alpha", [lengths.get(axis, 1) for axis in range(1, rank)])
        self.input_spec = InputSpec(ndim=rank, axes=lengths)
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The rectified inputs."""
        below = ops.negative(ops.relu(ops.negative(inputs)))
        return ops.add(ops.relu(inputs), ops.multiply(below, self.alpha))


@LAYERS.add
class Softmax(Layer):
    """Positive numbers that sum to 1: `e ** x / sum(e ** x)` along one axis or several together.

    A mask, of the inputs' shape, leaves elements out: they get 0. One with fewer axes, such as (batch, steps), says so of all that stands
    at a step. Where nothing is left, all is 0.

    Args:
        axis: the axis, or a list of axes.

    Shapes: any to the same. No weights.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 4)), mask=np.array([[True, True, False, False]])).tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """The shares, of the elements where the mask holds."""
        if mask is None:
            return exact_softmax(inputs, self.axis)
        mask = ops.reshape(mask, (*mask.shape, *[1] * (inputs.ndim - mask.ndim)))
        least = dtypes.limits(dtypes.standardize(inputs.dtype))[0]
        shares = exact_softmax(ops.where(mask, inputs, least), self.axis)
        return ops.where(mask, shares, 0)
