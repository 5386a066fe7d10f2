"""Activation functions: against their formulas in float64, and at the ends of what floats hold."""

import ml_dtypes
import numpy as np
import pytest
import scipy.special
import scipy.stats

from cornu import ops
from cornu.errors import ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(5)
X = np.concatenate([RNG.normal(size=(2, 6)) * 3, [[-1.0, -0.5, 0.0, 0.5, 1.0, 6.5]]])
WHOLE = np.array([-2, -1, 0, 1, 7])
FAR = np.array([-1e4, -100.0, 100.0, 1e4])
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


def sigmoid(x):
    return scipy.special.expit(x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def relu6(x):
    return np.clip(x, 0, 6)


def sparsemax(x, axis=-1):
    """By bisection on the threshold, unlike the op."""
    low, high = x.max(axis, keepdims=True) - 1, x.max(axis, keepdims=True)
    for _ in range(100):
        middle = (low + high) / 2
        over = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.maximum(x - low, 0)


FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": relu6,
    "leaky_relu": lambda x, negative_slope=0.2: np.where(x > 0, x, negative_slope * x),
    "elu": elu,
    "celu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
    "selu": lambda x: SCALE * elu(x, ALPHA),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "hard_sigmoid": lambda x: relu6(x + 3) / 6,
    "hard_silu": lambda x: x * relu6(x + 3) / 6,
    "hard_swish": lambda x: x * relu6(x + 3) / 6,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_shrink": lambda x, threshold=0.5: np.where(np.abs(x) > threshold, x, 0),
    "soft_shrink": lambda x, threshold=0.5: np.sign(x) * np.maximum(np.abs(x) - threshold, 0),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "squareplus": lambda x, b=4: (x + np.sqrt(x**2 + b)) / 2,
    "log_sigmoid": lambda x: -np.logaddexp(-x, 0),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "softmax": lambda x, axis=-1: scipy.special.softmax(x, axis),
    "log_softmax": lambda x, axis=-1: scipy.special.log_softmax(x, axis),
    "sparsemax": sparsemax,
}
# Those in which integers stay integers
WHOLE_STAYS = ("relu", "relu6", "hard_tanh", "hard_shrink")

CASES = [
    case
    for name, like in FORMULAS.items()
    for case in (
        Case(name, X, like=like),
        Case(name, X.astype(np.float16), like=like, rtol=1e-2, atol=5e-3),
        Case(name, X.astype(ml_dtypes.bfloat16), like=like, rtol=5e-2, atol=5e-2),
        Case(name, FAR, like=like),
        Case(name, WHOLE, like=lambda x, like=like: like(x.astype(float)), dtype="int32" if name in WHOLE_STAYS else "float32"),
        *([] if "max" in name else [Case(name, np.array(-1.5), like=like), Case(name, np.array([np.nan]), expected=np.array([np.nan]))]),
    )
] + [
    *(Case(op, X, axis, like=FORMULAS[op]) for op in ("softmax", "log_softmax") for axis in (0, (0, 1), None)),
    Case("sparsemax", X, axis=0, like=sparsemax),
    Case("leaky_relu", X, 0.01, like=FORMULAS["leaky_relu"]),
    Case("elu", X, alpha=0.5, like=elu),
    Case("celu", X, alpha=2.0, like=FORMULAS["celu"]),
    Case("squareplus", X, b=1.0, like=FORMULAS["squareplus"]),
    Case("hard_shrink", X, 2.0, like=FORMULAS["hard_shrink"]),
    Case("soft_shrink", X, threshold=2.0, like=FORMULAS["soft_shrink"]),
    Case("hard_shrink", WHOLE, 1.5, expected=np.array([-2, 0, 0, 0, 7])),
    Case("gelu", X, like=lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    Case("gelu", X, approximate=False, like=lambda x, approximate: x * scipy.stats.norm.cdf(x)),
    Case("gelu", FAR, approximate=False, like=lambda x, approximate: x * scipy.stats.norm.cdf(x)),
    Case("gelu", WHOLE, expected=0.5 * WHOLE * (1 + np.tanh(np.sqrt(2 / np.pi) * (WHOLE + 0.044715 * WHOLE**3)))),
    Case("threshold", X, 0.5, -9.0, like=lambda x, t, v: np.where(x > t, x, v)),
    Case("threshold", WHOLE, 0, 5, expected=np.array([5, 5, 5, 1, 7])),
    Case("glu", X, like=lambda x: x[:, :3] * sigmoid(x[:, 3:])),
    Case("glu", X.T, axis=0, like=lambda x, axis: x[:3] * sigmoid(x[3:])),
    Case("softmax", np.array([3, 200, 7], np.uint8), expected=np.array([0, 1.0, 0])),
    Case("softmax", np.array([True, False]), expected=scipy.special.softmax([1.0, 0.0])),
]


@table(CASES)
def test_activation(case, backend):
    case.check()


def test_glu_halves_an_axis(backend):
    with pytest.raises(ShapeError, match=r"\(3, 6\) and axis=0"):
        ops.glu(X, axis=0)
