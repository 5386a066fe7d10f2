"""Arithmetic of two arrays that broadcast against each other.

Shapes follow NumPy's broadcasting. The two meet in a dtype by the lattice of `cornu.dtypes`; Python numbers adopt the width of the array beside them.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from cornu import dtypes
from cornu.errors import DTypeError
from cornu.ops.arguments import Array, alike, array, combined, floating, no_booleans, promoted, real_pair, together
from cornu.ops.dispatch import primitive

__all__ = [
    "add", "divide", "divide_no_nan", "floor_divide", "fmax", "fmin", "fmod", "gcd", "heaviside", "lcm", "ldexp", "logaddexp",
    "logaddexp2", "maximum", "minimum", "mod", "multiply", "nextafter", "power", "subtract", "true_divide",
]  # fmt: skip


@primitive
def add(on: Any, x1: Array, x2: Array) -> Array:
    """Sum. `x1 + x2`.

    >>> add([1, 2], 3).tolist()
    [4, 5]
    """
    return combined(on, on.add, x1, x2)


@primitive
def subtract(on: Any, x1: Array, x2: Array) -> Array:
    """Difference; two booleans have none. `x1 - x2`.

    >>> subtract([1, 2], 3).tolist()
    [-2, -1]
    """
    x1, x2 = promoted(on, x1, x2)
    return together(on.subtract, no_booleans(on, x1, "subtract"), no_booleans(on, x2, "subtract"))


@primitive
def multiply(on: Any, x1: Array, x2: Array) -> Array:
    """Product. `x1 * x2`.

    >>> multiply([1, 2], 3).tolist()
    [3, 6]
    """
    return combined(on, on.multiply, x1, x2)


@primitive
def divide(on: Any, x1: Array, x2: Array) -> Array:
    """Quotient, always with a fraction. `x1 / x2`.

    >>> divide([1, 2], 2).tolist()
    [0.5, 1.0]
    """
    return together(on.divide, *promoted(on, x1, x2, least="float*"))


true_divide = divide


@primitive
def divide_no_nan(on: Any, x1: Array, x2: Array) -> Array:
    """Quotient, 0 where the divisor is 0. `x1 / x2`.

    >>> divide_no_nan([1, 2], [2, 0]).tolist()
    [0.5, 0.0]
    """
    x1, x2 = alike(on, x1, x2, least="float*")
    none = on.equal(x2, 0)
    return together(lambda x1, x2: on.where(none, 0, on.divide(x1, x2)), x1, on.where(none, 1, x2))


@primitive
def floor_divide(on: Any, x1: Array, x2: Array) -> Array:
    """Quotient rounded down; of integers an integer, which over 0 is 0. `floor(x1 / x2)`.

    >>> floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    return together(on.floor_divide, *real_pair(on, "floor_divide", x1, x2, least="int*"))


@primitive
def mod(on: Any, x1: Array, x2: Array) -> Array:
    """Remainder of the quotient rounded down; has the sign of `x2`; of integers over 0 it is 0. `x1 - x2 * floor(x1 / x2)`.

    >>> mod([7, -7], 3).tolist()
    [1, 2]
    """
    return together(on.mod, *real_pair(on, "mod", x1, x2, least="int*"))


@primitive
def fmod(on: Any, x1: Array, x2: Array) -> Array:
    """Remainder of the quotient cut towards 0; has the sign of `x1`; of integers over 0 it is 0. `x1 - x2 * trunc(x1 / x2)`.

    >>> fmod([7, -7], 3).tolist()
    [1, -1]
    """
    return together(on.fmod, *real_pair(on, "fmod", x1, x2, least="int*"))


@primitive
def power(on: Any, x1: Array, x2: Array) -> Array:
    """`x1` to the power of `x2`; a negative power of an integer is cut towards 0. `x1 ** x2`.

    >>> power([2, 3], 2).tolist()
    [4, 9]
    """
    x1, x2 = promoted(on, x1, x2, least="int*")
    if type(x2) is int and x2 < 0 and dtypes.is_integer(on.dtype(x1)):
        raise DTypeError(f"Integers have no negative powers, got the power {x2} of {on.dtype(x1)}. Use a float: `ops.power(x, {x2}.0)`.")
    if isinstance(x2, on.ARRAY_TYPES) and on.dtype(x2) in dtypes.SIGNED:
        return together(lambda x1, x2: _whole_power(on, x1, x2), *alike(on, x1, x2))
    return together(on.power, x1, x2)


def _whole_power(on: ModuleType, x1: Array, x2: Array) -> Array:
    """Powers of integers, some of which may be negative: libraries refuse those, or give what happens to come out."""
    inverse = on.where(on.equal(on.absolute(x1), 1), on.power(x1, on.bitwise_and(x2, 1)), 0)
    return on.where(on.less(x2, 0), inverse, on.power(x1, on.maximum(x2, 0)))


@primitive
def maximum(on: Any, x1: Array, x2: Array) -> Array:
    """The larger of the two; NaN where either is. Equal values share the gradient in halves. `max(x1, x2)`.

    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return combined(on, on.maximum, x1, x2, "maximum")


@primitive
def minimum(on: Any, x1: Array, x2: Array) -> Array:
    """The smaller of the two; NaN where either is. Equal values share the gradient in halves. `min(x1, x2)`.

    >>> minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return combined(on, on.minimum, x1, x2, "minimum")


def _but_for_nan(on: ModuleType, choose: Any, x1: Array, x2: Array, op: str) -> Array:
    """The choice of two where both are numbers, else the one that is."""
    x1, x2 = alike(on, *real_pair(on, op, x1, x2))
    return together(lambda x1, x2: on.where(on.isnan(x1), x2, on.where(on.isnan(x2), x1, choose(x1, x2))), x1, x2)


@primitive
def fmax(on: Any, x1: Array, x2: Array) -> Array:
    """The larger of the two, or the one that is a number where the other is NaN. `max(x1, x2)`.

    >>> fmax([1.0, float("nan")], 3.0).tolist()
    [3.0, 3.0]
    """
    return _but_for_nan(on, on.maximum, x1, x2, "fmax")


@primitive
def fmin(on: Any, x1: Array, x2: Array) -> Array:
    """The smaller of the two, or the one that is a number where the other is NaN. `min(x1, x2)`.

    >>> fmin([1.0, float("nan")], 3.0).tolist()
    [1.0, 3.0]
    """
    return _but_for_nan(on, on.minimum, x1, x2, "fmin")


@primitive
def logaddexp(on: Any, x1: Array, x2: Array) -> Array:
    """Logarithm of the sum of two exponentials, without overflow. `ln(e ** x1 + e ** x2)`.

    >>> logaddexp([float("-inf")], [2.0]).tolist()
    [2.0]
    """
    return together(on.logaddexp, *real_pair(on, "logaddexp", x1, x2, least="float*"))


@primitive
def logaddexp2(on: Any, x1: Array, x2: Array) -> Array:
    """Logarithm to base 2 of the sum of two powers of 2, without overflow. `log2(2 ** x1 + 2 ** x2)`.

    >>> logaddexp2([3.0], [3.0]).tolist()
    [4.0]
    """
    return together(on.logaddexp2, *real_pair(on, "logaddexp2", x1, x2, least="float*"))


@primitive
def heaviside(on: Any, x1: Array, x2: Array) -> Array:
    """The step function: 0 below 0, 1 above, and `x2` where `x1` is 0.

    >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1, x2 = alike(on, *real_pair(on, "heaviside", x1, x2, least="float*"))
    step = on.where(on.isnan(x1), x1, on.cast(on.greater(x1, 0), on.dtype(x1)))
    return together(lambda x1, x2: on.where(on.equal(x1, 0), x2, step), x1, x2)


@primitive
def ldexp(on: Any, x1: Array, x2: Array) -> Array:
    """`x1` times a whole power of 2. `x1 * 2 ** x2`.

    >>> ldexp([0.75, 1.0], [2, -1]).tolist()
    [3.0, 0.5]
    """
    x1, x2 = floating(on, x1), array(on, x2)
    if not dtypes.is_integer(on.dtype(x2)):
        raise DTypeError(
            f"The second argument of ops.ldexp must be an integer, got {on.dtype(x2)}. For other powers use `x1 * ops.exp2(x2)`."
        )
    # in two steps, because 2 ** x2 alone may be outside the dtype where the product is not
    half = on.floor_divide(x2, 2)
    first, second = (on.power(on.full((), 2, on.dtype(x1)), on.cast(n, on.dtype(x1))) for n in (half, on.subtract(x2, half)))
    return together(lambda x1, first: on.multiply(on.multiply(x1, first), second), x1, first)


@primitive
def nextafter(on: Any, x1: Array, x2: Array) -> Array:
    """The next number of the dtype after `x1` in the direction of `x2`.

    >>> nextafter([1.0], [1.0]).tolist()
    [1.0]
    """
    return together(on.nextafter, *real_pair(on, "nextafter", x1, x2, least="float*"))


def _whole(on: ModuleType, op: str, x1: Array, x2: Array) -> tuple[Array, Array]:
    x1, x2 = alike(on, x1, x2)
    if not dtypes.is_integer(on.dtype(x1)):
        raise DTypeError(f"ops.{op} takes integers, got {on.dtype(x1)}. Cast first: `ops.cast(x, 'int32')`.")
    return x1, x2


@primitive
def gcd(on: Any, x1: Array, x2: Array) -> Array:
    """Greatest common divisor of integers.

    >>> gcd([12, 7], 18).tolist()
    [6, 1]
    """
    return together(on.gcd, *_whole(on, "gcd", x1, x2))


@primitive
def lcm(on: Any, x1: Array, x2: Array) -> Array:
    """Least common multiple of integers.

    >>> lcm([4, 7], 6).tolist()
    [12, 42]
    """
    return together(on.lcm, *_whole(on, "lcm", x1, x2))
