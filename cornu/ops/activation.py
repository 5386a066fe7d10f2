"""Activation functions, element by element or along one axis."""

from __future__ import annotations

import math

from cornu.ops.arguments import Array
from cornu.ops.core import clip, stop_gradient, where
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import absolute, divide, erf, exp, expm1, greater, log, log1p, maximum, minimum, multiply, negative, sigmoid, subtract, tanh
from cornu.ops.reduce import max, sum

__all__ = [
    "elu", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "log_sigmoid", "log_softmax", "relu", "relu6", "selu", "silu", "softmax", "softplus",
    "softsign",
]  # fmt: skip

@composite
def relu(x: Array) -> Array:
    """Rectified linear unit, `max(x, 0)`; the gradient at 0 is that of `maximum`'s backend (0 on torch, half on JAX).

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return maximum(x, 0)

@composite
def relu6(x: Array) -> Array:
    """Rectified linear unit capped at 6, `min(max(x, 0), 6)`."""
    return clip(x, 0, 6)

@composite
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """`x` above 0, `negative_slope * x` below (A. Maas and others, 2013).

    >>> leaky_relu([-1.0, 2.0], 0.1).tolist()
    [-0.10000000149011612, 2.0]
    """
    return where(greater(x, 0), x, multiply(x, negative_slope))

@composite
def elu(x: Array, alpha: float = 1.0) -> Array:
    """`x` above 0, `alpha * (e ** x - 1)` below (D.-A. Clevert and others, https://arxiv.org/abs/1511.07289)."""
    return where(greater(x, 0), x, multiply(expm1(minimum(x, 0)), alpha))

@composite
def selu(x: Array) -> Array:
    """Scaled ELU, which keeps mean 0 and variance 1 through layers (G. Klambauer and others, https://arxiv.org/abs/1706.02515)."""
    return multiply(elu(x, 1.6732632423543772), 1.0507009873554805)

@composite
def gelu(x: Array, approximate: bool = True) -> Array:
    """`x * Phi(x)` with the normal distribution's Phi (D. Hendrycks, K. Gimpel, https://arxiv.org/abs/1606.08415); by tanh if `approximate`."""
    if approximate:
        inner = multiply(math.sqrt(2 / math.pi), x + multiply(0.044715, multiply(x, multiply(x, x))))
        return multiply(multiply(x, 0.5), tanh(inner) + 1.0)
    return multiply(multiply(x, 0.5), erf(divide(x, math.sqrt(2))) + 1.0)

@composite
def silu(x: Array) -> Array:
    """`x * sigmoid(x)`, also called swish (P. Ramachandran and others, https://arxiv.org/abs/1710.05941)."""
    return multiply(x, sigmoid(x))

@composite
def hard_sigmoid(x: Array) -> Array:
    """A sigmoid of straight lines: `clip(x / 6 + 0.5, 0, 1)`."""
    return divide(relu6(x + 3.0), 6.0)

@composite
def hard_silu(x: Array) -> Array:
    """`x * hard_sigmoid(x)` (A. Howard and others, https://arxiv.org/abs/1905.02244)."""
    return multiply(x, hard_sigmoid(x))

@composite
def softplus(x: Array) -> Array:
    """A smooth `relu`, `ln(1 + e ** x)`, without overflow."""
    return maximum(x, 0) + log1p(exp(negative(absolute(x))))

@composite
def softsign(x: Array) -> Array:
    """`x / (1 + |x|)`."""
    return divide(x, absolute(x) + 1.0)

@composite
def log_sigmoid(x: Array) -> Array:
    """The logarithm of the sigmoid, without overflow: `-softplus(-x)`."""
    return negative(softplus(negative(x)))

@composite
def softmax(x: Array, axis: int | tuple[int, ...] | None = -1) -> Array:
    """`e ** x / sum(e ** x)` along an axis (over all elements if None): positive numbers that sum to 1.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    shifted = exp(subtract(x, stop_gradient(max(x, axis, keepdims=True))))
    return divide(shifted, sum(shifted, axis, keepdims=True))

@composite
def log_softmax(x: Array, axis: int | tuple[int, ...] | None = -1) -> Array:
    """The logarithm of the softmax, computed as `x - logsumexp(x)`."""
    shifted = subtract(x, stop_gradient(max(x, axis, keepdims=True)))
    return subtract(shifted, log(sum(exp(shifted), axis, keepdims=True)))
