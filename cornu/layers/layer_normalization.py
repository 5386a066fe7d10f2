"""Normalisations of each sample by itself: by layer, by groups of channels, by root mean square, to unit length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.errors import ArgumentError
from cornu.layers.batch_normalization import widened
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths, make_weight
from cornu.ops.arguments import Array, as_axes, as_axis
from cornu.registry import LAYERS

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]

Axes = int | Sequence[int]


def _axes(axis: Axes) -> int | list[int]:
    """The axis, or several of them as a list, as they are stored."""
    if isinstance(axis, int):
        return axis
    if isinstance(axis, (list, tuple)) and axis and all(isinstance(a, int) for a in axis):
        return list(axis)
    raise ArgumentError(f"axis must be a whole number or a list of them, got {axis!r}.")


class ScaledAndShifted(Layer):
    """A normalisation after which a gamma scales and a beta shifts; both are kept and used in float32 or wider."""

    supports_masking = True

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not epsilon >= 0:
            raise ArgumentError(f"epsilon must not be negative, got {epsilon!r}.")
        self.epsilon = float(epsilon)
        self.center, self.scale = center, scale
        self.beta_initializer, self.gamma_initializer = initializers.get(beta_initializer), initializers.get(gamma_initializer)
        self.beta_regularizer, self.gamma_regularizer = regularizers.get(beta_regularizer), regularizers.get(gamma_regularizer)
        self.beta_constraint, self.gamma_constraint = constraints.get(beta_constraint), constraints.get(gamma_constraint)

    def make_gamma_and_beta(self, shape: Sequence[int]) -> None:
        """Makes the weights that were asked for."""
        self.gamma = make_weight(self, "gamma", shape, autocast=False) if self.scale else None
        self.beta = make_weight(self, "beta", shape, autocast=False) if self.center else None


@LAYERS.add
class LayerNormalization(ScaledAndShifted):
    """The numbers of each sample along `axis` brought to mean 0 and variance 1: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.

    All is computed in float32 or wider, whatever the dtype of the inputs.

    Args:
        axis: the axis, or a list of axes normalised together.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: the first values.
        beta_regularizer, gamma_regularizer: penalties on the weights.
        beta_constraint, gamma_constraint: projections after each update.
        rms_scaling: of older programs: divide by the deviation without subtracting the mean, without a beta. RMSNormalization does it
            properly.

    Shapes: any to the same. Weights, of the lengths along `axis`: gamma, ones; beta, zeros.

    J. L. Ba and others, "Layer normalization", https://arxiv.org/abs/1607.06450.

    >>> import numpy as np
    >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Axes = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(
            epsilon, center and not self.rms_scaling, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.axis = _axes(axis)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes scale and shift."""
        axes = sorted(as_axes(self.axis, len(input_shape)))
        self.make_gamma_and_beta(known_lengths(self, input_shape, axes))
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The inputs, normalised."""
        x = widened(inputs)
        y = self._scaled(x) if self.rms_scaling else ops.layer_normalization(x, self.gamma, self.beta, self.axis, self.epsilon)
        return ops.cast(y, self.compute_dtype)

    def _scaled(self, x: Array) -> Array:
        """`x` divided by its deviation, the mean left in."""
        axes = as_axes(self.axis, x.ndim)
        _, variance = ops.moments(x, axes, keepdims=True)
        y = ops.multiply(x, ops.rsqrt(ops.add(variance, self.epsilon)))
        return y if self.gamma is None else ops.multiply(y, ops.reshape(self.gamma, [n if i in axes else 1 for i, n in enumerate(x.shape)]))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


@LAYERS.add
class GroupNormalization(ScaledAndShifted):
    """The channels of each sample in groups, each group brought to mean 0 and variance 1; then `* gamma + beta`, channel by channel.

    Mean and variance of a group go over its channels and all other axes but the batch. All is computed in float32 or wider.

    Args:
        groups: their number, which divides the channels; -1 makes each channel a group (instance normalisation).
        axis: the axis of channels.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: the first values.
        beta_regularizer, gamma_regularizer: penalties on the weights.
        beta_constraint, gamma_constraint: projections after each update.

    Shapes: any to the same. Weights, each (channels,): gamma, ones; beta, zeros.

    Y. Wu, K. He, "Group normalization", https://arxiv.org/abs/1803.08494.

    >>> import numpy as np
    >>> GroupNormalization(2, epsilon=0.0)(np.array([[1.0, 3.0, 5.0, 9.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint, **kwargs,
        )  # fmt: skip
        if not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ArgumentError(f"groups must be a whole number of at least 1, or -1 for one a channel, got {groups!r}.")
        self.groups = groups
        self.axis = axis

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes scale and shift."""
        axis = as_axis(self.axis, len(input_shape))
        (channels,) = shape = known_lengths(self, input_shape, [axis])
        if axis == 0 or channels % self.groups:
            raise ArgumentError(
                f"groups of {self.name!r} must divide the channels, along an axis that is not the batch; "
                f"got groups={self.groups} and axis={self.axis} for the input {tuple(input_shape)}."
            )
        self.make_gamma_and_beta(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The inputs, normalised."""
        axis, shape = as_axis(self.axis, inputs.ndim), tuple(inputs.shape)
        groups = shape[axis] if self.groups == -1 else self.groups
        x = ops.reshape(widened(inputs), (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :]))
        mean, variance = ops.moments(x, [i for i in range(1, x.ndim) if i != axis], keepdims=True)
        y = ops.reshape(ops.multiply(ops.subtract(x, mean), ops.rsqrt(ops.add(variance, self.epsilon))), shape)
        along = [-1 if i == axis else 1 for i in range(inputs.ndim)]
        y = y if self.gamma is None else ops.multiply(y, ops.reshape(self.gamma, along))
        y = y if self.beta is None else ops.add(y, ops.reshape(self.beta, along))
        return ops.cast(y, self.compute_dtype)


@LAYERS.add
class RMSNormalization(Layer):
    """The numbers of each sample along `axis` divided by their root mean square: `x / sqrt(mean(x ** 2) + epsilon) * scale`.

    All is computed in float32 or wider, whatever the dtype of the inputs.

    Args:
        axis: the axis, or a list of axes normalised together.
        epsilon: added to the mean square.

    Shapes: any to the same. Weights: scale, of the lengths along `axis`, ones.

    B. Zhang, R. Sennrich, "Root mean square layer normalization", https://arxiv.org/abs/1910.07467.

    >>> import numpy as np
    >>> RMSNormalization(epsilon=0.0)(np.array([[2.0, -2.0]])).tolist()
    [[1.0, -1.0]]
    """

    supports_masking = True

    def __init__(self, axis: Axes = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes(axis)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the scale."""
        axes = sorted(as_axes(self.axis, len(input_shape)))
        self.scale = self.add_weight(known_lengths(self, input_shape, axes), "ones", autocast=False, name="scale")
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The inputs, normalised."""
        return ops.cast(ops.rms_normalization(widened(inputs), self.scale, self.axis, self.epsilon), self.compute_dtype)


@LAYERS.add
class UnitNormalization(Layer):
    """The numbers of each sample along `axis` divided by their Euclidean length: `x / sqrt(sum(x ** 2))`. Zeros stay zeros. No weights.

    Args:
        axis: the axis, or a list of axes normalised together.

    Shapes: any to the same.

    >>> import numpy as np
    >>> UnitNormalization()(np.array([[3.0, 4.0]])).tolist()
    [[0.6, 0.8]]
    """

    supports_masking = True

    def __init__(self, axis: Axes = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes(axis)

    def call(self, inputs: Array) -> Array:
        """The inputs with length 1."""
        x = widened(inputs)
        squares = ops.sum(ops.square(x), self.axis, keepdims=True)
        # The bound stands under the root, whose slope at 0 would make NaN of the gradient of zeros
        return ops.cast(ops.multiply(x, ops.rsqrt(ops.maximum(squares, 1e-24))), self.compute_dtype)
