"""What an op does to its arguments before a backend sees them: arrays, dtypes, axes, shapes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from cornu import config, dtypes
from cornu.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["Array", "Axis", "Shape", "array", "as_axes", "as_axis", "as_shape", "as_tuple", "floating", "meeting", "promoted", "weak"]

Array = Any
"""An array of any backend, or what can become one: a number, a NumPy array, nested lists of numbers."""
Axis = int | Sequence[int] | None
Shape = Sequence[int]

_WEAK = {bool: "bool", int: "int*", float: "float*", complex: "complex*"}
_STRONG = {"int*": lambda: "int32", "float*": config.floatx, "complex*": lambda: "complex64"}


def array(on: ModuleType, x: Array, dtype: str | None = None) -> Array:
    """`x` as an array of the interpreter `on`, in `dtype` if given."""
    if not isinstance(x, on.ARRAY_TYPES):
        return on.asarray(x, dtype)
    return x if dtype is None or on.dtype(x) == dtype else on.cast(x, dtype)


def floating(on: ModuleType, x: Array) -> Array:
    """`x` as an array with a fraction: integers and booleans become `floatx`."""
    x = array(on, x)
    name = on.dtype(x)
    return x if dtypes.is_floating(name) or dtypes.is_complex(name) else on.cast(x, config.floatx())


def weak(on: ModuleType, x: Array) -> str:
    """The dtype of `x` for promotion; Python scalars are weak."""
    kind = _WEAK.get(type(x))
    if kind is not None:
        return kind
    return on.dtype(x) if isinstance(x, on.ARRAY_TYPES) else on.dtype(on.asarray(x))


def meeting(on: ModuleType, *xs: Array, least: str = "bool") -> str:
    """The dtype in which all of `xs` meet; `least` is a dtype to meet as well."""
    return strong(dtypes.promote(least, *(weak(on, x) for x in xs)))


def strong(dtype: str) -> str:
    """A weak dtype made a real one: int32, floatx, complex64."""
    return _STRONG[dtype]() if dtype in _STRONG else dtype


def promoted(on: ModuleType, *xs: Array, least: str = "bool") -> tuple[Array, ...]:
    """All of `xs` in the dtype where they meet. A Python scalar stays one beside an array that already has that dtype."""
    x1, x2 = xs[0], xs[-1]
    own = on.ARRAY_TYPES
    if len(xs) == 2 and least == "bool" and isinstance(x1, own) and isinstance(x2, own) and x1.dtype == x2.dtype:
        return xs
    xs = tuple(x if type(x) in _WEAK else array(on, x) for x in xs)
    dtype = meeting(on, *xs, least=least)
    if any(type(x) not in _WEAK for x in xs):
        return tuple(x if type(x) in _WEAK else array(on, x, dtype) for x in xs)
    return tuple(array(on, x, dtype) for x in xs)


def as_axis(axis: int, ndim: int) -> int:
    """A whole number from 0 to ndim - 1; negative axes count from the end."""
    try:
        index = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"An axis must be a whole number, got {axis!r}.") from None
    if not -ndim <= index < ndim:
        raise ArgumentError(f"An axis of an array with {ndim} dimensions must be from {-ndim} to {ndim - 1}, got {axis}.")
    return index % ndim


def as_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Axes as a tuple without repetition; None stands for all."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(as_axis(a, ndim) for a in (axis if isinstance(axis, (list, tuple)) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"Each axis may be named once, got axis={axis!r}.")
    return axes


def as_shape(shape: int | Shape) -> tuple[int, ...]:
    """A shape as a tuple of whole numbers."""
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    try:
        return tuple(operator.index(n) for n in sizes)
    except TypeError:
        raise ShapeError(f"A shape is made of whole numbers, got {shape!r}. Values inside an array cannot be a shape: use `ops.shape(x)`.") from None


def as_tuple(value: int | Sequence[int], rank: int, name: str, *, least: int = 1) -> tuple[int, ...]:
    """`rank` whole numbers from one or from `rank` of them, as window sizes and strides are given."""
    values = (value,) * rank if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) != rank or not all(isinstance(v, (int, np.integer)) and v >= least for v in values):
        raise ArgumentError(f"{name} must be one whole number of at least {least}, or {rank} of them, got {value!r}.")
    return tuple(int(v) for v in values)


def no_complex(on: ModuleType, x: Array, op: str) -> None:
    """Raises where the op has no meaning for complex numbers."""
    if dtypes.is_complex(on.dtype(x)):
        raise DTypeError(f"ops.{op} is not defined for complex numbers, got {on.dtype(x)}. Take `ops.real(x)` or `ops.abs(x)` first.")
