"""Elementwise primitives in PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import erfc, erfinv, exp2, rsqrt

_OWN = [
    "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "bitwise_not", "ceil", "cos", "cosh", "erf", "exp",
    "expm1", "floor", "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or",
    "logical_xor", "negative", "real", "round", "signbit", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
]  # fmt: skip
# Operators take a Python scalar on either side without making a tensor of it.
_OPERATORS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow",
    "equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
    "bitwise_and": "and_", "bitwise_or": "or_", "bitwise_xor": "xor", "left_shift": "lshift", "right_shift": "rshift",
}  # fmt: skip
_PAIRS = [
    "arctan2", "hypot", "lcm", "logaddexp", "logaddexp2", "nextafter",
]  # fmt: skip

__all__ = [
    "cbrt", "clip", "complex", "conj", "erfc", "erfinv", "exp2", "floor_divide", "fmod", "gcd", "i0", "imag", "maximum", "minimum", "mod",
    "rsqrt", "sigmoid", "sign", "stop_gradient", "where", "widened",
]  # fmt: skip
__all__.extend([*_OWN, *_OPERATORS, *_PAIRS])


def widened(function: Callable[..., Any], wide: Any = torch.int64) -> Callable[..., Any]:
    """The function; where PyTorch has none for unsigned integers or booleans, by way of a dtype for which it has one."""

    def run(*xs: Any) -> Any:
        try:
            return function(*xs)
        except NotImplementedError:
            own = next(x.dtype for x in xs if isinstance(x, torch.Tensor))
            if own.is_floating_point or own.is_complex:
                raise
            y = function(*(x.to(wide) if isinstance(x, torch.Tensor) else x for x in xs))
            return y if y.dtype == torch.bool or y.dtype == own else (y != 0) if own == torch.bool else y.to(own)

    return run


def _pair(function: Callable[..., Any]) -> Callable[..., Any]:
    """Both sides as tensors, for a function that takes nothing else."""

    def run(x1: Any, x2: Any) -> Any:
        like = x1 if isinstance(x1, torch.Tensor) else x2
        return function(*(x if isinstance(x, torch.Tensor) else torch.as_tensor(x, dtype=like.dtype, device=like.device) for x in (x1, x2)))

    return run


globals().update({name: widened(getattr(torch, name)) for name in _OWN})
globals().update({name: widened(getattr(operator, name_there)) for name, name_there in _OPERATORS.items()})
globals().update({name: widened(_pair(getattr(torch, name))) for name in _PAIRS})
maximum, minimum = widened(_pair(torch.maximum)), widened(_pair(torch.minimum))


def _divided(quotient: Callable[..., Any]) -> Callable[..., Any]:
    """Integers over 0 are an error in PyTorch, or anything at all on a GPU; here they give 0, as NumPy's do."""

    def run(x1: Any, x2: Any) -> Any:
        if (x1 if isinstance(x1, torch.Tensor) else x2).dtype.is_floating_point or (isinstance(x2, int) and x2 != 0):
            return quotient(x1, x2)
        if isinstance(x2, int):
            return torch.zeros_like(x1)
        none = x2 == 0
        return torch.where(none, 0, quotient(x1, torch.where(none, 1, x2)))

    return run


floor_divide, mod, fmod = (_divided(widened(f)) for f in (operator.floordiv, operator.mod, _pair(torch.fmod)))


@widened
@_pair
def gcd(x1: Any, x2: Any) -> Any:
    return torch.gcd(x1, x2).abs()  # beside the least integer it is negative


@widened
def sign(x: Any) -> Any:
    # torch.sign(NaN) is 0
    return torch.sgn(x) if x.is_complex() else torch.where(x.isnan(), x, x.sign()) if x.is_floating_point() else x.sign()


def cbrt(x: Any) -> Any:
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return (torch.sign(wide) * wide.abs() ** (1 / 3)).to(x.dtype)


def sigmoid(x: Any) -> Any:
    # torch.sigmoid of complex numbers far to the left is NaN
    return (1 + torch.tanh(x / 2)) / 2 if x.is_complex() else torch.sigmoid(x)


def i0(x: Any) -> Any:
    # torch.i0 multiplies by e ** |x|, which is infinite before the product is; beyond 80 that factor comes in halves
    far = x.abs() > 80
    size = x.abs().clamp(max=1000)  # i0e(inf) is 0
    half = torch.exp(size / 2)
    return torch.where(far, half * torch.special.i0e(size) * half, torch.i0(torch.where(far, 0, x)))


def imag(x: Any) -> Any:
    return torch.imag(x)


def complex(x1: Any, x2: Any) -> Any:
    return torch.complex(x1, x2)


def conj(x: Any) -> Any:
    return torch.conj_physical(x)


def where(condition: Any, x1: Any, x2: Any) -> Any:
    return torch.where(condition, x1, x2)


@widened
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    # torch.clamp wants two numbers or two tensors
    if isinstance(x_min, torch.Tensor) or isinstance(x_max, torch.Tensor):
        return torch.clamp(x, *(torch.as_tensor(bound, dtype=x.dtype, device=x.device) for bound in (x_min, x_max)))
    return torch.clamp(x, x_min, x_max)


def stop_gradient(x: Any) -> Any:
    return x.detach()
