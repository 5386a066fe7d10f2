"""Elementwise primitives in NumPy: its own functions, without their warnings, in the dtype that came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

_ONE = [
    "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt", "ceil", "conj", "cos", "cosh", "exp", "exp2",
    "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "logical_not", "negative", "real", "sign",
    "signbit", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
]  # fmt: skip
_TWO = [
    "add", "arctan2", "bitwise_and", "bitwise_or", "bitwise_xor", "divide", "equal", "floor_divide", "fmod", "gcd", "greater",
    "greater_equal", "hypot", "lcm", "left_shift", "less", "less_equal", "logaddexp", "logaddexp2", "logical_and", "logical_or",
    "logical_xor", "maximum", "minimum", "mod", "multiply", "nextafter", "not_equal", "power", "right_shift", "subtract",
]  # fmt: skip

__all__ = ["bitwise_not", "clip", "complex", "erf", "erfc", "erfinv", "i0", "round", "rsqrt", "sigmoid", "stop_gradient", "where"]
__all__.extend(_ONE + _TWO)


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function without warnings, for NaN and infinity are values here; scalars come back as arrays."""

    def run(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(x))

    return run


def _alike(*xs: Any) -> Any:
    """NumPy takes a Python number as weak beside its own dtypes, not beside those of ml_dtypes, whose kind is V."""
    like = next(x.dtype for x in xs if isinstance(x, (np.ndarray, np.generic)))
    return tuple(np.asarray(x, like) for x in xs) if like.kind == "V" else xs


def _quiet_alike(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x1: Any, x2: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(*_alike(x1, x2)))

    return run


def _special(function: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's special functions know float32 and float64 only; the small floats go through float32."""

    def run(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(x.astype(np.float32) if x.dtype.itemsize < 4 else x)).astype(x.dtype)

    return run


globals().update({name: _quiet(getattr(np, name)) for name in _ONE})
globals().update({name: _quiet_alike(getattr(np, name)) for name in _TWO})
bitwise_not, round = _quiet(np.invert), _quiet(np.rint)
erf, erfc, erfinv = _special(scipy.special.erf), _special(scipy.special.erfc), _special(scipy.special.erfinv)
i0, _expit = _special(scipy.special.i0), _special(scipy.special.expit)


def sigmoid(x: Any) -> Any:
    # SciPy has none for complex numbers
    return (1 + np.tanh(x / 2)) / 2 if x.dtype.kind == "c" else _expit(x)


def rsqrt(x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(np.reciprocal(np.sqrt(x)))


def complex(x1: Any, x2: Any) -> Any:
    return np.asarray(x1 + 1j * x2).astype(np.result_type(x1, np.complex64))


def where(condition: Any, x1: Any, x2: Any) -> Any:
    return np.where(condition, *_alike(x1, x2))


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    # np.clip knows no bfloat16
    x, x_min, x_max = _alike(x, x_min, x_max)
    return np.asarray(np.minimum(np.maximum(x, x_min), x_max))


def stop_gradient(x: Any) -> Any:
    return x
