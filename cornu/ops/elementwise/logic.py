"""Comparisons, truth, and the bits of integers. Shapes broadcast; comparisons and truth give booleans."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from cornu import dtypes
from cornu.errors import DTypeError
from cornu.ops.arguments import Array, alike, array, combined, promoted, together
from cornu.ops.dispatch import primitive

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "equal",
    "greater", "greater_equal", "isclose", "left_shift", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "not_equal", "right_shift",
]  # fmt: skip


@primitive
def equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where the two are equal; NaN equals nothing. `x1 == x2`.

    >>> equal([1, 2], 2).tolist()
    [False, True]
    """
    return combined(on, on.equal, x1, x2)


@primitive
def not_equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where the two differ. `x1 != x2`.

    >>> not_equal([1, 2], 2).tolist()
    [True, False]
    """
    return combined(on, on.not_equal, x1, x2)


@primitive
def less(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is below `x2`. `x1 < x2`.

    >>> less([1, 2], 2).tolist()
    [True, False]
    """
    return combined(on, on.less, x1, x2, "less")


@primitive
def less_equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is not above `x2`. `x1 <= x2`.

    >>> less_equal([1, 3], 2).tolist()
    [True, False]
    """
    return combined(on, on.less_equal, x1, x2, "less_equal")


@primitive
def greater(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is above `x2`. `x1 > x2`.

    >>> greater([1, 3], 2).tolist()
    [False, True]
    """
    return combined(on, on.greater, x1, x2, "greater")


@primitive
def greater_equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is not below `x2`. `x1 >= x2`.

    >>> greater_equal([1, 2], 2).tolist()
    [False, True]
    """
    return combined(on, on.greater_equal, x1, x2, "greater_equal")


@primitive
def isclose(on: Any, x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Where the two are nearly equal; infinities are close to themselves, NaN to NaN if `equal_nan`. `|x1 - x2| <= atol + rtol * |x2|`.

    >>> isclose([1.0, 1.0], [1.000001, 1.1]).tolist()
    [True, False]
    """
    x1, x2 = alike(on, x1, x2, least="float*")
    return together(lambda x1, x2: _close(on, x1, x2, rtol, atol, equal_nan), x1, x2)


def _close(on: ModuleType, x1: Array, x2: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    near = on.less_equal(on.absolute(on.subtract(x1, x2)), on.add(on.multiply(on.absolute(x2), rtol), atol))
    close = on.logical_or(on.equal(x1, x2), on.logical_and(near, on.isfinite(x2)))
    return on.logical_or(close, on.logical_and(on.isnan(x1), on.isnan(x2))) if equal_nan else close


def _booleans(on: ModuleType, *xs: Array) -> tuple[Array, ...]:
    return tuple(array(on, x, "bool") for x in xs)


@primitive
def logical_not(on: Any, x: Array) -> Array:
    """Where `x` is zero or false.

    >>> logical_not([True, False]).tolist()
    [False, True]
    """
    return on.logical_not(array(on, x, "bool"))


@primitive
def logical_and(on: Any, x1: Array, x2: Array) -> Array:
    """Where both are true. `x1 and x2`.

    >>> logical_and([True, False], True).tolist()
    [True, False]
    """
    return together(on.logical_and, *_booleans(on, x1, x2))


@primitive
def logical_or(on: Any, x1: Array, x2: Array) -> Array:
    """Where either is true. `x1 or x2`.

    >>> logical_or([True, False], False).tolist()
    [True, False]
    """
    return together(on.logical_or, *_booleans(on, x1, x2))


@primitive
def logical_xor(on: Any, x1: Array, x2: Array) -> Array:
    """Where exactly one is true. `x1 != x2`.

    >>> logical_xor([True, False], True).tolist()
    [False, True]
    """
    return together(on.logical_xor, *_booleans(on, x1, x2))


def _integers(on: ModuleType, op: str, *xs: Array, least: str = "bool") -> tuple[Array, ...]:
    """The arguments promoted; raises where they are not integers or booleans."""
    xs = promoted(on, *xs, least=least) if len(xs) > 1 else (array(on, xs[0]),)
    for x in xs:
        name = on.dtype(x) if isinstance(x, on.ARRAY_TYPES) else dtypes.standardize(type(x).__name__)
        if not (dtypes.is_integer(name) or name == "bool"):
            raise DTypeError(f"ops.{op} works on the bits of integers and booleans, got {name}. Cast first: `ops.cast(x, 'int32')`.")
    return xs


@primitive
def bitwise_not(on: Any, x: Array) -> Array:
    """All bits flipped; integers and booleans only. `-x - 1` for signed integers.

    >>> bitwise_not([0, 1]).tolist()
    [-1, -2]
    """
    return on.bitwise_not(*_integers(on, "bitwise_not", x))


bitwise_invert = bitwise_not


@primitive
def bitwise_and(on: Any, x: Array, y: Array) -> Array:
    """Bits set in both; integers and booleans only. `x & y`.

    >>> bitwise_and([6, 5], 3).tolist()
    [2, 1]
    """
    return together(on.bitwise_and, *_integers(on, "bitwise_and", x, y))


@primitive
def bitwise_or(on: Any, x: Array, y: Array) -> Array:
    """Bits set in either; integers and booleans only. `x | y`.

    >>> bitwise_or([6, 5], 3).tolist()
    [7, 7]
    """
    return together(on.bitwise_or, *_integers(on, "bitwise_or", x, y))


@primitive
def bitwise_xor(on: Any, x: Array, y: Array) -> Array:
    """Bits set in exactly one; integers and booleans only. `x ^ y`.

    >>> bitwise_xor([6, 5], 3).tolist()
    [5, 6]
    """
    return together(on.bitwise_xor, *_integers(on, "bitwise_xor", x, y))


@primitive
def left_shift(on: Any, x: Array, y: Array) -> Array:
    """Bits moved up by `y` places; integers only, booleans as int32. `x * 2 ** y`.

    >>> left_shift([1, 2], 3).tolist()
    [8, 16]
    """
    return together(on.left_shift, *_integers(on, "left_shift", x, y, least="int*"))


@primitive
def right_shift(on: Any, x: Array, y: Array) -> Array:
    """Bits moved down by `y` places, the sign kept; integers only, booleans as int32. `floor(x / 2 ** y)`.

    >>> right_shift([8, -16], 3).tolist()
    [1, -2]
    """
    return together(on.right_shift, *_integers(on, "right_shift", x, y, least="int*"))


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift
