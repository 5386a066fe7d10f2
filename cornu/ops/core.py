"""Ops about arrays themselves: conversion, dtype, shape, gradients stopped."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import dtypes
from cornu.errors import ArgumentError
from cornu.ops import dispatch
from cornu.ops.arguments import Array, array, meeting, promoted
from cornu.ops.dispatch import primitive

__all__ = ["cast", "clip", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "imag", "is_tensor", "real", "shape", "stop_gradient", "where"]


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


def convert_to_numpy(x: Array) -> np.ndarray:
    """A NumPy array with the values of `x`, from any backend, detached from any graph."""
    return dispatch.interpreter_of(x).to_numpy(getattr(x, "value", x)) if dispatch.is_array(x) else np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array of some backend; a NumPy array is one on the numpy backend only."""
    return dispatch.is_array(x) or (isinstance(x, np.ndarray) and isinstance(x, dispatch.interpreter_of(x).ARRAY_TYPES))


@primitive
def cast(on: Any, x: Array, dtype: str) -> Array:
    """`x` in another dtype; floats are cut towards 0 to become integers.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return array(on, x, dtypes.standardize(dtype))


def dtype(x: Array) -> str:
    """The name of the array's dtype, e.g. `"float32"`."""
    return dtypes.standardize(x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)


def shape(x: Array) -> tuple[int | None, ...]:
    """The array's shape as a tuple; None where a symbolic dimension is unknown."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


@primitive
def copy(on: Any, x: Array) -> Array:
    """The same values in memory of their own."""
    return on.copy(array(on, x))


@primitive
def stop_gradient(on: Any, variable: Array) -> Array:
    """`variable` itself, but nothing flows back through it: its gradient is 0."""
    return on.stop_gradient(array(on, variable))


@primitive
def real(on: Any, x: Array) -> Array:
    """The real part; a real array is its own."""
    x = array(on, x)
    return on.real(x) if dtypes.is_complex(on.dtype(x)) else x


@primitive
def imag(on: Any, x: Array) -> Array:
    """The imaginary part; 0 for a real array."""
    x = array(on, x)
    return on.imag(x) if dtypes.is_complex(on.dtype(x)) else on.multiply(x, 0)


@primitive
def where(on: Any, condition: Array, x1: Array, x2: Array) -> Array:
    """`x1` where the condition holds, else `x2`; all three broadcast.

    The gradient of the side that is not taken is 0, but a NaN made inside that side's own computation still flows back: keep both sides finite.

    >>> where([True, False], [1, 2], 0).tolist()
    [1, 0]
    """
    return on.where(array(on, condition, "bool"), *(array(on, x) for x in promoted(on, x1, x2)))


@primitive
def clip(on: Any, x: Array, x_min: Array, x_max: Array) -> Array:
    """`x` held between two bounds. The gradient is 1 inside and 0 outside.

    >>> clip([-1, 5, 11], 0, 10).tolist()
    [0, 5, 10]
    """
    kind = meeting(on, array(on, x), x_min, x_max)
    return on.clip(array(on, x, kind), *(v if isinstance(v, (int, float)) else array(on, v, kind) for v in (x_min, x_max)))
