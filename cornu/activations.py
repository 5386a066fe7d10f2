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
sigmoid, hard_sigmoid, log_sigmoid, sparse_sigmoid = ops.sigmoid, ops.hard_sigmoid, ops.log_sigmoid, ops.sparse_sigmoid
relu6, leaky_relu, elu, selu, celu, silu, hard_silu = ops.relu6, ops.leaky_relu, ops.elu, ops.selu, ops.celu, ops.silu, ops.hard_silu
tanh, hard_tanh, tanh_shrink, hard_shrink, soft_shrink = ops.tanh, ops.hard_tanh, ops.tanh_shrink, ops.hard_shrink, ops.soft_shrink
softplus, softsign, squareplus, sparse_plus, threshold = ops.softplus, ops.softsign, ops.squareplus, ops.sparse_plus, ops.threshold
softmax, log_softmax, sparsemax, glu = ops.softmax, ops.log_softmax, ops.sparsemax, ops.glu
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
