"""Elementwise primitives in PyTorch."""

import operator
from operator import add, eq, floordiv, ge, gt, le, lt, mul, ne, pow, sub, truediv

import torch
from torch import (
    absolute,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    bitwise_not,
    ceil,
    cos,
    cosh,
    erf,
    erfinv,
    exp,
    expm1,
    floor,
    imag,
    isfinite,
    isinf,
    isnan,
    log,
    log1p,
    log2,
    log10,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    negative,
    real,
    rsqrt,
    sigmoid,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)

__all__ = [
    "absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "bitwise_and", "bitwise_not", "bitwise_or",
    "bitwise_xor", "ceil", "clip", "conj", "cos", "cosh", "divide", "equal", "erf", "erfinv", "exp", "expm1", "floor", "floor_divide",
    "greater", "greater_equal", "imag", "isfinite", "isinf", "isnan", "left_shift", "less", "less_equal", "log", "log10", "log1p", "log2",
    "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "negative", "not_equal", "power",
    "real", "right_shift", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "subtract", "tan", "tanh", "trunc",
    "where",
]  # fmt: skip

# Operators take a Python scalar on either side without making a tensor of it.
subtract, multiply, divide, power, floor_divide, mod = sub, mul, truediv, pow, floordiv, operator.mod
equal, not_equal, less, less_equal, greater, greater_equal = eq, ne, lt, le, gt, ge
bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift = operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift


def _pair(x1, x2):
    """Both sides as tensors, where PyTorch's function takes nothing else."""
    like = x1 if isinstance(x1, torch.Tensor) else x2
    return tuple(x if isinstance(x, torch.Tensor) else torch.as_tensor(x, dtype=like.dtype, device=like.device) for x in (x1, x2))


def maximum(x1, x2):
    return torch.maximum(*_pair(x1, x2))


def minimum(x1, x2):
    return torch.minimum(*_pair(x1, x2))


def arctan2(x1, x2):
    return torch.arctan2(*_pair(x1, x2))


def sign(x):
    return torch.sgn(x) if x.is_complex() else torch.sign(x)


def conj(x):
    return torch.conj_physical(x)


def where(condition, x1, x2):
    return torch.where(condition, x1, x2)


def clip(x, x_min, x_max):
    # torch.clip wants two numbers or two tensors
    if isinstance(x_min, torch.Tensor) or isinstance(x_max, torch.Tensor):
        return minimum(maximum(x, x_min), x_max)
    return torch.clamp(x, x_min, x_max)


def stop_gradient(x):
    return x.detach()
