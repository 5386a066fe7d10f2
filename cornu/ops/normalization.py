"""Normalisations: arrays brought to mean 0 and variance 1, or to length 1, along some of their axes."""

from __future__ import annotations

from cornu import config
from cornu.ops.arguments import Array, Axis, as_axes
from cornu.ops.core import stop_gradient, to_floating
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, multiply, negative, rsqrt, square, subtract
from cornu.ops.reduce import mean, moments
from cornu.ops.shaping import reshape

__all__ = ["batch_normalization", "layer_normalization", "normalize_by_batch", "rms_normalization"]


@composite
def batch_normalization(
    x: Array, mean: Array, variance: Array, axis: int, offset: Array | None = None, scale: Array | None = None, epsilon: float = 1e-3
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, statistics along `axis` (S. Ioffe, C. Szegedy, https://arxiv.org/abs/1502.03167).

    >>> batch_normalization([[1.0, 5.0]], [1.0, 1.0], [4.0, 4.0], axis=1, epsilon=0.0).tolist()
    [[0.0, 2.0]]
    """
    x = to_floating(x)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    # one multiplication and one addition an element: the statistics are folded into a factor and a shift first
    factor = rsqrt(add(variance, epsilon))
    factor = factor if scale is None else multiply(factor, scale)
    shift = negative(multiply(mean, factor))
    shift = shift if offset is None else add(shift, offset)
    return add(multiply(x, reshape(factor, shape)), reshape(shift, shape))


@composite
def normalize_by_batch(
    x: Array, axis: int, offset: Array | None = None, scale: Array | None = None, epsilon: float = 1e-3
) -> tuple[Array, Array, Array]:
    """`batch_normalization` by the array's own mean and variance along `axis`; gives those too, as constants for gradients.

    >>> [part.tolist() for part in normalize_by_batch([[1.0], [3.0]], axis=1, epsilon=0.0)]
    [[[-1.0], [1.0]], [2.0], [1.0]]
    """
    x = to_floating(x)
    mean, variance = moments(x, [i for i in range(x.ndim) if i != axis % x.ndim])
    return batch_normalization(x, mean, variance, axis, offset, scale, epsilon), stop_gradient(mean), stop_gradient(variance)


def _epsilon(epsilon: float | None) -> float:
    return config.epsilon() if epsilon is None else epsilon


def _along(x: Array, axis: Axis) -> tuple[tuple[int, ...], list[int]]:
    """The axes, and the shape in which weights of their lengths broadcast against `x`."""
    axes = as_axes(axis, x.ndim)
    return axes, [n if i in axes else 1 for i, n in enumerate(x.shape)]


@composite
def layer_normalization(
    x: Array, gamma: Array | None = None, beta: Array | None = None, axis: Axis = -1, epsilon: float | None = None
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the axes of each sample (J. L. Ba and others, https://arxiv.org/abs/1607.06450).

    gamma and beta have the lengths of those axes; epsilon is `config.epsilon()` by default.

    >>> layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0]]
    """
    x = to_floating(x)
    axes, shape = _along(x, axis)
    center, variance = moments(x, axes, keepdims=True)
    y = multiply(subtract(x, center), rsqrt(add(variance, _epsilon(epsilon))))
    y = y if gamma is None else multiply(y, reshape(gamma, shape))
    return y if beta is None else add(y, reshape(beta, shape))


@composite
def rms_normalization(x: Array, scale: Array | None = None, axis: Axis = -1, epsilon: float | None = None) -> Array:
    """`x / sqrt(mean(x ** 2) + epsilon) * scale` over the axes of each sample (B. Zhang, R. Sennrich, https://arxiv.org/abs/1910.07467).

    >>> rms_normalization([[2.0, -2.0]], epsilon=0.0).tolist()
    [[1.0, -1.0]]
    """
    x = to_floating(x)
    axes, shape = _along(x, axis)
    y = multiply(x, rsqrt(add(mean(square(x), axes, keepdims=True), _epsilon(epsilon))))
    return y if scale is None else multiply(y, reshape(scale, shape))
