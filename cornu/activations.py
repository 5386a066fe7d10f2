"""What stands between affine maps: functions of an array that give one of the same shape (`glu` halves an axis)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu import ops, registry, serialization
from cornu.ops.arguments import Array
from cornu.registry import ACTIVATIONS

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "serialize", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh",
    "tanh_shrink", "threshold",
]  # fmt: skip

# ops that are activations as they stand
elu, selu, leaky_relu, relu6 = ops.elu, ops.selu, ops.leaky_relu, ops.relu6
sigmoid, hard_sigmoid, log_sigmoid, tanh, softplus, softsign = (
    ops.sigmoid,
    ops.hard_sigmoid,
    ops.log_sigmoid,
    ops.tanh,
    ops.softplus,
    ops.softsign,
)
silu, hard_silu, softmax, log_softmax = ops.silu, ops.hard_silu, ops.softmax, ops.log_softmax
swish, hard_swish = silu, hard_silu


def linear(x: Array) -> Array:
    """`x` itself.

    >>> linear(2.0)
    2.0
    """
    return x


def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """Rectified linear unit, `max(x, 0)`.

    With arguments: `x` above the threshold and `negative_slope * (x - threshold)` from there down, capped at `max_value`.

    >>> relu([-2.0, 3.0, 9.0], negative_slope=0.5, max_value=6.0).tolist()
    [-1.0, 3.0, 6.0]
    """
    if negative_slope == 0 and threshold == 0:
        y = ops.relu(x)
    else:
        below = ops.multiply(ops.subtract(x, threshold), negative_slope) if negative_slope else 0.0
        y = ops.where(ops.greater(x, threshold), x, below)
    return y if max_value is None else ops.minimum(y, max_value)


def gelu(x: Array, approximate: bool = False) -> Array:
    """`x * Phi(x)` with the normal distribution's Phi, by tanh if `approximate` (D. Hendrycks, K. Gimpel, https://arxiv.org/abs/1606.08415)."""
    return ops.gelu(x, approximate)


def exponential(x: Array) -> Array:
    """`e ** x`."""
    return ops.exp(x)


def mish(x: Array) -> Array:
    """`x * tanh(softplus(x))` (D. Misra, https://arxiv.org/abs/1908.08681)."""
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


def celu(x: Array, alpha: float = 1.0) -> Array:
    """`x` above 0, `alpha * (e ** (x / alpha) - 1)` below: an ELU with a slope without jumps (J. Barron, https://arxiv.org/abs/1704.07483)."""
    return ops.add(ops.maximum(x, 0.0), ops.multiply(ops.expm1(ops.divide(ops.minimum(x, 0.0), alpha)), alpha))


def glu(x: Array, axis: int = -1) -> Array:
    """Gated linear unit: the first half of an axis times the sigmoid of the second (Y. Dauphin and others, https://arxiv.org/abs/1612.08083)."""
    values, gates = ops.split(x, 2, axis)
    return ops.multiply(values, ops.sigmoid(gates))


def hard_tanh(x: Array) -> Array:
    """A tanh of straight lines: `clip(x, -1, 1)`."""
    return ops.clip(x, -1.0, 1.0)


def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """`x` where `|x|` is above the threshold, else 0."""
    return ops.where(ops.greater(ops.absolute(x), threshold), x, 0.0)


def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """`x` drawn towards 0 by the threshold: `sign(x) * max(|x| - threshold, 0)`."""
    return ops.subtract(x, ops.clip(x, -threshold, threshold))


def tanh_shrink(x: Array) -> Array:
    """`x - tanh(x)`."""
    return ops.subtract(x, ops.tanh(x))


def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """`x` above the threshold, else `default_value`."""
    return ops.where(ops.greater(x, threshold), x, default_value)


def squareplus(x: Array, b: float = 4) -> Array:
    """A smooth `relu` without exponentials: `(x + sqrt(x ** 2 + b)) / 2` (J. Barron, https://arxiv.org/abs/2112.11687)."""
    return ops.divide(ops.add(x, ops.sqrt(ops.add(ops.square(x), b))), 2.0)


def sparse_plus(x: Array) -> Array:
    """0 up to -1, `(x + 1) ** 2 / 4` from there to 1, `x` above: a `softplus` with true zeros."""
    inner = ops.divide(ops.square(ops.add(x, 1.0)), 4.0)
    return ops.where(ops.less_equal(x, -1.0), 0.0, ops.where(ops.less(x, 1.0), inner, x))


def sparse_sigmoid(x: Array) -> Array:
    """The slope of `sparse_plus`: `clip((x + 1) / 2, 0, 1)`."""
    return ops.clip(ops.divide(ops.add(x, 1.0), 2.0), 0.0, 1.0)


def sparsemax(x: Array, axis: int = -1) -> Array:
    """The nearest point of the probability simplex, many of its numbers 0 (A. Martins, R. Astudillo, https://arxiv.org/abs/1602.02068).

    With z sorted downwards along the axis, k is the last place where `1 + k * z_k > z_1 + … + z_k`; the result is
    `max(x - (z_1 + … + z_k - 1) / k, 0)`.

    >>> sparsemax([2.0, 1.5, 0.1]).tolist()
    [0.75, 0.25, 0.0]
    """
    x = ops.moveaxis(ops.convert_to_tensor(x), axis, -1)
    z = ops.flip(ops.sort(x, axis=-1), axis=-1)
    places = ops.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    inside = ops.greater(ops.add(ops.multiply(places, z), 1.0), ops.cumsum(z, axis=-1))
    count = ops.sum(ops.cast(inside, x.dtype), axis=-1, keepdims=True)
    total = ops.sum(ops.where(inside, z, 0.0), axis=-1, keepdims=True)
    return ops.moveaxis(ops.maximum(ops.subtract(x, ops.divide(ops.subtract(total, 1.0), count)), 0.0), -1, axis)


for _function in (
    *(celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_tanh, leaky_relu, linear, log_sigmoid, log_softmax, mish),
    *(relu, relu6, selu, sigmoid, soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax, squareplus),
    *(tanh, tanh_shrink, threshold),
):
    ACTIVATIONS.add(_function)
ACTIVATIONS.add(silu, "swish")
ACTIVATIONS.add(hard_silu, "hard_swish")


def get(identifier: Any) -> Any:
    """A function from one, a name, a configuration (also that of an activation layer), or an activation layer; None gives `linear`.

    >>> get("relu") is relu, get(None) is linear
    (True, True)
    """
    if identifier is None:
        return linear
    return ACTIVATIONS.get(identifier)


def serialize(activation: Any) -> Any:
    """The name of a function of Cornu, else the configuration of the function or layer.

    >>> serialize(swish)
    'silu'
    """
    return serialization.serialize_argument("activation", activation)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The function (or layer) that a name or a configuration describes."""
    with registry.scope(custom_objects):
        return get(config)
