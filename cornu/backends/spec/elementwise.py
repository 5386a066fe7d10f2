"""Shapes of the elementwise ops: kept, or broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.backends.spec.core import broadcast_shapes
from cornu.backends.spec.tensor_spec import TensorSpec

_KEEP = (
    "exp expm1 log log1p log2 log10 sqrt rsqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh erf erfinv sigmoid "
    "negative sign square floor ceil trunc bitwise_not stop_gradient conj"
).split()
_KEEP_AS_BOOL = "isfinite isinf isnan logical_not".split()
_MEET = "add subtract multiply divide floor_divide mod power maximum minimum arctan2 bitwise_and bitwise_or bitwise_xor left_shift right_shift".split()
_MEET_AS_BOOL = "equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor".split()

__all__ = [*_KEEP, *_KEEP_AS_BOOL, *_MEET, *_MEET_AS_BOOL, "absolute", "clip", "imag", "real", "where"]


def _keep(x: TensorSpec) -> TensorSpec:
    return x


def _keep_as_bool(x: TensorSpec) -> TensorSpec:
    return TensorSpec(x.shape, "bool")


def _part(x: TensorSpec) -> TensorSpec:
    """A real number for each complex one."""
    return TensorSpec(x.shape, {"complex64": "float32", "complex128": "float64"}.get(x.dtype, x.dtype))


def _meet(x1: Any, x2: Any) -> TensorSpec:
    one = x1 if isinstance(x1, TensorSpec) else x2
    return TensorSpec(broadcast_shapes(x1, x2), one.dtype)


def _meet_as_bool(x1: Any, x2: Any) -> TensorSpec:
    return TensorSpec(broadcast_shapes(x1, x2), "bool")


def where(condition: TensorSpec, x1: Any, x2: Any) -> TensorSpec:
    """The common shape of all three, the dtype of the two values."""
    one = x1 if isinstance(x1, TensorSpec) else x2
    return TensorSpec(broadcast_shapes(condition, x1, x2), one.dtype)


def clip(x: TensorSpec, x_min: Any, x_max: Any) -> TensorSpec:
    """The common shape of all three."""
    return TensorSpec(broadcast_shapes(x, x_min, x_max), x.dtype)


absolute = real = imag = _part
_RULES: dict[Callable[..., TensorSpec], list[str]] = {_keep: _KEEP, _keep_as_bool: _KEEP_AS_BOOL, _meet: _MEET, _meet_as_bool: _MEET_AS_BOOL}
globals().update({name: rule for rule, names in _RULES.items() for name in names})
