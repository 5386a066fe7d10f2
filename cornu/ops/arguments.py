"""What an op does to its arguments before a backend sees them: arrays, dtypes, axes, shapes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from cornu import config, dtypes
from cornu.backends.spec.tensor_spec import broadcast
from cornu.errors import ArgumentError, BackendError, DTypeError, ShapeError

__all__ = [
    "Array", "Axis", "Shape", "alike", "array", "as_axes", "as_axis", "as_shape", "as_tuple", "broadcast", "combined", "concrete", "fitting",
    "floating", "meeting", "no_booleans", "no_complex", "promoted", "real_pair", "strong", "together", "weak", "wide",
]  # fmt: skip

Array = Any
"""An array of any backend, or what can become one: a number, a NumPy array, nested lists of numbers."""
Axis = int | Sequence[int] | None
Shape = Sequence[int]

_WEAK = {bool: "bool", int: "int*", float: "float*", complex: "complex*"}
# What NumPy makes of Python numbers (`np.sqrt(2)`, `np.prod(shape)`) counts as a Python number beside an array.
_NUMPY_WEAK = {np.bool_: "bool", np.int64: "int*", np.float64: "float*", np.complex128: "complex*"}
_ANY_WEAK: dict[type, str] = {**_WEAK, **_NUMPY_WEAK}
_STRONG: dict[str, Callable[[], str]] = {"int*": lambda: "int32", "float*": config.floatx, "complex*": lambda: "complex64"}


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


def wide(on: ModuleType, x: Array) -> Array:
    """`x` in float32 or wider (or complex), for what no library computes in half precision; cast the result back."""
    x = floating(on, x)
    return on.cast(x, "float32") if on.dtype(x) in ("float16", "bfloat16") else x


def weak(on: ModuleType, x: Array) -> str:
    """The dtype of `x` for promotion; Python scalars are weak."""
    kind = _ANY_WEAK.get(type(x))
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
    if all(type(x) in _ANY_WEAK for x in xs):
        dtype = meeting(on, *(array(on, x) if type(x) in _NUMPY_WEAK else x for x in xs), least=least)
        return tuple(array(on, x, dtype) for x in xs)
    xs = tuple(x if type(x) in _WEAK else x.item() if type(x) in _NUMPY_WEAK else array(on, x) for x in xs)
    dtype = meeting(on, *xs, least=least)
    return tuple(fitting(x, dtype) if type(x) in _WEAK else array(on, x, dtype) for x in xs)


def alike(on: ModuleType, *xs: Array, least: str = "bool") -> tuple[Array, ...]:
    """All of `xs` as arrays in the dtype where they meet, Python scalars too."""
    xs = promoted(on, *xs, least=least)
    dtype = next(on.dtype(x) for x in xs if isinstance(x, on.ARRAY_TYPES))
    return tuple(array(on, x, dtype) for x in xs)


def fitting(x: complex, dtype: str) -> complex:
    """The Python number `x`; raises where an integer dtype cannot hold it."""
    if type(x) is int and dtypes.is_integer(dtype):
        low, high = dtypes.limits(dtype)
        if not low <= x <= high:
            raise ArgumentError(
                f"A Python number takes the dtype of the array beside it, got {x} beside {dtype}. Cast the array to a wider one first."
            )
    return x


def together(run: Callable[..., Any], *xs: Array) -> Any:
    """`run(*xs)`; where that fails because the shapes do not broadcast, the error names them."""
    try:
        return run(*xs)
    except (TypeError, ValueError, RuntimeError):
        broadcast(*(tuple(getattr(x, "shape", ())) for x in xs))
        raise


def combined(on: ModuleType, run: Callable[[Any, Any], Any], x1: Array, x2: Array, real: str | None = None) -> Any:
    """`run(x1, x2)` in the dtype where both meet. Two arrays of one dtype, the everyday case, take the short way to it.

    `real` is the name of an op that complex numbers have not.
    """
    kind = type(x1)
    if kind is not type(x2) or kind not in on.ARRAY_TYPES or x1.dtype is not x2.dtype:
        x1, x2 = promoted(on, x1, x2)
    if real is not None:
        no_complex(on, x1 if isinstance(x1, on.ARRAY_TYPES) else x2, real)
    try:
        return run(x1, x2)
    except (TypeError, ValueError, RuntimeError):
        broadcast(*(tuple(getattr(x, "shape", ())) for x in (x1, x2)))
        raise


def concrete(on: ModuleType, x: Array, op: str) -> np.ndarray:
    """The values of `x`, for an op whose result's shape depends on them; raises where there are none yet."""
    try:
        return on.to_numpy(x)
    except Exception as error:
        raise BackendError(
            f"The shape of ops.{op}'s result depends on values, which do not exist while a function is compiled or a graph recorded; got {x}. "
            "Call it outside, or say the length where the op takes one (`size`, `num_segments`)."
        ) from error


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
        raise ShapeError(
            f"A shape is made of whole numbers, got {shape!r}. Values inside an array cannot be a shape: use `ops.shape(x)`."
        ) from None


def as_tuple(value: int | Sequence[int], rank: int, name: str, *, least: int = 1) -> tuple[int, ...]:
    """`rank` whole numbers from one or from `rank` of them, as window sizes and strides are given."""
    values = (value,) * rank if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) != rank or not all(isinstance(v, (int, np.integer)) and v >= least for v in values):
        raise ArgumentError(f"{name} must be one whole number of at least {least}, or {rank} of them, got {value!r}.")
    return tuple(int(v) for v in values)


def no_complex(on: ModuleType, x: Array, op: str) -> Array:
    """`x`; raises where it is complex and the op has no meaning for complex numbers."""
    if dtypes.is_complex(on.dtype(x)):
        raise DTypeError(f"ops.{op} is not defined for complex numbers, got {on.dtype(x)}. Take `ops.real(x)` or `ops.abs(x)` first.")
    return x


def real_pair(on: ModuleType, op: str, x1: Array, x2: Array, least: str = "bool") -> tuple[Array, ...]:
    """Both in the dtype where they meet; raises where that is complex and the op has no meaning for complex numbers."""
    pair = promoted(on, x1, x2, least=least)
    no_complex(on, pair[0] if isinstance(pair[0], on.ARRAY_TYPES) else pair[1], op)
    return pair


def no_booleans(on: ModuleType, x: Array, op: str) -> Array:
    """`x`; raises where it is boolean and the op has no meaning for booleans."""
    if isinstance(x, on.ARRAY_TYPES) and on.dtype(x) == "bool":
        raise DTypeError(f"ops.{op} is not defined for booleans. Cast first, `ops.cast(x, 'int32')`, or use a logical op.")
    return x
