"""Shapes of the elementwise ops: kept, or broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import dtypes
from cornu.backends.spec.core import broadcast_shapes
from cornu.backends.spec.tensor_spec import TensorSpec

_KEEP = [
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "erf", "erfc", "erfinv", "i0", "sigmoid", "negative", "sign", "square",
    "floor", "ceil", "trunc", "round", "bitwise_not", "stop_gradient", "conj",
]  # fmt: skip
_KEEP_AS_BOOL = [
    "isfinite", "isinf", "isnan", "logical_not", "signbit",
]  # fmt: skip
_MEET = [
    "add", "subtract", "multiply", "divide", "floor_divide", "mod", "fmod", "power", "maximum", "minimum", "arctan2", "hypot",
    "logaddexp", "logaddexp2", "nextafter", "gcd", "lcm", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift",
]  # fmt: skip
_MEET_AS_BOOL = [
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
]  # fmt: skip

__all__ = ["absolute", "clip", "complex", "imag", "real", "where"]
__all__.extend(_KEEP + _KEEP_AS_BOOL + _MEET + _MEET_AS_BOOL)


def _keep(x: TensorSpec) -> TensorSpec:
    return x


def _keep_as_bool(x: TensorSpec) -> TensorSpec:
    return TensorSpec(x.shape, "bool")


def _part(x: TensorSpec) -> TensorSpec:
    """A real number for each complex one."""
    return TensorSpec(x.shape, dtypes.real_part(x.dtype))


def _meet(x1: Any, x2: Any) -> TensorSpec:
    one = x1 if isinstance(x1, TensorSpec) else x2
    return TensorSpec(broadcast_shapes(x1, x2), one.dtype)


def _meet_as_bool(x1: Any, x2: Any) -> TensorSpec:
    return TensorSpec(broadcast_shapes(x1, x2), "bool")


def complex(x1: TensorSpec, x2: TensorSpec) -> TensorSpec:
    """The common shape; a complex number for each pair of real ones."""
    return TensorSpec(broadcast_shapes(x1, x2), "complex128" if x1.dtype == "float64" else "complex64")


def where(condition: TensorSpec, x1: Any, x2: Any) -> TensorSpec:
    """The common shape of all three, the dtype of the two values."""
    one = x1 if isinstance(x1, TensorSpec) else x2
    return TensorSpec(broadcast_shapes(condition, x1, x2), one.dtype)


def clip(x: TensorSpec, x_min: Any, x_max: Any) -> TensorSpec:
    """The common shape of all three."""
    return TensorSpec(broadcast_shapes(x, x_min, x_max), x.dtype)


absolute = real = imag = _part
_RULES: dict[Callable[..., TensorSpec], list[str]] = {
    _keep: _KEEP,
    _keep_as_bool: _KEEP_AS_BOOL,
    _meet: _MEET,
    _meet_as_bool: _MEET_AS_BOOL,
}
globals().update({name: rule for rule, names in _RULES.items() for name in names})
