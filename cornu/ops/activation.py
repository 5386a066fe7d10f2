"""Activation functions, element by element or along one axis. Those that have a fraction turn integers and booleans into `floatx`."""

from __future__ import annotations

import math

from cornu.errors import ShapeError
from cornu.ops.arguments import Array, Axis, as_axis
from cornu.ops.core import cast, clip, convert_to_tensor, stop_gradient, to_floating, where
from cornu.ops.creation import arange
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import (
    absolute,
    add,
    divide,
    erf,
    exp,
    expm1,
    greater,
    hypot,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    maximum,
    multiply,
    negative,
    sigmoid,
    sign,
    square,
    subtract,
    tanh,
)  # fmt: skip
from cornu.ops.joining import split
from cornu.ops.reduce import cumsum, max, sum
from cornu.ops.shaping import flip, moveaxis
from cornu.ops.sorting import sort

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "log_sigmoid",
    "log_softmax", "relu", "relu6", "selu", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip


@composite
def relu(x: Array) -> Array:
    """Rectified linear unit, `max(x, 0)`; the gradient at 0 is 0.

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(less_equal(x, 0), 0, x)  # not maximum, which would give 0 half of the gradient; NaN stays NaN


@composite
def relu6(x: Array) -> Array:
    """Rectified linear unit capped at 6, `min(max(x, 0), 6)`. The gradient at 0 and at 6 is 0, as that of `relu` at 0 is.

    >>> relu6([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    capped = clip(x, 0, 6)
    return where(logical_and(greater(capped, 0), less(capped, 6)), x, stop_gradient(capped))


@composite
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """`x` above 0, `negative_slope * x` below (A. Maas and others, 2013).

    >>> leaky_relu([-1.0, 2.0], 0.5).tolist()
    [-0.5, 2.0]
    """
    x = to_floating(x)
    return where(greater(x, 0), x, multiply(x, negative_slope))


@composite
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """`x` above the threshold, `default_value` up to it.

    >>> threshold([1.0, 3.0], 2.0, 0.0).tolist()
    [0.0, 3.0]
    """
    x = convert_to_tensor(x)
    return where(less_equal(x, threshold), default_value, x)


def _below(x: Array) -> Array:
    """`x` where it is not above 0, else 0; unlike `minimum` it gives all of the gradient at 0 to `x`."""
    return where(greater(x, 0), 0, x)


@composite
def elu(x: Array, alpha: float = 1.0) -> Array:
    """`x` above 0, `alpha * (e ** x - 1)` below (D.-A. Clevert and others, https://arxiv.org/abs/1511.07289).

    >>> elu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = to_floating(x)
    return where(greater(x, 0), x, multiply(expm1(_below(x)), alpha))


@composite
def celu(x: Array, alpha: float = 1.0) -> Array:
    """ELU with a continuous slope: `x` above 0, `alpha * (e ** (x / alpha) - 1)` below (J. T. Barron, https://arxiv.org/abs/1704.07483).

    >>> celu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = to_floating(x)
    return where(greater(x, 0), x, multiply(expm1(divide(_below(x), alpha)), alpha))


@composite
def selu(x: Array) -> Array:
    """Scaled ELU, which keeps mean 0 and variance 1 through layers (G. Klambauer and others, https://arxiv.org/abs/1706.02515).

    >>> selu([0.0]).tolist()
    [0.0]
    """
    return multiply(elu(x, 1.6732632423543772), 1.0507009873554805)


@composite
def gelu(x: Array, approximate: bool = True) -> Array:
    """`x * Phi(x)` with the normal distribution's Phi (D. Hendrycks, K. Gimpel, https://arxiv.org/abs/1606.08415); by tanh if `approximate`.

    >>> gelu([0.0]).tolist()
    [0.0]
    """
    x = to_floating(x)
    if approximate:
        inner = multiply(math.sqrt(2 / math.pi), add(x, multiply(0.044715, multiply(x, multiply(x, x)))))
        return multiply(multiply(x, 0.5), add(tanh(inner), 1.0))
    return multiply(multiply(x, 0.5), add(erf(divide(x, math.sqrt(2))), 1.0))


@composite
def silu(x: Array) -> Array:
    """`x * sigmoid(x)`, also called swish (P. Ramachandran and others, https://arxiv.org/abs/1710.05941).

    >>> silu([0.0]).tolist()
    [0.0]
    """
    return multiply(x, sigmoid(x))


swish = silu


@composite
def hard_sigmoid(x: Array) -> Array:
    """A sigmoid of straight lines: `clip(x / 6 + 0.5, 0, 1)`.

    >>> hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return divide(relu6(add(x, 3.0)), 6.0)


@composite
def hard_silu(x: Array) -> Array:
    """`x * hard_sigmoid(x)` (A. Howard and others, https://arxiv.org/abs/1905.02244).

    >>> hard_silu([0.0, 3.0]).tolist()
    [0.0, 3.0]
    """
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


@composite
def hard_tanh(x: Array) -> Array:
    """A tanh of straight lines: `clip(x, -1, 1)`.

    >>> hard_tanh([-3.0, 0.5]).tolist()
    [-1.0, 0.5]
    """
    return clip(x, -1, 1)


@composite
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """`x` where `|x|` exceeds the threshold, else 0.

    >>> hard_shrink([-1.0, 0.5, 2.0]).tolist()
    [-1.0, 0.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(less_equal(absolute(x), threshold), 0, x)


@composite
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """`x` moved towards 0 by the threshold, as far as 0: `sign(x) * max(|x| - threshold, 0)`.

    >>> soft_shrink([-1.0, 0.5, 2.0]).tolist()
    [-0.5, 0.0, 1.5]
    """
    x = to_floating(x)
    return where(less_equal(absolute(x), threshold), 0, subtract(x, multiply(sign(x), threshold)))


@composite
def tanh_shrink(x: Array) -> Array:
    """`x - tanh(x)`.

    >>> tanh_shrink([0.0]).tolist()
    [0.0]
    """
    return subtract(x, tanh(x))


@composite
def softplus(x: Array) -> Array:
    """A smooth `relu`, `ln(1 + e ** x)`, without overflow.

    >>> softplus([1000.0]).tolist()
    [1000.0]
    """
    x = to_floating(x)
    return add(maximum(x, 0), log1p(exp(negative(absolute(x)))))


@composite
def squareplus(x: Array, b: float = 4) -> Array:
    """A smooth `relu` without exponentials: `(x + sqrt(x ** 2 + b)) / 2` (J. T. Barron, https://arxiv.org/abs/2112.11687).

    >>> squareplus([0.0]).tolist()
    [1.0]
    """
    x = to_floating(x)
    root = hypot(x, math.sqrt(b))
    # far below 0 the sum cancels; there it is b over the difference
    return where(greater(x, 0), divide(add(x, root), 2), divide(b / 2, subtract(root, _below(x))))


@composite
def softsign(x: Array) -> Array:
    """`x / (1 + |x|)`.

    >>> softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    return divide(x, add(absolute(x), 1.0))


@composite
def log_sigmoid(x: Array) -> Array:
    """The logarithm of the sigmoid, without overflow: `-softplus(-x)`.

    >>> log_sigmoid([-1000.0]).tolist()
    [-1000.0]
    """
    return negative(softplus(negative(to_floating(x))))


@composite
def sparse_plus(x: Array) -> Array:
    """`relu` with a quadratic bend: 0 up to -1, `(x + 1) ** 2 / 4` between, `x` from 1 on.

    >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.25, 2.0]
    """
    x = to_floating(x)
    return where(less_equal(x, -1), 0, where(greater(x, 1), x, divide(square(add(x, 1)), 4)))


@composite
def sparse_sigmoid(x: Array) -> Array:
    """A sigmoid of straight lines, the slope of `sparse_plus`: `clip((x + 1) / 2, 0, 1)`.

    >>> sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return clip(divide(add(x, 1), 2), 0, 1)


@composite
def glu(x: Array, axis: int = -1) -> Array:
    """Gated linear unit: the first half of an axis times the sigmoid of the second (Y. N. Dauphin and others, https://arxiv.org/abs/1612.08083).

    >>> glu([4.0, 0.0]).tolist()
    [2.0]
    """
    x = to_floating(x)
    if x.shape[as_axis(axis, x.ndim)] % 2:
        raise ShapeError(f"ops.glu halves an axis of even length, got the shape {tuple(x.shape)} and axis={axis}.")
    value, gate = split(x, 2, axis)
    return multiply(value, sigmoid(gate))


@composite
def softmax(x: Array, axis: Axis = -1) -> Array:
    """`e ** x / sum(e ** x)` along an axis (over all elements if None): positive numbers that sum to 1.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = to_floating(x)
    axis = axis if x.ndim else None  # a single number is all there is to sum over
    shifted = exp(subtract(x, stop_gradient(max(x, axis, keepdims=True))))
    return divide(shifted, sum(shifted, axis, keepdims=True))


@composite
def log_softmax(x: Array, axis: Axis = -1) -> Array:
    """The logarithm of the softmax, computed as `x - logsumexp(x)`.

    >>> log_softmax([1000.0, 0.0]).tolist()
    [0.0, -1000.0]
    """
    x = to_floating(x)
    axis = axis if x.ndim else None
    shifted = subtract(x, stop_gradient(max(x, axis, keepdims=True)))
    return subtract(shifted, log(sum(exp(shifted), axis, keepdims=True)))


@composite
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The nearest probabilities to `x` along an axis, many of them 0: `max(x - tau, 0)` with tau such that they sum to 1
    (A. Martins, R. Astudillo, https://arxiv.org/abs/1602.02068).

    >>> sparsemax([0.5, 2.0, 1.5]).tolist()
    [0.0, 0.75, 0.25]
    """
    x = moveaxis(to_floating(x), axis, -1)
    ranked = flip(sort(x), -1)
    rank = cast(arange(1, x.shape[-1] + 1), x.dtype)
    excess = subtract(cumsum(ranked, -1), 1)
    support = cast(greater(multiply(ranked, rank), excess), x.dtype)
    count = sum(support, -1, keepdims=True)
    tau = divide(subtract(sum(multiply(ranked, support), -1, keepdims=True), 1), count)
    return moveaxis(maximum(subtract(x, tau), 0), -1, axis)
