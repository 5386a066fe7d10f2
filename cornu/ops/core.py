"""Ops about arrays themselves: conversion, dtype, shape, choice, complex numbers, gradients stopped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import dtypes
from cornu.errors import ArgumentError, DTypeError, ShapeError
from cornu.ops import dispatch
from cornu.ops.arguments import Array, alike, concrete, fitting, floating, meeting, no_complex, promoted, together
from cornu.ops.arguments import array as as_array
from cornu.ops.dispatch import composite, primitive

__all__ = [
    "array", "cast", "clip", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "is_tensor", "nonzero", "polar", "saturate_cast",
    "select", "shape", "stop_gradient", "view", "view_as_complex", "view_as_real", "where",
]  # fmt: skip


@primitive
def convert_to_tensor(on: Any, x: Array, dtype: str | None = None, sparse: bool | None = None, ragged: bool | None = None) -> Array:
    """An array of the current backend from a number, nested lists, a NumPy array or another array-like.

    Without `dtype`, Python floats become `floatx`, Python ints int32, and NumPy arrays keep theirs where the backend has it.

    >>> convert_to_tensor([1, 2]).tolist()
    [1, 2]
    """
    if sparse or ragged:
        raise ArgumentError("Cornu's arrays are dense, got sparse=True or ragged=True. Convert with `.todense()` or pad first.")
    return on.asarray(x, None if dtype is None else dtypes.standardize(dtype))


@primitive
def array(on: Any, x: Array, dtype: str | None = None) -> Array:
    """An array of the current backend: NumPy's name for `convert_to_tensor`.

    >>> array([1, 2], "float32").tolist()
    [1.0, 2.0]
    """
    return on.asarray(x, None if dtype is None else dtypes.standardize(dtype))


def convert_to_numpy(x: Array) -> np.ndarray:
    """A NumPy array with the values of `x`, from any backend, detached from any graph.

    >>> convert_to_numpy(convert_to_tensor([1, 2])).tolist()
    [1, 2]
    """
    return dispatch.interpreter_of(x).to_numpy(getattr(x, "value", x)) if dispatch.is_array(x) else np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array of some backend; a NumPy array is one on the numpy backend only.

    >>> is_tensor(convert_to_tensor([1, 2])), is_tensor([1, 2])
    (True, False)
    """
    return dispatch.is_array(x) or (isinstance(x, np.ndarray) and isinstance(x, dispatch.interpreter_of(x).ARRAY_TYPES))


@primitive
def cast(on: Any, x: Array, dtype: str) -> Array:
    """`x` in another dtype; floats are cut towards 0 to become integers, anything but 0 becomes true.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return as_array(on, x, dtypes.standardize(dtype))


@primitive
def saturate_cast(on: Any, x: Array, dtype: str) -> Array:
    """`x` in another dtype, what that cannot hold replaced by the nearest number that it can, NaN by 0 in integers.

    >>> saturate_cast([-5.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    x, wanted = no_complex(on, as_array(on, x), "saturate_cast"), dtypes.standardize(dtype)
    own = on.dtype(x)
    (low, high), (least, most) = dtypes.limits(wanted), dtypes.limits(own)
    if dtypes.is_floating(own) and not dtypes.is_floating(wanted):
        # the ends of wide integers are not floats: what reaches them is set after the cast
        inside = on.cast(on.where(on.logical_and(on.greater(x, low), on.less(x, high)), x, 0), wanted)
        return on.where(on.greater_equal(x, high), high, on.where(on.less_equal(x, low), low, inside))
    low, high = max(low, least), min(high, most)
    return on.cast(on.clip(x, low, high) if own != "bool" else x, wanted)


@primitive
def to_floating(on: Any, x: Array) -> Array:
    """`x` as an array with a fraction: integers and booleans become `floatx`. What composites begin with."""
    return floating(on, x)


def dtype(x: Array) -> str:
    """The name of the array's dtype, e.g. `"float32"`.

    >>> dtype(convert_to_tensor([1, 2]))
    'int32'
    """
    return dtypes.standardize(x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)


def shape(x: Array) -> tuple[int | None, ...]:
    """The array's shape as a tuple; None where a symbolic dimension is unknown.

    >>> shape([[1, 2, 3]])
    (1, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


@primitive
def copy(on: Any, x: Array) -> Array:
    """The same values in memory of their own.

    >>> copy([1, 2]).tolist()
    [1, 2]
    """
    return on.copy(as_array(on, x))


@primitive
def stop_gradient(on: Any, variable: Array) -> Array:
    """`variable` itself, but nothing flows back through it: its gradient is 0.

    >>> stop_gradient([1.0]).tolist()
    [1.0]
    """
    return on.stop_gradient(as_array(on, variable))


@primitive
def nonzero(on: Any, x: Array) -> tuple[Array, ...]:
    """The positions of elements that are not 0 or false: for each axis an array of int32. A number alone has no axes, and is refused.

    How many there are depends on the values, so this neither compiles nor records.

    >>> nonzero([[3, 0], [0, 4]])[1].tolist()
    [0, 1]
    """
    x = as_array(on, x, "bool")
    if not x.ndim:
        raise ShapeError("ops.nonzero needs at least one axis, got the shape (). Use `ops.reshape(x, (1,))`.")
    concrete(on, x, "nonzero")
    return on.nonzero(x)


@primitive
def where(on: Any, condition: Array, x1: Array | None = None, x2: Array | None = None) -> Any:
    """`x1` where the condition holds, else `x2`; all three broadcast. With the condition alone, `nonzero(condition)`.

    The gradient of the side that is not taken is 0, but a NaN made inside that side's own computation still flows back: keep both sides finite.

    >>> where([True, False], [1, 2], 0).tolist()
    [1, 0]
    """
    condition = as_array(on, condition, "bool")
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ArgumentError("ops.where takes both values or neither, got one. Give `x1` and `x2`.")
    return together(on.where, condition, *promoted(on, x1, x2))


@composite
def select(condlist: Sequence[Array], choicelist: Sequence[Array], default: Array = 0) -> Array:
    """Element by element the choice of the first condition that holds, `default` where none does; all broadcast.

    >>> select([[True, False, False], [True, True, False]], [[1, 2, 3], [10, 20, 30]], 7).tolist()
    [1, 20, 7]
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ArgumentError(f"ops.select needs a choice for each condition, and one at least, got {len(condlist)} and {len(choicelist)}.")
    chosen = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        chosen = where(condition, choice, chosen)
    return chosen


@primitive
def clip(on: Any, x: Array, x_min: Array | None, x_max: Array | None) -> Array:
    """`x` held between two bounds; booleans as int32. The gradient is 1 inside and at a bound that is met, 0 outside.

    A whole number that lies below all that the dtype holds may be the lower bound, one above all the upper one: it bounds nothing, as None does.

    >>> clip([-1, 5, 11], 0, 10).tolist(), clip([-1, 5, 11], None, 10).tolist()
    ([0, 5, 10], [-1, 5, 10])
    """
    kind = meeting(on, no_complex(on, as_array(on, x), "clip"), *(v for v in (x_min, x_max) if v is not None), least="int*")
    least, most = dtypes.limits(kind) if dtypes.is_integer(kind) else (-math.inf, math.inf)
    x_min, x_max = least if x_min is None else x_min, most if x_max is None else x_max
    if dtypes.is_integer(kind):
        x_min, x_max = (
            fitting(max(x_min, least) if type(x_min) is int else x_min, kind),
            fitting(min(x_max, most) if type(x_max) is int else x_max, kind),
        )
    return together(on.clip, as_array(on, x, kind), *(v if isinstance(v, (int, float)) else as_array(on, v, kind) for v in (x_min, x_max)))


@primitive
def view(on: Any, x: Array, dtype: str | None = None) -> Array:
    """The same bits read as another dtype; the last axis grows or shrinks as the elements do.

    >>> view(convert_to_tensor([1.0]), "int32").tolist()
    [1065353216]
    """
    x = as_array(on, x)
    if dtype is None:
        return x
    wanted, own = dtypes.standardize(dtype), on.dtype(x)
    old, new = dtypes.numpy_dtype(own).itemsize, dtypes.numpy_dtype(wanted).itemsize
    if old != new and (not x.shape or x.shape[-1] * old % new):
        raise ShapeError(f"The bytes of the last axis must make whole elements, got {tuple(x.shape)} of {own} as {wanted}.")
    return on.view(x, wanted)


@primitive
def view_as_complex(on: Any, x: Array) -> Array:
    """Complex numbers from a last axis of length 2 with real and imaginary part, (..., 2) to (...).

    >>> view_as_complex([[1.0, 2.0]]).tolist()
    [(1+2j)]
    """
    x = as_array(on, x)
    if not x.shape or x.shape[-1] != 2 or not dtypes.is_floating(on.dtype(x)):
        raise ShapeError(f"view_as_complex takes floats with a last axis of length 2, got {on.dtype(x)} of shape {tuple(x.shape)}.")
    first, second = on.split(x, (1,), x.ndim - 1)
    return on.complex(on.reshape(first, tuple(x.shape[:-1])), on.reshape(second, tuple(x.shape[:-1])))


@primitive
def view_as_real(on: Any, x: Array) -> Array:
    """Real and imaginary part of complex numbers along a new last axis, (...) to (..., 2).

    >>> view_as_real([1.0 + 2.0j]).tolist()
    [[1.0, 2.0]]
    """
    x = as_array(on, x)
    if not dtypes.is_complex(on.dtype(x)):
        raise DTypeError(f"view_as_real takes complex numbers, got {on.dtype(x)}.")
    return on.stack([on.real(x), on.imag(x)], x.ndim)


@primitive
def polar(on: Any, abs_: Array, angle: Array) -> Array:
    """Complex numbers of this modulus and angle. `abs * (cos angle + i sin angle)`.

    >>> polar([2.0], [0.0]).tolist()
    [(2+0j)]
    """
    size, angle = alike(on, abs_, angle, least="float32")
    return together(lambda a, b: on.complex(on.multiply(a, on.cos(b)), on.multiply(a, on.sin(b))), size, angle)
