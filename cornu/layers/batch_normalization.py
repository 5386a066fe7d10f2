"""Normalisation by the statistics of a batch."""

from __future__ import annotations

from typing import Any

from cornu import constraints, dtypes, initializers, ops, regularizers
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths, make_weight
from cornu.ops.arguments import Array, as_axis
from cornu.registry import LAYERS

__all__ = ["BatchNormalization", "widened"]


def widened(x: Array) -> Array:
    """`x` in float32, or in its own dtype if that is wider: what statistics are computed in."""
    return ops.cast(x, dtypes.promote(dtypes.standardize(x.dtype), "float32"))


@LAYERS.add
class BatchNormalization(Layer):
    """Each channel brought to mean 0 and variance 1: `(inputs - mean) / sqrt(variance + epsilon) * gamma + beta`.

    In training, mean and variance are those of the batch, over all axes but `axis`, and the moving statistics follow them:
    `moving = moving * momentum + batch's * (1 - momentum)`. Otherwise, and when the layer is frozen (`trainable = False`), the moving
    statistics are used and stay as they are. All is computed in float32 or wider, whatever the dtype of the inputs.

    Args:
        axis: the axis of channels; 1 for channels first.
        momentum: how much of the moving statistics stays at each step.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: the first values.
        beta_regularizer, gamma_regularizer: penalties on the weights.
        beta_constraint, gamma_constraint: projections after each update.
        renorm, renorm_clipping, renorm_momentum: batch renormalisation, which is not offered.
        synchronized: whether devices that share a batch have its statistics in common. They always have: a batch that a distribution cuts up is
            one array still, and on one device it is the whole batch.

    Shapes: any to the same. A mask, (batch, steps) for inputs (batch, steps, …), says which places count for the statistics.

    Weights, each (channels,): gamma, ones; beta, zeros; moving_mean, zeros; moving_variance, ones; the last two are not trainable.

    S. Ioffe, C. Szegedy, "Batch normalization", https://arxiv.org/abs/1502.03167.

    >>> import numpy as np
    >>> layer = BatchNormalization(momentum=0.5, epsilon=0.0)
    >>> layer(np.array([[1.0], [3.0]]), training=True).tolist(), layer.moving_mean.numpy().tolist()
    ([[-1.0], [1.0]], [1.0])
    """

    supports_masking = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if renorm or renorm_clipping is not None:
            raise ArgumentError(
                f"BatchNormalization has no batch renormalisation: leave renorm and renorm_clipping out; got {renorm=}, {renorm_clipping=}."
            )
        if not 0 <= momentum <= 1 or not epsilon >= 0:
            raise ArgumentError(f"momentum must be from 0 to 1 and epsilon not negative, got {momentum=} and {epsilon=}.")
        self.axis = axis
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale = center, scale
        self.beta_initializer, self.gamma_initializer = initializers.get(beta_initializer), initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer, self.gamma_regularizer = regularizers.get(beta_regularizer), regularizers.get(gamma_regularizer)
        self.beta_constraint, self.gamma_constraint = constraints.get(beta_constraint), constraints.get(gamma_constraint)
        self.renorm, self.renorm_clipping, self.renorm_momentum = renorm, renorm_clipping, renorm_momentum
        self.synchronized = synchronized

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes scale, shift and the moving statistics."""
        axis = as_axis(self.axis, len(input_shape))
        shape = known_lengths(self, input_shape, [axis])
        self.gamma = make_weight(self, "gamma", shape, autocast=False) if self.scale else None
        self.beta = make_weight(self, "beta", shape, autocast=False) if self.center else None
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, autocast=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, autocast=False, name="moving_variance"
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: shape[0]})
        self.built = True

    def _keeps_rows_(self, *, training: bool) -> bool:
        return not training

    def call(self, inputs: Array, training: bool = False, mask: Array | None = None) -> Array:
        """The inputs, normalised."""
        x = widened(inputs)
        axis = as_axis(self.axis, x.ndim)
        if training and self.trainable:
            y, mean, variance = self._by_batch(x, axis, mask)
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
        else:
            y = self._by(self.moving_mean.value, self.moving_variance.value, x, axis)
        return ops.cast(y, self.compute_dtype)

    def _by(self, mean: Array, variance: Array, x: Array, axis: int) -> Array:
        return ops.batch_normalization(x, mean, variance, axis, self.beta, self.gamma, self.epsilon)

    def _by_batch(self, x: Array, axis: int, mask: Array | None) -> tuple[Array, Array, Array]:
        if mask is None:
            return ops.normalize_by_batch(x, axis, self.beta, self.gamma, self.epsilon)
        mean, variance = self._statistics(x, axis, mask)
        return self._by(mean, variance, x, axis), mean, variance

    def _statistics(self, x: Array, axis: int, mask: Array) -> tuple[Array, Array]:
        """Mean and variance of each channel, over the places where the mask holds."""
        axes = [i for i in range(x.ndim) if i != axis]
        weights = ops.cast(ops.reshape(mask, (*mask.shape, *[1] * (x.ndim - mask.ndim))), x.dtype)
        weights = ops.broadcast_to(weights, x.shape)
        count = ops.maximum(ops.sum(weights, axes, keepdims=True), 1.0)  # none that counts: statistics of 0
        mean = ops.divide(ops.sum(ops.multiply(x, weights), axes, keepdims=True), count)
        deviation = ops.multiply(ops.square(ops.subtract(x, mean)), weights)
        variance = ops.divide(ops.sum(deviation, axes, keepdims=True), count)
        return ops.squeeze(mean, axes), ops.squeeze(variance, axes)

    def _follow(self, moving: Any, batch: Array) -> None:
        if isinstance(batch, TensorSpec):  # shapes are being inferred: there is nothing to follow
            return
        moving.assign(ops.add(ops.multiply(moving, self.momentum), ops.multiply(ops.stop_gradient(batch), 1 - self.momentum)))
